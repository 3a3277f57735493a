/** Formats hits, states and sizes for people. Pure. */

import { type IndexState, KINSHIPS, type Kinship } from './generated';
import * as l10n from './l10n';
import type { Hit, Status } from './protocol';

const MIN_STRONG_SCORE = 0.5; // of a hit that is similar in words or meaning only
const MAX_LABEL_LENGTH = 60; // characters of a line that is shown in place of a name
const DOCSTRING_START = /^\s*[rRuUbB]?("""|''')/;
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

/** Return a kinship's name for people. */
export function getKinshipLabel(kinship: Kinship): string {
    const labels: Record<Kinship, string> = {
        identical: l10n.t('identical'),
        renamed: l10n.t('renamed'),
        edited: l10n.t('edited'),
        similar: l10n.t('similar'),
    };
    return labels[kinship];
}

export function describeKinship(kinship: Kinship): string {
    const descriptions: Record<Kinship, string> = {
        identical: l10n.t('same code except for formatting and comments'),
        renamed: l10n.t('same structure, other names or literals'),
        edited: l10n.t('most of the structure is the same'),
        similar: l10n.t('related words or meaning'),
    };
    return descriptions[kinship];
}

/** Escape characters that are invisible or change the text direction: names in a workspace are not trusted. */
export function escapeInvisible(text: string): string {
    return text.replace(INVISIBLE, (letter) => `\\u${letter.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}

/** Return the qualified name of a hit, the file name of a module, or the first line of code without a name. */
export function getHitName(hit: Hit): string {
    const name = hit.qualifiedName || hit.name || (hit.kind === 'module' ? getFileName(hit.location.uri) : '');
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

function getFileName(uri: string): string {
    return decodeURIComponent(splitPath(toFileUri(uri))[0]);
}

/** Return the unqualified name of a hit, for narrow columns. */
export function getShortHitName(hit: Hit): string {
    return escapeInvisible(hit.name) || getHitName(hit);
}

/** Return a short text for a score in a badge, which has room for two characters. */
export function formatBadge(score: number): string {
    const percent = Math.round(score * 100);
    return percent >= 100 ? '★' : String(percent);
}

/** Split hits into those to show and weak ones: related words or meaning only, with a low score, beside better ones. */
export function splitWeakHits(hits: readonly Hit[]): [Hit[], Hit[]] {
    const isWeak = (hit: Hit): boolean => (hit.kinship ?? 'similar') === 'similar' && hit.score < MIN_STRONG_SCORE;
    return hits.every(isWeak) ? [[...hits], []] : [hits.filter((hit) => !isWeak(hit)), hits.filter(isWeak)];
}

/** Format the location of a hit as path:line, or path#cell:line in a notebook; lines and cells count from 1. */
export function formatLocation(hit: Hit, filePath: string): string {
    return hit.cell
        ? `${filePath}#${hit.cell.index + 1}:${hit.cell.selectionRange.start.line + 1}`
        : `${filePath}:${hit.selectionRange.start.line + 1}`;
}

/**
 * Format the location for a narrow column: file and line first, then the folder, which may be cut off. In a workspace of
 * several roots, the path begins with the root's name, which comes first.
 */
export function formatNarrowLocation(hit: Hit, filePath: string, hasRoots = false): string {
    const [fileName, folder] = splitPath(filePath);
    const [root = '', ...folders] = hasRoots && folder ? folder.split('/') : ['', folder];
    return [root, formatLocation(hit, fileName), folders.join('/')].filter(Boolean).join(' · ');
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

/** Format code as a Markdown code block whose fence the code cannot close. */
export function fenceCode(code: string, language: string): string {
    const longestFence = Math.max(2, ...(code.match(FENCE) ?? []).map((fence) => fence.length));
    const fence = '`'.repeat(longestFence + 1);
    return `${fence}${language}\n${code.replace(/\s+$/, '')}\n${fence}`;
}

/** Dedent code and limit it to this many lines. Of a long docstring only the first line is kept, so that the body shows. */
export function elideDocstring(code: string, maxLines: number): string {
    const lines = dedent(code.split(/\r\n|\r|\n/));
    const first = lines.findIndex((line) => DOCSTRING_START.test(line));
    const quotes = DOCSTRING_START.exec(lines[first] ?? '')?.[1] ?? '';
    const last = lines.findIndex((line, index) => index > first && line.includes(quotes));
    const isLong = first >= 0 && last > first && (lines[first]?.split(quotes).length ?? 0) === 2;
    const elided = isLong
        ? [...lines.slice(0, first + 1), `${lines[first]?.match(/^\s*/)?.[0]}…${quotes}`, ...lines.slice(last + 1)]
        : lines;
    return [...elided.slice(0, maxLines), ...(elided.length > maxLines ? ['…'] : [])].join('\n');
}

/**
 * Return the lines of a document in which code replaces the lines of `frame`. Lines are added or removed at the top so
 * that the code keeps its line numbers.
 */
export function replaceLines(
    codeLines: readonly string[],
    code: { first: number; last: number },
    frameLines: readonly string[],
    frame: { first: number; last: number },
): string[] {
    const added = Math.max(code.first - frame.first, 0);
    const removed = Math.max(frame.first - code.first, 0);
    return [
        ...Array.from({ length: added }, () => ''),
        ...frameLines.slice(removed, frame.first),
        ...codeLines.slice(code.first, code.last),
        ...frameLines.slice(frame.last),
    ];
}

/** Remove the indentation that all lines share; the first one may have been cut out without it. */
function dedent(lines: string[]): string[] {
    const indents = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
    const indent = Math.min(...indents, Number.POSITIVE_INFINITY);
    return Number.isFinite(indent) ? lines.map((line) => line.slice(indent)) : lines;
}

/** Return the note for an answer that has no hits or is incomplete, or '' if no note is needed. */
export function formatAnswerNote(hitCount: number, coverage: number, noHitsText: string): string {
    const indexedShare = l10n.formatPercent(Math.floor(coverage * 100) / 100);
    const coverageText = coverage < 1 ? l10n.t('{0} of the workspace is indexed so far.', indexedShare) : '';
    return [hitCount ? '' : noHitsText, coverageText].filter(Boolean).join(' ');
}

export function formatBytes(count: number): string {
    return count < 1e6 ? `${l10n.formatNumber(count / 1e3)} kB` : `${l10n.formatNumber(count / 1e6, 1)} MB`;
}

export type Noun = 'entry' | 'file' | 'function' | 'minute' | 'near-duplicate' | 'pair' | 'second' | 'snippet' | 'text';

/** Format how long something still takes: "1 second", "90 seconds", "2 minutes". */
export function formatDuration(seconds: number): string {
    const wholeSeconds = Math.ceil(seconds);
    return wholeSeconds > 90 ? formatCount(Math.round(seconds / 60), 'minute') : formatCount(wholeSeconds, 'second');
}

/** Format a count with its noun: "1 file", "2,000 files", "3 entries". */
export function formatCount(count: number, noun: Noun): string {
    const number = l10n.formatNumber(count);
    const texts: Record<Noun, [one: string, many: string]> = {
        entry: [l10n.t('1 entry'), l10n.t('{0} entries', number)],
        file: [l10n.t('1 file'), l10n.t('{0} files', number)],
        function: [l10n.t('1 function'), l10n.t('{0} functions', number)],
        minute: [l10n.t('1 minute'), l10n.t('{0} minutes', number)],
        'near-duplicate': [l10n.t('1 near-duplicate'), l10n.t('{0} near-duplicates', number)],
        pair: [l10n.t('1 pair of near-duplicates'), l10n.t('{0} pairs of near-duplicates', number)],
        second: [l10n.t('1 second'), l10n.t('{0} seconds', number)],
        snippet: [l10n.t('1 snippet'), l10n.t('{0} snippets', number)],
        text: [l10n.t('1 text'), l10n.t('{0} texts', number)],
    };
    return texts[noun][count === 1 ? 0 : 1];
}

/** State of the server process, as the extension sees it. */
export type ServerState = 'starting' | 'running' | 'missing' | 'installing' | 'stopped' | 'crashed';

export function getServerStateLabel(state: ServerState): string {
    const labels: Record<ServerState, string> = {
        starting: l10n.t('starting'),
        running: l10n.t('running'),
        missing: l10n.t('server not installed'),
        installing: l10n.t('the server is being installed'),
        stopped: l10n.t('stopped'),
        crashed: l10n.t('the server has crashed'),
    };
    return labels[state];
}

/** Format the progress of indexing, "42%"; '' if nothing is being indexed, here or by another process. */
export function formatProgress({ progress, state, coverage }: Status): string {
    if (state === 'standing by' && coverage < 1) {
        return l10n.formatPercent(Math.floor(coverage * 100) / 100);
    }
    if (state !== 'indexing' || !progress) {
        return '';
    }
    return l10n.formatPercent(Math.floor((100 * progress.done) / Math.max(progress.total, 1)) / 100);
}

/** Format the index state: "ready", "indexing 42%". */
export function formatIndexState(status: Status): string {
    const labels: Record<IndexState, string> = {
        'no folder': l10n.t('no folder is open'),
        opening: l10n.t('opening the index'),
        indexing: l10n.t('indexing'),
        ready: l10n.t('ready'),
        paused: l10n.t('indexing is paused'),
        'standing by':
            status.coverage < 1
                ? l10n.t('indexed by another codekin process:')
                : l10n.t('kept up to date by another codekin process'),
        failed: l10n.t('the index has failed'),
    };
    return [labels[status.state] ?? status.state, formatProgress(status)].filter(Boolean).join(' ');
}

/** Format size and model of the index: "12,031 snippets, model codekin-static, cpu". */
export function formatStatusDetail(status: Status): string {
    const parts = [formatCount(status.snippets, 'snippet')];
    if (status.model) {
        parts.push(l10n.t('model {0}', status.model), status.device);
    }
    return parts.filter(Boolean).join(', ');
}
