/** Places in a text that is edited. Lines and characters count from 0. */

export interface Place {
    line: number;
    character: number;
}

export interface Span {
    start: Place;
    end: Place;
}

export interface Change {
    range: Span; // what is replaced
    text: string; // by what
}

/** Where the span is after the change: it moves with what is before it, and grows with what is in it. */
export function moved(span: Span, change: Change): Span {
    return { start: movedPlace(span.start, change), end: movedPlace(span.end, change) };
}

function movedPlace(place: Place, { range, text }: Change): Place {
    if (isBefore(place, range.end)) {
        return isBefore(place, range.start) ? place : range.start;
    }
    const lines = text.split(/\r\n|\r|\n/);
    const last = lines[lines.length - 1] ?? '';
    const line = place.line + lines.length - 1 - (range.end.line - range.start.line);
    if (place.line > range.end.line) {
        return { line, character: place.character };
    }
    const before = lines.length === 1 ? range.start.character : 0;
    return { line, character: before + last.length + place.character - range.end.character };
}

function isBefore(one: Place, other: Place): boolean {
    return one.line < other.line || (one.line === other.line && one.character < other.character);
}
