"""Convert between the lines of a notebook's text, of its cells, and of its file; name code as people see it."""

from bisect import bisect_right
from collections.abc import Sequence

from codekin.types import Cell, Location, Span


def find_cell(cells: Sequence[Cell], line: int) -> Cell | None:
    """Return the cell that holds a line of the notebook's joined text, else the last above, else the first, if any."""
    next_index = bisect_right(cells, line, key=lambda cell: cell.span.start)
    return cells[max(next_index - 1, 0)] if cells else None


def to_cell_lines(cell: Cell, span: Span) -> Span:
    """Return a span of a notebook's joined text (0-based, half-open) as lines of the cell that holds it."""
    start = cell.span.start
    return Span(span.start - start, span.end - start)


def to_file_lines(cell: Cell | None, span: Span) -> Span:
    """Return a span of a notebook's joined text as lines of its file; as lines of the cell if it was never saved.

    Without a cell the document is no notebook, and the span is returned unchanged.
    """
    if cell is None:
        return span
    cell_lines, last_index = to_cell_lines(cell, span), len(cell.rows) - 1
    if not cell.rows:
        return cell_lines
    return Span(
        cell.rows[min(cell_lines.start, last_index)],
        cell.rows[min(max(cell_lines.end - 1, cell_lines.start), last_index)] + 1,
    )


def to_file_row(cell: Cell | None, line: int) -> int:
    """Return the file's 0-based line of a line of a notebook's joined text; the cell's line if it was never saved.

    Without a cell, `line` itself.
    """
    return to_file_lines(cell, Span(line, line + 1)).start


def find_line_of_row(cells: Sequence[Cell], row: int) -> int:
    """Return the first line of a notebook's joined text on this row of its file, else the nearest above, else first."""
    row_lines = [
        (file_row, cell.span.start + line_in_cell) for cell in cells for line_in_cell, file_row in enumerate(cell.rows)
    ]
    index = bisect_right(row_lines, row, key=lambda row_line: row_line[0]) - 1
    while index > 0 and row_lines[index][0] == row == row_lines[index - 1][0]:  # all of a compact file is one line
        index -= 1
    return row_lines[max(index, 0)][1] if row_lines else 0


def display_name(location: Location) -> str:
    """Return the qualified name; of code without one, such as a module's, the file's name."""
    return location.qualified_name or location.path.name
