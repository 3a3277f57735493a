/** Opens hits in editors; those of a notebook in its cells. */

import * as vscode from 'vscode';
import { escapeInvisible } from './format';
import type { Hit } from './protocol';
import type { Span } from './spanTracking';

export const CELL_SCHEME = 'vscode-notebook-cell';

/** Location of a hit in a document of VS Code: the file, or a cell of the notebook. */
export interface HitLocation {
    uri: vscode.Uri;
    range: vscode.Range; // the whole code
    nameRange: vscode.Range;
    cell?: vscode.NotebookCell;
}

export function toRange({ start, end }: Span): vscode.Range {
    return new vscode.Range(start.line, start.character, end.line, end.character);
}

export function getUri(hit: Pick<Hit, 'location'>): vscode.Uri {
    return vscode.Uri.parse(hit.location.uri);
}

/** Locate a hit. A notebook is loaded for that, but not shown. */
export async function locateHit(hit: Pick<Hit, 'location' | 'selectionRange' | 'cell'>): Promise<HitLocation> {
    const cell = hit.cell ? await loadCell(getUri(hit), hit.cell.index) : undefined;
    if (hit.cell && cell) {
        const { range, selectionRange } = hit.cell;
        return { uri: cell.document.uri, range: toRange(range), nameRange: toRange(selectionRange), cell };
    }
    return { uri: getUri(hit), range: toRange(hit.location.range), nameRange: toRange(hit.selectionRange) };
}

async function loadCell(uri: vscode.Uri, index: number): Promise<vscode.NotebookCell | undefined> {
    if (uri.scheme === CELL_SCHEME) {
        return findCell(uri);
    }
    try {
        return (await vscode.workspace.openNotebookDocument(uri)).getCells()[index];
    } catch {
        return undefined; // no active extension opens notebooks
    }
}

/** Return the cell of an open notebook that has this document. */
export function findCell(uri: vscode.Uri): vscode.NotebookCell | undefined {
    const cells = vscode.workspace.notebookDocuments.flatMap((notebook) => notebook.getCells());
    return cells.find((cell) => cell.document.uri.toString() === uri.toString());
}

/** Return the path to display: relative to the workspace folder, with invisible characters escaped. */
export function getDisplayPath(uri: vscode.Uri | string): string {
    const parsed = typeof uri === 'string' ? vscode.Uri.parse(uri) : uri;
    const file = parsed.scheme === CELL_SCHEME ? parsed.with({ scheme: 'file', fragment: '' }) : parsed;
    return escapeInvisible(vscode.workspace.asRelativePath(file));
}

/** Marks the shown code until the next code is shown or the cursor moves. The cursor is not used for that: a selection
 * would be replaced by the next key stroke. */
const highlight = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.rangeHighlightBackground'),
    borderColor: new vscode.ThemeColor('contrastActiveBorder'), // themes of high contrast have no background for it
    borderStyle: 'solid',
    borderWidth: '0 0 0 3px',
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.rangeHighlightForeground'),
});
let clearHighlight: vscode.Disposable | undefined;

/** Return whether a hit of the team's index is not on this disk: it is a forge's page, or nowhere to be seen. */
export function isElsewhere(hit: Pick<Hit, 'location'>): boolean {
    return ['https', 'codekin-team'].includes(getUri(hit).scheme);
}

/** Show a hit and highlight it, without selecting its text; a forge's page opens in the browser, unless it is only looked at. */
export async function openHit(hit: Hit, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
    if (isElsewhere(hit)) {
        if (!options.preview && getUri(hit).scheme === 'https') {
            await vscode.env.openExternal(getUri(hit));
        }
        return;
    }
    const { uri, range, nameRange, cell } = await locateHit(hit);
    if (cell) {
        await showCell(cell, options);
    } else {
        await showRange(uri, range, nameRange.start, options);
    }
}

/** Show a hit while the focus, and with it the keys, stays where it is. */
export function previewHit(hit: Hit): Promise<void> {
    return openHit(hit, { preserveFocus: true, preview: true });
}

/** Show and highlight a range, with the cursor at a position. */
export async function showRange(
    uri: vscode.Uri,
    range: vscode.Range,
    cursor: vscode.Position,
    options: vscode.TextDocumentShowOptions,
): Promise<void> {
    const selection = new vscode.Range(cursor, cursor);
    const editor = await vscode.window.showTextDocument(uri, { ...options, selection });
    clearHighlight?.dispose();
    editor.setDecorations(highlight, [range]);
    const listener = vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
        if (textEditor === editor && kind !== undefined) {
            clearHighlight?.dispose();
        }
    });
    clearHighlight = vscode.Disposable.from(listener, { dispose: () => editor.setDecorations(highlight, []) });
}

/** Show a cell in its notebook. */
export async function showCell(cell: vscode.NotebookCell, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
    const cells = new vscode.NotebookRange(cell.index, cell.index + 1);
    const { viewColumn, preserveFocus, preview } = options;
    const editor = await vscode.window.showNotebookDocument(cell.notebook, {
        selections: [cells],
        ...(viewColumn !== undefined && { viewColumn }),
        ...(preserveFocus !== undefined && { preserveFocus }),
        ...(preview !== undefined && { preview }),
    });
    editor.revealRange(cells, vscode.NotebookEditorRevealType.InCenterIfOutsideViewport);
}
