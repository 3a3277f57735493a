"""Where the lines of a notebook's text stand: in its cells, and in its file."""

from bisect import bisect_right
from collections.abc import Sequence

from codekin.types import Cell, Span


def cell_at(cells: Sequence[Cell], line: int) -> Cell | None:
    """The cell that has this line of the text, else the last above it; None where there are no cells."""
    position = bisect_right(cells, line, key=lambda cell: cell.span.start)
    return cells[max(position - 1, 0)] if cells else None


def lines_in_cell(cell: Cell, span: Span) -> Span:
    """Lines of the text as lines of the cell that has them."""
    start = cell.span.start
    return Span(span.start - start, span.end - start)


def lines_in_file(cell: Cell | None, span: Span) -> Span:
    """Lines of the text as lines of the file; as lines of the cell where it was never saved.

    Without a cell, the text is the file's.
    """
    if cell is None:
        return span
    own, last = lines_in_cell(cell, span), len(cell.rows) - 1
    if not cell.rows:
        return own
    return Span(cell.rows[min(own.start, last)], cell.rows[min(max(own.end - 1, own.start), last)] + 1)


def row_of(cell: Cell | None, line: int) -> int:
    """The line of the file that a line of the text stands on."""
    return lines_in_file(cell, Span(line, line + 1)).start


def line_of_row(cells: Sequence[Cell], row: int) -> int:
    """The first line of the text that stands on this line of the file, else the nearest above it, else the first."""
    rows = [(stands, cell.span.start + i) for cell in cells for i, stands in enumerate(cell.rows)]
    position = bisect_right(rows, row, key=lambda pair: pair[0]) - 1
    while position > 0 and rows[position][0] == row == rows[position - 1][0]:  # all of a compact file is one line
        position -= 1
    return rows[max(position, 0)][1] if rows else 0
