"""Snippets of source text: pure, total, in bounded time.

A file with a grammar is cut along its definitions; what stands between them is snippets too, so that every line with
something on it is found. Lines that hold only punctuation or a dividing keyword (`}`, `end`, `else:`) may be in none.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from codekin.code.chunking import SizeMeasure, SnippetBound, split_lines_at
from codekin.code.components import COMPONENT_LANGUAGES, Script, find_scripts
from codekin.code.definitions import DefinitionFinder
from codekin.code.layout import MAX_CHARS, MAX_LINES, SnippetLayout
from codekin.code.lines import MAX_TEXT, is_closing, split_lines, to_canonical_text
from codekin.code.parsing import ParsedSource, encode_source, load_syntax, parse_incrementally
from codekin.code.prose import PROSE_LANGUAGES, extract_sections
from codekin.types import Location, Snippet, SnippetKind, Span

__all__ = [
    "MAX_CHARS",
    "MAX_LINES",
    "MAX_TEXT",
    "WINDOW_LINES",
    "extract",
    "extract_snippets",
    "extract_with_tree",
    "find_snippet",
    "group_parts",
    "split_lines",
    "to_canonical_text",
]

WINDOW_LINES = 40  # shorter than MAX_LINES, because windows do not follow the syntax

Piece = TypeVar("Piece", Snippet, Location)

_MAX_INDENT_COLUMNS = 16  # deeper indentation makes no line a worse place to cut
_NO_BLANK_LINE_COST = 0.3  # a cut without a blank line above it


def extract_snippets(text: str, language: str) -> list[Snippet]:
    """Return the snippets of a document, in order, with disjoint spans; [] where it has no words. Never raises."""
    return extract_with_tree(split_lines(text), language)[0]


extract = extract_snippets  # the former name: scripts outside this repository import it


def extract_with_tree(
    lines: Sequence[str], language: str, former_parse: ParsedSource | None = None
) -> tuple[list[Snippet], ParsedSource | None]:
    """Parse one or more lines; return their snippets, in order, and the tree, if there is one. Never raises.

    With a `former_parse` of similar lines it is fast. The tree is None without a grammar, or if the parse exceeds its
    budget.
    """
    if language in COMPONENT_LANGUAGES:
        return _extract_component(lines, language), None
    if language in PROSE_LANGUAGES:
        return extract_sections(lines, language), None
    syntax = load_syntax(language)
    if syntax is not None:
        source = encode_source(lines)
        parsed = parse_incrementally(source, syntax, former_parse)
        if parsed is not None:
            finder = DefinitionFinder(source, syntax)
            return SnippetLayout(lines, language, finder).lay_out(
                finder.find_definitions(parsed.tree.root_node, len(lines))
            ), parsed
    return _split_into_windows(lines, language), None


def _extract_component(lines: Sequence[str], language: str) -> list[Snippet]:
    """Return the snippets of a component: its scripts cut along their syntax, all between them into windows."""
    snippets: list[Snippet] = []
    row = 0
    for script in find_scripts(lines, language):
        snippets += _move_snippets(_split_into_windows(lines[row : script.start], language), row)
        script_lines = lines[script.start : script.end]
        snippets += _move_snippets(_extract_script(script_lines, script, language), script.start)
        row = script.end
    return snippets + _move_snippets(_split_into_windows(lines[row:], language), row)


def _extract_script(lines: Sequence[str], script: Script, language: str) -> list[Snippet]:
    """Return a script's snippets, in the component's lines; windows of lines if it can't be parsed."""
    syntax = load_syntax(script.language)
    source = encode_source(script.lines)
    parsed = parse_incrementally(source, syntax) if syntax is not None else None
    if syntax is None or parsed is None:
        return _split_into_windows(lines, language)
    finder = DefinitionFinder(source, syntax)
    return SnippetLayout(lines, language, finder).lay_out(finder.find_definitions(parsed.tree.root_node, len(lines)))


def _move_snippets(snippets: list[Snippet], row_count: int) -> list[Snippet]:
    """Return the snippets moved down by `row_count` rows."""
    if not row_count:
        return snippets
    return [
        replace(
            snippet,
            span=Span(snippet.span.start + row_count, snippet.span.end + row_count),
            name_line=snippet.name_line + row_count,
        )
        for snippet in snippets
    ]


def find_snippet(snippets: Sequence[Snippet], line: int) -> Snippet | None:
    """Return the snippet that holds `line`, else the nearest above it, else the first; None where there are none."""
    next_index = bisect_right(snippets, line, key=lambda snippet: snippet.span.start)
    return snippets[max(next_index - 1, 0)] if snippets else None


def group_parts(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Return a document's snippets or locations in groups, in order: all parts of a long definition, else one each."""
    groups: list[list[Piece]] = []
    groups_by_name: dict[str, list[Piece]] = {}
    for piece in pieces:
        name = piece.qualified_name
        if piece.part > 1 and name in groups_by_name:
            groups_by_name[name].append(piece)
            continue
        groups.append([piece])
        if piece.part == 1:
            groups_by_name[name] = groups[-1]
    return groups


def _split_into_windows(lines: Sequence[str], language: str) -> list[Snippet]:
    """Return snippets of up to 40 lines, none blank; cuts prefer a line of little indentation behind a blank one."""
    if not lines:
        return []
    measure = SizeMeasure(lines, SnippetBound(WINDOW_LINES, MAX_CHARS))
    split_costs: dict[int, float] = {}
    for row in range(1, len(lines)):
        line = lines[row]
        if not is_closing(line):
            indent = min(len(line) - len(line.lstrip()), _MAX_INDENT_COLUMNS) / _MAX_INDENT_COLUMNS
            split_costs[row] = indent + (0.0 if measure.is_blank(row - 1) else _NO_BLANK_LINE_COST)
    snippets = []
    for start_row, end_row in split_lines_at(0, len(lines), split_costs, measure):
        first_row, last_row = start_row, end_row
        while first_row < last_row and measure.is_blank(first_row):
            first_row += 1
        while last_row > first_row and measure.is_blank(last_row - 1):
            last_row -= 1
        text = to_canonical_text(lines[first_row:last_row])
        if re.search(r"\w", text):
            snippets.append(
                Snippet("", "", SnippetKind.LINES, language, Span(first_row, last_row), first_row, "", text)
            )
    return snippets
