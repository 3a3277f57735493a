/** The language status item, and the menu of codekin's actions. */

import * as vscode from 'vscode';
import { formatIndexState, formatStatusDetail, SERVER_STATE_LABELS } from './format';
import type { IndexCommand } from './protocol';
import type { Server } from './server';
import { openSettings } from './settings';

interface MenuItem extends vscode.QuickPickItem {
    command: string;
}

export function registerStatusItem(server: Server): vscode.Disposable {
    const item = vscode.languages.createLanguageStatusItem('codekin.status', [
        { scheme: 'file' },
        { scheme: 'untitled' },
    ]);
    item.name = 'codekin';
    item.command = {
        command: 'codekin.menu',
        title: 'Menu',
        tooltip: 'Pause indexing, rebuild the index, show the log',
    };
    function update(): void {
        const { status, state } = server;
        item.text = `codekin: ${status ? formatIndexState(status) : SERVER_STATE_LABELS[state]}`;
        item.detail = status ? [formatStatusDetail(status), ...status.problems].join('. ') : server.location?.program;
        item.busy = state === 'starting' || status?.state === 'indexing' || status?.state === 'opening';
        item.severity = getSeverity(server);
        item.accessibilityInformation = { label: [item.text, item.detail].filter(Boolean).join(', ') };
    }
    update();
    const indexCommands: IndexCommand[] = ['pause', 'resume', 'reindex'];
    return vscode.Disposable.from(
        item,
        server.onChange(update),
        vscode.commands.registerCommand('codekin.menu', () => showMenu(server)),
        vscode.commands.registerCommand('codekin.chooseModel', () =>
            openSettings('@ext:codekin.codekin codekin.model'),
        ),
        ...indexCommands.map((command) =>
            vscode.commands.registerCommand(`codekin.${command}`, () => server.sendIndexCommand(command)),
        ),
    );
}

function getSeverity({ status, state }: Server): vscode.LanguageStatusSeverity {
    if (state === 'missing' || state === 'crashed' || status?.state === 'failed') {
        return vscode.LanguageStatusSeverity.Error;
    }
    return status?.problems.length || status?.state === 'paused'
        ? vscode.LanguageStatusSeverity.Warning
        : vscode.LanguageStatusSeverity.Information;
}

async function showMenu(server: Server): Promise<void> {
    const isPaused = server.status?.state === 'paused';
    const items: MenuItem[] = [
        isPaused
            ? { label: '$(debug-continue) Resume indexing', command: 'codekin.resume' }
            : { label: '$(debug-pause) Pause indexing', command: 'codekin.pause' },
        { label: '$(refresh) Rebuild index', command: 'codekin.reindex' },
        { label: '$(chip) Choose a model', command: 'codekin.chooseModel' },
        { label: '$(info) Show status', command: 'codekin.showStatus' },
        { label: '$(output) Show log', command: 'codekin.showLog' },
        { label: '$(debug-restart) Restart the server', command: 'codekin.restart' },
    ];
    if (server.state !== 'running') {
        items.splice(0, 4, { label: '$(cloud-download) Install the server', command: 'codekin.installServer' });
    }
    const title = server.status
        ? `codekin ${server.status.version}: ${formatIndexState(server.status)}`
        : `codekin: ${SERVER_STATE_LABELS[server.state]}`;
    const item = await vscode.window.showQuickPick(items, { title });
    if (item) {
        await vscode.commands.executeCommand(item.command);
    }
}
