/** Two places side by side, and "Compare" on a diagnostic for duplicated code. */

import * as vscode from 'vscode';
import { shown } from './open';

const SCHEME = 'codekin';

/** The lines of a document, as a document of their own that has its language. */
function excerpt(location: vscode.Location): vscode.Uri {
    const { uri, range } = location;
    const last = range.end.character > 0 || range.isEmpty ? range.end.line + 1 : range.end.line;
    const query = JSON.stringify({ uri: uri.toString(), first: range.start.line, last });
    return vscode.Uri.from({ scheme: SCHEME, path: uri.path, query });
}

export async function compare(mine: vscode.Location, theirs: vscode.Location): Promise<void> {
    const title = `${place(mine)} ↔ ${place(theirs)}`;
    await vscode.commands.executeCommand('vscode.diff', excerpt(mine), excerpt(theirs), title);
}

function place({ uri, range }: vscode.Location): string {
    return `${shown(uri)}:${range.start.line + 1}`;
}

const excerpts: vscode.TextDocumentContentProvider = {
    async provideTextDocumentContent(uri) {
        const { uri: source, first, last } = JSON.parse(uri.query) as { uri: string; first: number; last: number };
        const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(source));
        return document.getText(new vscode.Range(first, 0, last, 0));
    },
};

/** The whole function at the place, where the language's own server knows it; else the place itself. */
async function whole(location: vscode.Location): Promise<vscode.Location> {
    const found = await vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
        'vscode.executeDocumentSymbolProvider',
        location.uri,
    );
    const around = innermost(found ?? [], location.range.start);
    return new vscode.Location(location.uri, around ?? location.range);
}

function innermost(symbols: object[], at: vscode.Position): vscode.Range | undefined {
    for (const symbol of symbols) {
        if ('children' in symbol && symbol instanceof vscode.DocumentSymbol && symbol.range.contains(at)) {
            return innermost(symbol.children, at) ?? symbol.range;
        }
    }
    return undefined;
}

/** A duplicate's quick fix: see both. */
const duplicates: vscode.CodeActionProvider = {
    provideCodeActions(document, _range, { diagnostics }) {
        return diagnostics
            .filter((each) => each.source === 'codekin' && each.code === 'duplicate')
            .flatMap((diagnostic) =>
                (diagnostic.relatedInformation ?? []).slice(0, 3).map(({ location }) => {
                    const action = new vscode.CodeAction(`Compare with ${place(location)}`, vscode.CodeActionKind.QuickFix);
                    const mine = new vscode.Location(document.uri, diagnostic.range);
                    action.diagnostics = [diagnostic];
                    action.command = { command: 'codekin.compare', title: action.title, arguments: [mine, location] };
                    return action;
                }),
            );
    },
};

export function registerCompare(): vscode.Disposable {
    const kinds = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
    return vscode.Disposable.from(
        vscode.workspace.registerTextDocumentContentProvider(SCHEME, excerpts),
        vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, duplicates, kinds),
        vscode.commands.registerCommand('codekin.compare', async (mine: vscode.Location, theirs: vscode.Location) =>
            compare(await whole(mine), theirs),
        ),
    );
}
