/** How things are, in the status bar's language item, and what can be done about it. */

import * as vscode from 'vscode';
import type { Order } from './protocol';
import type { Server } from './server';
import { openSettings } from './settings';
import { detailOf, LIVES, stateOf } from './wording';

interface Choice extends vscode.QuickPickItem {
    run: string;
}

export function registerStatus(server: Server): vscode.Disposable {
    const item = vscode.languages.createLanguageStatusItem('codekin.status', [{ scheme: 'file' }, { scheme: 'untitled' }]);
    item.name = 'codekin';
    item.command = { command: 'codekin.menu', title: 'Actions', tooltip: 'Pause, re-index, logs' };
    function show(): void {
        const { status, life } = server;
        item.text = `codekin: ${status ? stateOf(status) : LIVES[life]}`;
        item.detail = status ? [detailOf(status), ...status.problems].join('. ') : server.found?.program;
        item.busy = life === 'starting' || status?.state === 'indexing' || status?.state === 'opening';
        const isWrong = life === 'missing' || life === 'ended' || status?.state === 'failed';
        const isOdd = Boolean(status?.problems.length) || status?.state === 'paused';
        const { Error, Warning, Information } = vscode.LanguageStatusSeverity;
        item.severity = isWrong ? Error : isOdd ? Warning : Information;
        item.accessibilityInformation = { label: [item.text, item.detail].filter(Boolean).join(', ') };
    }
    show();
    const orders: Order[] = ['pause', 'resume', 'reindex'];
    return vscode.Disposable.from(
        item,
        server.onChange(show),
        vscode.commands.registerCommand('codekin.menu', () => menu(server)),
        vscode.commands.registerCommand('codekin.chooseModel', () =>
            openSettings('@ext:codekin.codekin codekin.model'),
        ),
        ...orders.map((order) => vscode.commands.registerCommand(`codekin.${order}`, () => server.order(order))),
    );
}

async function menu(server: Server): Promise<void> {
    const isPaused = server.status?.state === 'paused';
    const choices: Choice[] = [
        isPaused
            ? { label: '$(debug-continue) Resume indexing', run: 'codekin.resume' }
            : { label: '$(debug-pause) Pause indexing', run: 'codekin.pause' },
        { label: '$(refresh) Index everything anew', run: 'codekin.reindex' },
        { label: '$(chip) Choose the model', run: 'codekin.chooseModel' },
        { label: '$(info) Show status', run: 'codekin.showStatus' },
        { label: '$(output) Show log', run: 'codekin.showLog' },
        { label: '$(debug-restart) Restart server', run: 'codekin.restart' },
    ];
    if (server.life !== 'running') {
        choices.splice(0, 4, { label: '$(cloud-download) Install server', run: 'codekin.installServer' });
    }
    const title = server.status ? `codekin ${server.status.version}: ${stateOf(server.status)}` : `codekin: ${LIVES[server.life]}`;
    const chosen = await vscode.window.showQuickPick(choices, { title });
    if (chosen) {
        await vscode.commands.executeCommand(chosen.run);
    }
}
