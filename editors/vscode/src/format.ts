/** Formats hits, states and sizes for people. Pure. */

import { KINSHIPS, type Kinship } from './generated';
import type { Hit, Status } from './protocol';

const KINSHIP_DESCRIPTIONS: Record<Kinship, string> = {
    identical: 'same code except for formatting and comments',
    renamed: 'same structure, other names or literals',
    edited: 'most of the structure is the same',
    similar: 'related words or meaning',
};
const MAX_LABEL_LENGTH = 60; // characters of a line that is shown in place of a name
const FENCE = /`{3,}/g;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu; // controls, directional marks, separators

export interface HitGroup {
    key: string;
    hits: Hit[];
}

/** Group hits by kinship, closest first. */
export function groupByKinship(hits: readonly Hit[]): HitGroup[] {
    const groups = KINSHIPS.map((key) => ({ key, hits: hits.filter((hit) => (hit.kinship ?? 'similar') === key) }));
    return groups.filter((group) => group.hits.length > 0);
}

/** Group hits by file, in the order of each file's best hit. */
export function groupByFile(hits: readonly Hit[]): HitGroup[] {
    const groups = new Map<string, Hit[]>();
    for (const hit of hits) {
        const fileUri = toFileUri(hit.location.uri);
        groups.set(fileUri, [...(groups.get(fileUri) ?? []), hit]);
    }
    return [...groups].map(([key, groupHits]) => ({ key, hits: groupHits }));
}

/** Return the URI of the file; for a notebook cell, that of its notebook. */
function toFileUri(uri: string): string {
    return uri.replace(/^vscode-notebook-cell:(?:\/\/(?=\/))?(.*)#[^#]*$/, 'file://$1');
}

export function describeKinship(kinship: string): string {
    return KINSHIP_DESCRIPTIONS[kinship as Kinship] ?? '';
}

/** Escape characters that are invisible or change the text direction: names in a workspace are not trusted. */
export function escapeInvisible(text: string): string {
    return text.replace(INVISIBLE, (letter) => `\\u${letter.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}

/** Return the qualified name of a hit, or its first line of code if it has no name. */
export function getHitName(hit: Hit): string {
    const name = hit.qualifiedName || hit.name;
    if (name) {
        return escapeInvisible(name);
    }
    const firstLine =
        hit.preview
            .split('\n')
            .find((line) => line.trim())
            ?.trim() ?? hit.kind;
    const isLong = firstLine.length > MAX_LABEL_LENGTH;
    return escapeInvisible(isLong ? `${firstLine.slice(0, MAX_LABEL_LENGTH - 1)}…` : firstLine);
}

/** Return the unqualified name of a hit, for narrow columns. */
export function getShortHitName(hit: Hit): string {
    return escapeInvisible(hit.name) || getHitName(hit);
}

export function formatPercent(share: number): string {
    return `${Math.round(share * 100)}%`;
}

/** Format the location of a hit as path:line, or path#cell:line in a notebook; lines and cells count from 1. */
export function formatLocation(hit: Hit, filePath: string): string {
    return hit.cell
        ? `${filePath}#${hit.cell.index + 1}:${hit.cell.selectionRange.start.line + 1}`
        : `${filePath}:${hit.selectionRange.start.line + 1}`;
}

/** Format the location for a narrow column: file and line first, then the folder, which may be cut off. */
export function formatNarrowLocation(hit: Hit, filePath: string): string {
    const [fileName, folder] = splitPath(filePath);
    return [formatLocation(hit, fileName), folder].filter(Boolean).join(' · ');
}

/** Split a path into file name and folder. */
export function splitPath(filePath: string): [string, string] {
    const slash = filePath.lastIndexOf('/');
    return [filePath.slice(slash + 1), filePath.slice(0, Math.max(slash, 0))];
}

/** Return the file names of two paths, or the whole paths where two files have the same name. */
export function shortenPaths(leftPath: string, rightPath: string): [string, string] {
    const [[leftName], [rightName]] = [splitPath(leftPath), splitPath(rightPath)];
    return leftPath === rightPath || leftName !== rightName ? [leftName, rightName] : [leftPath, rightPath];
}

/** Format the preview as a Markdown code block whose fence the code cannot close. */
export function formatPreview(hit: Hit): string {
    const longestFence = Math.max(2, ...(hit.preview.match(FENCE) ?? []).map((fence) => fence.length));
    const fence = '`'.repeat(longestFence + 1);
    return `${fence}${hit.language}\n${hit.preview.replace(/\s+$/, '')}\n${fence}`;
}

/** Return the note for an answer that has no hits or is incomplete, or '' if no note is needed. */
export function formatAnswerNote(hitCount: number, coverage: number, noHitsText: string): string {
    const indexedShare = formatPercent(Math.floor(coverage * 100) / 100);
    const coverageText = coverage < 1 ? `${indexedShare} of the workspace is indexed so far.` : '';
    return [hitCount ? '' : noHitsText, coverageText].filter(Boolean).join(' ');
}

export function formatBytes(count: number): string {
    return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** Format a count with its noun: "1 file", "2,000 files", "3 entries". */
export function formatCount(count: number, noun: string): string {
    const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
    return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;
}

/** State of the server process, as the extension sees it. */
export type ServerState = 'starting' | 'running' | 'missing' | 'stopped' | 'crashed';

export const SERVER_STATE_LABELS: Record<ServerState, string> = {
    starting: 'starting',
    running: 'running',
    missing: 'server not installed',
    stopped: 'stopped',
    crashed: 'the server has crashed',
};

/** Format the index state: "ready", "indexing 42%". */
export function formatIndexState(status: Status): string {
    const { progress, state } = status;
    if (state === 'indexing' && progress) {
        return `indexing ${formatPercent(Math.floor((100 * progress.done) / Math.max(progress.total, 1)) / 100)}`;
    }
    return state;
}

/** Format size and model of the index: "12,031 snippets, model codekin-static, cpu". */
export function formatStatusDetail(status: Status): string {
    const parts = [formatCount(status.snippets, 'snippet')];
    if (status.model) {
        parts.push(`model ${status.model}`, status.device);
    }
    return parts.filter(Boolean).join(', ');
}
