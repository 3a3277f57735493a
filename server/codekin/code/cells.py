"""A notebook's code cells as one document: their lines, one below the other, are its text.

Each line of the text belongs to one cell, and stands on one line of the file; `Cell` has both. What is read, cut,
stored and compared is the text; where lines stand is asked only where a person, or an editor, is shown a place.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from codekin.code.extract import extract_with_tree
from codekin.code.lines import split_lines
from codekin.code.magics import UNKNOWN, is_prose, language_named, read_cell
from codekin.types import Cell, OpenCell, Snippet, Span

DEFAULT = "python"  # where a notebook does not say what it is written in: Jupyter's own kernel


@dataclass(frozen=True, slots=True)
class Notebook:
    """The text of a notebook's code cells, and where each cell stands in it."""

    text: str  # the cells' lines, joined by LF
    language: str
    cells: tuple[Cell, ...]  # those that hold code
    others: int  # how many hold none


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of one cell before cells are joined into a notebook."""

    lines: tuple[str, ...]
    language: str | None  # None: no code
    index: int  # the rest as in Cell
    id: str = ""
    rows: tuple[int, ...] = ()
    key: str = ""


def source_of(text: str, named: str, language: str) -> Source:
    """Read a cell whose language is called `named` ("" for the notebook's own), in a notebook of `language`."""
    own = None if is_prose(named) else (language_named(named) or UNKNOWN) if named else language
    lines = split_lines(text)
    if own is not None:
        own, lines = read_cell(lines, own)
    return Source(tuple(lines), own, -1)


def joined(sources: Iterable[Source], language: str) -> Notebook:
    """Join cells, in this order, into a notebook."""
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
    """Extract the snippets of each cell separately, so that a syntax error affects its own cell only."""
    snippets = []
    for cell in cells:
        start = cell.span.start
        for snippet in extract_with_tree(lines[start : cell.span.end], cell.language)[0]:
            span = Span(snippet.span.start + start, snippet.span.end + start)
            snippets.append(replace(snippet, span=span, name_line=snippet.name_line + start))
    return snippets


def in_language(notebook: Notebook, language: str) -> str:
    """Return the notebook's text with the lines of cells in other languages blank."""
    lines = notebook.text.split("\n")
    for cell in notebook.cells:
        if cell.language != language:
            lines[cell.span.start : cell.span.end] = [""] * (cell.span.end - cell.span.start)
    return "\n".join(lines)


# Cells that an editor has open


def opened(cells: Iterable[OpenCell], language: str = "") -> Notebook:
    """Build a notebook from open cells; `language` is the notebook's, where it is known."""
    cells = list(cells)
    named = (language_named(cell.language) for cell in cells if not is_prose(cell.language))
    main = language or next((name for name in named if name), DEFAULT)
    return joined((_open_source(cell, main) for cell in cells), main)


def with_open(saved: Notebook, cells: Sequence[OpenCell]) -> Notebook:
    """Return the saved notebook with its open cells replaced, for an editor that reports single cells.

    An open cell takes the place of the one that says the same, else of the one that said what it did when it was
    opened, else of the one at its index; one that has no place comes last.
    """
    sources = _sources(saved)
    free = dict(enumerate(sources))
    waiting = [(_open_source(cell, saved.language), _source_before(cell, saved.language)) for cell in cells]
    for is_same in _MATCHES:
        rest = []
        for now, before in waiting:
            place = next((place for place, source in free.items() if is_same(source, now, before)), None)
            if place is None:
                rest.append((now, before))
            else:
                old = free.pop(place)
                sources[place] = replace(now, index=old.index, id=old.id)
        waiting = rest
    last = max((cell.index for cell in saved.cells), default=-1)
    fresh = (replace(now, index=last + i) for i, (now, _) in enumerate(waiting, 1))
    return joined([*sources, *fresh], saved.language)


def with_text(notebook: Notebook, key: str, text: str) -> Notebook:
    """Return the notebook with this text in the open cell whose key is `key`."""
    sources = _sources(notebook)
    for place, cell in enumerate(notebook.cells):
        if key and cell.key == key:
            lines = read_cell(split_lines(text), cell.language)[1]
            sources[place] = replace(sources[place], lines=tuple(lines), rows=())
    return joined(sources, notebook.language)


def _sources(notebook: Notebook) -> list[Source]:
    lines = notebook.text.split("\n")
    return [
        Source(tuple(lines[cell.span.start : cell.span.end]), cell.language, cell.index, cell.id, cell.rows, cell.key)
        for cell in notebook.cells
    ]


def _open_source(cell: OpenCell, language: str) -> Source:
    return replace(_source_read_last(cell.text, cell.language, language), index=cell.index, key=cell.key)


def _source_before(cell: OpenCell, language: str) -> Source:
    return _source_read_last(cell.before, cell.language, language)


_source_read_last = lru_cache(maxsize=1024)(source_of)  # a key changes one cell of many
_MATCHES: tuple[Callable[[Source, Source, Source], bool], ...] = (  # whether a saved cell is an open one; surest first
    lambda saved, now, _: saved.lines == now.lines,
    lambda saved, _, before: saved.lines == before.lines,
    lambda saved, now, _: saved.index == now.index,
)
