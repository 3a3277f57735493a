/** What tests ask of processes. */

import * as fs from 'node:fs';

/** Say whether a process runs; one that has ended may still be listed, until its parent asks for its status. */
export function isAlive(pid: number): boolean {
    try {
        return !fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
        return false;
    }
}
