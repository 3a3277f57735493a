/** A workspace of two folders that is not trusted. Its own settings name another server, and fewer hits. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Api } from '../../src/extension';
import { look, until } from './suite';

export function folders(): void {
    describe('In a workspace of two folders that is not trusted, the extension', () => {
        let api: Api;

        before(async () => {
            const extension = vscode.extensions.all.find((each) => each.packageJSON.name === 'codekin');
            api = (await extension?.activate()) as Api;
            look.at = () => JSON.stringify([api.server.life, api.server.status]);
            await api.started;
            await until('both folders are indexed', () => api.server.status?.state === 'ready' && api.server.status.roots.length === 2);
        });

        it('starts the server that the user has named, not the workspace', () => {
            assert.equal(vscode.workspace.isTrusted, false);
            assert.equal(api.server.life, 'running');
            assert.doesNotMatch(api.server.found?.program ?? '', /evil/);
        });

        it('finds similar code in the other folder, and says in which', async () => {
            const [first] = vscode.workspace.workspaceFolders ?? [];
            const orders = vscode.Uri.joinPath((first as vscode.WorkspaceFolder).uri, 'orders.py');
            await vscode.window.showTextDocument(orders, { selection: new vscode.Range(5, 4, 5, 4) });
            const hit = await until('a hit in the other folder', async () => {
                await vscode.commands.executeCommand('codekin.findSimilar');
                return api.similar.answer?.hits.find((each) => each.name === 'bill_total');
            });
            assert.match(api.similar.getTreeItem(hit).accessibilityInformation?.label ?? '', /office\/bills\.py:1/);
        });

        it('takes settings from the workspace that name no program', async () => {
            assert.equal(vscode.workspace.getConfiguration('codekin').get('search.limit'), 1);
            const hits = await until('an answer', () => api.similar.answer?.hits);
            assert.equal(hits.length, 1);
        });

        it('takes up a folder that is added, and lets go of one that is removed', async () => {
            const [, second] = vscode.workspace.workspaceFolders ?? [];
            const more = vscode.Uri.joinPath((second as vscode.WorkspaceFolder).uri, '../more');
            assert.ok(vscode.workspace.updateWorkspaceFolders(2, 0, { uri: more }));
            await until('three', () => api.server.status?.state === 'ready' && api.server.status.roots.length === 3);
            assert.ok(vscode.workspace.updateWorkspaceFolders(2, 1));
            await until('two', () => api.server.status?.state === 'ready' && api.server.status.roots.length === 2);
        });
    });
}
