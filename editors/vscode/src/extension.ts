/** Activates the extension. Nothing here waits for the server. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { registerCompare } from './compare';
import { registerCompletions } from './completions';
import { Installer } from './installer';
import { onInterpreterChange } from './interpreter';
import { SearchPicker } from './search';
import { Server } from './server';
import { listServerSettings, Settings } from './settings';
import { registerSimilarCommands, SimilarView } from './similar';
import { registerStatusItem } from './statusItem';
import { getScriptsUri, StatusPage } from './statusPage';

/** What tests observe. */
export interface ExtensionApi {
    server: Server;
    similar: SimilarView;
    search: SearchPicker;
    started: Promise<void>;
}

export function activate(context: vscode.ExtensionContext): ExtensionApi {
    const log = vscode.window.createOutputChannel('codekin', { log: true });
    const { packageJSON } = context.extension;
    const environment = path.join(context.globalStorageUri.fsPath, 'venv');
    const settings = new Settings(listServerSettings(packageJSON));
    const server = new Server(packageJSON.version, environment, settings, log);
    const similar = new SimilarView(server);
    const search = new SearchPicker(server, context.workspaceState);
    const installer = new Installer(server, environment);
    const statusPage = new StatusPage(server, getScriptsUri(context.extensionUri));
    const commands: Record<string, (...commandArguments: never[]) => unknown> = {
        'codekin.search': (query?: unknown) => search.show(typeof query === 'string' ? query : ''),
        'codekin.restart': () => startServer(server, installer),
        'codekin.installServer': () => installer.install(),
        'codekin.showLog': () => log.show(),
        'codekin.showStatus': () => statusPage.show(),
        'codekin.showCompletionSource': () => server.executeCommand('codekin.showCompletionSource'),
        'codekin.completionAccepted': (source: unknown) => server.executeCommand('codekin.completionAccepted', source),
    };
    context.subscriptions.push(
        log,
        server,
        similar,
        statusPage,
        registerSimilarCommands(similar, server),
        registerCompare(),
        registerCompletions(),
        registerStatusItem(server),
        ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
        vscode.workspace.onDidChangeConfiguration(
            (event) => settings.needsRestart(event) && void startServer(server, installer),
        ),
        vscode.workspace.onDidGrantWorkspaceTrust(() => void startServer(server, installer)),
    );
    void onInterpreterChange(() => void restartIfMoved(server, installer)).then(
        (listener) => listener && context.subscriptions.push(listener),
    );
    return { server, similar, search, started: startServer(server, installer) };
}

async function startServer(server: Server, installer: Installer): Promise<void> {
    await server.restart();
    if (server.state === 'missing') {
        void installer.offer();
    }
}

/** Restart if the newly selected interpreter comes with another server. */
async function restartIfMoved(server: Server, installer: Installer): Promise<void> {
    if ((await server.findProgram())?.program !== server.location?.program) {
        await startServer(server, installer);
    }
}
