/** What identifies the hits of an answer: selection, focus and dismissal go by it. */

import { createHash } from 'node:crypto';
import type { Hit } from './protocol';

export class HitKeys {
    private readonly keys = new WeakMap<Hit, string>(); // of earlier answers, too: VS Code asks for their rows late

    /**
     * Name each hit of an answer by its file, qualified name and first lines, and so again in later answers until one of
     * these is edited. Only hits that share all three are numbered, by their lines: if one of them leaves, the later ones
     * take other keys.
     */
    add(hits: readonly Hit[]): void {
        const counts = new Map<string, number>();
        for (const hit of [...hits].sort((first, second) => getLine(first) - getLine(second))) {
            const firstLines = createHash('sha256').update(hit.preview).digest('base64url');
            const name = `${hit.location.uri}#${hit.qualifiedName}#${firstLines}`;
            const count = counts.get(name) ?? 0;
            counts.set(name, count + 1);
            this.keys.set(hit, `${name}#${count}`);
        }
    }

    /** Return the key of a hit; one that was in no answer is named as if it were alone in one. */
    get(hit: Hit): string {
        const key = this.keys.get(hit);
        if (key === undefined) {
            this.add([hit]);
            return this.get(hit);
        }
        return key;
    }
}

function getLine(hit: Hit): number {
    return hit.location.range.start.line;
}
