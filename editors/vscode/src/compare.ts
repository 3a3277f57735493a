/** Two places side by side. */

import * as vscode from 'vscode';
import type { Location } from 'vscode-languageclient/node';
import { CELL, cellOf, rangeOf, shown, spotOf } from './open';
import type { Cell } from './protocol';
import { apart } from './wording';

const SCHEME = 'codekin';

/** The lines of a document, as a document of their own that has its language. */
function excerpt(location: vscode.Location): vscode.Uri {
    const { uri, range } = location;
    const last = range.end.character > 0 || range.isEmpty ? range.end.line + 1 : range.end.line;
    const query = JSON.stringify({ uri: uri.toString(), first: range.start.line, last });
    return vscode.Uri.from({ scheme: SCHEME, path: uri.path, query });
}

/** The same, where a cell's file says nothing of its language, told. */
async function excerptOf(location: vscode.Location): Promise<vscode.Uri> {
    const uri = excerpt(location);
    const cell = location.uri.scheme === CELL ? cellOf(location.uri) : undefined;
    if (cell) {
        await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(uri), cell.document.languageId);
    }
    return uri;
}

export async function compare(mine: vscode.Location, theirs: vscode.Location): Promise<void> {
    const [one, other] = apart(shown(mine.uri), shown(theirs.uri));
    const title = `${one}:${mine.range.start.line + 1} ↔ ${other}:${theirs.range.start.line + 1}`;
    await vscode.commands.executeCommand('vscode.diff', await excerptOf(mine), await excerptOf(theirs), title);
}

interface Excerpt {
    uri: string; // the document's
    first: number; // its lines, half-open
    last: number;
}

/** Where an excerpt's text stands: its document, and by how many lines it is further down there. */
export function originOf(uri: vscode.Uri): { uri: string; below: number } {
    if (uri.scheme !== SCHEME) {
        return { uri: uri.toString(), below: 0 };
    }
    const { uri: source, first } = JSON.parse(uri.query) as Excerpt;
    return { uri: source, below: first };
}

const excerpts: vscode.TextDocumentContentProvider = {
    async provideTextDocumentContent(uri) {
        const { uri: source, first, last } = JSON.parse(uri.query) as Excerpt;
        const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(source));
        return document.getText(new vscode.Range(first, 0, last, 0));
    },
};

/** The server's quick fix for a duplicate names both places, whole. */
interface Duplicate {
    mine: Location;
    theirs: Location & { cell?: Cell | null };
}

function located({ uri, range }: Location): vscode.Location {
    return new vscode.Location(vscode.Uri.parse(uri), rangeOf(range));
}

export function registerCompare(): vscode.Disposable {
    return vscode.Disposable.from(
        vscode.workspace.registerTextDocumentContentProvider(SCHEME, excerpts),
        vscode.commands.registerCommand('codekin.compare', async ({ mine, theirs }: Duplicate) => {
            const { uri, whole } = await spotOf({ location: theirs, selectionRange: theirs.range, cell: theirs.cell ?? null });
            await compare(located(mine), new vscode.Location(uri, whole));
        }),
    );
}
