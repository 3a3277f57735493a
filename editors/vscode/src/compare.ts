/** Compares two pieces of code in a diff editor. */

import * as vscode from 'vscode';
import type { Location } from 'vscode-languageclient/node';
import { shortenPaths } from './format';
import { CELL_SCHEME, findCell, getDisplayPath, locateHit, toRange } from './navigation';
import type { Cell } from './protocol';

const EXCERPT_SCHEME = 'codekin';

/** Lines of a document, as the query of an excerpt's URI. */
interface Excerpt {
    uri: string; // of the document
    first: number; // its lines, half-open
    last: number;
}

/** Return the URI of a virtual document with these lines; its path gives it the document's language. */
function toExcerptUri(location: vscode.Location): vscode.Uri {
    const { uri, range } = location;
    const last = range.end.character > 0 || range.isEmpty ? range.end.line + 1 : range.end.line;
    const query = JSON.stringify({ uri: uri.toString(), first: range.start.line, last } satisfies Excerpt);
    return vscode.Uri.from({ scheme: EXCERPT_SCHEME, path: uri.path, query });
}

/** Open an excerpt. The path of a notebook cell does not tell its language, so that is set. */
async function openExcerpt(location: vscode.Location): Promise<vscode.Uri> {
    const uri = toExcerptUri(location);
    const cell = location.uri.scheme === CELL_SCHEME ? findCell(location.uri) : undefined;
    if (cell) {
        const document = await vscode.workspace.openTextDocument(uri);
        await vscode.languages.setTextDocumentLanguage(document, cell.document.languageId);
    }
    return uri;
}

export async function compareLocations(left: vscode.Location, right: vscode.Location): Promise<void> {
    const [leftPath, rightPath] = shortenPaths(getDisplayPath(left.uri), getDisplayPath(right.uri));
    const title = `${leftPath}:${left.range.start.line + 1} ↔ ${rightPath}:${right.range.start.line + 1}`;
    await vscode.commands.executeCommand('vscode.diff', await openExcerpt(left), await openExcerpt(right), title);
}

/** Return the document that an excerpt shows, and the number of lines above the excerpt. */
export function getOrigin(uri: vscode.Uri): { uri: string; lineOffset: number } {
    if (uri.scheme !== EXCERPT_SCHEME) {
        return { uri: uri.toString(), lineOffset: 0 };
    }
    const { uri: source, first } = JSON.parse(uri.query) as Excerpt;
    return { uri: source, lineOffset: first };
}

const excerptProvider: vscode.TextDocumentContentProvider = {
    async provideTextDocumentContent(uri) {
        const { uri: source, first, last } = JSON.parse(uri.query) as Excerpt;
        const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(source));
        return document.getText(new vscode.Range(first, 0, last, 0));
    },
};

/** The two locations in the server's quick fix for a duplicate. */
interface DuplicatePair {
    mine: Location;
    theirs: Location & { cell?: Cell | null };
}

function toLocation({ uri, range }: Location): vscode.Location {
    return new vscode.Location(vscode.Uri.parse(uri), toRange(range));
}

export function registerCompare(): vscode.Disposable {
    return vscode.Disposable.from(
        vscode.workspace.registerTextDocumentContentProvider(EXCERPT_SCHEME, excerptProvider),
        vscode.commands.registerCommand('codekin.compare', async ({ mine, theirs }: DuplicatePair) => {
            const hit = { location: theirs, selectionRange: theirs.range, cell: theirs.cell ?? null };
            const { uri, range } = await locateHit(hit);
            await compareLocations(toLocation(mine), new vscode.Location(uri, range));
        }),
    );
}
