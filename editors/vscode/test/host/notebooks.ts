/** Tests hits in cells of notebooks. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { findSimilarHit, openAt, root, waitFor } from './window';

export function defineNotebooksTests(): void {
    it('opens a hit in its notebook cell, and finds code similar to a cell', async () => {
        const sums = new vscode.NotebookData([
            new vscode.NotebookCellData(vscode.NotebookCellKind.Markup, '# Sums', 'markdown'),
            new vscode.NotebookCellData(vscode.NotebookCellKind.Code, '%matplotlib inline', 'python'),
            new vscode.NotebookCellData(
                vscode.NotebookCellKind.Code,
                `\n${(await openAt('shop/orders.py', 5)).document.getText(new vscode.Range(5, 0, 14, 0)).replace('total_price', 'sum_of_all')}`,
                'python',
            ),
        ]);
        const file = vscode.Uri.joinPath(root, 'sums.ipynb');
        const saved = sums.cells.map(({ kind, value }) => ({
            cell_type: kind === vscode.NotebookCellKind.Code ? 'code' : 'markdown',
            metadata: {},
            source: value,
            outputs: [],
        }));
        await vscode.workspace.fs.writeFile(
            file,
            Buffer.from(JSON.stringify({ cells: saved, metadata: {}, nbformat: 4, nbformat_minor: 4 })),
        );
        const closed = await findSimilarHit('sum_of_all');
        assert.equal(closed.location.uri, file.toString());
        await vscode.commands.executeCommand('codekin.open', closed);
        const shown = await waitFor('the notebook', () => vscode.window.activeNotebookEditor);
        assert.equal(shown.notebook.uri.toString(), file.toString());
        assert.deepEqual(
            shown.selections.map(({ start, end }) => [start, end]),
            [[2, 3]],
        );

        const { document } = shown.notebook.cellAt(2);
        const change = new vscode.WorkspaceEdit();
        change.replace(document.uri, new vscode.Range(1, 4, 1, 14), 'sum_of_nothing');
        assert.ok(await vscode.workspace.applyEdit(change));
        await openAt('shop/orders.py', 5);
        const open = await waitFor('the cell', async () => {
            const hit = await findSimilarHit('sum_of_nothing');
            return hit.location.uri === document.uri.toString() && hit;
        });
        assert.equal(open.selectionRange.start.line, 1);
        await vscode.commands.executeCommand('codekin.diff', open);
        await waitFor('a comparison', () =>
            vscode.window.visibleTextEditors.some(
                (editor) =>
                    editor.document.uri.scheme === 'codekin' && editor.document.getText().includes('sum_of_nothing'),
            ),
        );
        const answer = await vscode.commands.executeCommand<{ asked: { uri: string } }>('codekin.findSimilar', {
            textDocument: { uri: document.uri.toString() },
            position: { line: 3, character: 0 },
        });
        assert.equal(answer.asked.uri, document.uri.toString());
        await vscode.window.showNotebookDocument(shown.notebook);
        await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
        await vscode.workspace.fs.delete(file);
    });
}
