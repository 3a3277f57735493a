/** Installs the server: asks first, shows progress, and removes what a failed installation left. */

import { execFile } from 'node:child_process';
import { existsSync, promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { type InstallTools, type MissingPart, planInstall, runSteps } from './installPlan';
import { getSelectedInterpreter } from './interpreter';
import { getIsolatedOptions } from './isolation';
import { saveMissingParts } from './missingParts';
import type { Server } from './server';
import { findOnPath, getScriptsFolder, PROGRAM, resolveProgram } from './serverLocation';
import { openSettings } from './settings';

const execute = promisify(execFile);
const CHECK_VERSION = 'import sys; sys.exit(sys.version_info < (3, 11))';
const VERSION_TIMEOUT_MS = 10_000;
const REMOVAL = { recursive: true, force: true, maxRetries: 5 }; // Windows frees the files of an ended process late

type Tool = 'uv' | 'pip';

export class Installer {
    private isInstalling = false;

    constructor(
        private readonly server: Server,
        private readonly environment: string,
    ) {}

    /** Ask the user and install the server. Return whether it was installed. */
    async install(): Promise<boolean> {
        if (this.isInstalling) {
            return false;
        }
        this.isInstalling = true;
        try {
            return await this.confirmAndInstall();
        } finally {
            this.isInstalling = false;
        }
    }

    private async confirmAndInstall(): Promise<boolean> {
        const tools = await findTools();
        if (!tools.uv && !tools.python) {
            void showPythonMissing(); // a message may stand for hours
            return false;
        }
        const packageSpec = getPackage() || (await chooseClone());
        const tool = packageSpec && (await this.chooseTool(tools, packageSpec));
        if (!tool) {
            return false;
        }
        const chosenTools = tool === 'uv' ? tools : { ...tools, uv: undefined };
        const isInstalled = await this.server.replace(() => this.runInstall(chosenTools, packageSpec));
        try {
            if (isInstalled) {
                await this.selectInstalled();
            }
        } finally {
            void this.server.restart(); // not awaited: the message about a failure offers to retry
        }
        return isInstalled;
    }

    /** Set codekin.path if the extension would start another server than the one just installed. */
    private async selectInstalled(): Promise<void> {
        const program = path.join(getScriptsFolder(this.environment), PROGRAM);
        if ((await this.server.findProgram())?.program !== program) {
            await vscode.workspace
                .getConfiguration('codekin')
                .update('path', program, vscode.ConfigurationTarget.Global);
        }
    }

    /** Say what will be installed, and ask which of the available tools to use. */
    private async chooseTool({ uv, python }: InstallTools, packageSpec: string): Promise<Tool | undefined> {
        const tools: Tool[] = [...(uv ? (['uv'] as const) : []), ...(python ? (['pip'] as const) : [])];
        const detail = vscode.l10n.t(
            'Creates a virtual environment in {0} and installs {1} into it, with its dependencies from the package index that {2} is configured to use. Nothing else on this machine changes.',
            this.environment,
            packageSpec,
            tools.join(' / '),
        );
        const choices = tools.map((tool) => ({ title: vscode.l10n.t('Install with {0}', tool), tool }));
        const message = vscode.l10n.t('Install the codekin server?');
        const choice = await vscode.window.showInformationMessage(message, { modal: true, detail }, ...choices);
        return choice?.tool;
    }

    private async runInstall(tools: InstallTools, packageSpec: string): Promise<boolean> {
        const options = { location: vscode.ProgressLocation.Notification, title: 'codekin', cancellable: true };
        const abort = new AbortController();
        let missingParts: MissingPart[] = [];
        try {
            await vscode.window.withProgress(options, async (progress, token) => {
                token.onCancellationRequested(() => abort.abort());
                await fs.rm(this.environment, REMOVAL);
                const reporter = {
                    report: (message: string) => progress.report({ message }),
                    log: (line: string) => this.server.log.info(line),
                };
                const steps = planInstall(tools, this.environment, packageSpec);
                missingParts = await runSteps(steps, reporter, abort.signal);
                await saveMissingParts(this.environment, missingParts);
            });
        } catch (error) {
            await fs // an incomplete one would be started
                .rm(this.environment, REMOVAL)
                .catch((removalError: unknown) => this.server.log.error(String(removalError)));
            this.server.log.error(String(error));
            if (!abort.signal.aborted) {
                void this.showFailure(error instanceof Error ? error.message : String(error));
            }
            return false;
        }
        void this.showSuccess(missingParts);
        return true;
    }

    private async showSuccess(missingParts: MissingPart[]): Promise<void> {
        if (!missingParts.length) {
            void vscode.window.showInformationMessage(vscode.l10n.t('The codekin server is installed.'));
            return;
        }
        const parts = missingParts.map(({ part, reason }) => `${part}: ${reason}`).join(' · ');
        const message = vscode.l10n.t('The codekin server is installed, but not all of it. Missing is {0}', parts);
        const showLog = vscode.l10n.t('Show Log');
        if (await vscode.window.showWarningMessage(message, showLog)) {
            this.server.log.show();
        }
    }

    private async showFailure(message: string): Promise<void> {
        const [retry, showLog] = [vscode.l10n.t('Retry'), vscode.l10n.t('Show Log')];
        const action = await vscode.window.showErrorMessage(message, retry, showLog);
        if (action === retry) {
            await this.install();
        } else if (action) {
            this.server.log.show();
        }
    }
}

/** Return what to install; '' if the setting is empty, or names a folder that does not exist any more. */
function getPackage(): string {
    const setting = vscode.workspace.getConfiguration('codekin').get('package', '');
    return path.isAbsolute(setting) && !existsSync(setting) ? '' : setting;
}

/**
 * Ask for the folder of a clone until one is given, and remember it in the settings. codekin is on no package index yet: a package of that
 * name there would be a stranger's.
 */
async function chooseClone(): Promise<string | undefined> {
    const button = vscode.l10n.t('Choose Folder…');
    const openLabel = vscode.l10n.t('Install from This Folder');
    let message = vscode.l10n.t('The server is installed from a clone of codekin. Where is it?');
    while (await vscode.window.showInformationMessage(message, { modal: true }, button)) {
        const [folder] =
            (await vscode.window.showOpenDialog({ canSelectFiles: false, canSelectFolders: true, openLabel })) ?? [];
        if (!folder) {
            break;
        }
        if (existsSync(path.join(folder.fsPath, 'server', 'codekin'))) {
            const configuration = vscode.workspace.getConfiguration('codekin');
            await configuration.update('package', folder.fsPath, vscode.ConfigurationTarget.Global);
            return folder.fsPath;
        }
        message = vscode.l10n.t('{0} is not a clone of codekin: it has no folder server/codekin.', folder.fsPath);
    }
    return undefined;
}

async function showPythonMissing(): Promise<void> {
    const message = vscode.l10n.t('codekin needs Python 3.11 or newer. Install it, or set codekin.python to its path.');
    const openSetting = vscode.l10n.t('Open Settings');
    if (await vscode.window.showErrorMessage(message, openSetting)) {
        await openSettings('codekin.python');
    }
}

/** Find uv, and a Python that is new enough; the setting codekin.python takes precedence over both. */
async function findTools(): Promise<InstallTools> {
    const searchPath = process.env['PATH'] ?? '';
    const setting = vscode.workspace.getConfiguration('codekin').get('python', '');
    const uv = findOnPath('uv', searchPath) ?? findOnPath('uv.exe', searchPath);
    const candidates = setting
        ? [resolveProgram(setting, os.homedir(), searchPath)]
        : [
              await getSelectedInterpreter(),
              ...['python3', 'python', 'python.exe'].map((name) => findOnPath(name, searchPath)),
          ];
    for (const python of candidates) {
        if (python && (await isNewEnough(python))) {
            return { uv, python };
        }
    }
    return { uv: setting ? undefined : uv, python: undefined };
}

async function isNewEnough(python: string): Promise<boolean> {
    const options = { ...getIsolatedOptions(python), timeout: VERSION_TIMEOUT_MS };
    return execute(python, ['-I', '-c', CHECK_VERSION], options).then(
        () => true,
        () => false,
    );
}
