/** The status page's script: shows the data it receives, and sends the user's actions to the extension. */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import { formatCount } from '../format';
import { FunctionMap, type MapState } from './functionMap';
import type { MapJson } from './mapPoints';
import { type StatusMessage, showStatus } from './statusTables';

declare function acquireVsCodeApi(): {
    postMessage(message: unknown): void;
    getState(): MapState | undefined;
    setState(state: MapState): void;
};

const vscode = acquireVsCodeApi();
const getElement = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const MAX_FUNCTIONS = 100_000; // drawn by the server; larger workspaces are sampled
const BYTES_PER_LINK = 8;
let roots: string[] = [];
let isDrawn = false;
let drawnTotal = 0; // functions in the workspace when the map was drawn

function getRelativePath(uri: string): string {
    const path = decodeURIComponent(uri.replace(/^file:\/\//, ''));
    const root = roots.find((folder) => path.startsWith(`${folder}/`));
    return root ? path.slice(root.length + 1) : path;
}

const map = new FunctionMap(
    (uri, line) => vscode.postMessage({ kind: 'open', uri, line }),
    getRelativePath,
    (state) => vscode.setState(state),
);

function showMapStatus(text: string, visibleButton: 'draw' | 'cancel'): void {
    getElement('map-status').textContent = text;
    getElement('draw-map').hidden = visibleButton !== 'draw';
    getElement('cancel-map').hidden = visibleButton !== 'cancel';
}

function showMap(json: MapJson): void {
    const reason = json.total > MAX_FUNCTIONS ? 'an even sample' : 'the others have no vector yet';
    const sample = json.shown < json.total ? ` of ${json.total.toLocaleString('en')} (${reason})` : '';
    const pairs = formatCount(countLinks(json), 'pair');
    showMapStatus(`${formatCount(json.shown, 'function')}${sample}, ${pairs} of near-duplicates.`, 'draw');
    getElement('draw-map').textContent = 'Redraw';
    getElement('map-panel').hidden = false;
    map.show(json, isDrawn ? {} : (vscode.getState() ?? {}));
    isDrawn = true;
    drawnTotal = json.total;
    getElement('map-outdated').hidden = true;
}

const handlers: Record<string, (message: never) => void> = {
    status: (message: StatusMessage) => {
        roots = message.status?.roots ?? [];
        const languages = message.report?.languages;
        const total = languages?.reduce((sum, language) => sum + language.functions, 0) ?? drawnTotal;
        getElement('map-outdated').hidden = !isDrawn || total === drawnTotal;
        showStatus(message, (command) => vscode.postMessage({ kind: 'run', command }));
    },
    progress: ({ percent }: { percent: number }) => showMapStatus(`Drawing the map: ${percent}%`, 'cancel'),
    map: ({ map: json }: { map: MapJson }) => showMap(json),
    mapFailed: ({ message }: { message: string }) => showMapStatus(message, 'draw'),
};

/** Count the links by the length of their base64 text. */
function countLinks({ links }: MapJson): number {
    return Math.floor((links.replace(/=+$/, '').length * 3) / 4 / BYTES_PER_LINK);
}

addEventListener('message', ({ data }: MessageEvent<{ kind: string }>) => handlers[data.kind]?.(data as never));
getElement('draw-map').addEventListener('click', () => vscode.postMessage({ kind: 'draw' }));
getElement('cancel-map').addEventListener('click', () => vscode.postMessage({ kind: 'cancel' }));
vscode.postMessage({ kind: 'ready' });
