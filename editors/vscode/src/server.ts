/** Finds, starts, supervises and stops the server. Starts and stops never overlap. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as os from 'node:os';
import * as vscode from 'vscode';
import type { ServerState } from './format';
import type { MissingPart } from './installPlan';
import { getSelectedInterpreter } from './interpreter';
import { getIsolatedOptions } from './isolation';
import type { Client } from './languageClient';
import { loadMissingParts } from './missingParts';
import { EXECUTE_COMMAND, type IndexCommand, STATUS, STATUS_CHANGED, type Status } from './protocol';
import { RestartBackoff } from './restartBackoff';
import { findServer, isCompatible, type ServerLocation } from './serverLocation';
import type { Settings } from './settings';

const MISSING = vscode.l10n.t(
    'The codekin server was not found. Run "codekin: Install Server…", or set codekin.path to its location.',
);
const STOPPED = vscode.l10n.t(
    'The codekin server is not running. Run "codekin: Restart Server", or "codekin: Show Log" for details.',
);
const INSTALLING = vscode.l10n.t('The codekin server is being installed, which may take some minutes.');
const STOP_TIMEOUT_MS = 10_000;
const EXIT_TIMEOUT_MS = 2_000; // of the process, once the server has answered
const START_TIMEOUT_MS = 30_000; // a busy machine needs some seconds: the server answers before it loads anything

type ClientFactory = typeof import('./languageClient').createClient;

export class Server implements vscode.Disposable {
    state: ServerState = 'stopped';
    location: ServerLocation | undefined;
    missingParts: MissingPart[] = []; // what could not be installed of this server, if the extension has installed it
    status: Status | undefined;

    private readonly changeEmitter = new vscode.EventEmitter<void>();
    readonly onChange = this.changeEmitter.event;
    private client: Client | undefined;
    private process: ChildProcess | undefined; // of the last start; it may have ended
    private isStarting = false;
    private requestCount = 0; // of starts and stops: a start that another request has overtaken is given up
    private queue: Promise<void> = Promise.resolve();
    private readonly backoff = new RestartBackoff();
    private restartTimer: NodeJS.Timeout | undefined;
    private isInstalling = false;

    constructor(
        readonly version: string,
        private readonly bundled: string, // the folder of the server in a package for one platform
        private readonly environment: string, // the extension's own virtual environment
        private readonly settings: Settings,
        readonly log: vscode.LogOutputChannel,
    ) {}

    /** Start or restart the server, after all earlier stops have finished. A start under way is given up. */
    restart(): Promise<void> {
        this.backoff.reset();
        this.giveUpStart();
        const request = this.requestCount;
        return this.enqueue(async () => {
            await this.stopClient();
            await this.startClient(request);
        });
    }

    stop(): Promise<void> {
        this.giveUpStart();
        return this.enqueue(() => this.stopClient());
    }

    /** Run an installation while no server runs. A restart that is asked for meanwhile waits; requests fail at once. */
    async replace(install: () => Promise<boolean>): Promise<boolean> {
        let isInstalled = false;
        this.isInstalling = true;
        this.giveUpStart();
        await this.enqueue(async () => {
            await this.stopClient();
            this.setState('installing');
            isInstalled = await install();
        });
        this.isInstalling = false;
        return isInstalled;
    }

    dispose(): void {
        void this.stop();
        this.changeEmitter.dispose();
    }

    /** Find the program that would be started now. */
    async findProgram(): Promise<ServerLocation | undefined> {
        const setting = vscode.workspace.getConfiguration('codekin').get('path', '');
        const interpreter = setting ? undefined : await getSelectedInterpreter();
        const [path, home] = [process.env['PATH'] ?? '', os.homedir()];
        return findServer({ setting, interpreter, path, bundled: this.bundled, installed: this.environment, home });
    }

    /** Send a request. Throws an Error whose message can be shown, or vscode.CancellationError. */
    async request<T>(method: string, params?: object, token?: vscode.CancellationToken): Promise<T> {
        if (!this.isInstalling) {
            await this.queue;
        }
        if (!this.client || this.state !== 'running') {
            throw new Error(
                this.isInstalling || this.state === 'installing'
                    ? INSTALLING
                    : this.state === 'missing'
                      ? MISSING
                      : STOPPED,
            );
        }
        try {
            // An undefined token would be sent as a second parameter.
            return await this.client.sendRequest<T>(method, params ?? {}, ...(token ? [token] : []));
        } catch (error) {
            if (token?.isCancellationRequested) {
                throw new vscode.CancellationError();
            }
            if (this.state !== 'running') {
                throw new Error(STOPPED); // by which the server has cancelled the request
            }
            throw error instanceof Error && 'code' in error ? new Error(error.message) : error; // of the server
        }
    }

    /** Listen to the progress of a request with this token. Return undefined if there is no server. */
    onProgress<T>(token: string, listener: (value: T) => void): vscode.Disposable | undefined {
        return this.client?.listenToProgress(token, listener);
    }

    async sendIndexCommand(command: IndexCommand): Promise<void> {
        this.setStatus(await this.request<Status>(`codekin/${command}`));
    }

    /** Execute one of the server's own commands. */
    async executeCommand(command: string, ...commandArguments: unknown[]): Promise<unknown> {
        return this.request(EXECUTE_COMMAND, { command, arguments: commandArguments });
    }

    private enqueue(task: () => Promise<void>): Promise<void> {
        clearTimeout(this.restartTimer);
        this.queue = this.queue.then(task).catch((error: unknown) => this.log.error(String(error)));
        return this.queue;
    }

    /** Find and start the server. Ends early as soon as there has been another request than this one. */
    private async startClient(request: number): Promise<void> {
        const isGivenUp = () => request !== this.requestCount;
        if (isGivenUp()) {
            return;
        }
        try {
            const location = await this.findProgram();
            const missingParts = location ? await loadMissingParts(this.environment, location.program) : [];
            if (isGivenUp()) {
                return;
            }
            this.location = location;
            this.missingParts = missingParts;
            if (!location) {
                return this.setState('missing');
            }
            this.log.info(`Starting ${location.program} (found by ${location.source})`);
            this.setState('starting');
            const { createClient } = await import('./languageClient.js');
            if (!isGivenUp()) {
                await this.runClient(createClient, location);
            }
        } catch (error) {
            this.log.error(`The server cannot be started: ${String(error)}`);
            if (!isGivenUp()) {
                this.setState('crashed');
            }
        }
    }

    private async runClient(createClient: ClientFactory, location: ServerLocation): Promise<void> {
        const spawnProcess = () => this.spawnProcess(location);
        const isCurrent = () => this.client === client; // what comes late from an earlier one is ignored
        const client = createClient(spawnProcess, this.settings, this.log, () => isCurrent() && this.handleCrash());
        this.client = client;
        client.onNotification(STATUS_CHANGED, (status: Status) => {
            if (isCurrent()) {
                this.setStatus(status);
            }
        });
        this.isStarting = true;
        const timer = setTimeout(() => this.handleSilence(), START_TIMEOUT_MS);
        try {
            await client.start();
        } catch (error) {
            this.killProcess(); // one that has refused to start would stay
            if (isCurrent()) {
                this.log.error(`The server failed to start: ${String(error)}`);
                this.handleCrash();
            }
            return;
        } finally {
            clearTimeout(timer);
            this.isStarting = false;
        }
        if (!isCurrent()) {
            return this.killProcess(); // it was given up, or its end was noticed, just before
        }
        this.setState('running');
        this.checkVersion(client.initializeResult?.serverInfo?.version ?? 'unknown');
        void this.request<Status>(STATUS).then(
            (status) => this.setStatus(status),
            () => undefined,
        );
    }

    private async spawnProcess({ program, options }: ServerLocation): Promise<ChildProcess> {
        const child = spawn(program, [...options, 'serve'], getIsolatedOptions(program));
        this.process = child;
        await once(child, 'spawn'); // rejects if the program cannot be run
        child.on('error', (error) => this.log.error(String(error)));
        return child;
    }

    /** Kill a server that has not answered yet, because another start or stop was asked for. */
    private giveUpStart(): void {
        this.requestCount += 1;
        if (this.isStarting) {
            this.log.info('The start is given up');
            this.killStarting('stopped');
        }
    }

    private handleSilence(): void {
        const seconds = START_TIMEOUT_MS / 1000;
        this.log.error(`The server has not answered "initialize" for ${seconds} s; it is killed`);
        this.killStarting('crashed');
        void this.showWarning(vscode.l10n.t('The codekin server did not answer within {0} seconds.', seconds), {
            [vscode.l10n.t('Retry')]: 'codekin.restart',
            [vscode.l10n.t('Show Log')]: 'codekin.showLog',
        });
    }

    /** Kill the process, by which the client's start fails: a client that is starting cannot be stopped. */
    private killStarting(state: ServerState): void {
        this.client = undefined;
        this.setState(state);
        this.killProcess();
    }

    /** Kill the process of the last start. */
    private killProcess(): void {
        this.process?.kill('SIGKILL');
        this.process?.stdin?.destroy(); // a program that a script has started ends by this
        this.process?.stdout?.destroy(); // and may keep it open
    }

    private async stopClient(): Promise<void> {
        const { client, process: child } = this;
        clearTimeout(this.restartTimer); // of a crash after the stop was asked for
        this.client = undefined;
        this.setState('stopped');
        if (client?.canBeStopped) {
            await client
                .stop(STOP_TIMEOUT_MS)
                .catch((error: unknown) => this.log.warn(`The server did not stop in time: ${String(error)}`));
            setTimeout(() => child?.kill('SIGKILL'), EXIT_TIMEOUT_MS).unref(); // no effect on one that has ended
        }
    }

    /** Restart a crashed server after a growing delay; after several crashes, stop and show a message. */
    private handleCrash(): void {
        this.client = undefined; // so that a failed start, which is reported twice, counts once
        this.setState('crashed');
        const delay = this.backoff.recordCrash(Date.now());
        if (delay !== undefined) {
            this.log.warn(`The server has crashed; restarting it in ${delay} ms`);
            const request = this.requestCount;
            this.restartTimer = setTimeout(() => void this.enqueue(() => this.startClient(request)), delay);
            return;
        }
        this.log.error('The server keeps crashing; it is not restarted any more');
        void this.showWarning(vscode.l10n.t('The codekin server keeps crashing. The log may tell why.'), {
            [vscode.l10n.t('Show Log')]: 'codekin.showLog',
            [vscode.l10n.t('Restart Server')]: 'codekin.restart',
        });
    }

    private checkVersion(serverVersion: string): void {
        this.log.info(`The server is codekin ${serverVersion}`);
        if (isCompatible(this.version, serverVersion)) {
            return;
        }
        const { source, program = '' } = this.location ?? {};
        const advice =
            source === 'installed'
                ? vscode.l10n.t('Install the matching version.')
                : vscode.l10n.t('Update {0}, or install a server for VS Code only.', program);
        const message = vscode.l10n.t(
            'The codekin server is version {0}, but this extension is {1}. {2}',
            serverVersion,
            this.version,
            advice,
        );
        void this.showWarning(message, { [vscode.l10n.t('Install Server')]: 'codekin.installServer' });
    }

    private async showWarning(message: string, actions: Record<string, string>): Promise<void> {
        const action = await vscode.window.showWarningMessage(message, ...Object.keys(actions));
        if (action) {
            await vscode.commands.executeCommand(actions[action] as string);
        }
    }

    private setStatus(status: Status): void {
        this.status = status;
        this.changeEmitter.fire();
    }

    private setState(state: ServerState): void {
        this.state = state;
        if (state !== 'running') {
            this.status = undefined;
        }
        this.changeEmitter.fire();
    }
}
