import * as assert from 'node:assert/strict';
import { placed } from '../../src/page/labels';

describe('Names on the map', () => {
    it('are whole at every edge', () => {
        const edges = [[0, 0], [100, 0], [0, 60], [100, 60]] as const;
        const found = placed(edges.map(([x, y]) => ({ x, y, half: 20 })), 100, 60, 16);
        assert.deepEqual(found.map((each) => [each?.x, each?.y]), [[20, 8], [80, 8], [20, 52], [80, 52]]);
    });

    it('make way for each other, also up where there is no room below', () => {
        const found = placed([60, 60, 60].map((y) => ({ x: 50, y, half: 20 })), 100, 60, 16);
        for (const [i, one] of found.entries()) {
            assert.ok(one && one.y >= 8 && one.y <= 52, `${i} is on the canvas`);
            assert.ok(found.slice(i + 1).every((other) => other && Math.abs(other.y - one.y) >= 16), `${i} is on no other`);
        }
    });

    it('are left out where there is no room, and where their place is out of sight', () => {
        const crowd = placed(Array.from({ length: 9 }, () => ({ x: 50, y: 30, half: 40 })), 100, 60, 16);
        assert.equal(crowd.filter(Boolean).length, 3);
        assert.deepEqual(placed([{ x: -5, y: 30, half: 20 }, { x: 50, y: 70, half: 20 }], 100, 60, 16), [undefined, undefined]);
    });
});
