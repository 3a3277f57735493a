/** The status bar item, and the menu of codekin's actions. */

import * as vscode from 'vscode';
import { areCompletionsEnabled } from './completions';
import { formatIndexState, formatStatusDetail, SERVER_STATE_LABELS } from './format';
import type { IndexCommand } from './protocol';
import type { Server } from './server';
import { openSettings } from './settings';

interface MenuItem extends vscode.QuickPickItem {
    command?: string;
}

export function registerStatusItem(server: Server): vscode.Disposable {
    const item = vscode.window.createStatusBarItem('codekin.status', vscode.StatusBarAlignment.Right, 99);
    item.name = 'codekin';
    item.command = 'codekin.menu';
    const update = (): void => updateItem(item, server);
    update();
    item.show();
    const indexCommands: IndexCommand[] = ['pause', 'resume', 'reindex'];
    return vscode.Disposable.from(
        item,
        server.onChange(update),
        vscode.window.onDidChangeActiveTextEditor(update),
        vscode.workspace.onDidChangeConfiguration(
            (event) => event.affectsConfiguration('codekin.completion') && update(),
        ),
        vscode.commands.registerCommand('codekin.menu', () => showMenu(server)),
        vscode.commands.registerCommand('codekin.chooseModel', () =>
            openSettings('@ext:codekin.codekin codekin.model'),
        ),
        ...indexCommands.map((command) =>
            vscode.commands.registerCommand(`codekin.${command}`, () => server.sendIndexCommand(command)),
        ),
    );
}

function updateItem(item: vscode.StatusBarItem, server: Server): void {
    const { status } = server;
    const isIndexing = status?.state === 'indexing' && status.progress;
    const share = isIndexing ? ` ${formatIndexState(status).replace('indexing ', '')}` : '';
    item.text = `${getIcon(server)} codekin${share}`;
    item.backgroundColor = hasFailed(server) ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    const completions = `Completions are ${areCompletionsEnabledHere() ? 'on' : 'off'}.`;
    const detail = status ? [`${formatStatusDetail(status)}.`, ...status.problems] : [];
    const lines = [describeState(server), ...detail, completions, 'Click for the menu.'];
    item.tooltip = lines.join('\n');
    item.accessibilityInformation = { label: lines.join(' '), role: 'button' };
}

function areCompletionsEnabledHere(): boolean {
    const editor = vscode.window.activeTextEditor;
    return editor
        ? areCompletionsEnabled(editor.document)
        : vscode.workspace.getConfiguration('codekin').get('completion.enabled', true);
}

function hasFailed({ state, status }: Server): boolean {
    return state === 'missing' || state === 'crashed' || status?.state === 'failed';
}

function getIcon(server: Server): string {
    const { status, state } = server;
    if (hasFailed(server)) {
        return '$(error)';
    }
    if (state === 'starting' || status?.state === 'opening' || status?.state === 'indexing') {
        return '$(sync~spin)';
    }
    if (status?.problems.length) {
        return '$(warning)';
    }
    if (status?.state === 'paused') {
        return '$(debug-pause)';
    }
    return areCompletionsEnabledHere() ? '$(sparkle)' : '$(circle-slash)';
}

function describeState({ status, state }: Server): string {
    return status ? `codekin ${status.version}: ${formatIndexState(status)}` : `codekin: ${SERVER_STATE_LABELS[state]}`;
}

function createMenuItems(server: Server): MenuItem[] {
    const { Separator } = vscode.QuickPickItemKind;
    const isPaused = server.status?.state === 'paused';
    const isOn = areCompletionsEnabledHere();
    const language = vscode.window.activeTextEditor?.document.languageId;
    const items: MenuItem[] = [
        {
            label: isOn ? '$(pass-filled) Completions: on' : '$(circle-large-outline) Completions: off',
            description: isOn ? 'turn off' : 'turn on',
            command: 'codekin.toggleCompletions',
        },
    ];
    if (language) {
        const label = `$(symbol-namespace) Turn completions ${isOn ? 'off' : 'on'} for ${language}`;
        items.push({ label, command: 'codekin.toggleCompletionsForLanguage' });
    }
    if (server.state === 'running') {
        items.push(
            { label: 'Index', kind: Separator },
            isPaused
                ? { label: '$(debug-continue) Resume indexing', command: 'codekin.resume' }
                : { label: '$(debug-pause) Pause indexing', command: 'codekin.pause' },
            { label: '$(refresh) Rebuild index', command: 'codekin.reindex' },
            { label: '$(chip) Choose a model', command: 'codekin.chooseModel' },
            { label: '$(info) Show status', command: 'codekin.showStatus' },
        );
    } else {
        items.unshift(
            { label: '$(cloud-download) Install the server', command: 'codekin.installServer' },
            { label: '$(folder-opened) Choose the path of the server…', command: 'codekin.choosePath' },
        );
    }
    items.push(
        { label: 'Server', kind: Separator },
        { label: '$(output) Show log', command: 'codekin.showLog' },
        { label: '$(debug-restart) Restart the server', command: 'codekin.restart' },
    );
    return items;
}

async function showMenu(server: Server): Promise<void> {
    const item = await vscode.window.showQuickPick(createMenuItems(server), { title: describeState(server) });
    if (item?.command) {
        await vscode.commands.executeCommand(item.command);
    }
}
