/** The map under mouse and keys: pan, zoom, hover, select, look for a name or a folder, open. */

import { Drawing, type Scene, type View } from './drawing';
import { isHollow, marks, trace } from './marks';
import { centres, decoded, Grid, joined, type MapJson } from './points';

const NEAR = 12; // pixels from a point that still mean it
const STEP = 1.25;
const FARTHEST = 400; // times the whole
const WIDEST = 2;
const REST_MS = 120;

export interface Remembered {
    view?: View;
}

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

export class FunctionMap {
    private readonly canvas = element<HTMLCanvasElement>('map');
    private readonly hint = element('hint');
    private readonly told = element('told');
    private readonly find = element<HTMLInputElement>('find');
    private readonly drawing = new Drawing(this.canvas);
    private scene: Scene | undefined;
    private others = new Map<number, number[]>();
    private view: View = { x: 0.5, y: 0.5, scale: 0, wide: 1 };
    private group = -1; // the only one that is shown
    private matches: Set<number> | undefined;
    private asked = 0; // the frame
    private resting = 0; // the timer

    constructor(
        private readonly open: (uri: string, line: number) => void,
        private readonly shorten: (uri: string) => string,
        private readonly remember: (state: Remembered) => void,
    ) {
        new ResizeObserver(() => this.fit()).observe(this.canvas);
        new MutationObserver(() => this.dress()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
        this.canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
        this.canvas.addEventListener('pointerdown', (event) => this.grab(event));
        this.canvas.addEventListener('pointermove', (event) => this.hover(event));
        this.canvas.addEventListener('pointerleave', () => (this.hint.hidden = true));
        this.canvas.addEventListener('keydown', (event) => this.key(event));
        this.find.addEventListener('input', () => this.look(this.find.value));
        this.find.addEventListener('keydown', (event) => event.key === 'Enter' && this.nextMatch());
    }

    show(json: MapJson, { view }: Remembered): void {
        const points = decoded(json);
        this.scene = {
            points,
            grid: new Grid(points),
            marks: marks(points.groups.length),
            centres: centres(points),
            isShown: (point) => (this.group < 0 || points.group[point] === this.group) && (!this.matches || this.matches.has(point)),
            selected: -1,
            kin: [],
        };
        this.others = joined(points);
        this.view = view ?? (this.view.scale > 0 ? this.view : this.whole());
        this.look(this.find.value);
        this.legend();
        this.fit();
    }

    private whole(): View {
        const { width, height } = this.canvas;
        const wide = Math.min(Math.max(width / Math.max(height, 1), 1), WIDEST); // neither axis means anything
        return { x: 0.5, y: 0.5, scale: 0.94 * Math.min(width / wide, height), wide };
    }

    private fit(): void {
        const { clientWidth, clientHeight } = this.canvas;
        const isNew = this.view.scale <= 0 || this.view.scale === this.whole().scale;
        this.canvas.width = Math.round(clientWidth * devicePixelRatio);
        this.canvas.height = Math.round(clientHeight * devicePixelRatio);
        if (isNew) {
            this.view = this.whole();
        }
        this.redraw();
    }

    private dress(): void {
        if (this.scene) {
            this.scene.marks = marks(this.scene.points.groups.length);
            this.legend();
            this.redraw();
        }
    }

    /** While it moves only some of very many points are drawn; all, when it rests. */
    private redraw(isMoving = false): void {
        cancelAnimationFrame(this.asked);
        clearTimeout(this.resting);
        this.asked = requestAnimationFrame(() => {
            if (this.scene && this.canvas.width > 0) {
                this.drawing.draw(this.view, this.scene, isMoving);
                this.remember({ view: this.view });
            }
        });
        if (isMoving) {
            this.resting = window.setTimeout(() => this.redraw(), REST_MS);
        }
    }

    // Where is what

    private placeOf(event: { offsetX: number; offsetY: number }): [number, number] {
        const [x, y] = [event.offsetX * devicePixelRatio, event.offsetY * devicePixelRatio];
        return [(x - this.canvas.width / 2) / this.view.scale / this.view.wide + this.view.x, (y - this.canvas.height / 2) / this.view.scale + this.view.y];
    }

    private pointAt(event: { offsetX: number; offsetY: number }): number {
        const [x, y] = this.placeOf(event);
        return this.scene?.grid.nearest(x, y, (NEAR * devicePixelRatio) / this.view.scale, this.scene.isShown) ?? -1;
    }

    private described(point: number): string {
        const { points } = this.scene!;
        const place = `${this.shorten(points.files[points.file[point]!]!)}:${points.line[point]! + 1}`;
        const kin = this.others.get(point)?.length ?? 0;
        const twins = kin ? `, ${kin} near-duplicate${kin > 1 ? 's' : ''}` : '';
        return `${points.names[point]}\n${place}\nin ${points.groups[points.group[point]!]!.name}${twins}`;
    }

    // Mouse

    private wheel(event: WheelEvent): void {
        event.preventDefault();
        const [x, y] = this.placeOf(event);
        this.zoom(Math.exp(-event.deltaY / 400), x, y);
    }

    private zoom(by: number, x: number, y: number): void {
        const least = 0.5 * this.whole().scale;
        const scale = Math.min(Math.max(this.view.scale * by, least), FARTHEST * this.whole().scale);
        const share = this.view.scale / scale;
        this.view = { ...this.view, x: x + (this.view.x - x) * share, y: y + (this.view.y - y) * share, scale };
        this.redraw(true);
    }

    private grab(down: PointerEvent): void {
        const from = { ...this.view };
        let isMoved = false;
        const move = (event: PointerEvent): void => {
            const [dx, dy] = [event.clientX - down.clientX, event.clientY - down.clientY];
            isMoved ||= Math.abs(dx) + Math.abs(dy) > 4;
            if (isMoved) {
                this.hint.hidden = true;
                const { scale, wide } = this.view;
                this.view = { ...this.view, x: from.x - (dx * devicePixelRatio) / scale / wide, y: from.y - (dy * devicePixelRatio) / scale };
                this.redraw(true);
            }
        };
        const up = (event: PointerEvent): void => {
            this.canvas.removeEventListener('pointermove', move);
            const point = isMoved ? -1 : this.pointAt(event);
            if (point >= 0) {
                this.select(point);
                this.openSelected();
            }
        };
        this.canvas.setPointerCapture(down.pointerId);
        this.canvas.addEventListener('pointermove', move);
        this.canvas.addEventListener('pointerup', up, { once: true });
    }

    private hover(event: PointerEvent): void {
        const point = event.buttons ? -1 : this.pointAt(event);
        this.hint.hidden = point < 0;
        this.canvas.classList.toggle('on-point', point >= 0);
        if (point >= 0) {
            this.hint.textContent = this.described(point);
            const isRight = event.offsetX > this.canvas.clientWidth / 2;
            this.hint.style.left = isRight ? 'auto' : `${event.offsetX + 14}px`;
            this.hint.style.right = isRight ? `${this.canvas.clientWidth - event.offsetX + 14}px` : 'auto';
            this.hint.style.top = `${event.offsetY + 14}px`;
        }
    }

    // Keys

    private key(event: KeyboardEvent): void {
        const ways: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        const way = ways[event.key];
        const rest: Record<string, () => void> = {
            '+': () => this.zoom(STEP, this.view.x, this.view.y),
            '=': () => this.zoom(STEP, this.view.x, this.view.y),
            '-': () => this.zoom(1 / STEP, this.view.x, this.view.y),
            '0': () => this.reset(),
            Home: () => this.reset(),
            Enter: () => this.openSelected(),
            n: () => this.nextKin(),
        };
        if (!this.scene || event.ctrlKey || event.metaKey || event.altKey || !(way ?? rest[event.key])) {
            return;
        }
        event.preventDefault();
        if (!way) {
            rest[event.key]!();
        } else if (event.shiftKey) {
            const step = (0.15 * Math.min(this.canvas.width, this.canvas.height)) / this.view.scale;
            this.view = { ...this.view, x: this.view.x + way[0] * step, y: this.view.y + way[1] * step };
            this.redraw();
        } else {
            const { selected, grid } = this.scene;
            const next = selected < 0 ? grid.nearest(this.view.x, this.view.y, 1) : grid.ahead(selected, ...way);
            this.select(next, true);
        }
    }

    private reset(): void {
        this.view = this.whole();
        this.redraw();
    }

    private select(point: number, isToBeSeen = false): void {
        if (!this.scene || point < 0) {
            return;
        }
        const { points } = this.scene;
        Object.assign(this.scene, { selected: point, kin: this.others.get(point) ?? [] });
        const [x, y] = this.drawing.at(this.view, points.x[point]!, points.y[point]!);
        const margin = 30 * devicePixelRatio;
        if (isToBeSeen && (x < margin || y < margin || x > this.canvas.width - margin || y > this.canvas.height - margin)) {
            this.view = { ...this.view, x: points.x[point]!, y: points.y[point]! };
        }
        this.told.textContent = this.described(point).replaceAll('\n', ', ');
        this.redraw();
    }

    private nextKin(): void {
        if (this.scene?.kin.length) {
            this.select(this.scene.kin[0]!, true);
        }
    }

    private openSelected(): void {
        if (this.scene && this.scene.selected >= 0) {
            const { points, selected } = this.scene;
            this.open(points.files[points.file[selected]!]!, points.line[selected]!);
        }
    }

    // Looking for names and folders

    private look(text: string): void {
        const { scene } = this;
        if (!scene) {
            return;
        }
        const wanted = text.trim().toLowerCase();
        const { names } = scene.points;
        this.matches = wanted ? new Set(names.flatMap((name, i) => (name.toLowerCase().includes(wanted) ? [i] : []))) : undefined;
        element('found').textContent = this.matches ? `${this.matches.size.toLocaleString('en')} found` : '';
        this.redraw();
    }

    private nextMatch(): void {
        const found = [...(this.matches ?? [])];
        if (this.scene && found.length) {
            const next = found.find((point) => point > this.scene!.selected) ?? found[0]!;
            this.select(next);
            const scale = Math.max(this.view.scale, 4 * this.whole().scale);
            this.view = { ...this.view, x: this.scene.points.x[next]!, y: this.scene.points.y[next]!, scale };
            this.redraw();
        }
    }

    private legend(): void {
        const { points, marks: look } = this.scene!;
        const buttons = points.groups.flatMap(({ name, functions }, group) => {
            if (!functions) {
                return [];
            }
            const button = document.createElement('button');
            button.setAttribute('aria-pressed', String(this.group === group));
            const sample = document.createElement('canvas');
            [sample.width, sample.height] = [16 * devicePixelRatio, 16 * devicePixelRatio];
            const context = sample.getContext('2d')!;
            const path = new Path2D();
            trace(path, look.shapes[group]!, 8 * devicePixelRatio, 8 * devicePixelRatio, 5 * devicePixelRatio);
            context.fillStyle = context.strokeStyle = look.colours[group]!;
            context.lineWidth = 2 * devicePixelRatio;
            context[isHollow(look.shapes[group]!) ? 'stroke' : 'fill'](path);
            button.append(sample, `${name} `, Object.assign(document.createElement('small'), { textContent: functions.toLocaleString('en') }));
            button.addEventListener('click', () => {
                this.group = this.group === group ? -1 : group;
                this.legend();
                element('legend').querySelectorAll('button')[buttons.indexOf(button)]?.focus();
                this.redraw();
            });
            return [button];
        });
        element('legend').replaceChildren(...buttons);
    }
}
