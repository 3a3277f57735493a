/** Tests the search by meaning. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { api, root, waitFor } from './window';

export function defineSearchTests(): void {
    it('searches by meaning while the user types', async () => {
        await vscode.commands.executeCommand('codekin.search', 'hand the parcel to the carrier');
        const [first] = await waitFor('answers', () => api.search.items.some((item) => item.hit) && api.search.items);
        assert.match(first?.label ?? '', /ship_order/);
        assert.ok(api.search.items.every((item) => item.alwaysShow));
        api.search.hide();
        api.search.show('price of all items', { language: 'python', folder: vscode.Uri.joinPath(root, 'web') });
        await waitFor(
            'no hit in another folder',
            () =>
                api.search.items.length > 0 &&
                api.search.items.every((item) => !item.hit || item.hit.location.uri.includes('/web/')),
        );
        api.search.hide();
    });

    it('answers questions among the workspace’s symbols', async () => {
        const found = await waitFor('symbols', () =>
            vscode.commands.executeCommand<vscode.SymbolInformation[]>(
                'vscode.executeWorkspaceSymbolProvider',
                'cookies that a browser sent',
            ),
        );
        assert.ok(found.some((symbol) => symbol.name === 'parsed_header'));
    });
}
