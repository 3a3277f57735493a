/** "codekin: Show Status": a page that says what is indexed, by what, and what went wrong. No script runs in it. */

import * as vscode from 'vscode';
import type { Status } from './protocol';
import type { Server } from './server';
import { bytes, counted, percent, stateOf } from './wording';

const STYLE = `
body { font-family: var(--vscode-font-family); color: var(--vscode-foreground); max-width: 60em; padding: 0 1em 2em; }
h1 { font-size: 1.4em; font-weight: 600; } h2 { font-size: 1.1em; font-weight: 600; margin-top: 1.6em; }
th { text-align: start; font-weight: normal; color: var(--vscode-descriptionForeground); padding-inline-end: 2em; vertical-align: top; }
td { overflow-wrap: anywhere; } th, td { padding-block: .15em; }
progress { width: 20em; max-width: 100%; }
a { color: var(--vscode-textLink-foreground); } a:focus-visible { outline: 1px solid var(--vscode-focusBorder); }
`;

export class Panel implements vscode.Disposable {
    private panel: vscode.WebviewPanel | undefined;
    private readonly listening: vscode.Disposable;

    constructor(private readonly server: Server) {
        this.listening = server.onChange(() => this.fill());
    }

    show(): void {
        if (!this.panel) {
            const commands = ['codekin.pause', 'codekin.resume', 'codekin.reindex', 'codekin.showLog', 'codekin.restart'];
            this.panel = vscode.window.createWebviewPanel('codekin.status', 'codekin: Status', vscode.ViewColumn.Active, {
                enableCommandUris: commands,
                localResourceRoots: [],
            });
            this.panel.onDidDispose(() => (this.panel = undefined));
        }
        this.fill();
        this.panel.reveal();
    }

    dispose(): void {
        this.panel?.dispose();
        this.listening.dispose();
    }

    private fill(): void {
        if (this.panel) {
            this.panel.webview.html = page(this.server);
        }
    }
}

/** The page; whatever comes from outside is escaped. */
export function page(server: Pick<Server, 'status' | 'life' | 'found' | 'version'>): string {
    const { status, found } = server;
    const nonce = crypto.randomUUID();
    const title = status ? `codekin ${status.version}: ${stateOf(status)}` : `codekin: ${server.life}`;
    const program = found ? `${found.program} (${found.from})` : 'none found';
    return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'">
<style nonce="${nonce}">${STYLE}</style></head><body><h1>${escaped(title)}</h1>
<p><a href="command:codekin.showLog">Show log</a> · <a href="command:codekin.restart">Restart server</a>${status ? actions(status) : ''}</p>
${status ? body(status) : ''}<h2>Server</h2>${table([['Program', program], ['Extension', server.version]])}</body></html>`;
}

function actions({ state }: Status): string {
    const order = state === 'paused' ? 'resume' : 'pause';
    const label = state === 'paused' ? 'Resume' : 'Pause';
    return ` · <a href="command:codekin.${order}">${label} indexing</a> · <a href="command:codekin.reindex">Index anew</a>`;
}

function body(status: Status): string {
    const { progress } = status;
    const left = progress?.secondsLeft ? `, ${counted(Math.ceil(progress.secondsLeft), 'second')} left` : '';
    const bar = progress
        ? `<p><progress max="${progress.total}" value="${progress.done}" aria-label="Indexed files"></progress>
           ${progress.done.toLocaleString('en')} of ${counted(progress.total, 'file')}${left}</p>`
        : '';
    const index: [string, string][] = [
        ['Folders', status.roots.join('\n')],
        ['Indexed', `${counted(status.files, 'file')}, ${counted(status.snippets, 'snippet')}`],
        ['Covered', `${percent(Math.floor(status.coverage * 100) / 100)} of the workspace`],
        ['Skipped', `${counted(status.skipped, 'file')}; "codekin index --json" names each and why`],
        ['Watching', status.watching],
    ];
    const machine: [string, string][] = [
        ['Model', status.model],
        ['Device', status.device],
        ['Vectors', `${status.dense}; ${status.embedded.toLocaleString('en')} embedded since the start`],
        ['On the disk', `${bytes(status.storeBytes)} in ${status.store}`],
    ];
    const problems = status.problems.map((each) => `<li>${escaped(each)}</li>`).join('');
    return `${bar}${problems ? `<h2>Problems</h2><ul>${problems}</ul>` : ''}<h2>Index</h2>${table(index)}
<h2>Model and machine</h2>${table(machine)}`;
}

function table(rows: [string, string][]): string {
    const lines = rows.map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
    return `<table>${lines.join('')}</table>`;
}

export function escaped(text: string): string {
    const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (letter) => entities[letter] as string).replace(/\n/g, '<br>');
}
