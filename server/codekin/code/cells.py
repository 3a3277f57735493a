"""A notebook's code cells as one document: their lines, one below the other, are its text.

Each line of the text belongs to one cell, and is on one line of the file; `Cell` has both. The text is what is read,
cut, stored and compared; lines of cells and files are used only where a place is shown to a person or an editor.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from codekin.code.extract import extract_with_tree
from codekin.code.lines import split_lines
from codekin.code.magics import UNKNOWN_LANGUAGE, find_named_language, is_prose, read_cell
from codekin.types import Cell, OpenCell, Snippet, Span

DEFAULT_LANGUAGE = "python"  # where a notebook does not say what it is written in: Jupyter's own kernel


@dataclass(frozen=True, slots=True)
class Notebook:
    """The joined text of a notebook's code cells, and the lines of each cell in it."""

    text: str  # the cells' lines, joined by LF
    language: str
    cells: tuple[Cell, ...]  # those that hold code
    prose_cells: int  # the number of cells without code


@dataclass(frozen=True, slots=True)
class CellSource:
    """The lines of one cell before cells are joined into a notebook."""

    lines: tuple[str, ...]
    language: str | None  # None: no code
    index: int  # the rest as in Cell
    id: str = ""
    rows: tuple[int, ...] = ()
    key: str = ""


def make_cell_source(text: str, language_name: str, notebook_language: str) -> CellSource:
    """Return a cell's lines and language (None: prose), magics blanked; `language_name` is its own, if it has one."""
    cell_language = (
        None
        if is_prose(language_name)
        else (find_named_language(language_name) or UNKNOWN_LANGUAGE)
        if language_name
        else notebook_language
    )
    lines = split_lines(text)
    if cell_language is not None:
        cell_language, lines = read_cell(lines, cell_language)
    return CellSource(tuple(lines), cell_language, -1)


def join_cells(sources: Iterable[CellSource], language: str) -> Notebook:
    """Return a notebook of these cells, in this order; cells without code are counted, not joined."""
    lines: list[str] = []
    cells: list[Cell] = []
    prose_cells = 0
    for source in sources:
        if source.language is None:
            prose_cells += 1
            continue
        span = Span(len(lines), len(lines) + len(source.lines))
        cells.append(Cell(source.index, source.id, source.language, span, source.rows, source.key))
        lines += source.lines
    return Notebook("\n".join(lines), language, tuple(cells), prose_cells)


def extract_cells(lines: Sequence[str], cells: Iterable[Cell]) -> list[Snippet]:
    """Return the snippets of all cells in one list; each cell is extracted alone: its syntax error affects no other."""
    snippets = []
    for cell in cells:
        start = cell.span.start
        for snippet in extract_with_tree(lines[start : cell.span.end], cell.language)[0]:
            span = Span(snippet.span.start + start, snippet.span.end + start)
            snippets.append(replace(snippet, span=span, name_line=snippet.name_line + start))
    return snippets


def blank_other_languages(notebook: Notebook, language: str) -> str:
    """Return the notebook's text with the lines of cells in other languages blank."""
    lines = notebook.text.split("\n")
    for cell in notebook.cells:
        if cell.language != language:
            lines[cell.span.start : cell.span.end] = [""] * (cell.span.end - cell.span.start)
    return "\n".join(lines)


# Cells that an editor has open


def join_open_cells(open_cells: Iterable[OpenCell], language: str = "") -> Notebook:
    """Return a notebook of open cells; without `language`, the first code cell's language is the notebook's."""
    open_cells = list(open_cells)
    cell_languages = (find_named_language(cell.language) for cell in open_cells if not is_prose(cell.language))
    notebook_language = language or next(
        (cell_language for cell_language in cell_languages if cell_language), DEFAULT_LANGUAGE
    )
    return join_cells((_make_open_source(cell, notebook_language) for cell in open_cells), notebook_language)


def replace_open_cells(notebook: Notebook, open_cells: Sequence[OpenCell]) -> Notebook:
    """Return the saved notebook with its open cells replaced, for an editor that reports single cells only.

    An open cell replaces the saved cell with its current text, else the one with the text that it had when it was
    opened, else the one at its index. An open cell that matches none is appended.
    """
    sources = _split_sources(notebook)
    unmatched_sources = dict(enumerate(sources))
    waiting_cells = [
        (_make_open_source(cell, notebook.language), _make_source_before(cell, notebook.language))
        for cell in open_cells
    ]
    for is_same in _CELL_MATCHERS:
        unmatched_cells = []
        for source, source_before in waiting_cells:
            position = next(
                (position for position, saved in unmatched_sources.items() if is_same(saved, source, source_before)),
                None,
            )
            if position is None:
                unmatched_cells.append((source, source_before))
            else:
                saved_source = unmatched_sources.pop(position)
                sources[position] = replace(source, index=saved_source.index, id=saved_source.id)
        waiting_cells = unmatched_cells
    last_index = max((cell.index for cell in notebook.cells), default=-1)
    appended_sources = (
        replace(source, index=last_index + offset) for offset, (source, _) in enumerate(waiting_cells, 1)
    )
    return join_cells([*sources, *appended_sources], notebook.language)


def replace_cell_text(notebook: Notebook, key: str, text: str) -> Notebook:
    """Return the notebook with `text` in the open cell whose key is `key`; unchanged if there is none."""
    sources = _split_sources(notebook)
    for position, cell in enumerate(notebook.cells):
        if key and cell.key == key:
            lines = read_cell(split_lines(text), cell.language)[1]
            sources[position] = replace(sources[position], lines=tuple(lines), rows=())
    return join_cells(sources, notebook.language)


def _split_sources(notebook: Notebook) -> list[CellSource]:
    """Return a CellSource for each of the notebook's code cells, as they were before they were joined."""
    lines = notebook.text.split("\n")
    return [
        CellSource(
            tuple(lines[cell.span.start : cell.span.end]), cell.language, cell.index, cell.id, cell.rows, cell.key
        )
        for cell in notebook.cells
    ]


def _make_open_source(cell: OpenCell, notebook_language: str) -> CellSource:
    """Return the CellSource of a cell that an editor has open, with its current text; partly cached."""
    return replace(_make_cached_source(cell.text, cell.language, notebook_language), index=cell.index, key=cell.key)


def _make_source_before(cell: OpenCell, notebook_language: str) -> CellSource:
    """Return the CellSource of a cell that an editor has open, with the text it had when it was opened; cached."""
    return _make_cached_source(cell.before, cell.language, notebook_language)


_make_cached_source = lru_cache(maxsize=1024)(make_cell_source)  # a key stroke changes one cell of many
_CELL_MATCHERS: tuple[
    Callable[[CellSource, CellSource, CellSource], bool], ...
] = (  # whether a saved cell is an open one; surest first
    lambda saved, now, _: saved.lines == now.lines,
    lambda saved, _, before: saved.lines == before.lines,
    lambda saved, now, _: saved.index == now.index,
)
