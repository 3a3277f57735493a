"""Cut Markdown into sections by its headings, so that questions in words find what documentation says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codekin.code.chunking import SizeMeasure, SnippetBound, split_lines_at
from codekin.code.layout import MAX_CHARS, MAX_LINES
from codekin.code.lines import to_canonical_text
from codekin.language_table import PROSE_LANGUAGES as PROSE_LANGUAGES
from codekin.types import Snippet, SnippetKind, Span

_MAX_NAME_LENGTH = 120  # characters of a heading that are kept
_MAX_LEVEL = 6
_MAX_PREAMBLE_LINES = 4  # before the first heading, that say too little to stand alone: labels, badges
_SEPARATOR = " > "  # between the headings of a qualified name
_COST_IN_BLOCK = 0.5  # of a cut in a block of code
_COST_IN_PARAGRAPH = 0.3
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_MARKS = re.compile(r"[`*]+|<[^<>]*>|\{#[^{}]*\}")


@dataclass(frozen=True, slots=True)
class _Heading:
    row: int
    level: int  # 1 to 6
    text: str


def extract_sections(lines: Sequence[str], language: str) -> list[Snippet]:
    """Return the sections of a document in order, each from its heading to the next one, long ones in parts.

    Headings without text of their own, and a few lines before the first one, begin the section that follows. Never
    raises.
    """
    if not lines:
        return []
    is_in_block = _find_code_blocks(lines)
    headings = list(_find_headings(lines, is_in_block))
    snippets: list[Snippet] = []
    open_names: list[tuple[int, str]] = []
    start_row = 0
    measure = SizeMeasure(lines, SnippetBound(MAX_LINES, MAX_CHARS))
    for number, heading in enumerate([_Heading(0, 0, ""), *headings]):  # the first one stands for what has none
        if heading.level:
            open_names = [(level, name) for level, name in open_names if level < heading.level]
            open_names.append((heading.level, heading.text))
        end_row = headings[number].row if number < len(headings) else len(lines)
        body_lines = sum(not measure.is_blank(row) for row in range(_body_row(lines, heading), end_row))
        if number < len(headings) and body_lines <= (0 if heading.level else _MAX_PREAMBLE_LINES):
            continue
        section = _Section(start_row, end_row, heading.row, tuple(name for _, name in open_names))
        snippets += _cut_section(section, lines, language, measure, is_in_block)
        start_row = end_row
    return snippets


@dataclass(frozen=True, slots=True)
class _Section:
    start_row: int
    end_row: int
    name_row: int
    names: tuple[str, ...]  # of its heading and those above it, outermost first


def _cut_section(
    section: _Section, lines: Sequence[str], language: str, measure: SizeMeasure, is_in_block: Sequence[bool]
) -> Iterator[Snippet]:
    """Yield the section's snippet, or its parts; nothing for one that is blank."""
    split_costs = {
        row: _COST_IN_BLOCK if is_in_block[row] else 0.0 if measure.is_blank(row - 1) else _COST_IN_PARAGRAPH
        for row in range(section.start_row + 1, section.end_row)
    }
    pieces = [
        (first_row, last_row)
        for piece in split_lines_at(section.start_row, section.end_row, split_costs, measure)
        for first_row, last_row in [_trim_blanks(*piece, measure)]
        if first_row < last_row
    ]
    name = section.names[-1] if section.names else ""
    for number, (first_row, last_row) in enumerate(pieces, 1):
        yield Snippet(
            name,
            _SEPARATOR.join(section.names),
            SnippetKind.SECTION,
            language,
            Span(first_row, last_row),
            section.name_row if first_row <= section.name_row < last_row else first_row,
            "",
            to_canonical_text(lines[first_row:last_row]),
            part=number if len(pieces) > 1 else 0,
        )


def _trim_blanks(first_row: int, last_row: int, measure: SizeMeasure) -> tuple[int, int]:
    """Return the rows without the blank ones at both ends."""
    while first_row < last_row and measure.is_blank(first_row):
        first_row += 1
    while last_row > first_row and measure.is_blank(last_row - 1):
        last_row -= 1
    return first_row, last_row


def _find_code_blocks(lines: Sequence[str]) -> list[bool]:
    """Return for each line whether it is in a fenced block, its fences included, or in the front matter."""
    is_in_block: list[bool] = []
    has_front_matter = lines[0].removeprefix("\ufeff").rstrip() == "---" and "---" in map(str.rstrip, lines[1:])
    fence = "---" if has_front_matter else ""
    for row, line in enumerate(lines):
        text = line.strip()
        is_in_block.append(bool(fence) or text.startswith(("```", "~~~")))
        if not fence:
            fence = text[: len(text) - len(text.lstrip(text[0]))] if text.startswith(("```", "~~~")) else ""
        elif row and text.startswith(fence) and not text.strip(fence[0]):
            fence = ""
    return is_in_block


def _find_headings(lines: Sequence[str], is_in_block: Sequence[bool]) -> Iterator[_Heading]:
    """Yield the headings outside of code blocks: lines with number signs, and lines that are underlined."""
    for row, line in enumerate(lines):
        if is_in_block[row]:
            continue
        level = len(line) - len(line.lstrip("#"))
        if 0 < level <= _MAX_LEVEL and line[level : level + 1] in (" ", "\t", ""):
            yield _Heading(row, level, _clean_heading(line[level:].strip().rstrip("#")))
        elif row + 1 < len(lines) and not is_in_block[row + 1] and line[:1].isalnum():
            underline = lines[row + 1].rstrip()
            if len(underline) > 1 and (not underline.strip("=") or not underline.strip("-")):
                yield _Heading(row, 1 if underline[0] == "=" else 2, _clean_heading(line))


def _body_row(lines: Sequence[str], heading: _Heading) -> int:
    """Return the row below a heading and its underline; the first row where there is no heading."""
    if not heading.level:
        return heading.row
    return heading.row + (1 if lines[heading.row].startswith("#") else 2)


def _clean_heading(text: str) -> str:
    """Return a heading's words, up to 120 characters, without links and marks."""
    encodable_text = text[: 2 * _MAX_NAME_LENGTH].encode("utf-8", "replace").decode()
    return _MARKS.sub("", _LINK.sub(r"\1", encodable_text)).strip()[:_MAX_NAME_LENGTH]
