/** Decides when a request is repeated while the index grows. Does not use the vscode module. */

const MAX_STEP = 0.1; // share of the workspace that may be newly indexed before a request is repeated

/**
 * Return whether so much more of the workspace is indexed than an answer is from that its request is worth repeating:
 * twice as much, a tenth more, or all of it.
 */
export function isWorthRepeating(answeredShare: number, indexedShare: number): boolean {
    const isMuchMore = indexedShare >= Math.min(2 * answeredShare, answeredShare + MAX_STEP);
    return indexedShare > answeredShare && (isMuchMore || indexedShare >= 1);
}
