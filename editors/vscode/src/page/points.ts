/** The map's points as the server sends them, and which of them is where. Pure. */

export interface MapJson {
    total: number;
    shown: number;
    generation: number;
    places: string; // base64 of float32 (n, 2): x and y, 0 … 1, y downwards
    group: string; // of uint8 (n,)
    file: string; // of uint32 (n,)
    line: string; // of uint32 (n,)
    links: string; // of uint32 (m, 2)
    names: string[];
    files: string[]; // URIs
    groups: { name: string; functions: number }[];
}

export interface Points {
    count: number;
    x: Float32Array;
    y: Float32Array;
    group: Uint8Array;
    file: Uint32Array;
    line: Uint32Array;
    links: Uint32Array; // pairs
    names: string[];
    files: string[];
    groups: { name: string; functions: number }[];
}

function bytes(text: string): ArrayBuffer {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

export function decoded(json: MapJson): Points {
    const places = new Float32Array(bytes(json.places));
    return {
        count: json.shown,
        x: places.filter((_, i) => i % 2 === 0),
        y: places.filter((_, i) => i % 2 === 1),
        group: new Uint8Array(bytes(json.group)),
        file: new Uint32Array(bytes(json.file)),
        line: new Uint32Array(bytes(json.line)),
        links: new Uint32Array(bytes(json.links)),
        names: json.names,
        files: json.files,
        groups: json.groups,
    };
}

const SIDE = 256; // cells of the grid either way

/** Finds points by where they are. */
export class Grid {
    private readonly start = new Uint32Array(SIDE * SIDE + 1);
    private readonly order: Uint32Array;

    constructor(private readonly points: Points) {
        const cells = Uint32Array.from({ length: points.count }, (_, i) => this.cell(points.x[i]!) + SIDE * this.cell(points.y[i]!));
        cells.forEach((cell) => this.start[cell + 1]!++);
        for (let i = 0; i < SIDE * SIDE; i++) {
            this.start[i + 1]! += this.start[i]!;
        }
        const next = this.start.slice();
        this.order = new Uint32Array(points.count);
        cells.forEach((cell, i) => (this.order[next[cell]!++] = i));
    }

    /** Those within a rectangle, nearly: whole cells. */
    *within(left: number, top: number, right: number, bottom: number): Iterable<number> {
        for (let row = this.cell(top); row <= this.cell(bottom); row++) {
            const first = this.start[this.cell(left) + SIDE * row]!;
            const end = this.start[this.cell(right) + SIDE * row + 1]!;
            for (let at = first; at < end; at++) {
                yield this.order[at]!;
            }
        }
    }

    /** The point nearest to a place, at most so far from it; -1 where there is none. */
    nearest(x: number, y: number, radius: number, allowed: (point: number) => boolean = () => true): number {
        let found = -1;
        let least = radius * radius;
        for (const point of this.within(x - radius, y - radius, x + radius, y + radius)) {
            const distance = (this.points.x[point]! - x) ** 2 + (this.points.y[point]! - y) ** 2;
            if (distance <= least && allowed(point)) {
                [found, least] = [point, distance];
            }
        }
        return found;
    }

    /** The next point in a direction: near, and rather ahead than aside; -1 where there is none. */
    ahead(from: number, right: number, down: number): number {
        const [x, y] = [this.points.x[from]!, this.points.y[from]!];
        for (let radius = 1 / SIDE; radius < 2; radius *= 2) {
            let [found, least] = [-1, Infinity];
            for (const point of this.within(x - radius, y - radius, x + radius, y + radius)) {
                const [dx, dy] = [this.points.x[point]! - x, this.points.y[point]! - y];
                const ahead = dx * right + dy * down;
                const aside = Math.abs(dx * down - dy * right);
                if (ahead > 0 && aside <= ahead && ahead + aside < least && ahead <= radius) {
                    [found, least] = [point, ahead + aside];
                }
            }
            if (found >= 0) {
                return found;
            }
        }
        return -1;
    }

    private cell(value: number): number {
        return Math.min(Math.max(Math.floor(value * SIDE), 0), SIDE - 1);
    }
}

/** Which points each is joined with. */
export function joined(points: Points): Map<number, number[]> {
    const others = new Map<number, number[]>();
    for (let i = 0; i < points.links.length; i += 2) {
        const [one, other] = [points.links[i]!, points.links[i + 1]!];
        others.set(one, [...(others.get(one) ?? []), other]);
        others.set(other, [...(others.get(other) ?? []), one]);
    }
    return others;
}

/** Where most of each group's points are, in the middle of them: a place for its name. */
export function centres({ count, x, y, group, groups }: Points): { group: number; x: number; y: number }[] {
    const cells = 24;
    const column = (value: number): number => Math.min(Math.floor(value * cells), cells - 1);
    const cellOf = (point: number): number => column(x[point]!) + cells * column(y[point]!);
    const counts = groups.map(() => new Uint32Array(cells * cells));
    for (let i = 0; i < count; i++) {
        counts[group[i]!]![cellOf(i)]!++;
    }
    const fullest = counts.map((each) => each.reduce((best, value, at) => (value > each[best]! ? at : best), 0));
    const sums = groups.map(() => ({ x: 0, y: 0, points: 0 }));
    for (let i = 0; i < count; i++) {
        const sum = sums[group[i]!]!;
        if (cellOf(i) === fullest[group[i]!]) {
            Object.assign(sum, { x: sum.x + x[i]!, y: sum.y + y[i]!, points: sum.points + 1 });
        }
    }
    return sums.flatMap(({ points, ...sum }, i) => (points ? [{ group: i, x: sum.x / points, y: sum.y / points }] : []));
}
