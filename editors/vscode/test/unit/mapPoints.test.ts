/** The map's points: decoded from the server's message, and found by position. */

import * as assert from 'node:assert/strict';
import { decodeMap, findCentres, type MapJson, mapNearDuplicates, PointGrid } from '../../src/page/mapPoints';

const encode = (array: Float32Array | Uint8Array | Uint32Array): string =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');

function createMap(places: [number, number][], links: [number, number][] = []): MapJson {
    return {
        total: places.length,
        shown: places.length,
        generation: 1,
        places: encode(Float32Array.from(places.flat())),
        group: encode(Uint8Array.from(places, (_, index) => index % 2)),
        file: encode(Uint32Array.from(places, () => 0)),
        line: encode(Uint32Array.from(places, (_, index) => index)),
        links: encode(Uint32Array.from(links.flat())),
        names: places.map((_, index) => `f${index}`),
        files: ['file:///a.py'],
        groups: [
            { name: 'src', functions: 2 },
            { name: 'others', functions: 2 },
        ],
    };
}

const CROSS: [number, number][] = [
    [0.5, 0.5],
    [0.7, 0.5],
    [0.3, 0.52],
    [0.5, 0.1],
    [1, 1],
];

describe('Points of the map', () => {
    it('are decoded', () => {
        const points = decodeMap(
            createMap(CROSS, [
                [0, 1],
                [1, 2],
            ]),
        );
        assert.deepEqual(
            [...points.x].map((x) => x.toFixed(2)),
            ['0.50', '0.70', '0.30', '0.50', '1.00'],
        );
        assert.deepEqual(
            [...points.y].map((y) => y.toFixed(2)),
            ['0.50', '0.50', '0.52', '0.10', '1.00'],
        );
        assert.deepEqual([...points.group], [0, 1, 0, 1, 0]);
        assert.deepEqual([...points.line], [0, 1, 2, 3, 4]);
        assert.deepEqual(
            [...mapNearDuplicates(points)],
            [
                [0, [1]],
                [1, [0, 2]],
                [2, [1]],
            ],
        );
    });

    it('are found by position, only those that are accepted', () => {
        const grid = new PointGrid(decodeMap(createMap(CROSS)));
        assert.equal(grid.findNearest(0.69, 0.5, 0.05), 1);
        assert.equal(grid.findNearest(0.69, 0.5, 0.005), -1);
        assert.equal(
            grid.findNearest(0.69, 0.5, 1, (point) => point !== 1),
            0,
        );
        assert.deepEqual([...grid.iterateRectangle(0, 0, 1, 1)].sort(), [0, 1, 2, 3, 4]);
        assert.deepEqual([...grid.iterateRectangle(0.9, 0.9, 2, 2)], [4]);
    });

    it('have a neighbour in each direction, unless they are the outermost', () => {
        const grid = new PointGrid(decodeMap(createMap(CROSS)));
        assert.equal(grid.findNeighbour(0, 1, 0), 1);
        assert.equal(grid.findNeighbour(0, -1, 0), 2);
        assert.equal(grid.findNeighbour(0, 0, -1), 3);
        assert.equal(grid.findNeighbour(4, 1, 0), -1);
    });

    it('tell where most of a group is', () => {
        const [first, ...others] = findCentres(
            decodeMap(
                createMap([
                    [0.1, 0.1],
                    [0.9, 0.9],
                    [0.11, 0.11],
                    [0.9, 0.9],
                    [0.6, 0.6],
                ]),
            ),
        );
        assert.equal(first?.group, 0);
        assert.ok(Math.abs(first.x - 0.1) < 0.05);
        assert.equal(others.length, 1);
    });

    it('can be empty', () => {
        const points = decodeMap(createMap([]));
        assert.equal(new PointGrid(points).findNearest(0.5, 0.5, 2), -1);
        assert.deepEqual(findCentres(points), []);
    });
});
