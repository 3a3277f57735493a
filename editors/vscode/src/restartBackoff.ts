/** How long to wait before a crashed server is restarted, and when to give up. */

const DELAYS_MS = [500, 1_000, 2_000, 4_000];
const FORGET_AFTER_MS = 3 * 60_000; // crashes that are this old no longer count

export class RestartBackoff {
    private crashTimes: number[] = [];

    /** Record a crash at this time (ms). Return the delay before the restart; undefined means give up. */
    recordCrash(now: number): number | undefined {
        this.crashTimes = this.crashTimes.filter((time) => now - time < FORGET_AFTER_MS);
        this.crashTimes.push(now);
        return DELAYS_MS[this.crashTimes.length - 1];
    }

    /** Forget all crashes, because the user asked for a restart. */
    reset(): void {
        this.crashTimes = [];
    }
}
