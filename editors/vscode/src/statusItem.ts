/** The status bar item, and the menu of codekin's actions. */

import * as vscode from 'vscode';
import { areCompletionsEnabled } from './completions';
import { formatIndexState, formatProgress, formatStatusDetail, getServerStateLabel } from './format';
import type { IndexCommand } from './protocol';
import type { Server } from './server';
import { showError } from './serverSetup';
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
            vscode.commands.registerCommand(`codekin.${command}`, () =>
                server.sendIndexCommand(command).catch((error: unknown) => showError(server, error)),
            ),
        ),
    );
}

function updateItem(item: vscode.StatusBarItem, server: Server): void {
    const { status } = server;
    const isInstalling = server.state === 'installing';
    const progress = status ? formatProgress(status) : isInstalling ? vscode.l10n.t('installing…') : '';
    item.text = [getIcon(server), 'codekin', progress].filter(Boolean).join(' ');
    item.backgroundColor = hasFailed(server) ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    const completions = areCompletionsEnabledHere()
        ? vscode.l10n.t('Completions are on.')
        : vscode.l10n.t('Completions are off.');
    const detail = status ? [`${formatStatusDetail(status)}.`, ...status.problems] : [];
    const lines = [describeState(server), ...detail, completions, vscode.l10n.t('Click for the menu.')];
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
    if (state === 'starting' || state === 'installing' || status?.state === 'opening' || status?.state === 'indexing') {
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
    return status ? `codekin ${status.version}: ${formatIndexState(status)}` : `codekin: ${getServerStateLabel(state)}`;
}

/** Return the language of the active editor; undefined for the log, which is an editor, too. */
function getActiveLanguage(): string | undefined {
    const { languageId, uri } = vscode.window.activeTextEditor?.document ?? {};
    return uri?.scheme === 'output' ? undefined : languageId;
}

function createMenuItems(server: Server): MenuItem[] {
    const { Separator } = vscode.QuickPickItemKind;
    const isPaused = server.status?.state === 'paused';
    const isOn = areCompletionsEnabledHere();
    const language = getActiveLanguage();
    const items: MenuItem[] = [
        {
            label: isOn
                ? `$(circle-slash) ${vscode.l10n.t('Turn completions off')}`
                : `$(sparkle) ${vscode.l10n.t('Turn completions on')}`,
            command: 'codekin.toggleCompletions',
        },
    ];
    if (language) {
        const label = isOn
            ? vscode.l10n.t('Turn completions off for {0}', language)
            : vscode.l10n.t('Turn completions on for {0}', language);
        items.push({ label: `$(symbol-namespace) ${label}`, command: 'codekin.toggleCompletionsForLanguage' });
    }
    if (server.state === 'running') {
        items.unshift(
            { label: `$(references) ${vscode.l10n.t('Find similar code')}`, command: 'codekin.findSimilar' },
            { label: `$(search) ${vscode.l10n.t('Search by meaning')}`, command: 'codekin.search' },
            { label: vscode.l10n.t('Completions'), kind: Separator },
        );
        items.push(
            { label: vscode.l10n.t('Index'), kind: Separator },
            isPaused
                ? { label: `$(debug-continue) ${vscode.l10n.t('Resume indexing')}`, command: 'codekin.resume' }
                : { label: `$(debug-pause) ${vscode.l10n.t('Pause indexing')}`, command: 'codekin.pause' },
            { label: `$(refresh) ${vscode.l10n.t('Rebuild index')}`, command: 'codekin.reindex' },
            { label: `$(chip) ${vscode.l10n.t('Choose a model')}`, command: 'codekin.chooseModel' },
            { label: `$(info) ${vscode.l10n.t('Show status')}`, command: 'codekin.showStatus' },
        );
    } else if (server.state !== 'installing') {
        items.unshift(
            { label: `$(cloud-download) ${vscode.l10n.t('Install the server')}`, command: 'codekin.installServer' },
            {
                label: `$(folder-opened) ${vscode.l10n.t('Choose the path of the server…')}`,
                command: 'codekin.choosePath',
            },
        );
    }
    const restartItem = {
        label: `$(debug-restart) ${vscode.l10n.t('Restart the server')}`,
        command: 'codekin.restart',
    };
    const hasCrashed = server.state === 'crashed';
    if (hasCrashed) {
        items.unshift(restartItem); // what helps most often comes first
    }
    items.push(
        { label: vscode.l10n.t('Server'), kind: Separator },
        { label: `$(output) ${vscode.l10n.t('Show log')}`, command: 'codekin.showLog' },
        ...(server.state === 'installing' || hasCrashed ? [] : [restartItem]),
        { label: `$(mortar-board) ${vscode.l10n.t('Get started')}`, command: 'codekin.openWalkthrough' },
    );
    return items;
}

async function showMenu(server: Server): Promise<void> {
    const item = await vscode.window.showQuickPick(createMenuItems(server), { title: describeState(server) });
    if (item?.command) {
        await vscode.commands.executeCommand(item.command);
    }
}
