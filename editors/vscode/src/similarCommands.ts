/** Commands that find similar code, and those of the Similar Code view. */

import * as vscode from 'vscode';
import { getOriginUri } from './compare';
import { formatAnswerNote, formatLocation } from './format';
import { getUri, isElsewhere, locateHit, openHit, previewHit } from './navigation';
import { type Answer, FIND_SIMILAR, type Hit, type SimilarQuery } from './protocol';
import type { Server } from './server';
import { showError } from './serverSetup';
import { NOTHING_SIMILAR, type SimilarView } from './similar';
import { registerScores } from './treeItems';

const DOUBLE_CLICK_MS = 500;

/** Return the query for a selection, also in a diff editor: the function at the cursor, or several lines. */
export function createQuery(document: vscode.TextDocument, selection: vscode.Selection): SimilarQuery {
    const textDocument = { uri: getOriginUri(document.uri) };
    const { start, end } = selection;
    return selection.isSingleLine ? { textDocument, position: start } : { textDocument, range: { start, end } };
}

/** Return the query in a command's argument, as code actions and lenses pass it, or that of the active editor. */
function parseQuery(argument: unknown): SimilarQuery | undefined {
    if (argument && typeof argument === 'object' && 'textDocument' in argument) {
        const { textDocument, position, range } = argument as SimilarQuery;
        const isOneLine = range && range.start.line === range.end.line;
        return { textDocument, ...(position ? { position } : isOneLine ? { position: range.start } : { range }) };
    }
    const editor = vscode.window.activeTextEditor;
    return editor && createQuery(editor.document, editor.selection);
}

export function registerSimilarCommands(similar: SimilarView, server: Server): vscode.Disposable {
    const viewCommands: Record<string, (argument?: unknown) => unknown> = {
        'codekin.findSimilar': async (argument) => {
            const query = parseQuery(argument);
            if (query) {
                return similar.findSimilar(query);
            }
            await showNoQuery();
            return undefined;
        },
        'codekin.peekSimilar': async (argument) => peekSimilar(server, parseQuery(argument)),
        'codekin.similar.refresh': () => similar.refresh(),
        'codekin.similar.showSource': () => similar.showSource(),
        'codekin.similar.groupByFile': () => setGrouping('file'),
        'codekin.similar.groupByKinship': () => setGrouping('kinship'),
    };
    const hitCommands: Record<string, (hit: Hit) => unknown> = {
        'codekin.preview': (hit) => previewOrOpen(hit, similar.getKey(hit)),
        'codekin.open': (hit) => openHit(hit, { preview: false }),
        'codekin.openToSide': (hit) => openHit(hit, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }),
        'codekin.diff': (hit) => similar.compareWith(hit),
        'codekin.copyPath': (hit) => vscode.env.clipboard.writeText(formatLocation(hit, getUri(hit).fsPath)),
        'codekin.dismiss': (hit) => similar.dismiss(hit),
    };
    // A key binding passes no argument to a command of a tree.
    const withTarget = (run: (hit: Hit) => unknown) => async (hit?: Hit) => {
        const target = hit ?? (await similar.getTarget());
        return target && run(target);
    };
    return vscode.Disposable.from(
        registerScores(),
        ...Object.entries(viewCommands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
        ...Object.entries(hitCommands).map(([name, run]) => vscode.commands.registerCommand(name, withTarget(run))),
    );
}

let lastPreview = { key: '', time: 0 };

/** Show a hit. The focus stays in the list, unless the same hit was shown just before: that is a double click. */
async function previewOrOpen(hit: Hit, key: string): Promise<void> {
    const preview = { key, time: Date.now() };
    const isDoubleClick = preview.key === lastPreview.key && preview.time - lastPreview.time < DOUBLE_CLICK_MS;
    lastPreview = preview;
    await (isDoubleClick || isElsewhere(hit) ? openHit(hit, { preview: false }) : previewHit(hit));
}

async function setGrouping(grouping: 'file' | 'kinship'): Promise<void> {
    const target = vscode.ConfigurationTarget.Global;
    await vscode.workspace.getConfiguration('codekin').update('similar.groupBy', grouping, target);
}

async function showNoQuery(): Promise<void> {
    const message = vscode.l10n.t('Open a file and place the cursor in a function first.');
    const goToFile = vscode.l10n.t('Go to File…');
    if (await vscode.window.showInformationMessage(message, goToFile)) {
        await vscode.commands.executeCommand('workbench.action.quickOpen');
    }
}

async function peekSimilar(server: Server, query: SimilarQuery | undefined): Promise<Answer | undefined> {
    if (!query) {
        await showNoQuery();
        return undefined;
    }
    const answer = await server.request<Answer>(FIND_SIMILAR, query).catch((error: Error) => error);
    if (answer instanceof Error) {
        void showError(server, answer);
        return undefined;
    }
    const start = query.position ?? query.range?.start ?? { line: 0, character: 0 };
    const uri = vscode.Uri.parse(query.textDocument.uri);
    const position = new vscode.Position(start.line, start.character);
    const note = formatAnswerNote(answer.hits.length, answer.coverage, NOTHING_SIMILAR);
    const hitLocations = await Promise.all(answer.hits.filter((hit) => !isElsewhere(hit)).map(locateHit));
    const locations = hitLocations.map((location) => new vscode.Location(location.uri, location.nameRange));
    await vscode.commands.executeCommand('editor.action.peekLocations', uri, position, locations, 'peek', note);
    return answer;
}
