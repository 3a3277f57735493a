/** The map's legend: a button for each group, which shows only that group. */

import { formatNumber } from '../l10n';
import { addShape, isHollow, type Markers } from './markers';

const SAMPLE_SIZE = 16; // pixels
const SAMPLE_RADIUS = 5;

interface Group {
    name: string;
    functions: number;
}

/** Create the buttons of all groups that have functions. A click on one calls back with its group. */
export function createLegend(
    groups: readonly Group[],
    markers: Markers,
    pressedGroup: number,
    onClick: (group: number) => void,
): HTMLButtonElement[] {
    return groups.flatMap(({ name, functions }, group) => {
        if (!functions) {
            return [];
        }
        const button = document.createElement('button');
        button.setAttribute('aria-pressed', String(pressedGroup === group));
        const count = Object.assign(document.createElement('small'), { textContent: formatNumber(functions) });
        button.append(createSample(markers, group), `${name} `, count);
        button.addEventListener('click', () => onClick(group));
        return [button];
    });
}

/** Draw the marker of a group. */
function createSample(markers: Markers, group: number): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    canvas.width = SAMPLE_SIZE * devicePixelRatio;
    canvas.height = SAMPLE_SIZE * devicePixelRatio;
    const context = canvas.getContext('2d')!;
    const path = new Path2D();
    const [shape, centre] = [markers.shapes[group]!, (SAMPLE_SIZE / 2) * devicePixelRatio];
    addShape(path, shape, centre, centre, SAMPLE_RADIUS * devicePixelRatio);
    context.fillStyle = markers.colours[group]!;
    context.strokeStyle = markers.colours[group]!;
    context.lineWidth = 2 * devicePixelRatio;
    context[isHollow(shape) ? 'stroke' : 'fill'](path);
    return canvas;
}
