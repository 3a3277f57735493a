/** How long to wait before a server that ended by itself is started again, and when to give up. */

const WAITS_MS = [500, 1_000, 2_000, 4_000];
const LONG_MS = 3 * 60_000; // one that ran for so long has deserved new trust

export class Patience {
    private ends: number[] = [];

    /** It has ended at this time (ms). How long to wait; undefined: it ends too often. */
    ended(at: number): number | undefined {
        this.ends = this.ends.filter((each) => at - each < LONG_MS);
        this.ends.push(at);
        return WAITS_MS[this.ends.length - 1];
    }

    /** A person wants it started: forget what was. */
    renew(): void {
        this.ends = [];
    }
}
