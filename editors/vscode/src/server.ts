/** The server: found, started, watched over. Starts and stops never overlap. */

import * as os from 'node:os';
import * as vscode from 'vscode';
import {
    CloseAction,
    CodeLensResolveRequest,
    ErrorAction,
    LanguageClient,
    ResponseError,
    State,
    type LanguageClientOptions,
    type ProgressType,
} from 'vscode-languageclient/node';
import { mayComplete } from './ghost';
import { selectedInterpreter } from './interpreter';
import { surroundings } from './isolation';
import { Patience } from './patience';
import { CELL } from './open';
import { findServer, suits, type Found } from './places';
import { STATUS, STATUS_CHANGED, type Order, type Status } from './protocol';
import type { Settings } from './settings';
import type { Life } from './wording';

const MISSING = 'The server was not found. "codekin: Install Server…" installs it; the setting codekin.path names one that is there.';
const STOPPED = 'The server is not running. "codekin: Restart Server" starts it, "codekin: Show Log" says more.';
const EXECUTE_COMMAND = 'workspace/executeCommand';

/** Commands are the extension's own: they are there before the server is, and show answers in its views. */
class Client extends LanguageClient {
    override registerFeature(feature: Parameters<LanguageClient['registerFeature']>[0]): void {
        if (!('registrationType' in feature) || feature.registrationType.method !== EXECUTE_COMMAND) {
            super.registerFeature(feature);
        }
    }

    /** Logged only: a person is told once, by Server, and how to go on. */
    override error(message: string, data?: unknown): void {
        super.error(message, data, false);
    }
}

export class Server implements vscode.Disposable {
    life: Life = 'stopped';
    found: Found | undefined;
    status: Status | undefined;

    private readonly changed = new vscode.EventEmitter<void>();
    readonly onChange = this.changed.event;
    private client: Client | undefined;
    private queue: Promise<void> = Promise.resolve();
    private readonly patience = new Patience();
    private retry: NodeJS.Timeout | undefined;

    constructor(
        readonly version: string,
        private readonly installed: string, // the extension's own virtual environment
        private readonly settings: Settings,
        readonly log: vscode.LogOutputChannel,
    ) {}

    /** Start, or start anew, after all that was asked for before. */
    restart(): Promise<void> {
        this.patience.renew();
        return this.inTurn(async () => {
            await this.end();
            await this.begin();
        });
    }

    stop(): Promise<void> {
        return this.inTurn(() => this.end());
    }

    dispose(): void {
        void this.stop();
        this.changed.dispose();
    }

    /** The program that would be started now. */
    async find(): Promise<Found | undefined> {
        const setting = vscode.workspace.getConfiguration('codekin').get('path', '');
        const interpreter = setting ? undefined : await selectedInterpreter();
        const [path, home] = [process.env['PATH'] ?? '', os.homedir()];
        return findServer({ setting, interpreter, path, installed: this.installed, home });
    }

    /** The server's answer. Throws what a person can be told; a vscode.CancellationError where nobody is to be. */
    async ask<T>(method: string, params?: object, token?: vscode.CancellationToken): Promise<T> {
        await this.queue;
        if (!this.client || this.life !== 'running') {
            throw new Error(this.life === 'missing' ? MISSING : STOPPED);
        }
        try {
            // Where there is no token, it must not be given either: it would be taken for a second parameter.
            return await this.client.sendRequest<T>(method, params ?? {}, ...(token ? [token] : []));
        } catch (error) {
            if (token?.isCancellationRequested) {
                throw new vscode.CancellationError();
            }
            throw error instanceof ResponseError ? new Error(error.message) : error;
        }
    }

    /** Told how far a request is that carries the token; undefined where there is no server. */
    onProgress<T>(type: ProgressType<T>, token: string, told: (value: T) => void): vscode.Disposable | undefined {
        return this.client?.onProgress(type, token, told);
    }

    async order(order: Order): Promise<void> {
        this.learn(await this.ask<Status>(`codekin/${order}`));
    }

    /** Have the server carry out a command of its own. */
    async command(name: string, ...given: unknown[]): Promise<unknown> {
        return this.ask(EXECUTE_COMMAND, { command: name, arguments: given });
    }

    private inTurn(work: () => Promise<void>): Promise<void> {
        clearTimeout(this.retry);
        this.queue = this.queue.then(work).catch((error: unknown) => this.log.error(String(error)));
        return this.queue;
    }

    private async begin(): Promise<void> {
        this.found = await this.find();
        if (!this.found) {
            return this.live('missing');
        }
        this.log.info(`starting ${this.found.program} (${this.found.from})`);
        this.live('starting');
        const start = { command: this.found.program, args: ['serve'], options: surroundings(this.found.program) };
        const client = new Client('codekin', 'codekin', start, this.options());
        this.client = client;
        client.onNotification(STATUS_CHANGED, (status: Status) => {
            if (this.client === client) {
                this.learn(status); // and nothing that one says which has ended
            }
        });
        try {
            await client.start();
        } catch (error) {
            this.log.error(`the server does not start: ${String(error)}`);
            if (this.client === client) {
                this.crashed();
            }
            return;
        }
        this.live('running');
        this.compare(client.initializeResult?.serverInfo?.version ?? 'unknown');
        void this.ask<Status>(STATUS).then((status) => this.learn(status), () => undefined);
    }

    private async end(): Promise<void> {
        const client = this.client;
        this.client = undefined;
        if (client && client.state !== State.Stopped && client.state !== State.StartFailed) {
            await client.stop(10_000).catch((error: unknown) => this.log.warn(`the server was slow to stop: ${String(error)}`));
        }
        this.live('stopped');
    }

    private options(): LanguageClientOptions {
        return {
            documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }, { scheme: CELL }],
            outputChannel: this.log,
            initializationOptions: this.settings.usersOwn(),
            initializationFailedHandler: () => false,
            errorHandler: {
                error: () => ({ action: ErrorAction.Continue, handled: true }),
                closed: () => {
                    this.crashed();
                    return { action: CloseAction.DoNotRestart, handled: true };
                },
            },
            middleware: {
                provideInlineCompletionItems: (document, position, context, token, next) =>
                    mayComplete(document) ? next(document, position, context, token) : [],
                provideCompletionItem: (document, position, context, token, next) =>
                    mayComplete(document) ? next(document, position, context, token) : [],
                provideCodeLenses: async (document, token, next) => this.counted(await next(document, token), token),
                workspace: {
                    configuration: ({ items }, token, next) =>
                        items.every(({ section }) => section === 'codekin')
                            ? items.map(() => this.settings.chosen())
                            : next({ items }, token),
                },
            },
        };
    }

    /** The lenses that have something to count: VS Code keeps a line for each, also for one that says nothing. */
    private async counted(lenses: vscode.CodeLens[] | null | undefined, token: vscode.CancellationToken): Promise<vscode.CodeLens[]> {
        const client = this.client;
        if (!client || !lenses) {
            return [];
        }
        const resolved = lenses.map(async (lens) => {
            const asked = client.code2ProtocolConverter.asCodeLens(lens);
            return client.protocol2CodeConverter.asCodeLens(await client.sendRequest(CodeLensResolveRequest.type, asked, token));
        });
        return (await Promise.all(resolved)).filter((lens) => lens.command?.command);
    }

    /** It has ended by itself: try again, ever later, then say so once. */
    private crashed(): void {
        if (this.life === 'ended' || this.life === 'stopped') {
            return; // a failed start is told twice
        }
        this.client = undefined;
        this.live('ended');
        const wait = this.patience.ended(Date.now());
        if (wait !== undefined) {
            this.log.warn(`the server has ended; it is started again in ${wait} ms`);
            this.retry = setTimeout(() => void this.inTurn(() => this.begin()), wait);
            return;
        }
        this.log.error('the server ends again and again; it is not started any more');
        void this.complain('codekin: the server ends again and again. Its log may say why.', {
            'Show Log': 'codekin.showLog',
            'Restart Server': 'codekin.restart',
        });
    }

    private compare(version: string): void {
        this.log.info(`the server is codekin ${version}`);
        if (suits(this.version, version)) {
            return;
        }
        const own = this.found?.from === 'installed';
        const remedy = own ? 'Install its match.' : `Update ${this.found?.program}, or install one for VS Code alone.`;
        void this.complain(`codekin: the server is version ${version}, this extension is ${this.version}. ${remedy}`, {
            'Install Server': 'codekin.installServer',
        });
    }

    private async complain(message: string, remedies: Record<string, string>): Promise<void> {
        const chosen = await vscode.window.showWarningMessage(message, ...Object.keys(remedies));
        if (chosen) {
            await vscode.commands.executeCommand(remedies[chosen] as string);
        }
    }

    private learn(status: Status): void {
        this.status = status;
        this.changed.fire();
    }

    private live(life: Life): void {
        this.life = life;
        if (life !== 'running') {
            this.status = undefined;
        }
        this.changed.fire();
    }
}
