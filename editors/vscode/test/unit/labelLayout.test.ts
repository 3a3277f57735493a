import * as assert from 'node:assert/strict';
import { placeLabels } from '../../src/page/labelLayout';

describe('Labels on the map', () => {
    it('are moved inside at every edge', () => {
        const edges = [
            [0, 0],
            [100, 0],
            [0, 60],
            [100, 60],
        ] as const;
        const labels = placeLabels(
            edges.map(([x, y]) => ({ x, y, halfWidth: 20 })),
            100,
            60,
            16,
        );
        assert.deepEqual(
            labels.map((label) => [label?.x, label?.y]),
            [
                [20, 8],
                [80, 8],
                [20, 52],
                [80, 52],
            ],
        );
    });

    it('are moved apart, upwards where there is no room below', () => {
        const labels = placeLabels(
            [60, 60, 60].map((y) => ({ x: 50, y, halfWidth: 20 })),
            100,
            60,
            16,
        );
        for (const [index, label] of labels.entries()) {
            assert.ok(label && label.y >= 8 && label.y <= 52, `label ${index} is on the canvas`);
            const others = labels.slice(index + 1);
            assert.ok(
                others.every((other) => other && Math.abs(other.y - label.y) >= 16),
                `label ${index} overlaps none`,
            );
        }
    });

    it('are omitted without room, and outside the canvas', () => {
        const crowded = placeLabels(
            Array.from({ length: 9 }, () => ({ x: 50, y: 30, halfWidth: 40 })),
            100,
            60,
            16,
        );
        assert.equal(crowded.filter(Boolean).length, 3);
        assert.deepEqual(
            placeLabels(
                [
                    { x: -5, y: 30, halfWidth: 20 },
                    { x: 50, y: 70, halfWidth: 20 },
                ],
                100,
                60,
                16,
            ),
            [undefined, undefined],
        );
    });
});
