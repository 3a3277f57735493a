import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../src/extension';
import { listMcpServers } from '../../src/languageModelTools';
import type { Hit } from '../../src/protocol';
import { createQuery } from '../../src/similarCommands';

const TOOLS = ['codekin_search', 'codekin_findSimilar', 'codekin_alreadyExists'];
const TIMEOUT_MS = 60_000; // far more than any condition needs

/** Describes the extension's state in the message of a failed test. */
export const diagnostics = { describe: (): string => '' };

/** Wait until the condition returns a truthy value, and return that. */
export async function waitFor<T>(
    description: string,
    condition: () => T | Thenable<T>,
): Promise<Exclude<T, false | null | undefined>> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
        const value = await condition();
        if (value) {
            return value as Exclude<T, false | null | undefined>;
        }
        assert.ok(Date.now() < deadline, `Timed out waiting for ${description}; ${diagnostics.describe()}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
    }
}

export function defineSuite(): void {
    describe('The extension', () => {
        let api: ExtensionApi;
        let root: vscode.Uri;

        /** Open a file with the cursor on this line, counted from 0. */
        async function openAt(name: string, line: number): Promise<vscode.TextEditor> {
            const selection = new vscode.Range(line, 4, line, 4);
            return vscode.window.showTextDocument(vscode.Uri.joinPath(root, name), { selection });
        }

        /** Start a function at the end of a file; other functions of the workspace continue the same way. */
        async function startFunction(): Promise<vscode.TextEditor> {
            const editor = await openAt('web/cookies.py', 0);
            const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
            const beginning =
                '\n\ndef net_price(items, tax_rate):\n    total = 0\n    for item in items:\n        price = ';
            await editor.edit((change) => change.insert(end, beginning));
            const last = editor.document.lineAt(editor.document.lineCount - 1).range.end;
            editor.selection = new vscode.Selection(last, last);
            return editor;
        }

        function getLastLine({ document }: vscode.TextEditor): string {
            return document.lineAt(document.lineCount - 1).text;
        }

        /** Repeat the search for similar code until it has a hit with this name. */
        async function findSimilarHit(name: string): Promise<Hit> {
            return waitFor(`the hit ${name}`, async () => {
                await vscode.commands.executeCommand('codekin.findSimilar');
                return api.similar.answer?.hits.find((hit) => hit.name === name);
            });
        }

        function listShownHits(): Hit[] {
            return api.similar.getChildren().flatMap((group) => api.similar.getChildren(group)) as Hit[];
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

        before(async () => {
            root = vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
            const extension = vscode.extensions.all.find((candidate) => candidate.packageJSON.name === 'codekin');
            assert.ok(extension, 'the extension is installed');
            api = (await extension.activate()) as ExtensionApi;
            diagnostics.describe = () => JSON.stringify([api.server.state, api.server.status]);
            await api.started;
            await waitFor('the index', () => api.server.status?.state === 'ready' && api.server.status.files > 2);
        });

        it('starts the server in the setting', () => {
            assert.equal(api.server.state, 'running');
            assert.equal(api.server.location?.source, 'codekin.path');
        });

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
                        editor.document.uri.scheme === 'codekin' &&
                        editor.document.getText().includes('sum_of_nothing'),
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

        it('peeks at similar code', async () => {
            await openAt('shop/orders.py', 8);
            const answer = await waitFor('an answer to peek at', () =>
                vscode.commands.executeCommand<{ hits: Hit[] } | undefined>('codekin.peekSimilar'),
            );
            assert.ok(answer.hits.length);
            await vscode.commands.executeCommand('closeReferenceSearch');
        });

        it('searches by meaning while the user types', async () => {
            await vscode.commands.executeCommand('codekin.search', 'hand the parcel to the carrier');
            const [first] = await waitFor(
                'answers',
                () => api.search.items.some((item) => item.hit) && api.search.items,
            );
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
            const { document: others } = await vscode.window.showTextDocument(
                vscode.Uri.joinPath(root, 'shop/orders.py'),
            );
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
            await vscode.commands.executeCommand(
                compareAction.command.command,
                ...(compareAction.command.arguments ?? []),
            );
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

        it('uses no key of VS Code’s default key bindings', async () => {
            const defaults = await vscode.workspace.openTextDocument(
                vscode.Uri.parse('vscode://defaultsettings/keybindings.json'),
            );
            for (const key of ['ctrl+k g', 'ctrl+k ctrl+g', 'ctrl+k shift+g', 'ctrl+k ctrl+shift+g']) {
                const bound = [
                    ...defaults
                        .getText()
                        .matchAll(new RegExp(`"key": "${key.replaceAll('+', '\\+')}",\\s*"command": "([^"]+)"`, 'g')),
                ];
                assert.deepEqual(
                    bound.map(([, command]) => command?.split('.')[0]),
                    ['codekin'],
                    key,
                );
            }
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

        it('shows the status page', async () => {
            await vscode.commands.executeCommand('codekin.showStatus');
            await waitFor(
                'the status page',
                () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === 'codekin: Status',
            );
        });

        it('uses a server in the workspace’s virtual environment', async () => {
            const configuration = vscode.workspace.getConfiguration('codekin');
            const original = configuration.get<string>('path', '');
            const scripts = path.join(root.fsPath, '.venv', 'bin');
            fs.mkdirSync(scripts, { recursive: true });
            fs.symlinkSync(original, path.join(scripts, 'codekin'));
            await vscode.commands.executeCommand('codekin.useWorkspaceEnvironment');
            await waitFor(
                'the server',
                () => api.server.state === 'running' && api.server.location?.program === path.join(scripts, 'codekin'),
            );
            await configuration.update('path', original, vscode.ConfigurationTarget.Global);
            await waitFor(
                'the original server',
                () =>
                    api.server.state === 'running' &&
                    api.server.location?.program === original &&
                    api.server.status?.state === 'ready',
            );
            fs.rmSync(path.join(root.fsPath, '.venv'), { recursive: true });
        });

        it('pauses and resumes', async () => {
            await vscode.commands.executeCommand('codekin.pause');
            await waitFor('paused', () => api.server.status?.state === 'paused');
            await vscode.commands.executeCommand('codekin.resume');
            await waitFor('ready', () => api.server.status?.state === 'ready');
        });

        it('restarts a crashed server', async () => {
            const pids = listServerProcesses(process.pid);
            assert.equal(pids.length, 1, 'one server');
            const states: string[] = [];
            const listener = api.server.onChange(() => states.push(api.server.state));
            process.kill(pids[0] as number, 'SIGKILL');
            await waitFor('the crash', () => states.includes('crashed'));
            listener.dispose();
            await waitFor('the restart', () => api.server.state === 'running' && api.server.status?.state === 'ready');
            await openAt('shop/orders.py', 8);
            await findSimilarHit('invoice_total');
        });

        it('answers language models: search, similar code, and whether a function exists', async () => {
            const offered = vscode.lm.tools.map(({ name }) => name);
            assert.deepEqual(
                TOOLS.filter((name) => !offered.includes(name)),
                [],
            );
            const cookies = await invokeTool('codekin_search', { query: 'the cookies that a browser sent' });
            assert.match(cookies, /^web\/cookies\.py:\d+-\d+ {2}function parsed_header {2}\d+% {2}\(/);
            const similar = await invokeTool('codekin_findSimilar', { path: 'shop/orders.py', line: 5 });
            assert.match(similar, /shop\/invoices\.py:\d+-\d+ {2}function invoice_total/);
            const text = await readFunction('shop/orders.py', 'total_price');
            const code = text.replaceAll('total_price', 'bill').replaceAll('item', 'row');
            const verdict = await invokeTool('codekin_alreadyExists', { code, language: 'python' });
            assert.match(verdict, /^bill: exists already \(\d+%\)\n.*(total_price|invoice_total)/);
            await assert.rejects(
                invokeTool('codekin_findSimilar', { path: 'shop/orders.py' }),
                /path and line, or code/,
            );
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

        it('serialises restarts, and leaves one server', async () => {
            await Promise.all([1, 2, 3].map(() => vscode.commands.executeCommand('codekin.restart')));
            await waitFor('ready', () => api.server.status?.state === 'ready');
            await waitFor('one server', () => listServerProcesses(process.pid).length === 1);
        });
    });
}

/** List the server processes started by this process. */
function listServerProcesses(parent: number): number[] {
    const servers: number[] = [];
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
            const [, rest = ''] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
            const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
            if (Number(rest.split(' ')[1]) === parent && command.includes('codekin\0serve')) {
                servers.push(Number(pid));
            }
        } catch {
            // the process has ended meanwhile
        }
    }
    return servers;
}
