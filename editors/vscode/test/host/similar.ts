/** Tests the search for similar code, its view and its comparisons. */

import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Hit } from '../../src/protocol';
import { createQuery } from '../../src/similarCommands';
import { api, findSimilarHit, listShownHits, openAt, root, waitFor } from './window';

export function defineSimilarTests(): void {
    it('finds functions similar to the one at the cursor, grouped by kinship', async () => {
        await openAt('shop/orders.py', 5);
        const hit = await findSimilarHit('invoice_total');
        assert.ok(['identical', 'renamed'].includes(hit.kinship ?? ''), String(hit.kinship));
        const [source, group] = api.similar.getChildren();
        assert.equal(api.similar.getTreeItem(source as never).label, 'Similar to total_price (orders.py:4)');
        assert.equal(api.similar.getTreeItem(group as never).label, hit.kinship);
        const { tooltip } = await api.similar.resolveTreeItem(api.similar.getTreeItem(hit), hit);
        assert.match((tooltip as vscode.MarkdownString).value, /def invoice_total[\s\S]*return total/);
    });

    it('groups by file when the setting changes, without a restart', async () => {
        const configuration = vscode.workspace.getConfiguration('codekin');
        await configuration.update('similar.groupBy', 'file', vscode.ConfigurationTarget.Global);
        await waitFor('a group for each file', () =>
            api.similar
                .getChildren()
                .slice(1)
                .every((group) => 'key' in group && group.key.startsWith('file:')),
        );
        await configuration.update('similar.groupBy', undefined, vscode.ConfigurationTarget.Global);
    });

    it('dismisses a hit', async () => {
        await openAt('shop/orders.py', 5);
        const hit = await findSimilarHit('invoice_total');
        await vscode.commands.executeCommand('codekin.dismiss', hit);
        assert.ok(!listShownHits().some((hit) => hit.name === 'invoice_total'));
    });

    it('compares and opens a hit and copies its path, also after surrogate pairs', async () => {
        await openAt('shop/orders.py', 5);
        const hit = await findSimilarHit('invoice_total');
        await vscode.commands.executeCommand('codekin.diff', hit);
        const tab = await waitFor('a comparison', () => {
            const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
            return input instanceof vscode.TabInputTextDiff && input;
        });
        const left = await vscode.workspace.openTextDocument(tab.original);
        const right = await vscode.workspace.openTextDocument(tab.modified);
        assert.equal(right.uri.toString(), hit.location.uri, 'the live document, which can be edited');
        assert.match(left.lineAt(3).text, /^def total_price/, 'with its own line number');
        assert.equal(left.lineAt(0).text, right.lineAt(0).text);
        assert.equal(
            vscode.window.tabGroups.activeTabGroup.activeTab?.label,
            'total_price (orders.py:4) ↔ invoice_total (invoices.py:4)',
        );
        await vscode.commands.executeCommand('codekin.copyPath', hit);
        const copied = path.join(root.fsPath, 'shop', 'invoices.py:4');
        const hitStart = new vscode.Position(hit.selectionRange.start.line, hit.selectionRange.start.character);
        await waitFor('the path in the clipboard', async () => (await vscode.env.clipboard.readText()) === copied);
        await vscode.commands.executeCommand('codekin.open', hit);
        const editor = await waitFor(
            'the file',
            () =>
                vscode.window.activeTextEditor?.document.fileName.endsWith('invoices.py') &&
                vscode.window.activeTextEditor,
        );
        assert.ok(editor.selection.isEmpty, 'no text is selected, which a key would replace');
        assert.deepEqual(editor.selection.active, hitStart);
        await vscode.commands.executeCommand('codekin.similar.showSource');
        await waitFor('the source', () => vscode.window.activeTextEditor?.document.fileName.endsWith('orders.py'));
        await vscode.commands.executeCommand('codekin.openToSide', hit);
        await waitFor('two columns', () => vscode.window.tabGroups.all.length === 2);
        await vscode.commands.executeCommand('workbench.action.closeEditorsInOtherGroups');
    });

    it('finds similar code for the document from a diff editor', async () => {
        const { document } = await openAt('shop/orders.py', 5);
        const hit = await findSimilarHit('invoice_total');
        await vscode.commands.executeCommand('codekin.diff', hit);
        const left = await waitFor('the left side', () =>
            vscode.window.visibleTextEditors.find((editor) => editor.document.uri.scheme === 'codekin'),
        );
        const query = createQuery(left.document, new vscode.Selection(4, 0, 4, 0));
        assert.deepEqual(query.position, new vscode.Position(4, 0));
        assert.equal(query.textDocument.uri, document.uri.toString());
    });

    it('searches unsaved text, and follows the source function when lines are inserted above it', async () => {
        const editor = await openAt('shop/orders.py', 5);
        await findSimilarHit('invoice_total');
        const other = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(root, 'web/cookies.py'));
        const copy = editor.document.getText(new vscode.Range(3, 0, 12, 0)).replace('total_price', '价格_total');
        const change = new vscode.WorkspaceEdit();
        change.insert(other.uri, new vscode.Position(0, 0), `# 😋\n${copy}\n`);
        change.insert(editor.document.uri, new vscode.Position(0, 0), '# 😋 above\n\n');
        assert.ok(await vscode.workspace.applyEdit(change));
        const hit = await waitFor('the hit in the copy', () =>
            listShownHits().find((hit) => hit.name === '价格_total'),
        );
        assert.equal(
            other.getText(
                new vscode.Range(
                    hit.selectionRange.start.line,
                    hit.selectionRange.start.character,
                    hit.selectionRange.end.line,
                    hit.selectionRange.end.character,
                ),
            ),
            '价格_total',
        );
        assert.equal(api.similar.answer?.asked?.range.start.line, 5);
        assert.ok(other.isDirty);
        await vscode.workspace.saveAll();
    });

    it('moves the focus to the next hit, and keeps it there when an answer comes meanwhile', async () => {
        await openAt('shop/orders.py', 7);
        await findSimilarHit('价格_total'); // of the test before
        const [hit, next] = listShownHits();
        assert.ok(hit && next, 'there are two hits');
        const isNextSelected = () => {
            const [selected] = api.similar.view.selection;
            return selected && 'location' in selected && selected.location.uri === next.location.uri;
        };
        await Promise.all([vscode.commands.executeCommand('codekin.dismiss', hit), api.similar.refresh()]);
        await waitFor('the next hit to be selected', isNextSelected);
        await api.similar.refresh();
        assert.ok(isNextSelected(), 'after another answer');
        assert.equal((await api.similar.getTarget())?.qualifiedName, next.qualifiedName);
        const ids = listShownHits().map((shown) => api.similar.getTreeItem(shown).id);
        assert.equal(new Set(ids).size, ids.length);
    });

    it('peeks at similar code', async () => {
        await openAt('shop/orders.py', 8);
        const answer = await waitFor('an answer to peek at', () =>
            vscode.commands.executeCommand<{ hits: Hit[] } | undefined>('codekin.peekSimilar'),
        );
        assert.ok(answer.hits.length);
        await vscode.commands.executeCommand('closeReferenceSearch');
    });
}
