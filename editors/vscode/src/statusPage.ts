/** "codekin: Show Status": a page that shows what is indexed, what is not and why, the resources used, and the map. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { showRange } from './navigation';
import { DRAW_MAP, REPORT, type Report } from './protocol';
import type { Server } from './server';
import type { ServerLocation, ServerSource } from './serverLocation';
import { renderStatusPage } from './statusPageHtml';

const COMMANDS = [
    'codekin.pause',
    'codekin.resume',
    'codekin.reindex',
    'codekin.showLog',
    'codekin.restart',
    'codekin.installServer',
    'codekin.choosePath',
];
const REFRESH_MS = 5_000;

/** A message of the page to the extension. */
type PageMessage =
    | { kind: 'ready' | 'draw' | 'cancel' }
    | { kind: 'run'; command: string }
    | { kind: 'open'; uri: string; line: number };

export class StatusPage implements vscode.Disposable {
    private panel: vscode.WebviewPanel | undefined;
    private report: Report | undefined;
    private isRefreshing = false;
    private wasReady = false;
    private map: object | undefined;
    private mapCancellation: vscode.CancellationTokenSource | undefined;
    private readonly serverListener: vscode.Disposable;
    private readonly refreshTimer: NodeJS.Timeout;

    constructor(
        private readonly server: Server,
        private readonly scripts: vscode.Uri,
    ) {
        this.serverListener = server.onChange(() => this.sendStatus());
        this.refreshTimer = setInterval(() => this.panel?.visible && void this.refreshReport(), REFRESH_MS);
    }

    show(): void {
        if (!this.panel) {
            const options = { enableScripts: true, localResourceRoots: [this.scripts] };
            const [title, column] = [vscode.l10n.t('codekin: Status'), vscode.ViewColumn.Active];
            this.panel = vscode.window.createWebviewPanel('codekin.status', title, column, options);
            this.panel.iconPath = vscode.Uri.joinPath(this.scripts, '..', 'media', 'codekin.svg');
            this.panel.onDidDispose(() => this.handleClose());
            this.panel.webview.onDidReceiveMessage((message: PageMessage) => this.handleMessage(message));
            this.panel.webview.html = renderStatusPage(
                this.panel.webview,
                vscode.Uri.joinPath(this.scripts, 'page.js'),
            );
        }
        this.panel.reveal();
    }

    dispose(): void {
        clearInterval(this.refreshTimer);
        this.panel?.dispose();
        this.serverListener.dispose();
    }

    private handleClose(): void {
        this.panel = undefined;
        this.map = undefined;
        this.mapCancellation?.cancel();
    }

    private async handleMessage(message: PageMessage): Promise<void> {
        if (message.kind === 'ready') {
            this.sendStatus();
            await this.refreshReport();
            await (this.map ? this.postMessage({ kind: 'map', map: this.map }) : this.drawMap());
        } else if (message.kind === 'draw') {
            await this.drawMap();
        } else if (message.kind === 'cancel') {
            this.mapCancellation?.cancel();
        } else if (message.kind === 'run' && COMMANDS.includes(message.command)) {
            await vscode.commands.executeCommand(message.command);
        } else if (message.kind === 'open') {
            await openFunction(vscode.Uri.parse(message.uri), message.line);
        }
    }

    private async postMessage(message: object): Promise<void> {
        await this.panel?.webview.postMessage(message);
    }

    private sendStatus(): void {
        const { status, state, location, version, missingParts } = this.server;
        const isReady = status?.state === 'ready';
        const hasBecomeReady = isReady && !this.wasReady;
        this.wasReady = isReady;
        if (hasBecomeReady && this.panel?.visible) {
            void this.refreshReport().then(() => this.drawMap());
        }
        const program = location ? describeLocation(location) : vscode.l10n.t('not found');
        const report = status ? this.report : undefined;
        void this.postMessage({ kind: 'status', state, program, extension: version, status, report, missingParts });
    }

    private async refreshReport(): Promise<void> {
        if (this.isRefreshing || !this.server.status) {
            return;
        }
        this.isRefreshing = true;
        try {
            this.report = (await this.server.request<Report | null>(REPORT)) ?? undefined;
            this.sendStatus();
        } catch {
            // The status already tells what is wrong.
        } finally {
            this.isRefreshing = false;
        }
    }

    private async drawMap(): Promise<void> {
        this.mapCancellation?.cancel();
        const cancellation = new vscode.CancellationTokenSource();
        this.mapCancellation = cancellation;
        const workDoneToken = crypto.randomUUID();
        const progress = this.server.onProgress<{ percentage?: number }>(workDoneToken, ({ percentage }) => {
            void this.postMessage({ kind: 'progress', percent: percentage ?? 0 });
        });
        try {
            this.map = await this.server.request<object>(DRAW_MAP, { workDoneToken }, cancellation.token);
            await this.postMessage({ kind: 'map', map: this.map });
        } catch (error) {
            const reason = error instanceof Error ? error.message : String(error);
            const isCancelled = error instanceof vscode.CancellationError;
            const message = isCancelled
                ? vscode.l10n.t('Drawing the map was cancelled.')
                : vscode.l10n.t('The map could not be drawn: {0}', reason);
            await this.postMessage({ kind: 'mapFailed', message });
        } finally {
            progress?.dispose();
        }
    }
}

/** Show a function beside the map, which keeps the focus: its keys must not type into the code. */
async function openFunction(uri: vscode.Uri, line: number): Promise<void> {
    const options = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true };
    if (uri.path.toLowerCase().endsWith('.ipynb')) {
        await vscode.commands.executeCommand('vscode.open', uri, options); // the line is one of its JSON
    } else {
        await showRange(uri, new vscode.Range(line, 0, line, 0), new vscode.Position(line, 0), options);
    }
}

/** Say where the server is, and why it is this one. */
function describeLocation({ program, source }: ServerLocation): string {
    const texts: Record<ServerSource, string> = {
        'codekin.path': vscode.l10n.t('{0} (setting codekin.path)', program),
        interpreter: vscode.l10n.t('{0} (selected Python interpreter)', program),
        PATH: vscode.l10n.t('{0} (on PATH)', program),
        bundled: vscode.l10n.t('{0} (part of this extension)', program),
        installed: vscode.l10n.t('{0} (installed by this extension)', program),
    };
    return texts[source];
}

/** Return the folder of the page's scripts, below the extension's folder. */
export function getScriptsUri(extension: vscode.Uri): vscode.Uri {
    return vscode.Uri.file(path.join(extension.fsPath, 'dist'));
}
