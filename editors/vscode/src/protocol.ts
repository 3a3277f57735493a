/** Messages of the server beyond the standard protocol; see server/codekin/lsp/messages.py. */

import type { Location, Position, Range } from 'vscode-languageclient/node';
import type { IndexState, Kinship } from './generated';

/** Notebook cell that contains a hit. */
export interface Cell {
    index: number; // among all cells, from 0
    range: Range; // the whole hit, in the cell's own lines
    selectionRange: Range; // its name
}

export interface Hit {
    location: Location; // the whole code
    selectionRange: Range; // its name
    name: string; // '' for code without a name
    qualifiedName: string;
    kind: string;
    language: string;
    score: number; // 0 … 1
    kinship: Kinship | null;
    why: string;
    preview: string; // the first lines
    cell?: Cell | null; // null if the file is no notebook
    repository?: string | null; // of the team's, which the workspace does not have
}

export interface Answer {
    hits: Hit[]; // best first
    asked: Location | null; // the code of the query, in whole lines
    askedName?: string; // its qualified name, '' if it has none; missing in older servers
    coverage: number; // share of the workspace that could be searched, 0 … 1
    seconds: number;
}

/** Whether a function, or what a description asks for, is in the workspace already. */
export interface Existence {
    name: string; // qualified; '' for a description
    line: number; // from 0, in the given code
    verdict: 'yes' | 'likely' | 'possible' | 'no';
    probability: number;
    matches: Hit[]; // best first; of a 'no', the nearest there is
}

export interface ExistenceAnswer {
    functions: Existence[];
    coverage: number;
}

/** Code to find similar code for: the function at a position, or the lines of a range. */
export interface SimilarQuery {
    textDocument: { uri: string };
    position?: Position;
    range?: Range;
}

export interface Status {
    version: string;
    state: IndexState;
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
    ignored: number; // entries of .codekin.toml: ignored duplicates
}

/** What is indexed, what is not and why, the resources used, and recent problems. */
export interface Report {
    languages: { name: string; files: number; functions: number }[]; // most files first
    reasons: { reason: string; files: number }[];
    skippedFiles: { path: string; reason: string }[]; // the first thousand
    unparsed: number; // files read as windows of lines although there is a grammar
    unparsedFiles: { path: string; reason: string }[]; // the first thousand
    stored: { what: string; path: string; bytes: number }[];
    held: { what: string; bytes: number; privateBytes?: number }[]; // memory of the server, then of its child processes
    keeper: 'this process' | 'another process' | 'nobody';
    troubles: { when: string; message: string }[]; // oldest first
}

export const EXECUTE_COMMAND = 'workspace/executeCommand';
export const FIND_SIMILAR = 'codekin/findSimilar';
export const SEARCH = 'codekin/search';
export const ALREADY_EXISTS = 'codekin/alreadyExists';
export const REPORT = 'codekin/report';
export const DRAW_MAP = 'codekin/map';
export const STATUS = 'codekin/status';
export const STATUS_CHANGED = 'codekin/statusChanged';

export type IndexCommand = 'pause' | 'resume' | 'reindex';
