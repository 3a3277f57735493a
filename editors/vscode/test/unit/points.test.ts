/** The map's points: read as the server packs them, and found by where they are. */

import * as assert from 'node:assert/strict';
import { centres, decoded, Grid, joined, type MapJson } from '../../src/page/points';

const packed = (array: Float32Array | Uint8Array | Uint32Array): string => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');

function sent(places: [number, number][], links: [number, number][] = []): MapJson {
    return {
        total: places.length,
        shown: places.length,
        generation: 1,
        places: packed(Float32Array.from(places.flat())),
        group: packed(Uint8Array.from(places, (_, i) => i % 2)),
        file: packed(Uint32Array.from(places, () => 0)),
        line: packed(Uint32Array.from(places, (_, i) => i)),
        links: packed(Uint32Array.from(links.flat())),
        names: places.map((_, i) => `f${i}`),
        files: ['file:///a.py'],
        groups: [{ name: 'src', functions: 2 }, { name: 'others', functions: 2 }],
    };
}

const CROSS: [number, number][] = [[0.5, 0.5], [0.7, 0.5], [0.3, 0.52], [0.5, 0.1], [1, 1]];

describe('points', () => {
    it('are read as they are packed', () => {
        const points = decoded(sent(CROSS, [[0, 1], [1, 2]]));
        assert.deepEqual([...points.x].map((x) => x.toFixed(2)), ['0.50', '0.70', '0.30', '0.50', '1.00']);
        assert.deepEqual([...points.y].map((y) => y.toFixed(2)), ['0.50', '0.50', '0.52', '0.10', '1.00']);
        assert.deepEqual([...points.group], [0, 1, 0, 1, 0]);
        assert.deepEqual([...points.line], [0, 1, 2, 3, 4]);
        assert.deepEqual([...joined(points)], [[0, [1]], [1, [0, 2]], [2, [1]]]);
    });

    it('are found by where they are, those that are meant only', () => {
        const grid = new Grid(decoded(sent(CROSS)));
        assert.equal(grid.nearest(0.69, 0.5, 0.05), 1);
        assert.equal(grid.nearest(0.69, 0.5, 0.005), -1);
        assert.equal(grid.nearest(0.69, 0.5, 1, (point) => point !== 1), 0);
        assert.deepEqual([...grid.within(0, 0, 1, 1)].sort(), [0, 1, 2, 3, 4]);
        assert.deepEqual([...grid.within(0.9, 0.9, 2, 2)], [4]);
    });

    it('are come by with the arrows, and not beyond the last', () => {
        const grid = new Grid(decoded(sent(CROSS)));
        assert.equal(grid.ahead(0, 1, 0), 1);
        assert.equal(grid.ahead(0, -1, 0), 2);
        assert.equal(grid.ahead(0, 0, -1), 3);
        assert.equal(grid.ahead(4, 1, 0), -1);
    });

    it('say where most of a group is', () => {
        const [first, ...others] = centres(decoded(sent([[0.1, 0.1], [0.9, 0.9], [0.11, 0.11], [0.9, 0.9], [0.6, 0.6]])));
        assert.equal(first?.group, 0);
        assert.ok(Math.abs(first.x - 0.1) < 0.05);
        assert.equal(others.length, 1);
    });

    it('may be none', () => {
        const points = decoded(sent([]));
        assert.equal(new Grid(points).nearest(0.5, 0.5, 2), -1);
        assert.deepEqual(centres(points), []);
    });
});
