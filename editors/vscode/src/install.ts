/** Installing the server: asked first, shown while it goes on, undone where it fails. */

import { execFile } from 'node:child_process';
import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { carryOut, plan, type Tools } from './installing';
import { selectedInterpreter } from './interpreter';
import { surroundings } from './isolation';
import { named, onPath } from './places';
import type { Server } from './server';
import { openSettings } from './settings';

const execute = promisify(execFile);
const IS_NEW = 'import sys; sys.exit(sys.version_info < (3, 11))';

type Tool = 'uv' | 'pip';

export class Installer {
    private isBusy = false;

    constructor(
        private readonly server: Server,
        private readonly environment: string,
    ) {}

    /** Where no server was found: say so, once, and offer what helps. */
    async offer(): Promise<void> {
        const setting = vscode.workspace.getConfiguration('codekin').get('path', '');
        const message = setting
            ? `codekin: the setting codekin.path names ${setting}, which is no program.`
            : 'codekin: its server, a Python program, was not found in the selected interpreter or on PATH.';
        const remedies = setting ? ['Open Settings'] : ['Install Server…', 'Open Settings'];
        const chosen = await vscode.window.showWarningMessage(message, ...remedies);
        if (chosen === 'Open Settings') {
            await openSettings('codekin.path');
        } else if (chosen) {
            await this.install();
        }
    }

    /** Whether it was installed. */
    async install(): Promise<boolean> {
        if (this.isBusy) {
            return false;
        }
        this.isBusy = true;
        try {
            return await this.ask();
        } finally {
            this.isBusy = false;
        }
    }

    private async ask(): Promise<boolean> {
        const tools = await this.tools();
        if (!tools.uv && !tools.python) {
            const message = 'codekin needs Python 3.11 or newer. Install it, or name one in the setting codekin.python.';
            await vscode.window.showErrorMessage(message);
            return false;
        }
        const wanted = vscode.workspace.getConfiguration('codekin').get('package', '') || `codekin==${this.server.version}`;
        const tool = await this.chooseTool(tools, wanted);
        if (!tool) {
            return false;
        }
        await this.server.stop();
        const isDone = await this.carryOut(tool === 'uv' ? tools : { ...tools, uv: undefined }, wanted);
        await this.server.restart();
        return isDone;
    }

    /** Says what would be done, and asks by which of the tools that there are. */
    private async chooseTool({ uv, python }: Tools, wanted: string): Promise<Tool | undefined> {
        const usable: Tool[] = [...(uv ? (['uv'] as const) : []), ...(python ? (['pip'] as const) : [])];
        const detail =
            `Makes a virtual environment in ${this.environment} and installs ${wanted} there, ` +
            `from the package index that ${usable.join(' or ')} is set up for. Nothing else on this machine is changed.`;
        const choices = usable.map((tool) => ({ title: `Install with ${tool}`, tool }));
        const chosen = await vscode.window.showInformationMessage("Install codekin's server?", { modal: true, detail }, ...choices);
        return chosen?.tool;
    }

    private async carryOut(tools: Tools, wanted: string): Promise<boolean> {
        const options = { location: vscode.ProgressLocation.Notification, title: 'codekin', cancellable: true };
        try {
            await vscode.window.withProgress(options, async (progress, token) => {
                const stop = new AbortController();
                token.onCancellationRequested(() => stop.abort());
                await fs.rm(this.environment, { recursive: true, force: true });
                const steps = plan(tools, this.environment, wanted);
                const log = (line: string): void => this.server.log.info(line);
                await carryOut(steps, (message) => progress.report({ message }), log, stop.signal);
            });
        } catch (error) {
            await fs.rm(this.environment, { recursive: true, force: true }); // half of one is worse than none
            this.server.log.error(String(error));
            void vscode.window.showErrorMessage(`codekin: ${error instanceof Error ? error.message : String(error)}`);
            return false;
        }
        void vscode.window.showInformationMessage('codekin: the server is installed.');
        return true;
    }

    private async tools(): Promise<Tools> {
        const path = process.env['PATH'] ?? '';
        const setting = vscode.workspace.getConfiguration('codekin').get('python', '');
        const candidates = setting ? [named(setting, os.homedir(), path)] : [await selectedInterpreter(), onPath('python3', path), onPath('python', path), onPath('python.exe', path)];
        for (const python of candidates) {
            if (python && (await isNew(python))) {
                return { uv: onPath('uv', path) ?? onPath('uv.exe', path), python };
            }
        }
        return { uv: setting ? undefined : (onPath('uv', path) ?? onPath('uv.exe', path)), python: undefined };
    }
}

async function isNew(python: string): Promise<boolean> {
    return execute(python, ['-I', '-c', IS_NEW], { ...surroundings(python), timeout: 10_000 }).then(
        () => true,
        () => false,
    );
}
