/** Places labels on the map so that each is whole and none overlaps another. Pure. */

export interface Label {
    x: number; // of its centre
    y: number;
    halfWidth: number;
}

/** Place each label as near as possible to where it belongs; undefined if that is off the canvas or there is no room. */
export function placeLabels(
    labels: readonly Label[],
    width: number,
    height: number,
    rowHeight: number,
): (Label | undefined)[] {
    const placed: Label[] = [];
    return labels.map(({ x, y, halfWidth }) => {
        if (x < 0 || y < 0 || x > width || y > height) {
            return undefined;
        }
        const labelX = clamp(x, halfWidth, width - halfWidth);
        const rowCount = Math.ceil(height / rowHeight);
        for (let attempt = 0; attempt <= 2 * rowCount; attempt++) {
            // Alternate: a row down, a row up, two down …
            const offset = (attempt % 2 ? 1 : -1) * Math.ceil(attempt / 2) * rowHeight;
            const label = { x: labelX, y: clamp(y + offset, rowHeight / 2, height - rowHeight / 2), halfWidth };
            if (!placed.some((other) => overlaps(other, label, rowHeight))) {
                placed.push(label);
                return label;
            }
        }
        return undefined;
    });
}

function overlaps(left: Label, right: Label, rowHeight: number): boolean {
    return Math.abs(left.x - right.x) < left.halfWidth + right.halfWidth && Math.abs(left.y - right.y) < rowHeight;
}

function clamp(value: number, minimum: number, maximum: number): number {
    return Math.max(minimum, Math.min(value, maximum));
}
