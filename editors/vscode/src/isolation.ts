/** How programs are started: in a folder and with an environment from which no workspace lends them code. */

import * as path from 'node:path';

export interface Surroundings {
    cwd: string;
    env: Record<string, string | undefined>; // undefined: not set, whatever VS Code's own environment has
}

/** For a program by its absolute path: the root of its disk, nothing that Python or Node.js runs, an absolute PATH. */
export function surroundings(program: string, environment: NodeJS.ProcessEnv = process.env): Surroundings {
    const env: Record<string, string | undefined> = { ...environment };
    for (const name of Object.keys(env)) {
        if (/^(PYTHON|NODE_OPTIONS$|NODE_PATH$|GIT_)/i.test(name)) {
            env[name] = undefined;
        } else if (name.toUpperCase() === 'PATH') {
            env[name] = env[name]?.split(path.delimiter).filter((folder) => path.isAbsolute(folder)).join(path.delimiter);
        }
    }
    env['NoDefaultCurrentDirectoryInExePath'] = '1'; // Windows looks for programs in the current folder first
    return { cwd: path.parse(program).root || path.sep, env };
}
