/** Remembers which parts of codekin could not be installed into the extension's own virtual environment, and why. */

import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import type { MissingPart } from './installPlan';

const NAME = 'codekin-missing-parts.json';

/** Write the list into the environment, with which it is removed. */
export async function saveMissingParts(environment: string, parts: readonly MissingPart[]): Promise<void> {
    await fs.writeFile(path.join(environment, NAME), JSON.stringify(parts));
}

/** Read the list; empty if the program is not in the environment, or nothing is missing. */
export async function loadMissingParts(environment: string, program: string): Promise<MissingPart[]> {
    if (!program.startsWith(environment + path.sep)) {
        return [];
    }
    try {
        return JSON.parse(await fs.readFile(path.join(environment, NAME), 'utf8')) as MissingPart[];
    } catch {
        return []; // installed by an earlier version of the extension
    }
}
