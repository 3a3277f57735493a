/** What identifies the hits of an answer, also in later answers: selection, focus and dismissal go by it. */

import type { Hit } from './protocol';

export class HitKeys {
    private readonly keys = new WeakMap<Hit, string>(); // of earlier answers, too: VS Code asks for their rows late

    /** Name each hit of an answer by its file and qualified name; namesakes in a file are numbered by their lines. */
    add(hits: readonly Hit[]): void {
        const counts = new Map<string, number>();
        for (const hit of [...hits].sort((first, second) => getLine(first) - getLine(second))) {
            const name = `${hit.location.uri}#${hit.qualifiedName || getLine(hit)}`;
            const count = counts.get(name) ?? 0;
            counts.set(name, count + 1);
            this.keys.set(hit, `${name}#${count}`);
        }
    }

    get(hit: Hit): string {
        return this.keys.get(hit) ?? `${hit.location.uri}#${hit.qualifiedName || getLine(hit)}#0`;
    }
}

function getLine(hit: Hit): number {
    return hit.location.range.start.line;
}
