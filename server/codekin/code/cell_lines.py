"""Convert between the lines of a notebook's text, of its cells, and of its file."""

from bisect import bisect_right
from collections.abc import Sequence

from codekin.types import Cell, Span


def cell_at(cells: Sequence[Cell], line: int) -> Cell | None:
    """Return the cell that holds a line of the text, else the last above it; None where there are no cells."""
    position = bisect_right(cells, line, key=lambda cell: cell.span.start)
    return cells[max(position - 1, 0)] if cells else None


def lines_in_cell(cell: Cell, span: Span) -> Span:
    """Convert lines of the text to lines of the cell that holds them."""
    start = cell.span.start
    return Span(span.start - start, span.end - start)


def lines_in_file(cell: Cell | None, span: Span) -> Span:
    """Convert lines of the text to lines of the file, or to lines of the cell if the notebook was never saved.

    Without a cell, the text is the file's.
    """
    if cell is None:
        return span
    own, last = lines_in_cell(cell, span), len(cell.rows) - 1
    if not cell.rows:
        return own
    return Span(cell.rows[min(own.start, last)], cell.rows[min(max(own.end - 1, own.start), last)] + 1)


def row_of(cell: Cell | None, line: int) -> int:
    """Convert a line of the text to the line of the file that holds it."""
    return lines_in_file(cell, Span(line, line + 1)).start


def line_of_row(cells: Sequence[Cell], row: int) -> int:
    """Return the first line of the text on this line of the file, else the nearest above it, else the first."""
    rows = [(stands, cell.span.start + i) for cell in cells for i, stands in enumerate(cell.rows)]
    position = bisect_right(rows, row, key=lambda pair: pair[0]) - 1
    while position > 0 and rows[position][0] == row == rows[position - 1][0]:  # all of a compact file is one line
        position -= 1
    return rows[max(position, 0)][1] if rows else 0
