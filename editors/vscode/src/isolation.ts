/** Starts programs in a folder and with an environment through which no workspace can inject code. */

import * as path from 'node:path';

export interface IsolatedOptions {
    cwd: string;
    env: Record<string, string | undefined>; // undefined: removed from VS Code's own environment
}

/** Return spawn options for an absolute path: the disk's root folder, no PYTHON* or NODE_*, an absolute PATH. */
export function getIsolatedOptions(program: string, environment: NodeJS.ProcessEnv = process.env): IsolatedOptions {
    const env: Record<string, string | undefined> = { ...environment };
    for (const name of Object.keys(env)) {
        if (/^(PYTHON|NODE_OPTIONS$|NODE_PATH$|GIT_)/i.test(name)) {
            env[name] = undefined;
        } else if (name.toUpperCase() === 'PATH') {
            const folders = env[name]?.split(path.delimiter).filter((folder) => path.isAbsolute(folder));
            env[name] = folders?.join(path.delimiter);
        }
    }
    env['NoDefaultCurrentDirectoryInExePath'] = '1'; // Windows would look for programs in the current folder first
    return { cwd: path.parse(program).root || path.sep, env };
}
