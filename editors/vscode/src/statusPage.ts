/** "codekin: Show Status": a page that shows what is indexed, what is not and why, the resources used, and the map. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { ProgressType } from 'vscode-languageclient/node';
import { showRange } from './navigation';
import { DRAW_MAP, REPORT, type Report } from './protocol';
import type { Server } from './server';
import { STYLE } from './statusPageStyle';

const COMMANDS = [
    'codekin.pause',
    'codekin.resume',
    'codekin.reindex',
    'codekin.showLog',
    'codekin.restart',
    'codekin.installServer',
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
            const column = vscode.ViewColumn.Active;
            this.panel = vscode.window.createWebviewPanel('codekin.status', 'codekin: Status', column, options);
            this.panel.iconPath = vscode.Uri.joinPath(this.scripts, '..', 'media', 'codekin.svg');
            this.panel.onDidDispose(() => this.handleClose());
            this.panel.webview.onDidReceiveMessage((message: PageMessage) => this.handleMessage(message));
            this.panel.webview.html = renderPage(this.panel.webview, vscode.Uri.joinPath(this.scripts, 'page.js'));
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
        const { status, state, location, version } = this.server;
        const isReady = status?.state === 'ready';
        const hasBecomeReady = isReady && !this.wasReady;
        this.wasReady = isReady;
        if (hasBecomeReady && this.panel?.visible) {
            void this.refreshReport().then(() => this.drawMap());
        }
        const program = location ? `${location.program} (found by ${location.source})` : 'not found';
        const report = status ? this.report : undefined;
        void this.postMessage({ kind: 'status', state, program, extension: version, status, report });
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
        const progressType = new ProgressType<{ percentage?: number }>();
        const progress = this.server.onProgress(progressType, workDoneToken, ({ percentage }) => {
            void this.postMessage({ kind: 'progress', percent: percentage ?? 0 });
        });
        try {
            this.map = await this.server.request<object>(DRAW_MAP, { workDoneToken }, cancellation.token);
            await this.postMessage({ kind: 'map', map: this.map });
        } catch (error) {
            const reason = error instanceof Error ? error.message : String(error);
            const isCancelled = error instanceof vscode.CancellationError;
            const message = isCancelled ? 'Drawing the map was cancelled.' : `The map could not be drawn: ${reason}`;
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

/** Return the page before it has data. Data is inserted as text, never as HTML. */
function renderPage(webview: vscode.Webview, script: vscode.Uri): string {
    const nonce = crypto.randomUUID();
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
    return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>codekin: Status</title>
<meta http-equiv="Content-Security-Policy" content="${policy}"><style nonce="${nonce}">${STYLE}</style></head><body>
<header><h1 id="title">codekin</h1><div id="actions" role="group" aria-label="Actions"></div></header>
<p id="progress" hidden><progress id="progress-bar" aria-label="Indexed files"></progress> <span id="progress-text"></span></p>
<div id="problems-section" hidden><h2>Problems</h2><ul id="problems"></ul></div>
<dl id="tiles"></dl>
<section id="map-section" hidden aria-label="Map of all functions"><h2>Map</h2>
<p class="hint"><span id="map-status" role="status">Drawing the map.</span> <span id="map-outdated" hidden>The index has changed since. </span><button id="draw-map">Draw map</button> <button id="cancel-map" hidden>Cancel</button></p>
<div id="map-panel" hidden>
<div id="map-tools"><label>Find <input id="find" type="search" placeholder="function name" aria-describedby="find-count"></label> <button id="find-previous" disabled aria-label="Previous match">‹</button> <button id="find-next" disabled aria-label="Next match">›</button> <span id="find-count" role="status"></span> <button id="reset-view">Show all</button>
<div id="legend" role="group" aria-label="Folders: show only one"></div></div>
<div id="frame"><canvas id="map" tabindex="0" role="application" aria-label="Map of all functions: similar functions are near each other, lines join near-duplicates" aria-describedby="map-keys"></canvas>
<div id="tooltip" hidden aria-hidden="true"></div></div>
<p id="map-keys" class="hint">Drag to pan, scroll to zoom, click to open. Keys: arrows select a neighbour, N the next near-duplicate, Enter opens, + and − zoom, Shift+arrows pan, 0 resets the view.</p>
<p id="selection-text" role="status" class="visually-hidden"></p></div></section>
<div id="tables"></div>
<script nonce="${nonce}" src="${webview.asWebviewUri(script)}"></script></body></html>`;
}

/** Return the folder of the page's scripts, below the extension's folder. */
export function getScriptsUri(extension: vscode.Uri): vscode.Uri {
    return vscode.Uri.file(path.join(extension.fsPath, 'dist'));
}
