/** Tests an untrusted workspace of two folders, whose settings name another server and limit the number of hits. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../src/extension';
import { diagnostics, waitFor } from './window';

export function defineFoldersSuite(): void {
    describe('The extension in an untrusted workspace of two folders', () => {
        let api: ExtensionApi;

        before(async () => {
            const extension = vscode.extensions.all.find((candidate) => candidate.packageJSON.name === 'codekin');
            api = (await extension?.activate()) as ExtensionApi;
            diagnostics.describe = () => JSON.stringify([api.server.state, api.server.status]);
            await api.started;
            await waitFor(
                'both folders are indexed',
                () => api.server.status?.state === 'ready' && api.server.status.roots.length === 2,
            );
        });

        it('starts the server in the user’s settings, not the workspace’s', () => {
            assert.equal(vscode.workspace.isTrusted, false);
            assert.equal(api.server.state, 'running');
            assert.doesNotMatch(api.server.location?.program ?? '', /evil/);
        });

        it('finds similar code in the other folder, and shows that folder', async () => {
            const [first] = vscode.workspace.workspaceFolders ?? [];
            const orders = vscode.Uri.joinPath((first as vscode.WorkspaceFolder).uri, 'orders.py');
            await vscode.window.showTextDocument(orders, { selection: new vscode.Range(5, 4, 5, 4) });
            const hit = await waitFor('a hit in the other folder', async () => {
                await vscode.commands.executeCommand('codekin.findSimilar');
                return api.similar.answer?.hits.find((candidate) => candidate.name === 'bill_total');
            });
            assert.match(api.similar.getTreeItem(hit).accessibilityInformation?.label ?? '', /office\/bills\.py:1/);
        });

        it('uses workspace settings that name no program', async () => {
            assert.equal(vscode.workspace.getConfiguration('codekin').get('search.limit'), 1);
            const hits = await waitFor('an answer', () => api.similar.answer?.hits);
            assert.equal(hits.length, 1);
        });

        it('indexes an added folder, and drops a removed one', async () => {
            const [, second] = vscode.workspace.workspaceFolders ?? [];
            const added = vscode.Uri.joinPath((second as vscode.WorkspaceFolder).uri, '../more');
            assert.ok(vscode.workspace.updateWorkspaceFolders(2, 0, { uri: added }));
            await waitFor(
                'three folders',
                () => api.server.status?.state === 'ready' && api.server.status.roots.length === 3,
            );
            assert.ok(vscode.workspace.updateWorkspaceFolders(2, 1));
            await waitFor(
                'two folders',
                () => api.server.status?.state === 'ready' && api.server.status.roots.length === 2,
            );
        });
    });
}
