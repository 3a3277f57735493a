/** Tests code lenses and the list of duplicates, which settings turn on. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { api, openAt, root, waitFor } from './window';

export function defineDuplicatesTests(): void {
    it('applies settings while it runs: code lenses and duplicates, which can be compared', async () => {
        const process = api.server.location?.program;
        const { document } = await openAt('shop/invoices.py', 4);
        const configuration = vscode.workspace.getConfiguration('codekin');
        await configuration.update('lens.enabled', true, vscode.ConfigurationTarget.Global);
        await configuration.update('duplicates.enabled', true, vscode.ConfigurationTarget.Global);
        await waitFor('a lens', async () => {
            const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
                'vscode.executeCodeLensProvider',
                document.uri,
                10,
            );
            return lenses.some((lens) => / similar$/.test(lens.command?.title ?? ''));
        });
        const { document: others } = await vscode.window.showTextDocument(vscode.Uri.joinPath(root, 'shop/orders.py'));
        const shown = await waitFor('lenses', async () => {
            const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
                'vscode.executeCodeLensProvider',
                others.uri,
                10,
            );
            return lenses.length > 0 && lenses;
        });
        assert.equal(shown.length, 1, 'no lens above a function without similar ones');
        await vscode.window.showTextDocument(document, { preview: false }); // VS Code requests diagnostics only for visible documents
        const findDiagnostic = (): vscode.Diagnostic | undefined =>
            // the copy in cookies.py is another pair
            vscode.languages
                .getDiagnostics(document.uri)
                .find(({ source, message }) => source === 'codekin' && message.includes('shop/orders.py'));
        const diagnostic = await waitFor('a diagnostic', findDiagnostic);
        const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
            'vscode.executeCodeActionProvider',
            document.uri,
            diagnostic.range,
            'quickfix',
        );
        const titles = actions.map((action) => action.title);
        const compareAction = actions.find((action) => /^Compare with shop\/orders\.py/.test(action.title));
        assert.ok(compareAction?.command, titles.join());
        await vscode.commands.executeCommand(compareAction.command.command, ...(compareAction.command.arguments ?? []));
        await waitFor(
            'a comparison',
            () => vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff,
        );
        const ignoreAction = actions.find((action) => /^Ignore this pair: shop\/orders\.py/.test(action.title));
        assert.ok(ignoreAction?.edit, titles.join());
        assert.ok(await vscode.workspace.applyEdit(ignoreAction.edit));
        await vscode.window.showTextDocument(document, { preview: false });
        await waitFor('no diagnostic', () => !findDiagnostic());
        const ignored = vscode.Uri.joinPath(root, '.codekin.toml');
        await waitFor('the saved file', async () => {
            await vscode.workspace.saveAll(); // a document without an editor is not saved at first
            return String(await vscode.workspace.fs.readFile(ignored)).includes('total_price');
        });
        await vscode.workspace.fs.delete(ignored);
        await waitFor(
            'the document is closed',
            () => !vscode.workspace.textDocuments.some((document) => document.uri.path === ignored.path),
        );
        await waitFor('a diagnostic again', findDiagnostic);
        await configuration.update('lens.enabled', undefined, vscode.ConfigurationTarget.Global);
        await configuration.update('duplicates.enabled', undefined, vscode.ConfigurationTarget.Global);
        assert.equal(api.server.location?.program, process);
    });
}
