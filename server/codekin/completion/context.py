"""The question: a document, the cursor in it, and the function that has been begun there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from codekin.code.extract import extract_with_tree, split_lines, to_canonical_text
from codekin.code.line_hashes import blank_strings, find_local_names, make_line_hasher
from codekin.code.lines import is_closing
from codekin.code.parsing import ParsedSource
from codekin.code.words import split_words
from codekin.types import Snippet, SnippetKind, Span

MAX_START = 60  # lines above the cursor that are looked at
_HEAD = 3  # lines on which a signature's parameters stand
_BRACKET = re.compile(r"[\[\](){}]")
_LONG_STRING = r"(?s:(?P<quotes>\"{3}|'{3})(?:.*?(?P=quotes)|(?P<string>.*\Z)))"
_STRING = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
_HASHED = re.compile(rf"{_LONG_STRING}|{_STRING}|#.*")
_SLASHED = re.compile(rf"(?s:/\*(?:.*?\*/|(?P<comment>.*\Z)))|{_LONG_STRING}|{_STRING}|//.*")
_HASH_LANGUAGES = ("python", "ruby", "bash")
_TYPE_OR_DEFAULT = re.compile("[:=]")
_STANDIN = "x"  # for what is to come: a function without a body is none to most grammars


@dataclass(frozen=True)
class CompletionContext:
    """What is known at the cursor; rows and columns are 0-based, columns count characters."""

    path: Path
    language: str
    lines: tuple[str, ...]  # of the document
    row: int
    column: int
    own: tuple[Snippet, ...]  # the parts of the function that the cursor is in
    others: tuple[Snippet, ...]  # of the document
    parsed: ParsedSource | None = None  # the document as it was when it was parsed last, which may be some keys ago

    @property
    def text_before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.lines[self.row][: self.column]

    @property
    def text_after(self) -> str:
        """The cursor's line from the cursor on."""
        return self.lines[self.row][self.column :]

    @property
    def first_row(self) -> int:
        """The row on which the function begins."""
        return max(self.own[0].span.start, self.row - MAX_START) if self.own else max(self.row - MAX_START, 0)

    @property
    def kind(self) -> SnippetKind:
        return self.own[0].kind if self.own else SnippetKind.LINES

    @property
    def name(self) -> str:
        return self.own[0].name if self.own else ""

    @cached_property
    def start_lines(self) -> tuple[str, ...]:
        """The function's lines above the cursor's."""
        return self.lines[self.first_row : self.row]

    @cached_property
    def content_lines(self) -> tuple[str, ...]:
        """Those of them that say something."""
        key = make_line_hasher(self.language)
        return tuple(line for line in self.start_lines if key[line])

    @cached_property
    def can_continue(self) -> bool:
        """Whether there is something to go on from, at a place where a line may go on."""
        return (
            bool(self.content_lines)
            and not _is_being_indented(self)
            and not is_inside_prose(self.start_lines, self.language)
        )

    @cached_property
    def line_hashes(self) -> tuple[int, ...]:
        key = make_line_hasher(self.language)
        return tuple(key[line] for line in self.content_lines)

    @cached_property
    def indent_column(self) -> int | None:
        """The column at which the next line starts; None where the editor has not said so yet."""
        if not self.text_before and self.content_lines and measure_indent(self.content_lines[-1]):
            return None
        return measure_indent(self.text_before + _STANDIN)

    @cached_property
    def is_signature_only(self) -> bool:
        """Whether only the signature has been typed."""
        if not self.own or self.own[0].part:
            return False
        key = make_line_hasher(self.language)
        above = self.lines[self.own[0].name_line + 1 : self.row]
        return self.row > self.own[0].name_line and not any(key[line] for line in above)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names in the signature."""
        if not self.own or self.own[0].part:
            return ()
        return parse_parameters(self.lines[self.own[0].name_line : min(self.row, self.own[0].name_line + _HEAD)])

    @cached_property
    def local_names(self) -> frozenset[str]:
        """Local names that the function has mentioned."""
        return frozenset(find_local_names("\n".join((*self.start_lines, self.text_before))))

    @cached_property
    def other_lines(self) -> str:
        """The document without what stands below the cursor in its function."""
        end = max((part.span.end for part in self.own), default=self.row + 1)
        return "\n".join((*self.lines[: self.row + 1], *self.lines[max(end, self.row + 1) :]))

    @cached_property
    def word_set(self) -> frozenset[str]:
        """The words of the lines that say something."""
        return frozenset().union(*map(split_word_set, self.content_lines))

    @cached_property
    def open_bracket(self) -> str:
        return find_open_bracket(self.start_lines)

    @cached_property
    def block_header(self) -> str:
        return find_block_header(
            self.start_lines,
            self.indent_column if self.indent_column is not None else measure_indent(self.content_lines[-1]) + 1,
        )

    @cached_property
    def query_text(self) -> str:
        """The start of the function as the model is asked about it."""
        return "\n".join((*self.start_lines, self.text_before)).rstrip()

    @cached_property
    def stripped_lines(self) -> frozenset[str]:
        """The function's lines without blanks."""
        return frozenset("".join(line.split()) for line in self.content_lines)


def read_context(
    path: Path, text: str, language: str, row: int, column: int, former: CompletionContext | None = None
) -> CompletionContext:
    """The question at (row, column), each clamped.

    Where only one function has changed since a `former` question, the others are not cut out anew.
    """
    lines = split_lines(text)
    row = min(max(row, 0), len(lines) - 1)
    column = min(max(column, 0), len(lines[row]))
    parsed = former.parsed if former else None
    snippets = _snippets_since(former, lines, row) if former else []
    if not snippets:
        before, after = lines[row][:column], lines[row][column:]
        begun = lines[row] if before.strip() else f"{before or _blank(lines, row)}{_STANDIN}{after}"
        snippets, parsed = extract_with_tree([*lines[:row], begun, *lines[row + 1 :]], language, parsed)
    inside = next((i for i, snippet in enumerate(snippets) if snippet.span.start <= row < snippet.span.end), None)
    own: list[Snippet] = []
    if inside is not None:
        name = snippets[inside].qualified_name
        own = [
            snippet for snippet in snippets if snippet.qualified_name == name and (name or snippet.span.start <= row)
        ]
        own = _together(own, snippets[inside])
    spans = {part.span for part in own}
    others = tuple(snippet for snippet in snippets if snippet.span not in spans)
    return CompletionContext(path, language, tuple(lines), row, column, tuple(own), others, parsed)


def _is_being_indented(asked: CompletionContext) -> bool:
    """Whether the cursor is on its way to a column at which a line may stand; only Python minds."""
    if asked.language != "python" or asked.text_before.strip() or not asked.text_before:
        return False
    columns = [measure_indent(line) for line in asked.content_lines]
    return (
        measure_indent(asked.text_before + _STANDIN) < columns[-1]
        and measure_indent(asked.text_before + _STANDIN) not in columns
    )


def _blank(lines: Sequence[str], row: int) -> str:
    """The indentation of a line that has none yet: that of the one above, or deeper where it opens a block."""
    above = lines[row - 1] if row else ""
    return above[: len(above) - len(above.lstrip())] + ("    " if above.rstrip().endswith((":", "{")) else "")


def _snippets_since(former: CompletionContext, lines: Sequence[str], row: int) -> list[Snippet]:
    """The former question's snippets where they stand now; [] unless all that has changed is the function with the
    cursor in it, and that not in its name, or else the cursor's line: code between functions may have become one.
    """
    if lines[row].strip() and is_closing(lines[row]):
        return []  # what is open no longer may have held all that follows
    old, shorter = former.lines, min(len(former.lines), len(lines))
    first = next((i for i in range(shorter) if old[i] != lines[i]), shorter)
    last = next((i for i in range(shorter - first) if old[-1 - i] != lines[-1 - i]), shorter - first)
    more, end = len(lines) - len(old), max(len(old) - last, first)
    is_same_line = (
        row == former.row and not more and (first == len(old) or (former.text_before.strip() and first == row))
    )
    is_known, moved = bool(is_same_line and end <= max(row + 1, first)), list[Snippet]()
    for snippet in sorted((*former.own, *former.others), key=lambda snippet: snippet.span.start):
        start, stop, name_line = snippet.span.start, snippet.span.end, snippet.name_line
        was, name_line = name_line, name_line + (more if name_line >= end else 0)
        is_function = snippet.kind.is_function and name_line <= row
        is_inside = (start <= first < stop and end <= stop) or first == len(old)
        if start <= row < stop + more and is_inside and (is_function or is_known):
            if is_function and first <= was < end and (more or not _names(lines[name_line], snippet.name)):
                return []
            text = to_canonical_text(lines[start : stop + more])
            moved.append(replace(snippet, span=Span(start, stop + more), name_line=name_line, text=text))
            is_known = True
        elif stop <= first:
            moved.append(snippet)
        elif start >= end:
            moved.append(replace(snippet, span=Span(start + more, stop + more), name_line=name_line))
        else:
            return []
    return moved if is_known else []


def _names(line: str, name: str) -> bool:
    """Whether the name stands in the line, and not as a part of another."""
    return not name or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line) is not None


def _together(parts: Sequence[Snippet], inside: Snippet) -> list[Snippet]:
    """The parts of one definition: those numbered on from each other around the cursor's."""
    if not inside.part:
        return [inside]
    at = next(i for i, part in enumerate(parts) if part.span == inside.span)
    first, last = at, at + 1
    while first and parts[first - 1].part == parts[first].part - 1 > 0:
        first -= 1
    while last < len(parts) and parts[last].part == parts[last - 1].part + 1:
        last += 1
    return list(parts[first:last])


_WORDS: dict[str, frozenset[str]] = {}


def split_word_set(line: str) -> frozenset[str]:
    """The words of a line, remembered."""
    found = _WORDS.get(line)
    if found is None:
        if len(_WORDS) > 65_536:
            _WORDS.clear()
        found = _WORDS[line] = frozenset(split_words(line))
    return found


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """0 … 1."""
    return len(one & other) / len(one | other) if one and other else 0.0


def measure_indent(line: str) -> int:
    """The column at which the line starts, a tab being four."""
    bare = line.lstrip()
    blank = line[: len(line) - len(bare)]
    return len(blank.expandtabs(4)) if "\t" in blank else len(blank)


def parse_parameters(head: Sequence[str]) -> tuple[str, ...]:
    """The names of a signature's parameters, in order; () where it can't be told which word is the name."""
    given, depth, current = list[str](), 0, ""
    for char in " ".join(head).partition("(")[2]:
        depth += (char in "([{<") - (char in ")]}>")
        if depth < 0:
            break
        if char == "," and not depth:
            given, current = [*given, current], ""
        else:
            current += char
    names = [
        find_local_names(_TYPE_OR_DEFAULT.split(one)[0].replace("$", "")) for one in (*given, current) if one.strip()
    ]
    return tuple(one[0] for one in names if one) if all(len(one) < 2 for one in names) else ()


def is_inside_prose(lines: Sequence[str], language: str) -> bool:
    """Whether the lines leave a comment or a string open that goes on on the next line."""
    text = _HASHED if language in _HASH_LANGUAGES else _SLASHED
    return any(found.lastgroup in ("comment", "string") for found in text.finditer("\n".join(lines)))


def find_open_bracket(lines: Sequence[str]) -> str:
    """The innermost bracket that the lines leave open; "" where there is none."""
    stack: list[str] = []
    for bracket in _BRACKET.findall(blank_strings("\n".join(lines))):
        if bracket in "([{":
            stack.append(bracket)
        elif stack:
            stack.pop()
    return stack[-1] if stack else ""


def find_block_header(lines: Sequence[str], column: int) -> str:
    """The nearest line above that starts further left than `column`: what opened the block; "" where there is none."""
    return next((line for line in reversed(lines) if line.strip() and measure_indent(line) < column), "")
