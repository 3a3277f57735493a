/** What codekin's server speaks beyond the standard (server/codekin/lsp/messages.py). */

import type { Location, Position, Range } from 'vscode-languageclient/node';

export type Kinship = 'identical' | 'renamed' | 'edited' | 'similar';

/** The cell of a notebook that something is in. */
export interface Cell {
    index: number; // among all cells
    range: Range; // the whole of it, in the cell's own lines
    selectionRange: Range; // its name
}

export interface Hit {
    location: Location; // the whole of it
    selectionRange: Range; // its name
    name: string; // '' where the source gives none
    qualifiedName: string;
    kind: string;
    language: string;
    score: number; // 0 … 1
    kinship: Kinship | null;
    why: string;
    preview: string; // its first lines
    cell?: Cell | null; // null where the file is no notebook
}

export interface Answer {
    hits: Hit[]; // best first
    asked: Location | null; // in whole lines
    coverage: number; // the share of the workspace that could be searched, 0 … 1
    seconds: number;
}

/** Code that is asked about: the function at a position, or the lines of a range. */
export interface Asking {
    textDocument: { uri: string };
    position?: Position;
    range?: Range;
}

export interface Status {
    version: string;
    state: 'no folder' | 'opening' | 'indexing' | 'ready' | 'paused' | 'standing by' | 'failed';
    roots: string[];
    files: number;
    snippets: number;
    skipped: number;
    coverage: number;
    progress: { done: number; total: number; secondsLeft: number | null } | null;
    model: string;
    device: string;
    dense: string;
    store: string;
    storeBytes: number;
    embedded: number;
    watching: string;
    problems: string[];
    ignored: number; // entries of .codekin.toml: duplicates that are meant to be
}

/** What is indexed, what is not and why, what it takes, and what went wrong. */
export interface Report {
    languages: { name: string; files: number; functions: number }[]; // most files first
    reasons: { reason: string; files: number }[];
    skippedFiles: { path: string; reason: string }[]; // the first thousand
    unparsed: number; // files read as windows of lines although there is a grammar
    unparsedFiles: { path: string; reason: string }[]; // the first thousand
    stored: { what: string; path: string; bytes: number }[];
    held: { what: string; bytes: number }[]; // the server's memory, then its children's
    keeper: 'this process' | 'another process' | 'nobody';
    troubles: { when: string; message: string }[]; // oldest first
}

export const FIND_SIMILAR = 'codekin/findSimilar';
export const SEARCH = 'codekin/search';
export const REPORT = 'codekin/report';
export const DRAW_MAP = 'codekin/map';
export const STATUS = 'codekin/status';
export const STATUS_CHANGED = 'codekin/statusChanged';

export type Order = 'pause' | 'resume' | 'reindex';
