/** The map's points, decoded from the server's message, and a grid to find them by position. Pure. */

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

function decodeBase64(text: string): ArrayBuffer {
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    for (let index = 0; index < letters.length; index++) {
        bytes[index] = letters.charCodeAt(index);
    }
    return bytes.buffer;
}

export function decodeMap(json: MapJson): Points {
    const positions = new Float32Array(decodeBase64(json.places));
    return {
        count: json.shown,
        x: positions.filter((_, index) => index % 2 === 0),
        y: positions.filter((_, index) => index % 2 === 1),
        group: new Uint8Array(decodeBase64(json.group)),
        file: new Uint32Array(decodeBase64(json.file)),
        line: new Uint32Array(decodeBase64(json.line)),
        links: new Uint32Array(decodeBase64(json.links)),
        names: json.names,
        files: json.files,
        groups: json.groups,
    };
}

const GRID_SIZE = 256; // cells in each direction
const COARSE_SIZE = 24; // the same, to find where most of a group is

/** Finds points by position: points are sorted by the cell of a square grid. */
export class PointGrid {
    private readonly cellStarts = new Uint32Array(GRID_SIZE * GRID_SIZE + 1);
    private readonly sortedPoints: Uint32Array;

    constructor(private readonly points: Points) {
        const cells = Uint32Array.from(
            { length: points.count },
            (_, point) => this.toCell(points.x[point]!) + GRID_SIZE * this.toCell(points.y[point]!),
        );
        for (const cell of cells) {
            this.cellStarts[cell + 1]!++;
        }
        for (let cell = 0; cell < GRID_SIZE * GRID_SIZE; cell++) {
            this.cellStarts[cell + 1]! += this.cellStarts[cell]!;
        }
        const nextSlots = this.cellStarts.slice();
        this.sortedPoints = new Uint32Array(points.count);
        for (const [point, cell] of cells.entries()) {
            this.sortedPoints[nextSlots[cell]!++] = point;
        }
    }

    /** Yield the points in all cells that a rectangle touches. */
    *iterateRectangle(left: number, top: number, right: number, bottom: number): Iterable<number> {
        for (let row = this.toCell(top); row <= this.toCell(bottom); row++) {
            const first = this.cellStarts[this.toCell(left) + GRID_SIZE * row]!;
            const end = this.cellStarts[this.toCell(right) + GRID_SIZE * row + 1]!;
            for (let slot = first; slot < end; slot++) {
                yield this.sortedPoints[slot]!;
            }
        }
    }

    /** Return the accepted point nearest to a position within the radius; -1 if there is none. */
    findNearest(x: number, y: number, radius: number, accepts: (point: number) => boolean = () => true): number {
        let nearest = -1;
        let minDistance = radius * radius;
        for (const point of this.iterateRectangle(x - radius, y - radius, x + radius, y + radius)) {
            const distance = (this.points.x[point]! - x) ** 2 + (this.points.y[point]! - y) ** 2;
            if (distance <= minDistance && accepts(point)) {
                [nearest, minDistance] = [point, distance];
            }
        }
        return nearest;
    }

    /** Return the next point in a direction, preferring points straight ahead; -1 if there is none. */
    findNeighbour(origin: number, right: number, down: number): number {
        const [x, y] = [this.points.x[origin]!, this.points.y[origin]!];
        for (let radius = 1 / GRID_SIZE; radius < 2; radius *= 2) {
            let [neighbour, minCost] = [-1, Infinity];
            for (const point of this.iterateRectangle(x - radius, y - radius, x + radius, y + radius)) {
                const [dx, dy] = [this.points.x[point]! - x, this.points.y[point]! - y];
                const ahead = dx * right + dy * down;
                const aside = Math.abs(dx * down - dy * right);
                if (ahead > 0 && aside <= ahead && ahead + aside < minCost && ahead <= radius) {
                    [neighbour, minCost] = [point, ahead + aside];
                }
            }
            if (neighbour >= 0) {
                return neighbour;
            }
        }
        return -1;
    }

    private toCell(value: number): number {
        return Math.min(Math.max(Math.floor(value * GRID_SIZE), 0), GRID_SIZE - 1);
    }
}

/** Map each point to its near-duplicates. */
export function mapNearDuplicates(points: Points): Map<number, number[]> {
    const duplicates = new Map<number, number[]>();
    for (let index = 0; index < points.links.length; index += 2) {
        const [first, second] = [points.links[index]!, points.links[index + 1]!];
        duplicates.set(first, [...(duplicates.get(first) ?? []), second]);
        duplicates.set(second, [...(duplicates.get(second) ?? []), first]);
    }
    return duplicates;
}

/** Find a position for each group's name: the mean of its points in the coarse cell that has most of them. */
export function findCentres({ count, x, y, group, groups }: Points): { group: number; x: number; y: number }[] {
    const column = (value: number): number => Math.min(Math.floor(value * COARSE_SIZE), COARSE_SIZE - 1);
    const toCoarseCell = (point: number): number => column(x[point]!) + COARSE_SIZE * column(y[point]!);
    const counts = groups.map(() => new Uint32Array(COARSE_SIZE * COARSE_SIZE));
    for (let point = 0; point < count; point++) {
        counts[group[point]!]![toCoarseCell(point)]!++;
    }
    const fullestCells = counts.map((cells) =>
        cells.reduce((fullest, value, cell) => (value > cells[fullest]! ? cell : fullest), 0),
    );
    const sums = groups.map(() => ({ x: 0, y: 0, points: 0 }));
    for (let point = 0; point < count; point++) {
        const sum = sums[group[point]!]!;
        if (toCoarseCell(point) === fullestCells[group[point]!]) {
            Object.assign(sum, { x: sum.x + x[point]!, y: sum.y + y[point]!, points: sum.points + 1 });
        }
    }
    return sums.flatMap((sum, index) =>
        sum.points ? [{ group: index, x: sum.x / sum.points, y: sum.y / sum.points }] : [],
    );
}
