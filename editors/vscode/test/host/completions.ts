/** Tests ghost text. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { openAt, waitFor } from './window';

export function defineCompletionsTests(): void {
    it('suggests completions as ghost text, and shows their source', async () => {
        const editor = await startFunction();
        await waitFor('a completion is accepted', async () => {
            await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
            await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
            return editor.document.getText().includes('price = item.price * item.quantity');
        });
        await vscode.commands.executeCommand('codekin.showCompletionSource');
        await waitFor('the source of the completion', () =>
            /(orders|invoices)\.py$/.test(vscode.window.activeTextEditor?.document.fileName ?? ''),
        );
        await vscode.window.showTextDocument(editor.document);
        await vscode.commands.executeCommand('workbench.action.files.revert');
    });

    it('accepts a completion word by word', async () => {
        const editor = await startFunction();
        await waitFor('a word is accepted', async () => {
            await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
            await vscode.commands.executeCommand('editor.action.inlineSuggest.acceptNextWord');
            return / = \w/.test(getLastLine(editor));
        });
        assert.match(getLastLine(editor), /price = item$/);
        await vscode.commands.executeCommand('workbench.action.files.revert');
    });

    it('suggests nothing in a language with completions turned off', async () => {
        await openAt('web/cookies.py', 0);
        await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
        const editor = await startFunction();
        await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
        await new Promise((resolve) => setTimeout(resolve, 1_000)); // a wrong suggestion would have appeared by then
        await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
        assert.match(getLastLine(editor), /price = $/);
        await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
        await vscode.commands.executeCommand('workbench.action.files.revert');
    });

    it('turns completions off for a language, and everywhere', async () => {
        const { document } = await openAt('shop/orders.py', 5);
        const isEnabled = (): boolean =>
            vscode.workspace.getConfiguration('codekin', document).get('completion.enabled', true);
        await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
        await waitFor('completions off for Python', () => !isEnabled());
        assert.equal(vscode.workspace.getConfiguration('codekin').get('completion.enabled'), true);
        await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
        await vscode.commands.executeCommand('codekin.toggleCompletions');
        await waitFor(
            'completions off everywhere',
            () => vscode.workspace.getConfiguration('codekin').get('completion.enabled') === false,
        );
        await vscode.commands.executeCommand('codekin.toggleCompletions');
    });
}

/** Start a function at the end of a file; other functions of the workspace continue the same way. */
async function startFunction(): Promise<vscode.TextEditor> {
    const editor = await openAt('web/cookies.py', 0);
    const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
    const beginning = '\n\ndef net_price(items, tax_rate):\n    total = 0\n    for item in items:\n        price = ';
    await editor.edit((change) => change.insert(end, beginning));
    const last = editor.document.lineAt(editor.document.lineCount - 1).range.end;
    editor.selection = new vscode.Selection(last, last);
    return editor;
}

function getLastLine({ document }: vscode.TextEditor): string {
    return document.lineAt(document.lineCount - 1).text;
}
