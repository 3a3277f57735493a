/** Finds the server's executable. Pure, except for checks whether a file exists. */

import * as fs from 'node:fs';
import * as path from 'node:path';

/** Where the executable was found. */
export type ServerSource = 'codekin.path' | 'interpreter' | 'PATH' | 'bundled' | 'installed';

export interface ServerLocation {
    program: string; // an absolute path
    options: string[]; // come before the server's own arguments
    source: ServerSource;
}

export interface SearchPaths {
    setting: string; // codekin.path, '' where it is not set
    interpreter: string | undefined; // the selected Python
    path: string; // the environment variable PATH
    bundled: string; // the extension's folder with a Python that has codekin; exists in packages for one platform
    installed: string; // the extension's own virtual environment, which may not exist
    home: string;
}

const IS_WINDOWS = process.platform === 'win32';
export const PROGRAM = IS_WINDOWS ? 'codekin.exe' : 'codekin';

/** Return the folder of a virtual environment that contains its executables. */
export function getScriptsFolder(environment: string): string {
    return path.join(environment, IS_WINDOWS ? 'Scripts' : 'bin');
}

/** Return the Python of a package for one platform, below the folder of its server. */
export function getBundledPython(folder: string): string {
    return IS_WINDOWS ? path.join(folder, 'python.exe') : path.join(folder, 'bin', 'python3');
}

/** Return the first server that exists. If the setting names one, no other is used in its place. */
export function findServer(paths: SearchPaths): ServerLocation | undefined {
    if (paths.setting) {
        const program = resolveProgram(paths.setting, paths.home, paths.path);
        return program ? { program, options: [], source: 'codekin.path' } : undefined;
    }
    const candidates: [string | undefined, string[], ServerSource][] = [
        [paths.interpreter && path.join(path.dirname(paths.interpreter), PROGRAM), [], 'interpreter'],
        [findOnPath(PROGRAM, paths.path), [], 'PATH'],
        [getBundledPython(paths.bundled), ['-I', '-m', 'codekin'], 'bundled'],
        [path.join(getScriptsFolder(paths.installed), PROGRAM), [], 'installed'],
    ];
    for (const [program, options, source] of candidates) {
        if (program && isExecutable(program)) {
            return { program, options, source };
        }
    }
    return undefined;
}

/** Find a program on PATH. Relative entries are skipped, because they may point into a workspace. */
export function findOnPath(program: string, pathVariable: string): string | undefined {
    return pathVariable
        .split(path.delimiter)
        .filter((folder) => path.isAbsolute(folder))
        .map((folder) => path.join(folder, program))
        .find(isExecutable);
}

/** Resolve a setting that names a program: absolute, below the home folder (~), or on PATH. Never workspace-relative. */
export function resolveProgram(setting: string, home: string, pathVariable: string): string | undefined {
    const expanded = setting.startsWith('~') ? path.join(home, setting.slice(1)) : setting;
    if (path.isAbsolute(expanded)) {
        return isExecutable(expanded) ? expanded : undefined;
    }
    return expanded.includes('/') || expanded.includes('\\') ? undefined : findOnPath(expanded, pathVariable);
}

export function isExecutable(file: string): boolean {
    try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
    } catch {
        return false;
    }
}

/** Check whether extension and server versions are compatible: same major version; before 1.0, same minor version. */
export function isCompatible(extensionVersion: string, serverVersion: string): boolean {
    const [ours, theirs] = [parseVersion(extensionVersion), parseVersion(serverVersion)];
    if (!ours || !theirs) {
        return false;
    }
    return ours[0] === theirs[0] && (ours[0] > 0 || ours[1] === theirs[1]);
}

function parseVersion(version: string): [number, number] | undefined {
    const match = /^(\d+)\.(\d+)/.exec(version);
    return match ? [Number(match[1]), Number(match[2])] : undefined;
}
