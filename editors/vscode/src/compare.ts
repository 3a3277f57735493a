/**
 * Compares two pieces of code in a diff editor. The right side is the live document, which can be edited. The left side is
 * a virtual document: the right document's text, with the other code in place of the right code. So only that code
 * differs. Lines before it are added or removed until it has the line numbers of its own document.
 */

import * as vscode from 'vscode';
import type { Location } from 'vscode-languageclient/node';
import { replaceLines, shortenPaths } from './format';
import { CELL_SCHEME, findCell, getDisplayPath, locateHit, toRange } from './navigation';
import type { Cell } from './protocol';

const VIRTUAL_SCHEME = 'codekin';

/** Code to compare; '' if it has no name. */
export interface ComparedCode {
    location: vscode.Location;
    name: string;
}

interface Lines {
    uri: string;
    first: number; // half-open
    last: number;
}

/** What a virtual document shows, as the query of its URI. Without `frame`: the whole document of `code`. */
interface VirtualDocument {
    code: Lines;
    frame?: Lines; // the lines of another document that the code replaces
}

function toLines({ uri, range }: vscode.Location): Lines {
    const last = range.end.character > 0 || range.isEmpty ? range.end.line + 1 : range.end.line;
    return { uri: uri.toString(), first: range.start.line, last };
}

/** Open a virtual document. Its path tells its language, except that of a notebook cell. */
async function openVirtualDocument(uri: vscode.Uri, virtual: VirtualDocument): Promise<vscode.Uri> {
    const query = JSON.stringify(virtual);
    const virtualUri = vscode.Uri.from({ scheme: VIRTUAL_SCHEME, path: uri.path, query });
    const cell = uri.scheme === CELL_SCHEME ? findCell(uri) : undefined;
    if (cell) {
        const document = await vscode.workspace.openTextDocument(virtualUri);
        await vscode.languages.setTextDocumentLanguage(document, cell.document.languageId);
    }
    return virtualUri;
}

/** Open a diff editor with the code on the left and the live document on the right. */
export async function compareCode(left: ComparedCode, right: ComparedCode, preserveFocus: boolean): Promise<void> {
    const [leftUri, rightUri] = [left.location.uri, right.location.uri];
    const frame = toLines(right.location);
    const original = await openVirtualDocument(leftUri, { code: toLines(left.location), frame });
    // A cell cannot be edited outside its notebook.
    const isCell = rightUri.scheme === CELL_SCHEME;
    const modified = isCell ? await openVirtualDocument(rightUri, { code: frame }) : rightUri;
    const { start } = right.location.range;
    const options: vscode.TextDocumentShowOptions = { preserveFocus, selection: new vscode.Range(start, start) };
    await vscode.commands.executeCommand('vscode.diff', original, modified, formatTitle(left, right), options);
}

/** Format the title: "total_price (orders.py:4) ↔ invoice_total (invoices.py:4)". */
function formatTitle(left: ComparedCode, right: ComparedCode): string {
    const paths = shortenPaths(getDisplayPath(left.location.uri), getDisplayPath(right.location.uri));
    const titles = [left, right].map(({ location, name }, side) => {
        const reference = `${paths[side]}:${location.range.start.line + 1}`;
        return name ? `${name} (${reference})` : reference;
    });
    return titles.join(' ↔ ');
}

/** Return the URI of the document whose code a diff editor shows; line numbers are the same. */
export function getOriginUri(uri: vscode.Uri): string {
    return uri.scheme === VIRTUAL_SCHEME ? (JSON.parse(uri.query) as VirtualDocument).code.uri : uri.toString();
}

const virtualDocumentProvider: vscode.TextDocumentContentProvider = {
    async provideTextDocumentContent(uri) {
        const { code, frame } = JSON.parse(uri.query) as VirtualDocument;
        const codeLines = await readLines(code.uri);
        if (!frame) {
            return codeLines.join('\n');
        }
        return replaceLines(codeLines, code, await readLines(frame.uri), frame).join('\n');
    },
};

async function readLines(uri: string): Promise<string[]> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
    return document.getText().split(/\r\n|\r|\n/);
}

/** The two locations in the server's quick fix for a duplicate. */
interface DuplicatePair {
    mine: Location;
    theirs: Location & { cell?: Cell | null };
}

export function registerCompare(): vscode.Disposable {
    return vscode.Disposable.from(
        vscode.workspace.registerTextDocumentContentProvider(VIRTUAL_SCHEME, virtualDocumentProvider),
        vscode.commands.registerCommand('codekin.compare', async ({ mine, theirs }: DuplicatePair) => {
            const hit = { location: theirs, selectionRange: theirs.range, cell: theirs.cell ?? null };
            const { uri, range } = await locateHit(hit);
            const left = new vscode.Location(vscode.Uri.parse(mine.uri), toRange(mine.range));
            const right = new vscode.Location(uri, range);
            await compareCode({ location: left, name: '' }, { location: right, name: '' }, false);
        }),
    );
}
