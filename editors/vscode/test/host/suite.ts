import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Api } from '../../src/extension';
import type { Hit } from '../../src/protocol';
import { askingOf } from '../../src/similar';

const LONG_MS = 60_000; // far more than anything here takes

export const look = { at: (): string => '' }; // how things are, for a test that fails

export async function until<T>(what: string, condition: () => T | Thenable<T>): Promise<Exclude<T, false | null | undefined>> {
    const end = Date.now() + LONG_MS;
    for (;;) {
        const value = await condition();
        if (value) {
            return value as Exclude<T, false | null | undefined>;
        }
        assert.ok(Date.now() < end, `${what} does not come true; ${look.at()}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
    }
}

export function suite(): void {
    describe('The extension', () => {
        let api: Api;
        let root: vscode.Uri;

        async function edit(name: string, line: number): Promise<vscode.TextEditor> {
            const selection = new vscode.Range(line, 4, line, 4);
            return vscode.window.showTextDocument(vscode.Uri.joinPath(root, name), { selection });
        }

        /** Begin a function that others go on with, at the end of a file. */
        async function begin(): Promise<vscode.TextEditor> {
            const editor = await edit('web/cookies.py', 0);
            const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
            const begun = '\n\ndef net_price(items, tax_rate):\n    total = 0\n    for item in items:\n        price = ';
            await editor.edit((change) => change.insert(end, begun));
            const last = editor.document.lineAt(editor.document.lineCount - 1).range.end;
            editor.selection = new vscode.Selection(last, last);
            return editor;
        }

        function lastLine({ document }: vscode.TextEditor): string {
            return document.lineAt(document.lineCount - 1).text;
        }

        /** Ask, and ask anew when there is another answer, until the hit is there. */
        async function similar(wanted: string): Promise<Hit> {
            return until(`${wanted} is similar`, async () => {
                await vscode.commands.executeCommand('codekin.findSimilar');
                return api.similar.answer?.hits.find((hit) => hit.name === wanted);
            });
        }

        function shownHits(): Hit[] {
            return api.similar.getChildren().flatMap((group) => api.similar.getChildren(group)) as Hit[];
        }

        before(async () => {
            root = vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
            const extension = vscode.extensions.all.find((each) => each.packageJSON.name === 'codekin');
            assert.ok(extension, 'the extension is there');
            api = (await extension.activate()) as Api;
            look.at = () => JSON.stringify([api.server.life, api.server.status]);
            await api.started;
            await until('all is indexed', () => api.server.status?.state === 'ready' && api.server.status.files > 2);
        });

        it('starts the server that the setting names', () => {
            assert.equal(api.server.life, 'running');
            assert.equal(api.server.found?.from, 'codekin.path');
        });

        it('finds what is like the function at the cursor, by kinship', async () => {
            await edit('shop/orders.py', 5);
            const hit = await similar('invoice_total');
            assert.ok(['identical', 'renamed'].includes(hit.kinship ?? ''), String(hit.kinship));
            const [group] = api.similar.getChildren();
            const item = api.similar.getTreeItem(group as never);
            assert.equal(item.label, hit.kinship);
            const tooltip = api.similar.resolveTreeItem(api.similar.getTreeItem(hit), hit).tooltip as vscode.MarkdownString;
            assert.match(tooltip.value, /def invoice_total/);
        });

        it('suggests how code goes on, as ghost text, and says from where', async () => {
            const editor = await begin();
            await until('a completion is taken', async () => {
                await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
                await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
                return editor.document.getText().includes('price = item.price * item.quantity');
            });
            await vscode.commands.executeCommand('codekin.showCompletionSource');
            await until('its source', () => /(orders|invoices)\.py$/.test(vscode.window.activeTextEditor?.document.fileName ?? ''));
            await vscode.window.showTextDocument(editor.document);
            await vscode.commands.executeCommand('workbench.action.files.revert');
        });

        it('suggests a word at a time', async () => {
            const editor = await begin();
            await until('a word is taken', async () => {
                await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
                await vscode.commands.executeCommand('editor.action.inlineSuggest.acceptNextWord');
                return / = \w/.test(lastLine(editor));
            });
            assert.match(lastLine(editor), /price = item$/);
            await vscode.commands.executeCommand('workbench.action.files.revert');
        });

        it('suggests nothing in a language that is off', async () => {
            await edit('web/cookies.py', 0);
            await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
            const editor = await begin();
            await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
            await new Promise((resolve) => setTimeout(resolve, 1_000)); // for what must not come
            await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
            assert.match(lastLine(editor), /price = $/);
            await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
            await vscode.commands.executeCommand('workbench.action.files.revert');
        });

        it('groups by file when the setting says so, without being started anew', async () => {
            const configuration = vscode.workspace.getConfiguration('codekin');
            await configuration.update('similar.groupBy', 'file', vscode.ConfigurationTarget.Global);
            await until('a group for each file', () =>
                api.similar.getChildren().every((group) => 'key' in group && group.key.startsWith('file:')));
            await configuration.update('similar.groupBy', undefined, vscode.ConfigurationTarget.Global);
        });

        it('dismisses a hit', async () => {
            await edit('shop/orders.py', 5);
            const hit = await similar('invoice_total');
            await vscode.commands.executeCommand('codekin.dismiss', hit);
            assert.ok(!shownHits().some((each) => each.name === 'invoice_total'));
        });

        it('compares, opens and copies a place, also behind characters of two units', async () => {
            await edit('shop/orders.py', 5);
            const hit = await similar('invoice_total');
            await vscode.commands.executeCommand('codekin.diff', hit);
            const tab = await until('a comparison', () => {
                const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
                return input instanceof vscode.TabInputTextDiff && input;
            });
            const mine = await vscode.workspace.openTextDocument(tab.original);
            const theirs = await vscode.workspace.openTextDocument(tab.modified);
            assert.match(mine.getText(), /^def total_price/);
            assert.match(theirs.getText(), /^def invoice_total/);
            await vscode.commands.executeCommand('codekin.copyPath', hit);
            const copied = path.join(root.fsPath, 'shop', 'invoices.py:4');
            await until('the place', async () => (await vscode.env.clipboard.readText()) === copied);
            await vscode.commands.executeCommand('codekin.open', hit);
            const editor = await until('the file', () => vscode.window.activeTextEditor?.document.fileName.endsWith('invoices.py') && vscode.window.activeTextEditor);
            assert.equal(editor.document.getText(editor.selection), 'invoice_total');
            await vscode.commands.executeCommand('codekin.openToSide', hit);
            await until('two columns', () => vscode.window.tabGroups.all.length === 2);
            await vscode.commands.executeCommand('workbench.action.closeEditorsInOtherGroups');
        });

        it('asks about the document itself from within a comparison', async () => {
            const { document } = await edit('shop/orders.py', 5);
            const hit = await similar('invoice_total');
            await vscode.commands.executeCommand('codekin.diff', hit);
            const compared = await until('a comparison', () => {
                const editor = vscode.window.activeTextEditor;
                return editor?.document.uri.scheme === 'codekin' && editor;
            });
            const asking = askingOf(compared.document, new vscode.Selection(1, 0, 1, 0));
            assert.deepEqual(asking.position, new vscode.Position(4, 0));
            assert.equal(asking.textDocument.uri, compared.document.uri.path.endsWith('orders.py') ? document.uri.toString() : hit.location.uri);
        });

        it('knows text that is not saved, and follows the asked function when lines come above it', async () => {
            const editor = await edit('shop/orders.py', 5);
            await similar('invoice_total');
            const other = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(root, 'web/cookies.py'));
            const copy = editor.document.getText(new vscode.Range(3, 0, 12, 0)).replace('total_price', '价格_total');
            const change = new vscode.WorkspaceEdit();
            change.insert(other.uri, new vscode.Position(0, 0), `# 😋\n${copy}\n`);
            change.insert(editor.document.uri, new vscode.Position(0, 0), '# 😋 above\n\n');
            assert.ok(await vscode.workspace.applyEdit(change));
            const hit = await until('the copy is shown', () => shownHits().find((each) => each.name === '价格_total'));
            assert.equal(other.getText(new vscode.Range(hit.selectionRange.start.line, hit.selectionRange.start.character, hit.selectionRange.end.line, hit.selectionRange.end.character)), '价格_total');
            assert.equal(api.similar.answer?.asked?.range.start.line, 5);
            assert.ok(other.isDirty);
            await vscode.workspace.saveAll();
        });

        it('leads into the cell of a notebook, and asks about one', async () => {
            const sums = new vscode.NotebookData([
                new vscode.NotebookCellData(vscode.NotebookCellKind.Markup, '# Sums', 'markdown'),
                new vscode.NotebookCellData(vscode.NotebookCellKind.Code, '%matplotlib inline', 'python'),
                new vscode.NotebookCellData(vscode.NotebookCellKind.Code, `\n${(await edit('shop/orders.py', 5)).document.getText(new vscode.Range(5, 0, 14, 0)).replace('total_price', 'sum_of_all')}`, 'python'),
            ]);
            const file = vscode.Uri.joinPath(root, 'sums.ipynb');
            const saved = sums.cells.map(({ kind, value }) => ({ cell_type: kind === vscode.NotebookCellKind.Code ? 'code' : 'markdown', metadata: {}, source: value, outputs: [] }));
            await vscode.workspace.fs.writeFile(file, Buffer.from(JSON.stringify({ cells: saved, metadata: {}, nbformat: 4, nbformat_minor: 4 })));
            const closed = await similar('sum_of_all');
            assert.equal(closed.location.uri, file.toString());
            await vscode.commands.executeCommand('codekin.open', closed);
            const shown = await until('the notebook', () => vscode.window.activeNotebookEditor);
            assert.equal(shown.notebook.uri.toString(), file.toString());
            assert.deepEqual(shown.selections.map(({ start, end }) => [start, end]), [[2, 3]]);

            const { document } = shown.notebook.cellAt(2);
            const change = new vscode.WorkspaceEdit();
            change.replace(document.uri, new vscode.Range(1, 4, 1, 14), 'sum_of_nothing');
            assert.ok(await vscode.workspace.applyEdit(change));
            await edit('shop/orders.py', 5);
            const open = await until('the cell', async () => {
                const hit = await similar('sum_of_nothing');
                return hit.location.uri === document.uri.toString() && hit;
            });
            assert.equal(open.selectionRange.start.line, 1);
            await vscode.commands.executeCommand('codekin.diff', open);
            await until('a comparison', () => vscode.window.visibleTextEditors.some((editor) => editor.document.uri.scheme === 'codekin' && editor.document.getText().includes('sum_of_nothing')));
            const answer = await vscode.commands.executeCommand<{ asked: { uri: string } }>('codekin.findSimilar', { textDocument: { uri: document.uri.toString() }, position: { line: 3, character: 0 } });
            assert.equal(answer.asked.uri, document.uri.toString());
            await vscode.window.showNotebookDocument(shown.notebook);
            await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
            await vscode.workspace.fs.delete(file);
        });

        it('peeks', async () => {
            await edit('shop/orders.py', 8);
            const answer = await until('an answer to peek at', () =>
                vscode.commands.executeCommand<{ hits: Hit[] } | undefined>('codekin.peekSimilar'));
            assert.ok(answer.hits.length);
            await vscode.commands.executeCommand('closeReferenceSearch');
        });

        it('searches by meaning while one types', async () => {
            await vscode.commands.executeCommand('codekin.search', 'hand the parcel to the carrier');
            const [first] = await until('answers', () => api.search.items.some((item) => item.hit) && api.search.items);
            assert.match(first?.label ?? '', /ship_order/);
            assert.ok(api.search.items.every((item) => item.alwaysShow));
            api.search.hide();
        });

        it('answers questions among the workspace’s symbols', async () => {
            const found = await until('symbols', () =>
                vscode.commands.executeCommand<vscode.SymbolInformation[]>('vscode.executeWorkspaceSymbolProvider', 'cookies that a browser sent'));
            assert.ok(found.some((symbol) => symbol.name === 'parsed_header'));
        });

        it('takes settings while it runs: lenses and duplicates, which can be compared', async () => {
            const process = api.server.found?.program;
            const { document } = await edit('shop/invoices.py', 4);
            const configuration = vscode.workspace.getConfiguration('codekin');
            await configuration.update('lens.enabled', true, vscode.ConfigurationTarget.Global);
            await configuration.update('duplicates.enabled', true, vscode.ConfigurationTarget.Global);
            await until('a lens', async () => {
                const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10);
                return lenses.some((lens) => / similar$/.test(lens.command?.title ?? ''));
            });
            const { document: others } = await vscode.window.showTextDocument(vscode.Uri.joinPath(root, 'shop/orders.py'));
            const shown = await until('lenses', async () => {
                const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', others.uri, 10);
                return lenses.length > 0 && lenses;
            });
            assert.equal(shown.length, 1, 'none above a function that stands alone');
            await vscode.window.showTextDocument(document, { preview: false }); // VS Code asks anew only about what is shown
            const told = (): vscode.Diagnostic | undefined => // the copy in cookies.py is another pair
                vscode.languages.getDiagnostics(document.uri).find(({ source, message }) => source === 'codekin' && message.includes('shop/orders.py'));
            const diagnostic = await until('a diagnostic', told);
            const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, diagnostic.range, 'quickfix');
            const titles = actions.map((action) => action.title);
            const comparing = actions.find((action) => /^Compare with shop\/orders\.py/.test(action.title));
            assert.ok(comparing?.command, titles.join());
            await vscode.commands.executeCommand(comparing.command.command, ...(comparing.command.arguments ?? []));
            await until('a comparison', () => vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff);
            const ignoring = actions.find((action) => /^Ignore this pair: shop\/orders\.py/.test(action.title));
            assert.ok(ignoring?.edit, titles.join());
            assert.ok(await vscode.workspace.applyEdit(ignoring.edit));
            await vscode.window.showTextDocument(document, { preview: false });
            await until('it is told no more', () => !told());
            const ignored = vscode.Uri.joinPath(root, '.codekin.toml');
            await until('it is saved', async () => {
                await vscode.workspace.saveAll(); // what no editor shows yet is not saved
                return String(await vscode.workspace.fs.readFile(ignored)).includes('total_price');
            });
            await vscode.workspace.fs.delete(ignored);
            await until('it is closed', () => !vscode.workspace.textDocuments.some((each) => each.uri.path === ignored.path));
            await until('it is told again', told);
            await configuration.update('lens.enabled', undefined, vscode.ConfigurationTarget.Global);
            await configuration.update('duplicates.enabled', undefined, vscode.ConfigurationTarget.Global);
            assert.equal(api.server.found?.program, process);
        });

        it('has keys that VS Code has given to nothing else', async () => {
            const defaults = await vscode.workspace.openTextDocument(vscode.Uri.parse('vscode://defaultsettings/keybindings.json'));
            for (const key of ['ctrl+k k', 'ctrl+k j']) {
                const bound = [...defaults.getText().matchAll(new RegExp(`"key": "${key.replace('+', '\\+')}",\\s*"command": "([^"]+)"`, 'g'))];
                assert.deepEqual(bound.map(([, command]) => command?.split('.')[0]), ['codekin'], key);
            }
        });

        it('turns completions off for a language, and for all', async () => {
            const { document } = await edit('shop/orders.py', 5);
            const configuration = (): boolean => vscode.workspace.getConfiguration('codekin', document).get('completion.enabled', true);
            await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
            await until('off for Python', () => !configuration());
            assert.equal(vscode.workspace.getConfiguration('codekin').get('completion.enabled'), true);
            await vscode.commands.executeCommand('codekin.toggleCompletionsForLanguage');
            await vscode.commands.executeCommand('codekin.toggleCompletions');
            await until('off for all', () => vscode.workspace.getConfiguration('codekin').get('completion.enabled') === false);
            await vscode.commands.executeCommand('codekin.toggleCompletions');
        });

        it('shows its status', async () => {
            await vscode.commands.executeCommand('codekin.showStatus');
            await until('the page', () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === 'codekin: Status');
        });

        it('pauses and resumes', async () => {
            await vscode.commands.executeCommand('codekin.pause');
            await until('paused', () => api.server.status?.state === 'paused');
            await vscode.commands.executeCommand('codekin.resume');
            await until('ready', () => api.server.status?.state === 'ready');
        });

        it('starts the server anew when it ends by itself', async () => {
            const pids = childrenOf(process.pid);
            assert.equal(pids.length, 1, 'one server');
            const lives: string[] = [];
            const listening = api.server.onChange(() => lives.push(api.server.life));
            process.kill(pids[0] as number, 'SIGKILL');
            await until('it has ended', () => lives.includes('ended'));
            listening.dispose();
            await until('it runs again', () => api.server.life === 'running' && api.server.status?.state === 'ready');
            await edit('shop/orders.py', 8);
            await similar('invoice_total');
        });

        it('restarts in turn, and leaves one server', async () => {
            await Promise.all([1, 2, 3].map(() => vscode.commands.executeCommand('codekin.restart')));
            await until('ready', () => api.server.status?.state === 'ready');
            await until('one server', () => childrenOf(process.pid).length === 1);
        });
    });
}

/** The servers that this process has started. */
function childrenOf(parent: number): number[] {
    const found: number[] = [];
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
            const [, rest = ''] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
            const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
            if (Number(rest.split(' ')[1]) === parent && command.includes('codekin\0serve')) {
                found.push(Number(pid));
            }
        } catch {
            continue; // it has ended meanwhile
        }
    }
    return found;
}
