"""Source text → snippets: pure, total, in bounded time.

A file with a grammar is cut along its definitions; what stands between them is snippets too, so that every line with
something on it is found. Lines that hold only punctuation or a bare keyword (`}`, `end`, `else:`) may be in none.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from codekin.code.borders import Bound, Measure, cut, statement_borders
from codekin.code.definitions import Definition, Walk
from codekin.code.parsing import parse, source_of, syntax_of
from codekin.types import Kind, Snippet, Span

MAX_LINES = 60  # about a screen: longer functions do more than one thing
MAX_CHARS = 2000  # without indentation; about the 512 tokens the models of the source are trained with
WINDOW_LINES = 40  # windows have no syntax to show their point: shorter
MAX_TEXT = 20_000  # of one snippet's text: a minified file is one line of any length

_BOUND = Bound(MAX_LINES, MAX_CHARS)
_WINDOW = Bound(WINDOW_LINES, MAX_CHARS)
_LINE_END = re.compile(r"\r\n|\n|\r")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BARE_WORDS = r"(?:end|fi|done|esac|else|try|finally|do|then|begin|ensure)"
_BARE = re.compile(
    rf"[\W_]*(?:{_BARE_WORDS}\b[\W_]*)*|#\s*(?:endif|else)\b\W*(?:\w+\W*)?|\s*\}}[\W_]*(?://|/\*|--|#).*|\s*end\s*(?:--|#).*"
)
_CLOSING = re.compile(r"[\s)}\];,]*(?:end\b[\s)}\];,]*)?")


def split_lines(text: str) -> list[str]:
    """The lines of a document as the LSP counts them: ended by LF, CR LF or CR and nothing else; at least one."""
    return _LINE_END.split(text) if "\r" in text else text.split("\n")


def canonical(lines: Sequence[str]) -> str:
    """A snippet's text from its lines: dedented by what they have in common, without trailing blanks, LF between.

    At most MAX_TEXT characters, and always encodable: unpaired surrogates become U+FFFD.
    """
    stripped = [line.rstrip() for line in lines]
    filled = [line for line in stripped if line]
    if not filled:
        return "\n".join(stripped)[:MAX_TEXT]
    least, most = min(filled), max(filled)  # what these two share at their start, all of them share
    indent = 0
    while indent < len(least) and least[indent] == most[indent] and least[indent] in " \t":
        indent += 1
    text = "\n".join([line[indent:] for line in stripped] if indent else stripped)[:MAX_TEXT]
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def extract(text: str, language: str) -> list[Snippet]:
    """The snippets of a document, in order; their spans are disjoint. Never raises; [] where there is no word."""
    lines = split_lines(text)
    syntax = syntax_of(language)
    if syntax is not None:
        source = source_of(lines)
        root = parse(source, syntax)
        if root is not None:
            walk = Walk(source, syntax)
            return _Layout(lines, language, walk).snippets(walk.module(root, len(lines)))
    return _windows(lines, language)


def snippet_at(snippets: Sequence[Snippet], line: int) -> Snippet | None:
    """The snippet that holds `line`, else the nearest above, else the first; None where there are none."""
    index = bisect_right(snippets, line, key=lambda snippet: snippet.span.start)
    return snippets[max(index - 1, 0)] if snippets else None


class _Layout:
    """Lays a document's definitions out as disjoint runs of lines."""

    def __init__(self, lines: Sequence[str], language: str, walk: Walk) -> None:
        self._lines = lines
        self._language = language
        self._walk = walk
        self._measure = Measure(lines, _BOUND)
        self._snippets: list[Snippet] = []
        self._cursor = 0

    def snippets(self, module: Definition) -> list[Snippet]:
        self._container(module)
        return self._snippets

    def _container(self, owner: Definition) -> None:
        """The definitions in `owner`, and what stands between them."""
        part = 1 if owner.kind not in (Kind.CLASS, Kind.MODULE) else 0
        for inner in owner.inner:
            part = self._run(owner, inner.start, part)
            self._definition(inner)
        self._run(owner, owner.end, part)

    def _definition(self, definition: Definition) -> None:
        start = max(definition.start, self._cursor)
        if start >= definition.end:
            return
        whole = self._measure.within(start, definition.end)
        container = definition.kind in (Kind.CLASS, Kind.MODULE)
        if not container and not whole and not definition.inner:
            self._walk.scan(definition.node, definition)
        opened = bool(definition.inner) if container else not whole
        if opened or not whole:
            self._container(definition)
        elif definition.start < self._cursor and self._merge(definition):
            pass
        else:
            self._add(definition, start, definition.end, 0)

    def _merge(self, definition: Definition) -> bool:
        """Two definitions that share a line are one snippet, as long as it is not too long."""
        last = self._snippets[-1] if self._snippets else None
        if last is None or last.span.end != self._cursor or not self._measure.within(last.span.start, definition.end):
            return False
        self._snippets.pop()
        span = Span(last.span.start, definition.end)
        text = canonical(self._lines[span.start : span.end])
        self._snippets.append(
            Snippet(last.name, last.qualified_name, last.kind, last.language, span, last.name_line, last.doc, text)
        )
        self._cursor = span.end
        return True

    def _run(self, owner: Definition, end: int, part: int) -> int:
        """The lines from the cursor to `end`, which are `owner`'s own; the number of its next part."""
        start, end = self._trimmed(self._cursor, end, owner.end)
        if start >= end:
            self._cursor = max(self._cursor, end)
            return part
        if self._measure.within(start, end):
            pieces = [(start, end)]
        else:
            pieces = cut(start, end, statement_borders(owner.node, start, end, self._measure), self._measure)
        numbered = part > 0 or len(pieces) > 1
        number = part or 1
        for first, last in pieces:
            first, last = self._trimmed(first, last, owner.end)
            if first < last:
                self._add(owner, first, last, number if numbered else 0)
                number += 1
        return number if part else 0

    def _trimmed(self, start: int, end: int, closing: int) -> tuple[int, int]:
        """Without blank lines at both ends, closing brackets at the start, and the owner's own closing line."""
        lines = self._lines
        if all(_BARE.fullmatch(lines[row]) for row in range(start, end)):
            return end, end
        while _CLOSING.fullmatch(lines[start]):
            start += 1
        while not lines[end - 1].strip() or (end == closing and _CLOSING.fullmatch(lines[end - 1])):
            end -= 1
        return start, end

    def _add(self, definition: Definition, start: int, end: int, part: int) -> None:
        name_line = definition.name_line if start <= definition.name_line < end else start
        self._snippets.append(
            Snippet(
                definition.name,
                definition.qualified_name,
                definition.kind,
                self._language,
                Span(start, end),
                name_line,
                definition.doc if name_line == definition.name_line else "",
                canonical(self._lines[start:end]),
                part,
            )
        )
        self._cursor = end


def _windows(lines: Sequence[str], language: str) -> list[Snippet]:
    """Windows of lines, cut preferably above a line that stands far left and after a blank one."""
    measure = Measure(lines, _WINDOW)
    borders: dict[int, float] = {}
    for row in range(1, len(lines)):
        line = lines[row]
        if line.strip() and not _CLOSING.fullmatch(line):
            indent = len(line) - len(line.lstrip())
            borders[row] = min(indent, 16) / 16 + (0.0 if measure.is_blank(row - 1) else 0.3)
    snippets = []
    for start, end in cut(0, len(lines), borders, measure):
        while start < end and not lines[start].strip():
            start += 1
        while end > start and not lines[end - 1].strip():
            end -= 1
        text = canonical(lines[start:end])
        if re.search(r"\w", text):
            snippets.append(Snippet("", "", Kind.LINES, language, Span(start, end), start, "", text))
    return snippets
