/** Installs the server: asks first, shows progress, and removes what a failed installation left. */

import { execFile } from 'node:child_process';
import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { type InstallTools, planInstall, runSteps } from './installPlan';
import { getSelectedInterpreter } from './interpreter';
import { getIsolatedOptions } from './isolation';
import type { Server } from './server';
import { findOnPath, resolveProgram } from './serverLocation';

const execute = promisify(execFile);
const CHECK_VERSION = 'import sys; sys.exit(sys.version_info < (3, 11))';
const VERSION_TIMEOUT_MS = 10_000;

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
            const message = 'codekin needs Python 3.11 or newer. Install it, or set codekin.python to its path.';
            await vscode.window.showErrorMessage(message);
            return false;
        }
        const setting = vscode.workspace.getConfiguration('codekin').get('package', '');
        const packageSpec = setting || `codekin==${this.server.version}`;
        const tool = await this.chooseTool(tools, packageSpec);
        if (!tool) {
            return false;
        }
        await this.server.stop();
        const isInstalled = await this.runInstall(tool === 'uv' ? tools : { ...tools, uv: undefined }, packageSpec);
        await this.server.restart();
        return isInstalled;
    }

    /** Say what will be installed, and ask which of the available tools to use. */
    private async chooseTool({ uv, python }: InstallTools, packageSpec: string): Promise<Tool | undefined> {
        const tools: Tool[] = [...(uv ? (['uv'] as const) : []), ...(python ? (['pip'] as const) : [])];
        const detail =
            `Creates a virtual environment in ${this.environment} and installs ${packageSpec} into it from the ` +
            `package index that ${tools.join(' or ')} is configured to use. Nothing else on this machine changes.`;
        const choices = tools.map((tool) => ({ title: `Install with ${tool}`, tool }));
        const options = { modal: true, detail };
        const choice = await vscode.window.showInformationMessage('Install the codekin server?', options, ...choices);
        return choice?.tool;
    }

    private async runInstall(tools: InstallTools, packageSpec: string): Promise<boolean> {
        const options = { location: vscode.ProgressLocation.Notification, title: 'codekin', cancellable: true };
        try {
            await vscode.window.withProgress(options, async (progress, token) => {
                const abort = new AbortController();
                token.onCancellationRequested(() => abort.abort());
                await fs.rm(this.environment, { recursive: true, force: true });
                const reporter = {
                    report: (message: string) => progress.report({ message }),
                    log: (line: string) => this.server.log.info(line),
                };
                await runSteps(planInstall(tools, this.environment, packageSpec), reporter, abort.signal);
            });
        } catch (error) {
            await fs.rm(this.environment, { recursive: true, force: true }); // an incomplete one would be started
            this.server.log.error(String(error));
            void this.showFailure(error instanceof Error ? error.message : String(error));
            return false;
        }
        void vscode.window.showInformationMessage('The codekin server is installed.');
        return true;
    }

    private async showFailure(message: string): Promise<void> {
        const action = await vscode.window.showErrorMessage(message, 'Retry', 'Show Log');
        if (action === 'Retry') {
            await this.install();
        } else if (action) {
            this.server.log.show();
        }
    }
}

/** Find uv, and a Python that is new enough; the setting codekin.python takes precedence over both. */
async function findTools(): Promise<InstallTools> {
    const path = process.env['PATH'] ?? '';
    const setting = vscode.workspace.getConfiguration('codekin').get('python', '');
    const uv = findOnPath('uv', path) ?? findOnPath('uv.exe', path);
    const candidates = setting
        ? [resolveProgram(setting, os.homedir(), path)]
        : [
              await getSelectedInterpreter(),
              ...['python3', 'python', 'python.exe'].map((name) => findOnPath(name, path)),
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
