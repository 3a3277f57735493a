/** Where can the server be? Pure, but for looking whether a file is there. */

import * as fs from 'node:fs';
import * as path from 'node:path';

/** Who named a program. */
export type Origin = 'codekin.path' | 'interpreter' | 'PATH' | 'installed';

export interface Found {
    program: string; // an absolute path
    from: Origin;
}

export interface Sources {
    setting: string; // codekin.path, '' where it is not set
    interpreter: string | undefined; // the Python that is selected
    path: string; // the variable PATH
    installed: string; // the extension's own virtual environment, which need not be there
    home: string;
}

const IS_WINDOWS = process.platform === 'win32';
const PROGRAM = IS_WINDOWS ? 'codekin.exe' : 'codekin';

/** The folder of a virtual environment that has its programs. */
export function programsOf(environment: string): string {
    return path.join(environment, IS_WINDOWS ? 'Scripts' : 'bin');
}

/** The first server that is there; a setting is meant, and nothing takes its place. */
export function findServer(sources: Sources): Found | undefined {
    if (sources.setting) {
        const program = named(sources.setting, sources.home, sources.path);
        return program ? { program, from: 'codekin.path' } : undefined;
    }
    const places: [string | undefined, Origin][] = [
        [sources.interpreter && path.join(path.dirname(sources.interpreter), PROGRAM), 'interpreter'],
        [onPath(PROGRAM, sources.path), 'PATH'],
        [path.join(programsOf(sources.installed), PROGRAM), 'installed'],
    ];
    for (const [program, from] of places) {
        if (program && isProgram(program)) {
            return { program, from };
        }
    }
    return undefined;
}

/** A program that can be found on the path; relative entries are passed over, for a workspace may be meant by them. */
export function onPath(program: string, variable: string): string | undefined {
    return variable
        .split(path.delimiter)
        .filter((folder) => path.isAbsolute(folder))
        .map((folder) => path.join(folder, program))
        .find(isProgram);
}

/** The program that a setting names: in full, below the home (~), or on the path; never relative to a workspace. */
export function named(setting: string, home: string, variable: string): string | undefined {
    const full = setting.startsWith('~') ? path.join(home, setting.slice(1)) : setting;
    if (path.isAbsolute(full)) {
        return isProgram(full) ? full : undefined;
    }
    return full.includes('/') || full.includes('\\') ? undefined : onPath(full, variable);
}

function isProgram(file: string): boolean {
    try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
    } catch {
        return false;
    }
}

/** Whether a server of this version and this extension know each other: before 1.0, minor versions may not. */
export function suits(ours: string, theirs: string): boolean {
    const [one, other] = [numbers(ours), numbers(theirs)];
    if (!one || !other) {
        return false;
    }
    return one[0] === other[0] && (one[0] > 0 || one[1] === other[1]);
}

function numbers(version: string): [number, number] | undefined {
    const match = /^(\d+)\.(\d+)/.exec(version);
    return match ? [Number(match[1]), Number(match[2])] : undefined;
}
