/** What the user can do without a server: choose its path, or use one in the workspace. Sets the view's context keys. */

import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Server } from './server';
import { getScriptsFolder, isExecutable, PROGRAM } from './serverLocation';
import { openSettings } from './settings';

const ENVIRONMENT_NAMES = ['.venv', 'venv'];

export function registerServerSetup(server: Server): vscode.Disposable {
    const update = (): void => updateContext(server);
    update();
    return vscode.Disposable.from(
        server.onChange(update),
        vscode.commands.registerCommand('codekin.choosePath', choosePath),
        vscode.commands.registerCommand('codekin.useWorkspaceEnvironment', useWorkspaceEnvironment),
        vscode.commands.registerCommand('codekin.openPathSetting', () => openSettings('codekin.path')),
    );
}

function updateContext({ state, status }: Server): void {
    const isPathSet = vscode.workspace.getConfiguration('codekin').get('path', '') !== '';
    const context = {
        'codekin.serverState': state,
        'codekin.isReady': status?.state === 'ready',
        'codekin.hasInvalidPath': state === 'missing' && isPathSet,
        'codekin.hasWorkspaceServer': state === 'missing' && findWorkspaceServer() !== undefined,
    };
    for (const [key, value] of Object.entries(context)) {
        void vscode.commands.executeCommand('setContext', key, value);
    }
}

/** Find a server in a virtual environment of the workspace. An untrusted workspace may not provide programs. */
function findWorkspaceServer(): string | undefined {
    if (!vscode.workspace.isTrusted) {
        return undefined;
    }
    const folders = vscode.workspace.workspaceFolders ?? [];
    const programs = folders.flatMap(({ uri }) =>
        ENVIRONMENT_NAMES.map((name) => path.join(getScriptsFolder(path.join(uri.fsPath, name)), PROGRAM)),
    );
    return programs.find(isExecutable);
}

async function useWorkspaceEnvironment(): Promise<void> {
    const program = findWorkspaceServer();
    if (program) {
        await setPath(program);
    } else {
        const message = vscode.workspace.isTrusted
            ? vscode.l10n.t('No codekin server was found in .venv or venv of this workspace.')
            : vscode.l10n.t('Trust this workspace first: an untrusted workspace cannot provide programs.');
        await vscode.window.showInformationMessage(message);
    }
}

async function choosePath(): Promise<void> {
    const [file] =
        (await vscode.window.showOpenDialog({
            title: vscode.l10n.t('Choose the codekin server ({0})', PROGRAM),
            openLabel: vscode.l10n.t('Use This Server'),
            defaultUri: vscode.Uri.file(os.homedir()),
        })) ?? [];
    if (file) {
        await setPath(file.fsPath);
    }
}

/** Show why a request failed, with what helps. */
export async function showError({ state }: Server, error: unknown): Promise<void> {
    const actions: Record<string, string> =
        state === 'missing'
            ? {
                  [vscode.l10n.t('Install Server')]: 'codekin.installServer',
                  [vscode.l10n.t('Choose Path…')]: 'codekin.choosePath',
              }
            : {
                  ...(state !== 'running' &&
                      state !== 'installing' && { [vscode.l10n.t('Restart Server')]: 'codekin.restart' }),
                  [vscode.l10n.t('Show Log')]: 'codekin.showLog',
              };
    const message = error instanceof Error ? error.message : String(error);
    const action = await vscode.window.showWarningMessage(message, ...Object.keys(actions));
    if (action) {
        await vscode.commands.executeCommand(actions[action] as string);
    }
}

/** Set codekin.path, which restarts the server. */
async function setPath(program: string): Promise<void> {
    await vscode.workspace.getConfiguration('codekin').update('path', program, vscode.ConfigurationTarget.Global);
}
