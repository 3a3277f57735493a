"""A notebook's code cells as one document: their lines, one below the other, are its text.

Each line of the text belongs to one cell, and stands on one line of the file; `Cell` has both. What is read, cut,
stored and compared is the text; where lines stand is asked only where a person, or an editor, is shown a place.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from codekin.code.extract import extracted
from codekin.code.lines import split_lines
from codekin.code.magics import UNKNOWN, is_prose, language_named, read_cell
from codekin.types import Cell, OpenCell, Snippet, Span

DEFAULT = "python"  # where a notebook does not say what it is written in: Jupyter's own kernel


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code of a notebook."""

    text: str  # the cells' lines, joined by LF
    language: str
    cells: tuple[Cell, ...]  # those that hold code
    others: int  # how many hold none


@dataclass(frozen=True, slots=True)
class Source:
    """A cell on its way into a notebook."""

    lines: tuple[str, ...]
    language: str | None  # None: no code
    index: int  # the rest as in Cell
    id: str = ""
    rows: tuple[int, ...] = ()
    key: str = ""


def source_of(text: str, named: str, language: str) -> Source:
    """The code of a cell that calls its language `named` (or says nothing), in a notebook of `language`."""
    own = None if is_prose(named) else (language_named(named) or UNKNOWN) if named else language
    lines = split_lines(text)
    if own is not None:
        own, lines = read_cell(lines, own)
    return Source(tuple(lines), own, -1)


def joined(sources: Iterable[Source], language: str) -> Notebook:
    """The notebook that has these cells, in this order."""
    lines: list[str] = []
    cells: list[Cell] = []
    others = 0
    for source in sources:
        if source.language is None:
            others += 1
            continue
        span = Span(len(lines), len(lines) + len(source.lines))
        cells.append(Cell(source.index, source.id, source.language, span, source.rows, source.key))
        lines += source.lines
    return Notebook("\n".join(lines), language, tuple(cells), others)


def extract_cells(lines: Sequence[str], cells: Iterable[Cell]) -> list[Snippet]:
    """The snippets of a notebook's lines: each cell is cut by itself, so that a broken one spoils no other."""
    snippets = []
    for cell in cells:
        start = cell.span.start
        for snippet in extracted(lines[start : cell.span.end], cell.language)[0]:
            span = Span(snippet.span.start + start, snippet.span.end + start)
            snippets.append(replace(snippet, span=span, name_line=snippet.name_line + start))
    return snippets


# Cells that an editor has open


def opened(cells: Iterable[OpenCell], language: str = "") -> Notebook:
    """The notebook that these cells are; `language` is what it is written in, as far as that is known."""
    cells = list(cells)
    named = (language_named(cell.language) for cell in cells if not is_prose(cell.language))
    main = language or next((name for name in named if name), DEFAULT)
    return joined((_open_source(cell, main) for cell in cells), main)


def with_open(saved: Notebook, cells: Sequence[OpenCell]) -> Notebook:
    """The saved notebook with what is open in place of what was saved, where an editor tells of single cells.

    An open cell takes the place of the one that says the same, else of the one that said what it did when it was
    opened, else of the one at its index; one that has no place comes last.
    """
    lines = saved.text.split("\n")
    sources = [
        Source(tuple(lines[cell.span.start : cell.span.end]), cell.language, cell.index, cell.id, cell.rows)
        for cell in saved.cells
    ]
    free = dict(enumerate(sources))
    waiting = list(cells)
    for is_same in _matches(saved.language):
        rest = []
        for cell in waiting:
            place = next((place for place, source in free.items() if is_same(source, cell)), None)
            if place is None:
                rest.append(cell)
            else:
                old = free.pop(place)
                sources[place] = replace(_open_source(cell, saved.language), index=old.index, id=old.id)
        waiting = rest
    last = max((cell.index for cell in saved.cells), default=-1)
    fresh = (replace(_open_source(cell, saved.language), index=last + i) for i, cell in enumerate(waiting, 1))
    return joined([*sources, *fresh], saved.language)


def _matches(language: str) -> Iterator[Callable[[Source, OpenCell], bool]]:
    """Whether a saved cell is an open one, the surest sign first."""
    yield lambda saved, cell: saved.lines == _open_source(cell, language).lines
    yield lambda saved, cell: saved.lines == source_of(cell.before, cell.language, language).lines
    yield lambda saved, cell: saved.index == cell.index


def _open_source(cell: OpenCell, language: str) -> Source:
    return replace(source_of(cell.text, cell.language, language), index=cell.index, key=cell.key)


# Where lines stand


def cell_at(cells: Sequence[Cell], line: int) -> Cell | None:
    """The cell that has this line of the text, else the last above it; None where there are no cells."""
    position = bisect_right(cells, line, key=lambda cell: cell.span.start)
    return cells[max(position - 1, 0)] if cells else None


def lines_in_cell(cell: Cell, span: Span) -> Span:
    """Lines of the text as lines of the cell that has them."""
    start = cell.span.start
    return Span(span.start - start, span.end - start)


def lines_in_file(cell: Cell, span: Span) -> Span:
    """Lines of the text as lines of the file; as lines of the cell where it was never saved."""
    own, last = lines_in_cell(cell, span), len(cell.rows) - 1
    if not cell.rows:
        return own
    return Span(cell.rows[min(own.start, last)], cell.rows[min(max(own.end - 1, own.start), last)] + 1)


def line_of_row(cells: Sequence[Cell], row: int) -> int:
    """The first line of the text that stands on this line of the file, else the nearest above it, else the first."""
    rows = [(stands, cell.span.start + i) for cell in cells for i, stands in enumerate(cell.rows)]
    position = bisect_right(rows, row, key=lambda pair: pair[0]) - 1
    while position > 0 and rows[position][0] == row == rows[position - 1][0]:  # all of a compact file is one line
        position -= 1
    return rows[max(position, 0)][1] if rows else 0
