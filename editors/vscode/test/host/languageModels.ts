/** Tests what language models are offered. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { listMcpServers } from '../../src/languageModelTools';
import { api, root } from './window';

const TOOLS = ['codekin_search', 'codekin_findSimilar', 'codekin_alreadyExists'];

export function defineLanguageModelsTests(): void {
    it('answers language models: search, similar code, and whether a function exists', async () => {
        const offered = vscode.lm.tools.map(({ name }) => name);
        assert.deepEqual(
            TOOLS.filter((name) => !offered.includes(name)),
            [],
        );
        const cookies = await invokeTool('codekin_search', { query: 'the cookies that a browser sent' });
        assert.match(cookies, /^web\/cookies\.py:\d+-\d+ {2}function parsed_header {2}\d+% {2}\(/);
        const orders = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(root, 'shop/orders.py'));
        const line = orders.positionAt(orders.getText().indexOf('def total_price')).line + 1; // others inserted lines
        const similar = await invokeTool('codekin_findSimilar', { path: 'shop/orders.py', line });
        assert.match(similar, /shop\/invoices\.py:\d+-\d+ {2}function invoice_total/);
        const text = await readFunction('shop/orders.py', 'total_price');
        const code = text.replaceAll('total_price', 'bill').replaceAll('item', 'row');
        const verdict = await invokeTool('codekin_alreadyExists', { code, language: 'python' });
        assert.match(verdict, /^bill: exists already \(\d+%\)\n.*(total_price|invoice_total)/);
        await assert.rejects(invokeTool('codekin_findSimilar', { path: 'shop/orders.py' }), /path and line, or code/);
    });

    it('offers its MCP server where the editor is new enough', async () => {
        const servers = await listMcpServers(api.server);
        const isNewEnough = Number(vscode.version.split('.')[1]) > 100;
        if (isNewEnough) {
            assert.equal(servers.length, 1);
            assert.equal(servers[0]?.command, api.server.location?.program);
            assert.deepEqual(servers[0]?.args, ['mcp', '--root', root.fsPath]);
        }
    });
}

/** Return what a language model gets from a tool. */
async function invokeTool(name: string, input: object): Promise<string> {
    const result = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
    return result.content.map((part) => (part as vscode.LanguageModelTextPart).value).join('');
}

/** Return the text of a Python function, up to the next blank line. */
async function readFunction(name: string, functionName: string): Promise<string> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(root, name));
    const [, text = ''] = document.getText().match(new RegExp(`(def ${functionName}[\\s\\S]*?\\n)\\n`)) ?? [];
    return text;
}
