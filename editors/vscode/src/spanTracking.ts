/** Tracks ranges in a document that is being edited. Lines and characters count from 0. */

export interface TextPosition {
    line: number;
    character: number;
}

export interface Span {
    start: TextPosition;
    end: TextPosition;
}

export interface TextChange {
    range: Span; // the replaced text
    text: string; // the new text
}

/** Return the span after the change: it shifts with edits before it and grows with edits inside it. */
export function shiftSpan(span: Span, change: TextChange): Span {
    return { start: shiftPosition(span.start, change), end: shiftPosition(span.end, change) };
}

function shiftPosition(position: TextPosition, { range, text }: TextChange): TextPosition {
    if (isBefore(position, range.end)) {
        return isBefore(position, range.start) ? position : range.start;
    }
    const lines = text.split(/\r\n|\r|\n/);
    const lastLine = lines[lines.length - 1] ?? '';
    const line = position.line + lines.length - 1 - (range.end.line - range.start.line);
    if (position.line > range.end.line) {
        return { line, character: position.character };
    }
    const prefixLength = lines.length === 1 ? range.start.character : 0;
    return { line, character: prefixLength + lastLine.length + position.character - range.end.character };
}

function isBefore(left: TextPosition, right: TextPosition): boolean {
    return left.line < right.line || (left.line === right.line && left.character < right.character);
}
