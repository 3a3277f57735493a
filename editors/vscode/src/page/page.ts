/** The status page's script: shows the data it receives, and sends the user's actions to the extension. */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import { formatCount } from '../format';
import * as l10n from '../l10n';
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
l10n.setLanguage(document.documentElement.lang, JSON.parse(getElement('texts').textContent ?? 'null') ?? undefined);
const MAX_FUNCTIONS = 100_000; // drawn by the server; larger workspaces are sampled
const BYTES_PER_LINK = 8;
let roots: string[] = [];
let isDrawn = false;
let isEmpty = false; // there was nothing to draw
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
    isEmpty = json.shown === 0;
    getElement('map-panel').hidden = isEmpty;
    if (isEmpty) {
        showMapStatus(l10n.t('No functions are indexed yet.'), 'draw');
        return;
    }
    showMapStatus(`${describeShown(json)}, ${formatCount(countLinks(json), 'pair')}.`, 'draw');
    getElement('draw-map').textContent = l10n.t('Redraw');
    map.show(json, isDrawn ? {} : (vscode.getState() ?? {}));
    isDrawn = true;
    drawnTotal = json.total;
    getElement('map-outdated').hidden = true;
}

function describeShown({ shown, total }: MapJson): string {
    const functions = formatCount(shown, 'function');
    if (shown === total) {
        return functions;
    }
    return total > MAX_FUNCTIONS
        ? l10n.t('{0} of {1} (an even sample)', functions, l10n.formatNumber(total))
        : l10n.t('{0} of {1} (the others are still being processed)', functions, l10n.formatNumber(total));
}

const handlers: Record<string, (message: never) => void> = {
    status: (message: StatusMessage) => {
        roots = message.status?.roots ?? [];
        const languages = message.report?.languages;
        const total = languages?.reduce((sum, language) => sum + language.functions, 0) ?? drawnTotal;
        getElement('map-outdated').hidden = !isDrawn || isEmpty || total === drawnTotal;
        if (isEmpty && total > 0) {
            isEmpty = false;
            vscode.postMessage({ kind: 'draw' }); // the first functions have come
        }
        showStatus(message, (command) => vscode.postMessage({ kind: 'run', command }));
    },
    progress: ({ percent }: { percent: number }) =>
        showMapStatus(l10n.t('Drawing the map: {0}', l10n.formatPercent(percent / 100)), 'cancel'),
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
