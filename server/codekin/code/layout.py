"""Lay out definitions as snippets: disjoint runs of whole lines; lines between definitions form runs of their own."""

from collections.abc import Sequence

from codekin.code.chunking import SizeMeasure, SnippetBound, find_split_points, split_lines_at
from codekin.code.definitions import Definition, DefinitionFinder
from codekin.code.line_hashes import find_statement_rows
from codekin.code.lines import is_bare, is_closing, to_canonical_text
from codekin.types import Snippet, SnippetKind, Span

MAX_LINES = 60  # about a screen; longer functions do more than one thing
MAX_CHARS = 2000  # without indentation; about 512 tokens, the length that embedding models for code are trained with
_HEADER_LINES = 2  # too few for a snippet of their own before a class: `module Jobs`, `namespace a {`

_CONTAINERS = (SnippetKind.CLASS, SnippetKind.MODULE)


class SnippetLayout:
    """Lays out one document's definitions as snippets; `_cursor` is the first line that is in no snippet yet."""

    def __init__(self, lines: Sequence[str], language: str, finder: DefinitionFinder) -> None:
        self._lines = lines
        self._language = language
        self._finder = finder
        self._size_measure = SizeMeasure(lines, SnippetBound(MAX_LINES, MAX_CHARS))
        self._snippets: list[Snippet] = []
        self._cursor = 0

    def lay_out(self, module: Definition) -> list[Snippet]:
        """Cut the whole document along its definitions, once; return its snippets, in order."""
        self._lay_out_inner(module)
        return self._snippets

    def _lay_out_inner(self, owner: Definition) -> None:
        """Add snippets for the definitions in `owner` and the lines between; move the cursor to the owner's end."""
        part_number = 0 if owner.kind in _CONTAINERS else 1
        for inner_definition in owner.inner:
            if not (
                part_number == 0
                and inner_definition.kind in _CONTAINERS
                and inner_definition.inner
                and self._is_header(owner, inner_definition.start)
            ):
                part_number = self._lay_out_run(owner, inner_definition.start, part_number)
            self._lay_out_definition(inner_definition)
        self._lay_out_run(owner, owner.end, part_number)

    def _is_header(self, owner: Definition, end_row: int) -> bool:
        """Return whether lines [cursor, end_row) are `owner`'s first, and few enough to join the next snippet."""
        if self._cursor > owner.name_line:
            return False
        return sum(not is_bare(line) for line in self._lines[self._cursor : end_row]) <= _HEADER_LINES

    def _lay_out_definition(self, definition: Definition) -> None:
        """Add a definition's snippets: one if it fits the bound, else parts; a class with members has parts always."""
        start_row = max(definition.start, self._cursor)
        if start_row >= definition.end:
            return
        fits_bound = self._size_measure.fits_bound(start_row, definition.end)
        if definition.kind not in _CONTAINERS and not fits_bound and not definition.inner:
            self._finder.scan_children(definition.node, definition)
        if not fits_bound or (definition.kind in _CONTAINERS and definition.inner):
            self._lay_out_inner(definition)
        elif definition.start >= self._cursor or not self._merge_with_last(definition):
            self._add_snippet(definition, start_row, definition.end, 0)

    def _merge_with_last(self, definition: Definition) -> bool:
        """Merge a definition that shares a line with the last snippet into it; return False if they don't fit."""
        last_snippet = self._snippets[-1] if self._snippets else None
        if (
            last_snippet is None
            or last_snippet.span.end != self._cursor
            or not self._size_measure.fits_bound(last_snippet.span.start, definition.end)
        ):
            return False
        span = Span(last_snippet.span.start, definition.end)
        text = to_canonical_text(self._lines[span.start : span.end])
        self._snippets[-1] = Snippet(
            last_snippet.name,
            last_snippet.qualified_name,
            last_snippet.kind,
            last_snippet.language,
            span,
            last_snippet.name_line,
            last_snippet.doc,
            text,
            last_snippet.part,
        )
        self._cursor = span.end
        return True

    def _lay_out_run(self, owner: Definition, end_row: int, part_number: int) -> int:
        """Add lines [cursor, `end_row`) as `owner`'s own, move the cursor; return the next part number (0 stays 0)."""
        is_end_trimmed = part_number == 0 and end_row == owner.end and bool(owner.name)
        start_row, last_row = self._trim_rows(self._cursor, end_row, is_end_trimmed)
        if start_row < last_row and self._size_measure.fits_bound(start_row, last_row):
            self._add_snippet(owner, start_row, last_row, part_number)
            part_number += part_number > 0
        elif start_row < last_row:
            split_costs = self._find_split_costs(owner, start_row, last_row)
            piece_number = part_number or 1
            for piece_rows in split_lines_at(start_row, last_row, split_costs, self._size_measure):
                first_row, piece_end = self._trim_rows(*piece_rows, is_end_trimmed and piece_rows[1] == last_row)
                if first_row < piece_end:
                    self._add_snippet(owner, first_row, piece_end, piece_number)
                    piece_number += 1
            part_number = piece_number if part_number else 0
        self._cursor = max(self._cursor, end_row)
        return part_number

    def _find_split_costs(self, owner: Definition, start_row: int, end_row: int) -> dict[int, float]:
        """Return row → cost of a cut above it; none above the owner's name, or a line of brackets alone, is allowed."""
        name_row = owner.name_line if owner.name else -1
        split_costs = find_split_points(owner.node, start_row, end_row, self._size_measure)
        return {row: cost for row, cost in split_costs.items() if row > name_row and not is_bare(self._lines[row])}

    def _trim_rows(self, start_row: int, end_row: int, is_end_trimmed: bool) -> tuple[int, int]:
        """Return the rows without blank lines at both ends and closing brackets at the start and, if asked, the end."""
        lines = self._lines
        if all(is_bare(lines[row]) for row in range(start_row, end_row)):
            return end_row, end_row
        while is_closing(lines[start_row]):
            start_row += 1
        while not lines[end_row - 1].strip() or (is_end_trimmed and is_closing(lines[end_row - 1])):
            end_row -= 1
        return start_row, end_row

    def _find_statement_lines(self, definition: Definition, start_row: int, end_row: int) -> tuple[int, ...]:
        """Return the lines, relative to `start_row`, on which statements of the definition's body begin."""
        rows = find_statement_rows(definition.node, end_row)
        return tuple(row - start_row for row in rows if row > max(definition.name_line, start_row))

    def _add_snippet(self, definition: Definition, start_row: int, end_row: int, part_number: int) -> None:
        """Add a snippet and move the cursor behind it; the doc comment goes to the part that holds the name."""
        holds_name = start_row <= definition.name_line < end_row
        self._snippets.append(
            Snippet(
                definition.name,
                definition.qualified_name,
                definition.kind,
                self._language,
                Span(start_row, end_row),
                definition.name_line if holds_name else start_row,
                definition.doc if holds_name else "",
                to_canonical_text(self._lines[start_row:end_row]),
                part_number,
                ()
                if part_number or definition.kind in _CONTAINERS
                else self._find_statement_lines(definition, start_row, end_row),
            )
        )
        self._cursor = end_row
