/** The status page before it has data. */

import { env, l10n, type Uri, type Webview } from 'vscode';
import { STYLE } from './statusPageStyle';

/** Return the page. Its data is inserted as text, never as HTML. */
export function renderStatusPage(webview: Webview, script: Uri): string {
    const nonce = crypto.randomUUID();
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
    const { bundle } = l10n;
    const language = bundle ? env.language : 'en';
    return `<!DOCTYPE html><html lang="${escapeHtml(language)}"><head><meta charset="utf-8"><title>codekin</title>
<meta http-equiv="Content-Security-Policy" content="${policy}"><style nonce="${nonce}">${STYLE}</style></head><body>
<header><h1 id="title">codekin</h1><div id="actions" role="group" aria-label="${escapeHtml(l10n.t('Actions'))}"></div></header>
<p id="progress" hidden><progress id="progress-bar" aria-label="${escapeHtml(l10n.t('Indexed files'))}"></progress> <span id="progress-text"></span></p>
<div id="problems-section" hidden><h2>${escapeHtml(l10n.t('Problems'))}</h2><ul id="problems"></ul></div>
<dl id="tiles"></dl>
${renderMap()}
<div id="tables"></div>
<script id="texts" type="application/json">${JSON.stringify(bundle ?? null).replaceAll('<', '\\u003c')}</script>
<script nonce="${nonce}" src="${webview.asWebviewUri(script)}"></script></body></html>`;
}

function renderMap(): string {
    const keys = l10n.t(
        'Drag to pan, scroll to zoom, click to open. Keys: arrows select a neighbour, N the next near-duplicate, Enter opens, + and − zoom, Shift+arrows pan, 0 resets the view.',
    );
    const label = l10n.t('Map of all functions: similar functions are near each other, lines join near-duplicates');
    return `<section id="map-section" hidden aria-label="${escapeHtml(l10n.t('Map of all functions'))}"><h2>${escapeHtml(l10n.t('Map'))}</h2>
<p class="hint"><span id="map-status" role="status">${escapeHtml(l10n.t('Drawing the map.'))}</span> <span id="map-outdated" hidden>${escapeHtml(l10n.t('The index has changed since.'))} </span><button id="draw-map">${escapeHtml(l10n.t('Draw map'))}</button> <button id="cancel-map" hidden>${escapeHtml(l10n.t('Cancel'))}</button></p>
<div id="map-panel" hidden>
<div id="map-tools"><label>${escapeHtml(l10n.t('Find'))} <input id="find" type="search" placeholder="${escapeHtml(l10n.t('function name'))}" aria-describedby="find-count"></label> <button id="find-previous" disabled aria-label="${escapeHtml(l10n.t('Previous match'))}">‹</button> <button id="find-next" disabled aria-label="${escapeHtml(l10n.t('Next match'))}">›</button> <span id="find-count" role="status"></span> <button id="reset-view">${escapeHtml(l10n.t('Show all'))}</button>
<div id="legend" role="group" aria-label="${escapeHtml(l10n.t('Folders: show only one'))}"></div></div>
<div id="frame"><canvas id="map" tabindex="0" role="application" aria-label="${escapeHtml(label)}" aria-describedby="map-keys"></canvas>
<div id="tooltip" hidden aria-hidden="true"></div></div>
<p id="map-keys" class="hint">${escapeHtml(keys)}</p>
<p id="selection-text" role="status" class="visually-hidden"></p></div></section>`;
}

function escapeHtml(text: string): string {
    return text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
}
