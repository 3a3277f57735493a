"""Lay out definitions as snippets: disjoint runs of whole lines; lines between definitions form runs of their own."""

from collections.abc import Sequence

from codekin.code.chunking import SizeMeasure, SnippetBound, find_split_points, split_lines_at
from codekin.code.definitions import Definition, DefinitionFinder
from codekin.code.line_hashes import find_statement_rows
from codekin.code.lines import is_bare, is_closing, to_canonical_text
from codekin.types import Snippet, SnippetKind, Span

MAX_LINES = 60  # about a screen: longer functions do more than one thing
MAX_CHARS = 2000  # without indentation; about the 512 tokens that the models of the source are trained with
_HEADER_LINES = 2  # as much as stands before a class without being worth a snippet: `module Jobs`, `namespace a {`

_CONTAINERS = (SnippetKind.CLASS, SnippetKind.MODULE)


class SnippetLayout:
    """Lays out one document's definitions; the cursor is the first line that is in no snippet yet."""

    def __init__(self, lines: Sequence[str], language: str, walk: DefinitionFinder) -> None:
        self._lines = lines
        self._language = language
        self._walk = walk
        self._measure = SizeMeasure(lines, SnippetBound(MAX_LINES, MAX_CHARS))
        self._snippets: list[Snippet] = []
        self._cursor = 0

    def lay_out(self, module: Definition) -> list[Snippet]:
        """Return the snippets of a whole document."""
        self._open(module)
        return self._snippets

    def _open(self, owner: Definition) -> None:
        """Lay out the definitions in `owner` and the lines between them."""
        part = 0 if owner.kind in _CONTAINERS else 1
        for inner in owner.inner:
            if not (part == 0 and inner.kind in _CONTAINERS and inner.inner and self._is_header(owner, inner.start)):
                part = self._run(owner, inner.start, part)
            self._definition(inner)
        self._run(owner, owner.end, part)

    def _is_header(self, owner: Definition, end: int) -> bool:
        """Return whether the lines from the cursor to `end` are `owner`'s first, and few enough to join the next."""
        if self._cursor > owner.name_line:
            return False
        return sum(not is_bare(line) for line in self._lines[self._cursor : end]) <= _HEADER_LINES

    def _definition(self, definition: Definition) -> None:
        start = max(definition.start, self._cursor)
        if start >= definition.end:
            return
        whole = self._measure.fits_bound(start, definition.end)
        if definition.kind not in _CONTAINERS and not whole and not definition.inner:
            self._walk.scan_children(definition.node, definition)
        if not whole or (definition.kind in _CONTAINERS and definition.inner):
            self._open(definition)
        elif definition.start >= self._cursor or not self._merge(definition):
            self._add(definition, start, definition.end, 0)

    def _merge(self, definition: Definition) -> bool:
        """Merge a definition that shares a line with the last snippet into it, if both fit the bound."""
        last = self._snippets[-1] if self._snippets else None
        if (
            last is None
            or last.span.end != self._cursor
            or not self._measure.fits_bound(last.span.start, definition.end)
        ):
            return False
        span = Span(last.span.start, definition.end)
        text = to_canonical_text(self._lines[span.start : span.end])
        self._snippets[-1] = Snippet(
            last.name, last.qualified_name, last.kind, last.language, span, last.name_line, last.doc, text, last.part
        )
        self._cursor = span.end
        return True

    def _run(self, owner: Definition, end: int, part: int) -> int:
        """Lay out the lines from the cursor to `end` as `owner`'s own; return the number of its next part."""
        closed = part == 0 and end == owner.end and bool(owner.name)
        start, last = self._trimmed(self._cursor, end, closed)
        if start < last and self._measure.fits_bound(start, last):
            self._add(owner, start, last, part)
            part += part > 0
        elif start < last:
            borders = self._borders(owner, start, last)
            number = part or 1
            for piece in split_lines_at(start, last, borders, self._measure):
                first, piece_end = self._trimmed(*piece, closed and piece[1] == last)
                if first < piece_end:
                    self._add(owner, first, piece_end, number)
                    number += 1
            part = number if part else 0
        self._cursor = max(self._cursor, end)
        return part

    def _borders(self, owner: Definition, start: int, end: int) -> dict[int, float]:
        """Return the split costs of the run's rows; never above the owner's name or a lone brace."""
        least = owner.name_line if owner.name else -1
        borders = find_split_points(owner.node, start, end, self._measure)
        return {row: cost for row, cost in borders.items() if row > least and not is_bare(self._lines[row])}

    def _trimmed(self, start: int, end: int, closed: bool) -> tuple[int, int]:
        """Trim blank lines at both ends, closing brackets at the start and, where `closed`, at the end."""
        lines = self._lines
        if all(is_bare(lines[row]) for row in range(start, end)):
            return end, end
        while is_closing(lines[start]):
            start += 1
        while not lines[end - 1].strip() or (closed and is_closing(lines[end - 1])):
            end -= 1
        return start, end

    def _statements(self, definition: Definition, start: int, end: int) -> tuple[int, ...]:
        rows = find_statement_rows(definition.node, end)
        return tuple(row - start for row in rows if row > max(definition.name_line, start))

    def _add(self, definition: Definition, start: int, end: int, part: int) -> None:
        """Add a snippet of `definition`; the doc comment goes to the one that holds the name."""
        holds_name = start <= definition.name_line < end
        self._snippets.append(
            Snippet(
                definition.name,
                definition.qualified_name,
                definition.kind,
                self._language,
                Span(start, end),
                definition.name_line if holds_name else start,
                definition.doc if holds_name else "",
                to_canonical_text(self._lines[start:end]),
                part,
                () if part or definition.kind in _CONTAINERS else self._statements(definition, start, end),
            )
        )
        self._cursor = end
