/** Activates the extension. Nothing here waits for the server. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { registerCompare } from './compare';
import { registerCompletions } from './completions';
import { registerDuplicates } from './duplicates';
import { Installer } from './installer';
import { onInterpreterChange } from './interpreter';
import { setLanguage } from './l10n';
import { registerLanguageModelTools } from './languageModelTools';
import { SearchPicker } from './search';
import { Server } from './server';
import { registerServerSetup, showError } from './serverSetup';
import { listServerSettings, Settings } from './settings';
import { SimilarView } from './similar';
import { registerSimilarCommands } from './similarCommands';
import { registerStatusItem } from './statusItem';
import { getScriptsUri, StatusPage } from './statusPage';
import { registerWalkthrough } from './walkthrough';

/** What tests observe. */
export interface ExtensionApi {
    server: Server;
    similar: SimilarView;
    search: SearchPicker;
    started: Promise<void>;
}

export function activate(context: vscode.ExtensionContext): ExtensionApi {
    setLanguage(vscode.env.language, vscode.l10n.bundle);
    const log = vscode.window.createOutputChannel('codekin', { log: true });
    const { packageJSON } = context.extension;
    const environment = path.join(context.globalStorageUri.fsPath, 'venv');
    const settings = new Settings(listServerSettings(packageJSON));
    const bundled = path.join(context.extensionUri.fsPath, 'server');
    const server = new Server(packageJSON.version, bundled, environment, settings, log);
    const similar = new SimilarView(server);
    const search = new SearchPicker(server, context.workspaceState, (query, answer, filter) =>
        similar.showResults(query, answer, filter),
    );
    const installer = new Installer(server, environment);
    const statusPage = new StatusPage(server, getScriptsUri(context.extensionUri));
    const commands: Record<string, (...commandArguments: never[]) => unknown> = {
        'codekin.search': (query?: unknown) => search.show(typeof query === 'string' ? query : ''),
        'codekin.restart': () => server.restart(),
        'codekin.installServer': () => installer.install(),
        'codekin.showLog': () => log.show(),
        'codekin.showStatus': () => statusPage.show(),
        'codekin.showCompletionSource': () =>
            server.executeCommand('codekin.showCompletionSource').catch((error: unknown) => showError(server, error)),
        'codekin.completionAccepted': (source: unknown) => {
            void vscode.commands.executeCommand('setContext', 'codekin.hasAcceptedCompletion', true);
            return server.executeCommand('codekin.completionAccepted', source);
        },
    };
    context.subscriptions.push(
        log,
        server,
        similar,
        search,
        statusPage,
        registerSimilarCommands(similar, server),
        registerCompare(),
        registerCompletions(),
        registerDuplicates(),
        registerStatusItem(server),
        registerServerSetup(server),
        registerWalkthrough(context.extension.id),
        registerLanguageModelTools(server),
        ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
        vscode.workspace.onDidChangeConfiguration((event) => settings.needsRestart(event) && void server.restart()),
        vscode.workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
    );
    void onInterpreterChange(() => void restartIfMoved(server)).then(
        (listener) => listener && context.subscriptions.push(listener),
    );
    return { server, similar, search, started: server.restart() };
}

/** Restart if the newly selected interpreter comes with another server. */
async function restartIfMoved(server: Server): Promise<void> {
    if ((await server.findProgram())?.program !== server.location?.program) {
        await server.restart();
    }
}
