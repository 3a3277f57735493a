/** Draws the map on a canvas: many points as pixels, few as the shapes of their groups. */

import { placeLabels } from './labelLayout';
import type { PointGrid, Points } from './mapPoints';
import { addShape, isHollow, type Markers, parseColour } from './markers';

const MAX_SHAPES = 6000; // points in view; more are drawn as pixels
const FAINT_OPACITY = 0.2; // of points that do not match the filter
const MAX_LINKS = 6000;
const MAX_LINK_LENGTH = 0.3; // of the canvas; longer links are drawn for the selected function only
const MAX_RINGS = 500; // around matches; more would cover the map
const RING_RADIUS = 7; // pixels
const SELECTION_RADIUS = 12; // the same: outside a match's ring
const MAX_MOVING_POINTS = 20_000; // drawn while the map moves

/** The visible part of the map: the map is `scale` pixels high and `aspect` times as wide, centred on (x, y). */
export interface View {
    x: number;
    y: number;
    scale: number;
    aspect: number;
}

export interface Scene {
    points: Points;
    grid: PointGrid;
    markers: Markers;
    centres: { group: number; x: number; y: number }[];
    isMatch(point: number): boolean; // of the filters by folder and name
    selected: number; // -1: none
    duplicates: number[]; // near-duplicates of the selected point
    matches: number[]; // of the filter by name, if there is one
}

export class MapRenderer {
    private readonly context: CanvasRenderingContext2D;

    constructor(private readonly canvas: HTMLCanvasElement) {
        this.context = canvas.getContext('2d')!;
    }

    /** Convert a position on the map to pixels of the canvas. */
    toCanvas(view: View, x: number, y: number): [number, number] {
        return [
            (x - view.x) * view.scale * view.aspect + this.canvas.width / 2,
            (y - view.y) * view.scale + this.canvas.height / 2,
        ];
    }

    draw(view: View, scene: Scene, isMoving: boolean): void {
        const { canvas, context } = this;
        const all = this.listVisible(view, scene);
        const step = isMoving ? Math.ceil(all.length / MAX_MOVING_POINTS) : 1;
        const visible = step > 1 ? all.filter((_, index) => index % step === 0) : all;
        context.fillStyle = scene.markers.background;
        context.fillRect(0, 0, canvas.width, canvas.height);
        if (step === 1) {
            this.drawLinks(view, scene);
        }
        const shapeRadius = Math.min(7, Math.max(3, 160 / Math.sqrt(all.length + 1))) * devicePixelRatio;
        const radius = all.length > MAX_SHAPES ? 0 : shapeRadius;
        if (radius) {
            this.drawShapes(view, scene, visible, radius);
        } else {
            this.drawPixels(view, scene, visible);
        }
        this.drawNames(view, scene, radius && radius + 10 * devicePixelRatio); // above the shapes
        this.drawMatches(view, scene);
        this.drawSelection(view, scene);
    }

    private listVisible(view: View, { points, grid }: Scene): number[] {
        const [halfWidth, halfHeight] = [
            this.canvas.width / 2 / view.scale / view.aspect,
            this.canvas.height / 2 / view.scale,
        ];
        if (halfWidth > 0.5 && halfHeight > 0.5) {
            return Array.from({ length: points.count }, (_, point) => point);
        }
        return [
            ...grid.iterateRectangle(view.x - halfWidth, view.y - halfHeight, view.x + halfWidth, view.y + halfHeight),
        ];
    }

    private drawPixels(view: View, { points, markers, isMatch }: Scene, visible: number[]): void {
        const { width, height } = this.canvas;
        const image = this.context.getImageData(0, 0, width, height);
        const pixels = new Uint32Array(image.data.buffer);
        const background = parseColour(markers.background);
        const colours = markers.colours.map(parseColour);
        const matchPixels = colours.map(packPixel);
        const faintPixels = colours.map((colour) => packPixel(mixColours(colour, background, FAINT_OPACITY)));
        const size = Math.max(2, Math.round((visible.length > 30_000 ? 1.6 : 2.4) * devicePixelRatio));
        const drawPoint = (point: number, pixel: number): void => {
            const [x, y] = this.toCanvas(view, points.x[point]!, points.y[point]!);
            const [left, top] = [Math.round(x) - (size >> 1), Math.round(y) - (size >> 1)];
            if (left < 0 || top < 0 || left + size > width || top + size > height) {
                return;
            }
            for (let row = top; row < top + size; row++) {
                pixels.fill(pixel, row * width + left, row * width + left + size);
            }
        };
        const matches: number[] = [];
        for (const point of visible) {
            if (isMatch(point)) {
                matches.push(point);
            } else {
                drawPoint(point, faintPixels[points.group[point]!]!);
            }
        }
        // Draw in a fixed shuffled order, or the last folder would cover all others.
        const step = findCoprime(matches.length);
        for (let count = 0, index = 0; count < matches.length; count++, index = (index + step) % matches.length) {
            drawPoint(matches[index]!, matchPixels[points.group[matches[index]!]!]!);
        }
        this.context.putImageData(image, 0, 0);
    }

    private drawShapes(view: View, { points, markers, isMatch }: Scene, visible: number[], radius: number): void {
        const paths = markers.shapes.map(() => [new Path2D(), new Path2D()] as const);
        for (const point of visible) {
            const [x, y] = this.toCanvas(view, points.x[point]!, points.y[point]!);
            const group = points.group[point]!;
            addShape(paths[group]![isMatch(point) ? 0 : 1], markers.shapes[group]!, x, y, radius);
        }
        const { context } = this;
        for (const [group, [matchPath, faintPath]] of paths.entries()) {
            context.fillStyle = markers.colours[group]!;
            context.strokeStyle = markers.colours[group]!;
            context.lineWidth = 1.5 * devicePixelRatio;
            for (const [path, alpha] of [
                [faintPath, FAINT_OPACITY],
                [matchPath, 0.9],
            ] as const) {
                context.globalAlpha = alpha;
                if (isHollow(markers.shapes[group]!)) {
                    context.stroke(path);
                } else {
                    context.fill(path);
                }
            }
        }
        context.globalAlpha = 1;
    }

    /** Draw lines between near-duplicates where they are visible and not too long. */
    private drawLinks(view: View, { points, markers, isMatch }: Scene): void {
        const { context, canvas } = this;
        const maxLength = MAX_LINK_LENGTH * Math.min(canvas.width, canvas.height);
        context.beginPath();
        let count = 0;
        for (let index = 0; index < points.links.length && count < MAX_LINKS; index += 2) {
            const [first, second] = [points.links[index]!, points.links[index + 1]!];
            const [x1, y1] = this.toCanvas(view, points.x[first]!, points.y[first]!);
            const [x2, y2] = this.toCanvas(view, points.x[second]!, points.y[second]!);
            const isOutside =
                Math.max(x1, x2) < 0 ||
                Math.max(y1, y2) < 0 ||
                Math.min(x1, x2) > canvas.width ||
                Math.min(y1, y2) > canvas.height;
            const length = Math.abs(x1 - x2) + Math.abs(y1 - y2);
            if (!isOutside && length > 4 && length < maxLength && isMatch(first)) {
                context.moveTo(x1, y1);
                context.lineTo(x2, y2);
                count++;
            }
        }
        context.strokeStyle = markers.foreground;
        context.globalAlpha = 0.25;
        context.lineWidth = devicePixelRatio;
        context.stroke();
        context.globalAlpha = 1;
    }

    private drawNames(view: View, { markers, centres, points }: Scene, offset: number): void {
        const { context } = this;
        context.font = `600 ${12 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
        context.textAlign = 'center';
        context.textBaseline = 'middle';
        context.lineJoin = 'round';
        // The group "others" is scattered everywhere and gets no name.
        const named = centres.filter(({ group }) => group !== points.groups.length - 1);
        const names = named.map(({ group }) => points.groups[group]!.name);
        const labels = named.map((centre, index) => {
            const [x, y] = this.toCanvas(view, centre.x, centre.y);
            const halfWidth = context.measureText(names[index]!).width / 2 + 4 * devicePixelRatio;
            return { x, y: y < offset ? y + offset : y - offset, halfWidth };
        });
        const placed = placeLabels(labels, this.canvas.width, this.canvas.height, 16 * devicePixelRatio);
        for (const [index, label] of placed.entries()) {
            if (label) {
                this.drawText(names[index]!, label.x, label.y, markers);
            }
        }
    }

    /** Draw rings around the matches, so that a few are visible among many points. */
    private drawMatches(view: View, { points, markers, matches }: Scene): void {
        const { context } = this;
        if (matches.length > MAX_RINGS) {
            return;
        }
        context.strokeStyle = markers.foreground;
        context.lineWidth = 2 * devicePixelRatio;
        context.beginPath();
        for (const match of matches) {
            const [x, y] = this.toCanvas(view, points.x[match]!, points.y[match]!);
            context.moveTo(x + RING_RADIUS * devicePixelRatio, y);
            context.arc(x, y, RING_RADIUS * devicePixelRatio, 0, 2 * Math.PI);
        }
        context.stroke();
    }

    private drawSelection(view: View, { points, markers, selected, duplicates }: Scene): void {
        const { context } = this;
        if (selected < 0) {
            return;
        }
        const [x, y] = this.toCanvas(view, points.x[selected]!, points.y[selected]!);
        context.strokeStyle = markers.foreground;
        context.lineWidth = 2 * devicePixelRatio;
        context.beginPath();
        for (const duplicate of duplicates) {
            const [left, top] = this.toCanvas(view, points.x[duplicate]!, points.y[duplicate]!);
            context.moveTo(x, y);
            context.lineTo(left, top);
            context.moveTo(left + 6 * devicePixelRatio, top);
            context.arc(left, top, 6 * devicePixelRatio, 0, 2 * Math.PI);
        }
        const radius = SELECTION_RADIUS * devicePixelRatio;
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.stroke();
        const name = points.names[selected]!;
        const halfWidth = context.measureText(name).width / 2 + 4 * devicePixelRatio;
        const distance = (y > 3 * radius ? -1 : 1) * (radius + 9 * devicePixelRatio);
        const textX = Math.max(halfWidth, Math.min(x, this.canvas.width - halfWidth));
        this.drawText(name, textX, y + distance, markers);
    }

    /** Write a text, centred, with an outline in the background's colour: nothing below makes it illegible. */
    private drawText(text: string, x: number, y: number, { background, foreground }: Markers): void {
        const { context } = this;
        context.strokeStyle = background;
        context.lineWidth = 4 * devicePixelRatio;
        context.strokeText(text, x, y);
        context.fillStyle = foreground;
        context.fillText(text, x, y);
    }
}

type Colour = [red: number, green: number, blue: number];

function packPixel([red, green, blue]: Colour): number {
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function mixColours(foreground: Colour, background: Colour, opacity: number): Colour {
    return foreground.map((value, channel) =>
        Math.round(value * opacity + background[channel]! * (1 - opacity)),
    ) as Colour;
}

/** Return a step that is coprime to `count` and far from small, so that it visits all positions in a shuffled order. */
function findCoprime(count: number): number {
    const findDivisor = (left: number, right: number): number => (right ? findDivisor(right, left % right) : left);
    let step = Math.max(1, Math.round(count * 0.618));
    while (count > 1 && findDivisor(step, count) !== 1) {
        step++;
    }
    return step;
}
