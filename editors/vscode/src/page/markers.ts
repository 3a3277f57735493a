/** Colours and shapes of the map's groups. Each group has both, so that colour is never the only cue. */

export type Shape = 'disc' | 'square' | 'up' | 'diamond' | 'plus' | 'down' | 'cross' | 'ring' | 'frame' | 'bar' | 'dot';

const SHAPES: readonly Shape[] = ['disc', 'square', 'up', 'diamond', 'plus', 'down', 'cross', 'ring', 'frame', 'bar'];
const LIGHT = [
    '#1f6fb4',
    '#c85200',
    '#1a7f37',
    '#a8329e',
    '#8a6d00',
    '#b3261e',
    '#007c89',
    '#5b4bc4',
    '#7a4a2b',
    '#4d6b00',
];
const DARK = [
    '#5fa8f5',
    '#ff9d4d',
    '#56d364',
    '#f07ee6',
    '#e3c341',
    '#ff7b72',
    '#39c5cf',
    '#a99bff',
    '#d9a07c',
    '#a8cf45',
];

export interface Markers {
    colours: string[]; // by group
    shapes: Shape[];
    foreground: string;
    background: string;
}

/** Choose markers for this number of groups, of which the last is "others", in the current theme. */
export function createMarkers(groupCount: number): Markers {
    const style = getComputedStyle(document.body);
    const getVariable = (name: string, fallback: string): string => style.getPropertyValue(name).trim() || fallback;
    const isLight =
        document.body.classList.contains('vscode-light') ||
        document.body.classList.contains('vscode-high-contrast-light');
    const palette = isLight ? LIGHT : DARK;
    const otherColour = getVariable('--vscode-disabledForeground', '#888888');
    const isOthers = (group: number): boolean => group === groupCount - 1;
    return {
        colours: Array.from({ length: groupCount }, (_, group) =>
            isOthers(group) ? toOpaque(otherColour) : palette[group % palette.length]!,
        ),
        shapes: Array.from({ length: groupCount }, (_, group) =>
            isOthers(group) ? 'dot' : SHAPES[group % SHAPES.length]!,
        ),
        foreground: getVariable('--vscode-foreground', isLight ? '#333333' : '#cccccc'),
        background: getVariable('--vscode-editor-background', isLight ? '#ffffff' : '#1e1e1e'),
    };
}

/** Convert any CSS colour to an opaque one. */
function toOpaque(colour: string): string {
    const context = document.createElement('canvas').getContext('2d')!;
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = parseColour(context.fillStyle as string);
    return `rgb(${red}, ${green}, ${blue})`;
}

/** Parse #rrggbb or rgb(a)(…) into red, green and blue. */
export function parseColour(colour: string): [number, number, number] {
    const hex = /^#(..)(..)(..)/.exec(colour);
    const parts = hex
        ? hex.slice(1).map((part) => parseInt(part, 16))
        : (colour.match(/\d+(\.\d+)?/g) ?? []).slice(0, 3).map(Number);
    return [parts[0] ?? 128, parts[1] ?? 128, parts[2] ?? 128];
}

type Corner = readonly [x: number, y: number];

/** Corners of the shapes that are polygons, relative to centre and radius. */
const POLYGONS: Partial<Record<Shape, readonly (readonly Corner[])[]>> = {
    square: [
        [
            [-0.9, -0.9],
            [0.9, -0.9],
            [0.9, 0.9],
            [-0.9, 0.9],
        ],
    ],
    frame: [
        [
            [-0.9, -0.9],
            [0.9, -0.9],
            [0.9, 0.9],
            [-0.9, 0.9],
        ],
    ],
    up: [
        [
            [0, -1.1],
            [1.1, 0.9],
            [-1.1, 0.9],
        ],
    ],
    down: [
        [
            [0, 1.1],
            [1.1, -0.9],
            [-1.1, -0.9],
        ],
    ],
    diamond: [
        [
            [0, -1.2],
            [1.2, 0],
            [0, 1.2],
            [-1.2, 0],
        ],
    ],
    bar: [
        [
            [-1.2, -0.45],
            [1.2, -0.45],
            [1.2, 0.45],
            [-1.2, 0.45],
        ],
    ],
    plus: [
        [
            [-0.35, -1.1],
            [0.35, -1.1],
            [0.35, 1.1],
            [-0.35, 1.1],
        ],
        [
            [-1.1, -0.35],
            [1.1, -0.35],
            [1.1, 0.35],
            [-1.1, 0.35],
        ],
    ],
    cross: [
        [
            [-1.1, -0.7],
            [-0.7, -1.1],
            [1.1, 0.7],
            [0.7, 1.1],
        ],
        [
            [-1.1, 0.7],
            [-0.7, 1.1],
            [1.1, -0.7],
            [0.7, -1.1],
        ],
    ],
};

/** Add a shape with this centre and radius to the path. */
export function addShape(path: Path2D, shape: Shape, x: number, y: number, radius: number): void {
    for (const corners of POLYGONS[shape] ?? []) {
        for (const [index, [dx, dy]] of corners.entries()) {
            path[index ? 'lineTo' : 'moveTo'](x + dx * radius, y + dy * radius);
        }
        path.closePath();
    }
    if (!POLYGONS[shape]) {
        const circleRadius = shape === 'dot' ? 0.55 * radius : radius;
        path.moveTo(x + circleRadius, y);
        path.arc(x, y, circleRadius, 0, 2 * Math.PI);
    }
}

/** Whether the shape is stroked instead of filled. */
export const isHollow = (shape: Shape): boolean => shape === 'ring' || shape === 'frame';
