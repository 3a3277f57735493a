/** Hits and places in the editor; those of a notebook in its cells. */

import * as vscode from 'vscode';
import type { Hit } from './protocol';
import type { Span } from './spans';
import { printable } from './wording';

export const CELL = 'vscode-notebook-cell'; // the scheme of cells' documents

/** A hit in a document that VS Code has: the file, or a cell of the notebook that the file is. */
export interface Spot {
    uri: vscode.Uri;
    whole: vscode.Range;
    name: vscode.Range;
    cell?: vscode.NotebookCell;
}

export function rangeOf({ start, end }: Span): vscode.Range {
    return new vscode.Range(start.line, start.character, end.line, end.character);
}

export function uriOf(hit: Pick<Hit, 'location'>): vscode.Uri {
    return vscode.Uri.parse(hit.location.uri);
}

/** Where the hit is; the notebook that it may be in is loaded for that, not shown. */
export async function spotOf(hit: Pick<Hit, 'location' | 'selectionRange' | 'cell'>): Promise<Spot> {
    const cell = hit.cell ? await cellAt(uriOf(hit), hit.cell.index) : undefined;
    return hit.cell && cell
        ? { uri: cell.document.uri, whole: rangeOf(hit.cell.range), name: rangeOf(hit.cell.selectionRange), cell }
        : { uri: uriOf(hit), whole: rangeOf(hit.location.range), name: rangeOf(hit.selectionRange) };
}

async function cellAt(uri: vscode.Uri, index: number): Promise<vscode.NotebookCell | undefined> {
    if (uri.scheme === CELL) {
        return cellOf(uri);
    }
    try {
        return (await vscode.workspace.openNotebookDocument(uri)).getCells()[index];
    } catch {
        return undefined; // no extension that is on reads notebooks
    }
}

/** The cell of an open notebook that has its document there. */
export function cellOf(uri: vscode.Uri): vscode.NotebookCell | undefined {
    const cells = vscode.workspace.notebookDocuments.flatMap((notebook) => notebook.getCells());
    return cells.find((cell) => cell.document.uri.toString() === uri.toString());
}

/** The file as it is shown, and never as it is addressed: seen from the workspace's folder. */
export function shown(uri: vscode.Uri | string): string {
    const given = typeof uri === 'string' ? vscode.Uri.parse(uri) : uri;
    return printable(vscode.workspace.asRelativePath(given.scheme === CELL ? given.with({ scheme: 'file', fragment: '' }) : given));
}

export async function open(hit: Hit, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
    const { uri, name, cell } = await spotOf(hit);
    await (cell ? show(cell, options) : vscode.window.showTextDocument(uri, { selection: name, ...options }));
}

/** Shows a cell in its notebook. */
export async function show(cell: vscode.NotebookCell, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
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
