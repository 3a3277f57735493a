/** Hits and states as a person reads them. Pure. */

import type { Hit, Kinship, Status } from './protocol';

export const KINSHIPS: readonly Kinship[] = ['identical', 'renamed', 'edited', 'similar'];

const MEANS: Record<Kinship, string> = {
    identical: 'the same code, formatting and comments aside',
    renamed: 'other names or literals',
    edited: 'most of the structure',
    similar: 'words or meaning',
};
const LONGEST = 60; // of a line that stands for a name
const FENCE = /`{3,}/g;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu; // controls, directional marks, and others that show nothing

export interface Group {
    key: string;
    hits: Hit[];
}

/** Hits by how they are kin, nearest first. */
export function byKinship(hits: readonly Hit[]): Group[] {
    return KINSHIPS.map((key) => ({ key, hits: hits.filter((hit) => (hit.kinship ?? 'similar') === key) })).filter(
        (group) => group.hits.length > 0,
    );
}

/** Hits by file, the file of the best first. */
export function byFile(hits: readonly Hit[]): Group[] {
    const groups = new Map<string, Hit[]>();
    for (const hit of hits) {
        const file = fileOf(hit.location.uri);
        groups.set(file, [...(groups.get(file) ?? []), hit]);
    }
    return [...groups].map(([key, found]) => ({ key, hits: found }));
}

/** The file that an address is of: for a notebook's cell, the notebook. */
function fileOf(uri: string): string {
    return uri.replace(/^vscode-notebook-cell:(?:\/\/(?=\/))?(.*)#[^#]*$/, 'file://$1');
}

/** What a kinship means. */
export function meaning(kinship: string): string {
    return MEANS[kinship as Kinship] ?? '';
}

/** Text of a workspace in one line that neither hides nor turns anything round: anybody may have made its names. */
export function printable(text: string): string {
    return text.replace(HIDDEN, (letter) => `\\u${letter.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}

/** The hit's name; where it has none, its first line. */
export function nameOf(hit: Hit): string {
    const name = hit.qualifiedName || hit.name;
    if (name) {
        return printable(name);
    }
    const line = hit.preview.split('\n').find((each) => each.trim())?.trim() ?? hit.kind;
    return printable(line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line);
}

/** The same for a narrow column: the file tells the rest. */
export function shortNameOf(hit: Hit): string {
    return printable(hit.name) || nameOf(hit);
}

export function percent(share: number): string {
    return `${Math.round(share * 100)} %`;
}

/** Where it is: the file as it is shown, in a notebook its cell, and the line, as a person counts. */
export function placeOf(hit: Hit, shown: string): string {
    return hit.cell
        ? `${shown}#${hit.cell.index + 1}:${hit.cell.selectionRange.start.line + 1}`
        : `${shown}:${hit.selectionRange.start.line + 1}`;
}

/** The same for a narrow column: the folder comes last, where it may be cut off. */
export function narrowPlaceOf(hit: Hit, shown: string): string {
    const [file, folder] = parted(shown);
    return [placeOf(hit, file), folder].filter(Boolean).join(' · ');
}

/** A path's file, and its folder. */
export function parted(path: string): [string, string] {
    const slash = path.lastIndexOf('/');
    return [path.slice(slash + 1), path.slice(0, Math.max(slash, 0))];
}

/** Two paths as short as tells them apart. */
export function apart(one: string, other: string): [string, string] {
    const [[file], [otherFile]] = [parted(one), parted(other)];
    return one === other || file !== otherFile ? [file, otherFile] : [one, other];
}

/** The preview in Markdown: a fence that the code can't end. */
export function fenced(hit: Hit): string {
    const longest = Math.max(2, ...(hit.preview.match(FENCE) ?? []).map((each) => each.length));
    const fence = '`'.repeat(longest + 1);
    return `${fence}${hit.language}\n${hit.preview.replace(/\s+$/, '')}\n${fence}`;
}

/** What an answer without hits, or one that is not complete, has to say; '' where there is nothing to say. */
export function remark(count: number, coverage: number, nothing: string): string {
    const covered = coverage < 1 ? `${percent(Math.floor(coverage * 100) / 100)} of the workspace is indexed so far.` : '';
    return [count ? '' : nothing, covered].filter(Boolean).join(' ');
}

export function bytes(count: number): string {
    return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function counted(count: number, noun: string): string {
    return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** How the server is doing, seen from here. */
export type Life = 'starting' | 'running' | 'missing' | 'stopped' | 'ended';

export const LIVES: Record<Life, string> = {
    starting: 'starting',
    running: 'running',
    missing: 'no server found',
    stopped: 'stopped',
    ended: 'the server has ended',
};

/** The state in a few words: "indexing 42 %". */
export function stateOf(status: Status): string {
    const { progress, state } = status;
    if (state === 'indexing' && progress) {
        return `indexing ${percent(Math.floor((100 * progress.done) / Math.max(progress.total, 1)) / 100)}`;
    }
    return state;
}

/** What is behind the state: "12,031 functions, embedded model, cpu". */
export function detailOf(status: Status): string {
    const parts = [counted(status.snippets, 'snippet')];
    if (status.model) {
        parts.push(`model ${status.model}`, status.device);
    }
    return parts.filter(Boolean).join(', ');
}
