/** What VS Code starts: everything is made here, and nothing waits for the server. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { registerCompare } from './compare';
import { registerGhost } from './ghost';
import { Installer } from './install';
import { onInterpreterChange } from './interpreter';
import { Search } from './search';
import { Server } from './server';
import { serverKeys, Settings } from './settings';
import { registerSimilar, Similar } from './similar';
import { registerStatus } from './status';
import { scriptsOf, StatusPage } from './statusPage';

/** For tests, which look on. */
export interface Api {
    server: Server;
    similar: Similar;
    search: Search;
    started: Promise<void>;
}

export function activate(context: vscode.ExtensionContext): Api {
    const log = vscode.window.createOutputChannel('codekin', { log: true });
    const { packageJSON } = context.extension;
    const environment = path.join(context.globalStorageUri.fsPath, 'venv');
    const settings = new Settings(serverKeys(packageJSON));
    const server = new Server(packageJSON.version, environment, settings, log);
    const similar = new Similar(server);
    const search = new Search(server, context.workspaceState);
    const installer = new Installer(server, environment);
    const panel = new StatusPage(server, scriptsOf(context.extensionUri));
    const commands: Record<string, (...words: never[]) => unknown> = {
        'codekin.search': (query?: unknown) => search.show(typeof query === 'string' ? query : ''),
        'codekin.restart': () => start(server, installer),
        'codekin.installServer': () => installer.install(),
        'codekin.showLog': () => log.show(),
        'codekin.showStatus': () => panel.show(),
        'codekin.showCompletionSource': () => server.command('codekin.showCompletionSource'),
        'codekin.completionAccepted': (source: unknown) => server.command('codekin.completionAccepted', source),
    };
    context.subscriptions.push(
        log,
        server,
        similar,
        panel,
        registerSimilar(similar, server),
        registerCompare(),
        registerGhost(),
        registerStatus(server),
        ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
        vscode.workspace.onDidChangeConfiguration((event) => settings.needsRestart(event) && void start(server, installer)),
        vscode.workspace.onDidGrantWorkspaceTrust(() => void start(server, installer)),
    );
    void onInterpreterChange(() => void follow(server, installer)).then((it) => it && context.subscriptions.push(it));
    return { server, similar, search, started: start(server, installer) };
}

async function start(server: Server, installer: Installer): Promise<void> {
    await server.restart();
    if (server.life === 'missing') {
        void installer.offer();
    }
}

/** Another interpreter is selected: start anew where another server comes with it. */
async function follow(server: Server, installer: Installer): Promise<void> {
    if ((await server.find())?.program !== server.found?.program) {
        await start(server, installer);
    }
}
