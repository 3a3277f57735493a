/** The map's interaction by mouse and keyboard: pan, zoom, hover, select, filter by name or folder, open. */

import { formatCount } from '../format';
import * as l10n from '../l10n';
import { createLegend } from './mapLegend';
import { decodeMap, findCentres, type MapJson, mapNearDuplicates, PointGrid } from './mapPoints';
import { MapRenderer, type Scene, type View } from './mapRenderer';
import { createMarkers } from './markers';

const HIT_RADIUS = 12; // pixels around a point that belong to it
const ZOOM_STEP = 1.25;
const MAX_ZOOM = 400; // relative to the whole map
const MAX_ASPECT = 2;
const FIND_ZOOM_POINTS = 1000; // about as many are in view around a match
const SCROLL_MARGIN = 40; // pixels of the page around a match
const MAX_FIND_ZOOM = 8; // so that the surroundings tell where the match is
const REST_MS = 120; // without movement, before all points are drawn

/** State that survives when the page is hidden. */
export interface MapState {
    view?: View;
}

const getElement = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

export class FunctionMap {
    private readonly canvas = getElement<HTMLCanvasElement>('map');
    private readonly tooltip = getElement('tooltip');
    private readonly selectionText = getElement('selection-text');
    private readonly find = getElement<HTMLInputElement>('find');
    private readonly renderer = new MapRenderer(this.canvas);
    private scene: Scene | undefined;
    private duplicates = new Map<number, number[]>();
    private view: View = { x: 0.5, y: 0.5, scale: 0, aspect: 1 };
    private group = -1; // the only group that is shown; -1: all
    private matches: Set<number> | undefined;
    private frameRequest = 0;
    private restTimer = 0;

    constructor(
        private readonly open: (uri: string, line: number) => void,
        private readonly getRelativePath: (uri: string) => string,
        private readonly saveState: (state: MapState) => void,
    ) {
        new ResizeObserver(() => this.resize()).observe(this.canvas);
        new MutationObserver(() => this.applyTheme()).observe(document.body, {
            attributes: true,
            attributeFilter: ['class'],
        });
        this.canvas.addEventListener('wheel', (event) => this.handleWheel(event), { passive: false });
        this.canvas.addEventListener('pointerdown', (event) => this.startDrag(event));
        this.canvas.addEventListener('pointermove', (event) => this.handleHover(event));
        this.canvas.addEventListener('pointerleave', () => (this.tooltip.hidden = true));
        this.canvas.addEventListener('keydown', (event) => this.handleKey(event));
        this.find.addEventListener('input', () => this.filterByName(this.find.value));
        this.find.addEventListener(
            'keydown',
            (event) => event.key === 'Enter' && this.selectMatch(event.shiftKey ? -1 : 1),
        );
        getElement('find-next').addEventListener('click', () => this.selectMatch(1));
        getElement('find-previous').addEventListener('click', () => this.selectMatch(-1));
        getElement('reset-view').addEventListener('click', () => this.resetView());
    }

    show(json: MapJson, { view }: MapState): void {
        const points = decodeMap(json);
        this.scene = {
            points,
            grid: new PointGrid(points),
            markers: createMarkers(points.groups.length),
            centres: findCentres(points),
            isMatch: (point) =>
                (this.group < 0 || points.group[point] === this.group) && (!this.matches || this.matches.has(point)),
            selected: -1,
            duplicates: [],
            matches: [],
        };
        this.duplicates = mapNearDuplicates(points);
        this.view = view ?? (this.view.scale > 0 ? this.view : this.fitView());
        this.filterByName(this.find.value);
        this.updateLegend();
        this.resize();
    }

    private fitView(): View {
        const { width, height } = this.canvas;
        const aspect = Math.min(Math.max(width / Math.max(height, 1), 1), MAX_ASPECT); // the axes have no unit
        return { x: 0.5, y: 0.5, scale: 0.94 * Math.min(width / aspect, height), aspect };
    }

    private resize(): void {
        const { clientWidth, clientHeight } = this.canvas;
        const isWhole = this.view.scale <= 0 || this.view.scale === this.fitView().scale;
        this.canvas.width = Math.round(clientWidth * devicePixelRatio);
        this.canvas.height = Math.round(clientHeight * devicePixelRatio);
        if (isWhole) {
            this.view = this.fitView();
        }
        this.redraw();
    }

    private applyTheme(): void {
        if (this.scene) {
            this.scene.markers = createMarkers(this.scene.points.groups.length);
            this.updateLegend();
            this.redraw();
        }
    }

    /** Draw in the next frame. While the map moves, only a sample of very many points is drawn. */
    private redraw(isMoving = false): void {
        cancelAnimationFrame(this.frameRequest);
        clearTimeout(this.restTimer);
        this.frameRequest = requestAnimationFrame(() => {
            if (this.scene && this.canvas.width > 0) {
                this.renderer.draw(this.view, this.scene, isMoving);
                this.saveState({ view: this.view });
            }
        });
        if (isMoving) {
            this.restTimer = window.setTimeout(() => this.redraw(), REST_MS);
        }
    }

    // Positions

    private toMapPosition(event: { offsetX: number; offsetY: number }): [number, number] {
        const [x, y] = [event.offsetX * devicePixelRatio, event.offsetY * devicePixelRatio];
        return [
            (x - this.canvas.width / 2) / this.view.scale / this.view.aspect + this.view.x,
            (y - this.canvas.height / 2) / this.view.scale + this.view.y,
        ];
    }

    private findPoint(event: { offsetX: number; offsetY: number }): number {
        const [x, y] = this.toMapPosition(event);
        return (
            this.scene?.grid.findNearest(x, y, (HIT_RADIUS * devicePixelRatio) / this.view.scale, this.scene.isMatch) ??
            -1
        );
    }

    private describePoint(point: number): string {
        const { points } = this.scene!;
        const location = `${this.getRelativePath(points.files[points.file[point]!]!)}:${points.line[point]! + 1}`;
        const count = this.duplicates.get(point)?.length ?? 0;
        const suffix = count ? `, ${formatCount(count, 'near-duplicate')}` : '';
        const folder = l10n.t('in {0}', points.groups[points.group[point]!]!.name);
        return `${points.names[point]}\n${location}\n${folder}${suffix}`;
    }

    // Mouse

    private handleWheel(event: WheelEvent): void {
        event.preventDefault();
        const [x, y] = this.toMapPosition(event);
        this.zoomBy(Math.exp(-event.deltaY / 400), x, y);
    }

    private zoomBy(factor: number, x: number, y: number): void {
        const minScale = 0.5 * this.fitView().scale;
        const scale = Math.min(Math.max(this.view.scale * factor, minScale), MAX_ZOOM * this.fitView().scale);
        const ratio = this.view.scale / scale;
        this.view = { ...this.view, x: x + (this.view.x - x) * ratio, y: y + (this.view.y - y) * ratio, scale };
        this.redraw(true);
    }

    private startDrag(down: PointerEvent): void {
        const start = { ...this.view };
        let isMoved = false;
        const move = (event: PointerEvent): void => {
            const [dx, dy] = [event.clientX - down.clientX, event.clientY - down.clientY];
            isMoved ||= Math.abs(dx) + Math.abs(dy) > 4;
            if (isMoved) {
                this.tooltip.hidden = true;
                const { scale, aspect } = this.view;
                this.view = {
                    ...this.view,
                    x: start.x - (dx * devicePixelRatio) / scale / aspect,
                    y: start.y - (dy * devicePixelRatio) / scale,
                };
                this.redraw(true);
            }
        };
        const up = (event: PointerEvent): void => {
            this.canvas.removeEventListener('pointermove', move);
            const point = isMoved ? -1 : this.findPoint(event);
            if (point >= 0) {
                this.select(point);
                this.openSelected();
            }
        };
        this.canvas.setPointerCapture(down.pointerId);
        this.canvas.addEventListener('pointermove', move);
        this.canvas.addEventListener('pointerup', up, { once: true });
    }

    private handleHover(event: PointerEvent): void {
        const point = event.buttons ? -1 : this.findPoint(event);
        this.tooltip.hidden = point < 0;
        this.canvas.classList.toggle('on-point', point >= 0);
        if (point >= 0) {
            this.tooltip.textContent = this.describePoint(point);
            const isRight = event.offsetX > this.canvas.clientWidth / 2;
            this.tooltip.style.left = isRight ? 'auto' : `${event.offsetX + 14}px`;
            this.tooltip.style.right = isRight ? `${this.canvas.clientWidth - event.offsetX + 14}px` : 'auto';
            this.tooltip.style.top = `${event.offsetY + 14}px`;
        }
    }

    // Keys

    private handleKey(event: KeyboardEvent): void {
        const directions: Record<string, [number, number]> = {
            ArrowLeft: [-1, 0],
            ArrowRight: [1, 0],
            ArrowUp: [0, -1],
            ArrowDown: [0, 1],
        };
        const direction = directions[event.key];
        const actions: Record<string, () => void> = {
            '+': () => this.zoomBy(ZOOM_STEP, this.view.x, this.view.y),
            '=': () => this.zoomBy(ZOOM_STEP, this.view.x, this.view.y),
            '-': () => this.zoomBy(1 / ZOOM_STEP, this.view.x, this.view.y),
            '0': () => this.resetView(),
            Home: () => this.resetView(),
            Enter: () => this.openSelected(),
            n: () => this.selectDuplicate(),
        };
        if (!this.scene || event.ctrlKey || event.metaKey || event.altKey || !(direction ?? actions[event.key])) {
            return;
        }
        event.preventDefault();
        if (!direction) {
            actions[event.key]!();
        } else if (event.shiftKey) {
            const step = (0.15 * Math.min(this.canvas.width, this.canvas.height)) / this.view.scale;
            this.view = { ...this.view, x: this.view.x + direction[0] * step, y: this.view.y + direction[1] * step };
            this.redraw();
        } else {
            const { selected, grid } = this.scene;
            const next =
                selected < 0
                    ? grid.findNearest(this.view.x, this.view.y, 1)
                    : grid.findNeighbour(selected, ...direction);
            this.select(next, true);
        }
    }

    private resetView(): void {
        this.view = this.fitView();
        this.redraw();
    }

    private select(point: number, isRevealed = false): void {
        if (!this.scene || point < 0) {
            return;
        }
        const { points } = this.scene;
        Object.assign(this.scene, { selected: point, duplicates: this.duplicates.get(point) ?? [] });
        const [x, y] = this.renderer.toCanvas(this.view, points.x[point]!, points.y[point]!);
        const margin = 30 * devicePixelRatio;
        const isInside =
            x >= margin && y >= margin && x <= this.canvas.width - margin && y <= this.canvas.height - margin;
        if (isRevealed && !isInside) {
            this.view = { ...this.view, x: points.x[point]!, y: points.y[point]! };
        }
        this.selectionText.textContent = this.describePoint(point).replaceAll('\n', ', ');
        this.redraw();
    }

    private selectDuplicate(): void {
        if (this.scene?.duplicates.length) {
            this.select(this.scene.duplicates[0]!, true);
        }
    }

    private openSelected(): void {
        if (this.scene && this.scene.selected >= 0) {
            const { points, selected } = this.scene;
            this.open(points.files[points.file[selected]!]!, points.line[selected]!);
        }
    }

    // Filters

    private filterByName(text: string): void {
        const { scene } = this;
        if (!scene) {
            return;
        }
        const pattern = text.trim().toLowerCase();
        const { names } = scene.points;
        const points = names.flatMap((name, point) => (name.toLowerCase().includes(pattern) ? [point] : []));
        this.matches = pattern ? new Set(points) : undefined;
        scene.matches = pattern ? points : [];
        for (const id of ['find-next', 'find-previous']) {
            getElement<HTMLButtonElement>(id).disabled = !points.length || !pattern;
        }
        this.showMatchCount(-1);
        this.redraw();
    }

    private showMatchCount(index: number): void {
        const count = l10n.formatNumber(this.matches?.size ?? 0);
        const name = this.scene?.points.names[this.scene.matches[index] ?? -1];
        const position = name
            ? `${l10n.t('{0} of {1}', l10n.formatNumber(index + 1), count)}: ${name}`
            : l10n.t('{0} found', count);
        getElement('find-count').textContent = this.matches ? position : '';
    }

    /** Select the next or the previous match. Zoom in on it if the map is crowded. */
    private selectMatch(step: 1 | -1): void {
        const matches = this.scene?.matches ?? [];
        if (this.scene && matches.length) {
            const current = matches.indexOf(this.scene.selected);
            const first = step > 0 ? 0 : matches.length - 1;
            const index = current < 0 ? first : (current + step + matches.length) % matches.length;
            const next = matches[index]!;
            this.showMatchCount(index);
            this.select(next, true);
            const { x, y, count } = this.scene.points;
            const zoom = Math.min(Math.sqrt(count / FIND_ZOOM_POINTS), MAX_FIND_ZOOM);
            const scale = zoom * this.fitView().scale;
            if (zoom > 1 && scale > this.view.scale) {
                this.view = { ...this.view, x: x[next]!, y: y[next]!, scale };
                this.redraw();
            }
            this.scrollTo(next);
        }
    }

    /** Scroll the page as far as is needed to see a point of the map. */
    private scrollTo(point: number): void {
        const { x, y } = this.scene!.points;
        const [, row] = this.renderer.toCanvas(this.view, x[point]!, y[point]!);
        const top = this.canvas.getBoundingClientRect().top + row / devicePixelRatio;
        const hidden = Math.max(top + SCROLL_MARGIN - innerHeight, 0) || Math.min(top - SCROLL_MARGIN, 0);
        scrollBy({ top: hidden });
    }

    private updateLegend(): void {
        const { points, markers } = this.scene!;
        const buttons = createLegend(points.groups, markers, this.group, (group) => {
            const index = buttons.indexOf(document.activeElement as HTMLButtonElement);
            this.group = this.group === group ? -1 : group;
            this.updateLegend();
            getElement('legend').querySelectorAll('button')[index]?.focus();
            this.redraw();
        });
        getElement('legend').replaceChildren(...buttons);
    }
}
