/** The map on a canvas. Many points are written as pixels, few are drawn as the shapes of their groups. */

import { placed } from './labels';
import { isHollow, rgb, trace, type Marks } from './marks';
import type { Grid, Points } from './points';

const FEW = 6000; // points in view that are drawn as shapes
const FAINT = 0.12; // of what is not looked for
const MOST_LINKS = 6000;
const FAR = 0.3; // of the canvas: longer links are drawn for the selected function only
const MOVING = 20_000; // points that are drawn while the map moves

/** What of the map is seen: it is `scale` pixels high and `wide` times as wide, and (x, y) of it is in the middle. */
export interface View {
    x: number;
    y: number;
    scale: number;
    wide: number;
}

export interface Scene {
    points: Points;
    grid: Grid;
    marks: Marks;
    centres: { group: number; x: number; y: number }[];
    isShown(point: number): boolean; // of the group and the name that are looked for
    selected: number; // -1: none
    kin: number[]; // near-duplicates of the selected
}

export class Drawing {
    private readonly context: CanvasRenderingContext2D;

    constructor(private readonly canvas: HTMLCanvasElement) {
        this.context = canvas.getContext('2d')!;
    }

    /** The place on the canvas, in its own pixels, of a place on the map. */
    at(view: View, x: number, y: number): [number, number] {
        return [(x - view.x) * view.scale * view.wide + this.canvas.width / 2, (y - view.y) * view.scale + this.canvas.height / 2];
    }

    draw(view: View, scene: Scene, isMoving: boolean): void {
        const { canvas, context } = this;
        const all = this.visible(view, scene);
        const step = isMoving ? Math.ceil(all.length / MOVING) : 1;
        const visible = step > 1 ? all.filter((_, i) => i % step === 0) : all;
        context.fillStyle = scene.marks.background;
        context.fillRect(0, 0, canvas.width, canvas.height);
        if (step === 1) {
            this.links(view, scene);
        }
        const radius = all.length > FEW ? 0 : Math.min(7, Math.max(3, 160 / Math.sqrt(all.length + 1))) * devicePixelRatio;
        if (radius) {
            this.shapes(view, scene, visible, radius);
        } else {
            this.pixels(view, scene, visible);
        }
        this.names(view, scene, radius && radius + 10 * devicePixelRatio); // above a shape, which it would hide
        this.selection(view, scene);
    }

    private visible(view: View, { points, grid }: Scene): number[] {
        const [across, down] = [this.canvas.width / 2 / view.scale / view.wide, this.canvas.height / 2 / view.scale];
        if (across > 0.5 && down > 0.5) {
            return Array.from({ length: points.count }, (_, point) => point);
        }
        return [...grid.within(view.x - across, view.y - down, view.x + across, view.y + down)];
    }

    private pixels(view: View, { points, marks, isShown }: Scene, visible: number[]): void {
        const { width, height } = this.canvas;
        const image = this.context.getImageData(0, 0, width, height);
        const pixels = new Uint32Array(image.data.buffer);
        const shown = marks.colours.map((colour) => packed(rgb(colour)));
        const faint = marks.colours.map((colour) => packed(mixed(rgb(colour), rgb(marks.background), FAINT)));
        const size = Math.max(2, Math.round((visible.length > 30_000 ? 1.6 : 2.4) * devicePixelRatio));
        const put = (point: number, colour: number): void => {
            const [x, y] = this.at(view, points.x[point]!, points.y[point]!);
            const [left, top] = [Math.round(x) - (size >> 1), Math.round(y) - (size >> 1)];
            if (left < 0 || top < 0 || left + size > width || top + size > height) {
                return;
            }
            for (let row = top; row < top + size; row++) {
                pixels.fill(colour, row * width + left, row * width + left + size);
            }
        };
        const later: number[] = [];
        for (const point of visible) {
            if (isShown(point)) {
                later.push(point);
            } else {
                put(point, faint[points.group[point]!]!);
            }
        }
        // A fixed shuffle: else the folder that comes last would lie on all others.
        const step = coprime(later.length);
        for (let i = 0, at = 0; i < later.length; i++, at = (at + step) % later.length) {
            put(later[at]!, shown[points.group[later[at]!]!]!);
        }
        this.context.putImageData(image, 0, 0);
    }

    private shapes(view: View, { points, marks, isShown }: Scene, visible: number[], radius: number): void {
        const paths = marks.shapes.map(() => [new Path2D(), new Path2D()] as const);
        for (const point of visible) {
            const [x, y] = this.at(view, points.x[point]!, points.y[point]!);
            const group = points.group[point]!;
            trace(paths[group]![isShown(point) ? 0 : 1], marks.shapes[group]!, x, y, radius);
        }
        const { context } = this;
        paths.forEach(([shown, faint], group) => {
            context.fillStyle = context.strokeStyle = marks.colours[group]!;
            context.lineWidth = 1.5 * devicePixelRatio;
            for (const [path, alpha] of [[faint, FAINT], [shown, 0.9]] as const) {
                context.globalAlpha = alpha;
                if (isHollow(marks.shapes[group]!)) {
                    context.stroke(path);
                } else {
                    context.fill(path);
                }
            }
        });
        context.globalAlpha = 1;
    }

    /** Near-duplicates are joined where the line would be seen at all. */
    private links(view: View, { points, marks, isShown }: Scene): void {
        const { context, canvas } = this;
        const far = FAR * Math.min(canvas.width, canvas.height);
        context.beginPath();
        let count = 0;
        for (let i = 0; i < points.links.length && count < MOST_LINKS; i += 2) {
            const [one, other] = [points.links[i]!, points.links[i + 1]!];
            const [x1, y1] = this.at(view, points.x[one]!, points.y[one]!);
            const [x2, y2] = this.at(view, points.x[other]!, points.y[other]!);
            const isOutside = Math.max(x1, x2) < 0 || Math.max(y1, y2) < 0 || Math.min(x1, x2) > canvas.width || Math.min(y1, y2) > canvas.height;
            const length = Math.abs(x1 - x2) + Math.abs(y1 - y2);
            if (!isOutside && length > 4 && length < far && isShown(one)) {
                context.moveTo(x1, y1);
                context.lineTo(x2, y2);
                count++;
            }
        }
        context.strokeStyle = marks.foreground;
        context.globalAlpha = 0.25;
        context.lineWidth = devicePixelRatio;
        context.stroke();
        context.globalAlpha = 1;
    }

    private names(view: View, { marks, centres, points }: Scene, above: number): void {
        const { context } = this;
        context.font = `600 ${12 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
        context.textAlign = 'center';
        context.textBaseline = 'middle';
        context.lineJoin = 'round';
        // "others" are nowhere in particular
        const named = centres.filter(({ group }) => group !== points.groups.length - 1).map(({ group, x, y }) => ({ name: points.groups[group]!.name, at: this.at(view, x, y) }));
        const labels = named.map(({ name, at: [x, y] }) => ({ x, y: y < above ? y + above : y - above, half: context.measureText(name).width / 2 + 4 * devicePixelRatio }));
        placed(labels, this.canvas.width, this.canvas.height, 16 * devicePixelRatio).forEach((label, i) => {
            if (label) {
                context.strokeStyle = marks.background;
                context.lineWidth = 4 * devicePixelRatio;
                context.strokeText(named[i]!.name, label.x, label.y);
                context.fillStyle = marks.foreground;
                context.fillText(named[i]!.name, label.x, label.y);
            }
        });
    }

    private selection(view: View, { points, marks, selected, kin }: Scene): void {
        const { context } = this;
        if (selected < 0) {
            return;
        }
        const [x, y] = this.at(view, points.x[selected]!, points.y[selected]!);
        context.strokeStyle = marks.foreground;
        context.lineWidth = 2 * devicePixelRatio;
        context.beginPath();
        for (const other of kin) {
            const [left, top] = this.at(view, points.x[other]!, points.y[other]!);
            context.moveTo(x, y);
            context.lineTo(left, top);
            context.moveTo(left + 6 * devicePixelRatio, top);
            context.arc(left, top, 6 * devicePixelRatio, 0, 2 * Math.PI);
        }
        context.moveTo(x + 9 * devicePixelRatio, y);
        context.arc(x, y, 9 * devicePixelRatio, 0, 2 * Math.PI);
        context.stroke();
    }
}

function packed([red, green, blue]: [number, number, number]): number {
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function mixed(one: [number, number, number], other: [number, number, number], share: number): [number, number, number] {
    return one.map((value, i) => Math.round(value * share + other[i]! * (1 - share))) as [number, number, number];
}

/** A step that comes by all of `count` places before it comes by one again, and leaps far. */
function coprime(count: number): number {
    const divisor = (one: number, other: number): number => (other ? divisor(other, one % other) : one);
    let step = Math.max(1, Math.round(count * 0.618));
    while (count > 1 && divisor(step, count) !== 1) {
        step++;
    }
    return step;
}
