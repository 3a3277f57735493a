/** Two places side by side. */

import * as vscode from 'vscode';
import type { Location } from 'vscode-languageclient/node';
import { rangeOf, shown } from './open';
import { apart } from './wording';

const SCHEME = 'codekin';

/** The lines of a document, as a document of their own that has its language. */
function excerpt(location: vscode.Location): vscode.Uri {
    const { uri, range } = location;
    const last = range.end.character > 0 || range.isEmpty ? range.end.line + 1 : range.end.line;
    const query = JSON.stringify({ uri: uri.toString(), first: range.start.line, last });
    return vscode.Uri.from({ scheme: SCHEME, path: uri.path, query });
}

export async function compare(mine: vscode.Location, theirs: vscode.Location): Promise<void> {
    const [one, other] = apart(shown(mine.uri), shown(theirs.uri));
    const title = `${one}:${mine.range.start.line + 1} ↔ ${other}:${theirs.range.start.line + 1}`;
    await vscode.commands.executeCommand('vscode.diff', excerpt(mine), excerpt(theirs), title);
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
    theirs: Location;
}

function located({ uri, range }: Location): vscode.Location {
    return new vscode.Location(vscode.Uri.parse(uri), rangeOf(range));
}

export function registerCompare(): vscode.Disposable {
    return vscode.Disposable.from(
        vscode.workspace.registerTextDocumentContentProvider(SCHEME, excerpts),
        vscode.commands.registerCommand('codekin.compare', ({ mine, theirs }: Duplicate) =>
            compare(located(mine), located(theirs)),
        ),
    );
}
