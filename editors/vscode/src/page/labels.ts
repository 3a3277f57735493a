/** Where names stand on the map: whole, and not on each other. Pure. */

export interface Label {
    x: number; // its middle
    y: number;
    half: number; // of its width
}

/** Each as near as can be to where it is meant; undefined where that is not on the canvas. The first come first. */
export function placed(labels: readonly Label[], width: number, height: number, row: number): (Label | undefined)[] {
    const taken: Label[] = [];
    return labels.map(({ x, y, half }) => {
        if (x < 0 || y < 0 || x > width || y > height) {
            return undefined;
        }
        const inside = within(x, half, width - half);
        const rows = Math.ceil(height / row);
        for (let i = 0; i <= 2 * rows; i++) {
            const step = (i % 2 ? 1 : -1) * Math.ceil(i / 2) * row; // a row down, a row up, two down …
            const at = within(y + step, row / 2, height - row / 2);
            if (!taken.some((each) => Math.abs(each.x - inside) < each.half + half && Math.abs(each.y - at) < row)) {
                taken.push({ x: inside, y: at, half });
                return taken.at(-1);
            }
        }
        return undefined;
    });
}

function within(value: number, least: number, most: number): number {
    return Math.max(least, Math.min(value, most));
}
