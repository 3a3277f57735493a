/** Colours and shapes of the map's groups: each group has both, so that nothing is told by colour alone. */

export type Shape = 'disc' | 'square' | 'up' | 'diamond' | 'plus' | 'down' | 'cross' | 'ring' | 'frame' | 'bar' | 'dot';

const SHAPES: readonly Shape[] = ['disc', 'square', 'up', 'diamond', 'plus', 'down', 'cross', 'ring', 'frame', 'bar'];
const LIGHT = ['#1f6fb4', '#c85200', '#1a7f37', '#a8329e', '#8a6d00', '#b3261e', '#007c89', '#5b4bc4', '#7a4a2b', '#4d6b00'];
const DARK = ['#5fa8f5', '#ff9d4d', '#56d364', '#f07ee6', '#e3c341', '#ff7b72', '#39c5cf', '#a99bff', '#d9a07c', '#a8cf45'];

export interface Marks {
    colours: string[]; // by group
    shapes: Shape[];
    foreground: string;
    background: string;
}

/** For so many groups, the last of which are the others; as the theme has it now. */
export function marks(groups: number): Marks {
    const style = getComputedStyle(document.body);
    const variable = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
    const isLight = document.body.classList.contains('vscode-light') || document.body.classList.contains('vscode-high-contrast-light');
    const palette = isLight ? LIGHT : DARK;
    const others = variable('--vscode-disabledForeground', '#888888');
    const at = (group: number): boolean => group === groups - 1;
    return {
        colours: Array.from({ length: groups }, (_, group) => (at(group) ? opaque(others) : palette[group % palette.length]!)),
        shapes: Array.from({ length: groups }, (_, group) => (at(group) ? 'dot' : SHAPES[group % SHAPES.length]!)),
        foreground: variable('--vscode-foreground', isLight ? '#333333' : '#cccccc'),
        background: variable('--vscode-editor-background', isLight ? '#ffffff' : '#1e1e1e'),
    };
}

function opaque(colour: string): string {
    const canvas = document.createElement('canvas').getContext('2d')!;
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = rgb(canvas.fillStyle as string);
    return `rgb(${red}, ${green}, ${blue})`;
}

/** The numbers of #rrggbb or rgb(a)(…). */
export function rgb(colour: string): [number, number, number] {
    const hex = /^#(..)(..)(..)/.exec(colour);
    const parts = hex ? hex.slice(1).map((part) => parseInt(part, 16)) : (colour.match(/\d+(\.\d+)?/g) ?? []).slice(0, 3).map(Number);
    return [parts[0] ?? 128, parts[1] ?? 128, parts[2] ?? 128];
}

/** Adds the shape to the path; returns whether it is to be stroked instead of filled. */
export function trace(path: Path2D, shape: Shape, x: number, y: number, r: number): void {
    const polygon = (...corners: [number, number][]): void => {
        corners.forEach(([dx, dy], i) => (i ? path.lineTo(x + dx * r, y + dy * r) : path.moveTo(x + dx * r, y + dy * r)));
        path.closePath();
    };
    switch (shape) {
        case 'square':
        case 'frame':
            return polygon([-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]);
        case 'up':
            return polygon([0, -1.1], [1.1, 0.9], [-1.1, 0.9]);
        case 'down':
            return polygon([0, 1.1], [1.1, -0.9], [-1.1, -0.9]);
        case 'diamond':
            return polygon([0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]);
        case 'bar':
            return polygon([-1.2, -0.45], [1.2, -0.45], [1.2, 0.45], [-1.2, 0.45]);
        case 'plus':
            polygon([-0.35, -1.1], [0.35, -1.1], [0.35, 1.1], [-0.35, 1.1]);
            return polygon([-1.1, -0.35], [1.1, -0.35], [1.1, 0.35], [-1.1, 0.35]);
        case 'cross':
            polygon([-1.1, -0.7], [-0.7, -1.1], [1.1, 0.7], [0.7, 1.1]);
            return polygon([-1.1, 0.7], [-0.7, 1.1], [1.1, -0.7], [0.7, -1.1]);
        default: {
            const radius = shape === 'dot' ? 0.55 * r : r;
            path.moveTo(x + radius, y);
            path.arc(x, y, radius, 0, 2 * Math.PI);
        }
    }
}

export const isHollow = (shape: Shape): boolean => shape === 'ring' || shape === 'frame';
