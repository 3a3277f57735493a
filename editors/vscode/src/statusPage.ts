/** "codekin: Show Status": a page that says what is indexed and what is not, by what, at what price, and shows the map. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { ProgressType } from 'vscode-languageclient/node';
import { DRAW_MAP, REPORT, type Report } from './protocol';
import type { Server } from './server';
import { STYLE } from './statusStyle';

const COMMANDS = ['codekin.pause', 'codekin.resume', 'codekin.reindex', 'codekin.showLog', 'codekin.restart', 'codekin.installServer'];
const REPORTED_MS = 5_000; // the longest that what is shown may be old

/** What the page asks for. */
type Wish = { kind: 'ready' | 'draw' | 'cancel' } | { kind: 'run'; command: string } | { kind: 'open'; uri: string; line: number };

export class StatusPage implements vscode.Disposable {
    private panel: vscode.WebviewPanel | undefined;
    private report: Report | undefined;
    private asking = false;
    private wasReady = false;
    private map: object | undefined;
    private drawing: vscode.CancellationTokenSource | undefined;
    private readonly listening: vscode.Disposable;
    private readonly clock: NodeJS.Timeout;

    constructor(
        private readonly server: Server,
        private readonly scripts: vscode.Uri,
    ) {
        this.listening = server.onChange(() => this.tell());
        this.clock = setInterval(() => this.panel?.visible && void this.refresh(), REPORTED_MS);
    }

    show(): void {
        if (!this.panel) {
            const options = { enableScripts: true, localResourceRoots: [this.scripts] };
            this.panel = vscode.window.createWebviewPanel('codekin.status', 'codekin: Status', vscode.ViewColumn.Active, options);
            this.panel.iconPath = vscode.Uri.joinPath(this.scripts, '..', 'media', 'codekin.svg');
            this.panel.onDidDispose(() => this.closed());
            this.panel.webview.onDidReceiveMessage((wish: Wish) => this.grant(wish));
            this.panel.webview.html = page(this.panel.webview, vscode.Uri.joinPath(this.scripts, 'page.js'));
        }
        this.panel.reveal();
    }

    dispose(): void {
        clearInterval(this.clock);
        this.panel?.dispose();
        this.listening.dispose();
    }

    private closed(): void {
        this.panel = this.map = undefined;
        this.drawing?.cancel();
    }

    private async grant(wish: Wish): Promise<void> {
        if (wish.kind === 'ready') {
            this.tell();
            await this.refresh();
            await (this.map ? this.panel?.webview.postMessage({ kind: 'map', map: this.map }) : this.draw());
        } else if (wish.kind === 'draw') {
            await this.draw();
        } else if (wish.kind === 'cancel') {
            this.drawing?.cancel();
        } else if (wish.kind === 'run' && COMMANDS.includes(wish.command)) {
            await vscode.commands.executeCommand(wish.command);
        } else if (wish.kind === 'open') {
            const [uri, selection] = [vscode.Uri.parse(wish.uri), new vscode.Range(wish.line, 0, wish.line, 0)];
            const isNotebook = uri.path.toLowerCase().endsWith('.ipynb'); // whose lines are those of its JSON
            await (isNotebook
                ? vscode.commands.executeCommand('vscode.open', uri)
                : vscode.window.showTextDocument(uri, { selection }));
        }
    }

    private tell(): void {
        const { status, life, found, version } = this.server;
        const isReady = status?.state === 'ready';
        const isNews = isReady && !this.wasReady;
        this.wasReady = isReady;
        if (isNews && this.panel?.visible) {
            void this.refresh().then(() => this.draw());
        }
        const program = found ? `${found.program} (${found.from})` : 'none found';
        const report = status ? this.report : undefined;
        void this.panel?.webview.postMessage({ kind: 'facts', life, program, extension: version, status, report });
    }

    private async refresh(): Promise<void> {
        if (this.asking || !this.server.status) {
            return;
        }
        this.asking = true;
        try {
            this.report = await this.server.ask<Report>(REPORT);
            this.tell();
        } catch {
            // The status says what is wrong.
        } finally {
            this.asking = false;
        }
    }

    private async draw(): Promise<void> {
        this.drawing?.cancel();
        const drawing = (this.drawing = new vscode.CancellationTokenSource());
        const token = crypto.randomUUID();
        const told = this.server.onProgress(new ProgressType<{ percentage?: number }>(), token, ({ percentage }) => {
            void this.panel?.webview.postMessage({ kind: 'drawing', percent: percentage ?? 0 });
        });
        try {
            this.map = await this.server.ask<object>(DRAW_MAP, { workDoneToken: token }, drawing.token);
            await this.panel?.webview.postMessage({ kind: 'map', map: this.map });
        } catch (error) {
            const message = error instanceof vscode.CancellationError ? 'The map was not drawn.' : `There is no map: ${error instanceof Error ? error.message : String(error)}`;
            await this.panel?.webview.postMessage({ kind: 'unmapped', message });
        } finally {
            told?.dispose();
        }
    }
}

/** The page before it is told anything. What comes later is put in as text. */
function page(webview: vscode.Webview, script: vscode.Uri): string {
    const nonce = crypto.randomUUID();
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
    return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>codekin: Status</title>
<meta http-equiv="Content-Security-Policy" content="${policy}"><style nonce="${nonce}">${STYLE}</style></head><body>
<header><h1 id="title">codekin</h1><div id="actions" role="group" aria-label="Actions"></div></header>
<p id="progress" hidden><progress id="bar" aria-label="Indexed files"></progress> <span id="far"></span></p>
<div id="troubled" hidden><h2>Problems</h2><ul id="problems"></ul></div>
<dl id="tiles"></dl>
<section id="mapping" hidden aria-label="Map of the functions"><h2>Map</h2>
<p class="says"><span id="drawing" role="status">The map is drawn from the index.</span> <span id="stale" hidden>The index has changed since. </span><button id="draw">Draw the map</button> <button id="cancel" hidden>Cancel</button></p>
<div id="stage" hidden>
<div id="tools"><label>Find <input id="find" type="search" placeholder="a function's name" aria-describedby="found"></label> <span id="found" role="status"></span>
<div id="legend" role="group" aria-label="Folders: show only one"></div></div>
<div id="frame"><canvas id="map" tabindex="0" role="application" aria-label="Map of the functions: near ones are alike, lines join near-duplicates" aria-describedby="keys"></canvas>
<div id="hint" hidden aria-hidden="true"></div></div>
<p id="keys" class="says">Drag to move, scroll to zoom, click to open. Keys: arrows go from function to function, N to a near-duplicate, Enter opens, + and − zoom, Shift with arrows moves, 0 shows all.</p>
<p id="told" role="status" class="unseen"></p></div></section>
<div id="tables"></div>
<script nonce="${nonce}" src="${webview.asWebviewUri(script)}"></script></body></html>`;
}

/** Where the scripts of pages are, below the extension's folder. */
export function scriptsOf(extension: vscode.Uri): vscode.Uri {
    return vscode.Uri.file(path.join(extension.fsPath, 'dist'));
}
