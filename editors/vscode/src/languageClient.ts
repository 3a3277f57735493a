/** The language client, as the extension needs it. Loaded when the server starts: it is most of the extension's code. */

import type { ChildProcess } from 'node:child_process';
import type * as vscode from 'vscode';
import {
    CloseAction,
    CodeLensResolveRequest,
    ErrorAction,
    LanguageClient,
    type LanguageClientOptions,
    ProgressType,
    State,
} from 'vscode-languageclient/node';
import { areCompletionsEnabled } from './completions';
import { CELL_SCHEME } from './navigation';
import { EXECUTE_COMMAND } from './protocol';
import type { Settings } from './settings';

/** Leaves commands to the extension: they exist before the server runs, and show answers in its views. */
export class Client extends LanguageClient {
    override registerFeature(feature: Parameters<LanguageClient['registerFeature']>[0]): void {
        if (!('registrationType' in feature) || feature.registrationType.method !== EXECUTE_COMMAND) {
            super.registerFeature(feature);
        }
    }

    /** Only log errors: Server shows one message, with actions. */
    override error(message: string, data?: unknown): void {
        super.error(message, data, false);
    }

    /** Whether there is a server to stop. */
    get canBeStopped(): boolean {
        return this.state !== State.Stopped && this.state !== State.StartFailed;
    }

    /** Listen to the progress of a request with this token. */
    listenToProgress<T>(token: string, listener: (value: T) => void): vscode.Disposable {
        return this.onProgress(new ProgressType<T>(), token, listener);
    }

    /** Return only the lenses with a count: VS Code reserves a line for each lens, even for an empty one. */
    async resolveLenses(
        lenses: vscode.CodeLens[] | null | undefined,
        token: vscode.CancellationToken,
    ): Promise<vscode.CodeLens[]> {
        const resolving = (lenses ?? []).map(async (lens) => {
            const params = this.code2ProtocolConverter.asCodeLens(lens);
            const resolved = await this.sendRequest(CodeLensResolveRequest.type, params, token);
            return this.protocol2CodeConverter.asCodeLens(resolved);
        });
        return (await Promise.all(resolving)).filter((lens) => lens.command?.command);
    }
}

/** Create a client that is not started yet. `handleClose` is called when the server has ended by itself. */
export function createClient(
    spawnProcess: () => Promise<ChildProcess>,
    settings: Settings,
    log: vscode.LogOutputChannel,
    handleClose: () => void,
): Client {
    const options: LanguageClientOptions = {
        documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }, { scheme: CELL_SCHEME }],
        outputChannel: log,
        initializationOptions: settings.readUserSettings(),
        initializationFailedHandler: () => false,
        errorHandler: {
            error: () => ({ action: ErrorAction.Continue, handled: true }),
            closed: () => {
                handleClose();
                return { action: CloseAction.DoNotRestart, handled: true };
            },
        },
        middleware: {
            provideInlineCompletionItems: (document, position, context, token, next) =>
                areCompletionsEnabled(document) ? next(document, position, context, token) : [],
            provideCompletionItem: (document, position, context, token, next) =>
                areCompletionsEnabled(document) ? next(document, position, context, token) : [],
            provideCodeLenses: async (document, token, next) =>
                client.resolveLenses(await next(document, token), token),
            handleWorkDoneProgress: (token, params, next) => {
                if (params.kind === 'begin') {
                    params.title = `codekin: ${params.title}`; // in place: the client passes on its own object only
                }
                next(token, params);
            },
            workspace: {
                configuration: ({ items }, token, next) =>
                    items.every(({ section }) => section === 'codekin')
                        ? items.map(() => settings.readWorkspaceSettings())
                        : next({ items }, token),
            },
        },
    };
    const client = new Client('codekin', 'codekin', spawnProcess, options);
    return client;
}
