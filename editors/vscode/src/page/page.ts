/** The status page's own side: shows what it is sent, and asks for what a person clicks. */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import { FunctionMap, type Remembered } from './map';
import type { MapJson } from './points';
import { facts, type Sent } from './facts';
import { counted } from '../wording';

declare function acquireVsCodeApi(): {
    postMessage(message: unknown): void;
    getState(): Remembered | undefined;
    setState(state: Remembered): void;
};

const code = acquireVsCodeApi();
const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
let roots: string[] = [];
const MOST = 100_000; // functions that the server draws
let isDrawn = false;
let total = 0; // functions, when the map was drawn

function shorten(uri: string): string {
    const path = decodeURIComponent(uri.replace(/^file:\/\//, ''));
    const root = roots.find((each) => path.startsWith(`${each}/`));
    return root ? path.slice(root.length + 1) : path;
}

const map = new FunctionMap(
    (uri, line) => code.postMessage({ kind: 'open', uri, line }),
    shorten,
    (state) => code.setState(state),
);

function said(text: string, button: 'draw' | 'cancel' | '' = ''): void {
    element('drawing').textContent = text;
    element('draw').hidden = button !== 'draw';
    element('cancel').hidden = button !== 'cancel';
}

const listeners: Record<string, (message: never) => void> = {
    facts: (sent: Sent) => {
        roots = sent.status?.roots ?? [];
        const now = sent.report?.languages.reduce((sum, each) => sum + each.functions, 0) ?? total;
        element('stale').hidden = !isDrawn || now === total;
        facts(sent, (command) => code.postMessage({ kind: 'run', command }));
    },
    drawing: ({ percent }: { percent: number }) => said(`Drawing the map: ${percent} %`, 'cancel'),
    map: ({ map: json }: { map: MapJson }) => {
        const why = json.total > MOST ? 'an even sample' : 'the others have no vector yet';
        const sample = json.shown < json.total ? ` of ${json.total.toLocaleString('en')}, ${why}` : '';
        const joined = counted(json.links.length ? links(json) : 0, 'pair');
        said(`${counted(json.shown, 'function')}${sample}; ${joined} of near-duplicates joined.`, 'draw');
        element('draw').textContent = 'Draw anew';
        element('stage').hidden = false;
        map.show(json, isDrawn ? {} : (code.getState() ?? {}));
        [isDrawn, total] = [true, json.total];
        element('stale').hidden = true;
    },
    unmapped: ({ message }: { message: string }) => said(message, 'draw'),
};

function links({ links: text }: MapJson): number {
    return Math.floor((text.replace(/=+$/, '').length * 3) / 4 / 8);
}

addEventListener('message', ({ data }: MessageEvent<{ kind: string }>) => listeners[data.kind]?.(data as never));
element('draw').addEventListener('click', () => code.postMessage({ kind: 'draw' }));
element('cancel').addEventListener('click', () => code.postMessage({ kind: 'cancel' }));
code.postMessage({ kind: 'ready' });
