"""The context of a completion: a document, the cursor in it, and the function in which the cursor is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from codekin.code.extract import extract_with_tree, split_lines
from codekin.code.line_hashes import blank_strings, find_local_names, make_line_hasher
from codekin.code.lines import is_closing
from codekin.code.parsing import ParsedSource
from codekin.completion.cursor import Cursor
from codekin.completion.edits import Edit, find_edit, update_snippets
from codekin.completion.line_words import split_word_set
from codekin.types import Snippet, SnippetKind

MAX_CONTEXT_LINES = 60  # above the cursor
_CACHED_SIGNATURES = 2048  # whose parameters are kept: each key compares some eighty
SIGNATURE_LINES = 3  # lines from a function's name on that are searched for its parameters
_BRACKET = re.compile(r"[\[\](){}]")
_LONG_STRING = r"(?s:(?P<quotes>\"{3}|'{3})(?:.*?(?P=quotes)|(?P<string>.*\Z)))"
_STRING = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
_PROSE_WITH_HASHES = re.compile(rf"{_LONG_STRING}|{_STRING}|#.*")
_PROSE_WITH_SLASHES = re.compile(rf"(?s:/\*(?:.*?\*/|(?P<comment>.*\Z)))|{_LONG_STRING}|{_STRING}|//.*")
_HASH_LANGUAGES = ("python", "ruby", "bash")
# In these a blank line's indentation does not say in which function it is.
_BRACE_LANGUAGES = frozenset(
    ["c", "cpp", "csharp", "go", "java", "javascript", "kotlin", "php", "rust", "swift", "tsx", "typescript"]
)
_TYPE_OR_DEFAULT = re.compile("[:=]")
_PLACEHOLDER = "x"  # for the code to come: most grammars see no function without a body


@dataclass(frozen=True)
class CompletionContext:
    """A document and the cursor in it, with what is derived from them; rows and columns are 0-based."""

    path: Path
    language: str
    lines: tuple[str, ...]  # of the document
    row: int
    column: int
    function_parts: tuple[Snippet, ...]  # of the function that the cursor is in; () outside of any
    other_snippets: tuple[Snippet, ...]  # of the document
    parsed: ParsedSource | None = None  # the document at its last parse, which may be some keys ago

    @property
    def text_before(self) -> str:
        """Return the cursor's line up to the cursor, its indentation included."""
        return self.lines[self.row][: self.column]

    @property
    def text_after(self) -> str:
        """Return the cursor's line from the cursor on."""
        return self.lines[self.row][self.column :]

    @property
    def first_row(self) -> int:
        """Return the 0-based row on which the context starts: the function's, but at most 60 above the cursor."""
        return (
            max(self.function_parts[0].span.start, self.row - MAX_CONTEXT_LINES)
            if self.function_parts
            else max(self.row - MAX_CONTEXT_LINES, 0)
        )

    @property
    def kind(self) -> SnippetKind:
        """Return the kind of the cursor's function; LINES outside of any."""
        return self.function_parts[0].kind if self.function_parts else SnippetKind.LINES

    @property
    def name(self) -> str:
        """Return the name of the cursor's function; "" outside of any."""
        return self.function_parts[0].name if self.function_parts else ""

    @cached_property
    def start_lines(self) -> tuple[str, ...]:
        """Return the lines of the context above the cursor's line, at most 60, blank ones and comments included."""
        return self.lines[self.first_row : self.row]

    @cached_property
    def content_lines(self) -> tuple[str, ...]:
        """Return the context's lines of code above the cursor's, without blank lines, comments and lone {."""
        hasher = make_line_hasher(self.language)
        return tuple(line for line in self.start_lines if hasher[line])

    @cached_property
    def can_continue(self) -> bool:
        """Return whether the context has code, and the cursor is in no comment, string or unfinished indent."""
        return bool(self.content_lines) and not _is_being_indented(self) and not self.is_in_prose

    @cached_property
    def is_in_prose(self) -> bool:
        """Return whether the context's lines above the cursor's leave a comment or a string open."""
        return is_inside_prose(self.start_lines, self.language)

    @cached_property
    def line_hashes(self) -> tuple[int, ...]:
        """Return a hash of each of `content_lines` (without comments), locals and literals abstracted; cached."""
        hasher = make_line_hasher(self.language)
        return tuple(hasher[line] for line in self.content_lines)

    @cached_property
    def indent_column(self) -> int | None:
        """Return the column at which code on the cursor's line starts; None where the editor has yet to indent it."""
        if not self.text_before and self.content_lines and measure_indent(self.content_lines[-1]):
            return None
        return measure_indent(self.text_before + _PLACEHOLDER)

    @cached_property
    def is_signature_only(self) -> bool:
        """Return whether the cursor is in a function whose signature is typed and whose body has no code yet."""
        if not self.function_parts or self.function_parts[0].part:
            return False
        hasher, name_row = make_line_hasher(self.language), self.function_parts[0].name_line
        return self.row > name_row and not any(hasher[line] for line in self.lines[name_row + 1 : self.row])

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Return parameter names of the function's 3 first lines; () outside, in later parts, if one is two words."""
        if not self.function_parts or self.function_parts[0].part:
            return ()
        name_row = self.function_parts[0].name_line
        return parse_parameters(self.lines[name_row : min(self.row, name_row + SIGNATURE_LINES)])

    @cached_property
    def local_names(self) -> frozenset[str]:
        """Return the local names in the context's text up to the cursor."""
        return frozenset(find_local_names("\n".join((*self.start_lines, self.text_before))))

    @cached_property
    def other_lines(self) -> str:
        """Return the document's text, without the lines below the cursor in its function, as one string."""
        function_end = max((part.span.end for part in self.function_parts), default=self.row + 1)
        return "\n".join((*self.lines[: self.row + 1], *self.lines[max(function_end, self.row + 1) :]))

    @cached_property
    def word_set(self) -> frozenset[str]:
        """Return the distinct words, split and in lower case, of `content_lines`."""
        return frozenset().union(*map(split_word_set, self.content_lines))

    @cached_property
    def open_bracket(self) -> str:
        """Return the innermost bracket that the context's lines above the cursor's leave open; "" for none."""
        return find_open_bracket(self.start_lines)

    @cached_property
    def block_header(self) -> str:
        """Return the line that opened the cursor's block; "" outside of any. Raises IndexError for no content line."""
        return find_block_header(
            self.start_lines,
            self.indent_column if self.indent_column is not None else measure_indent(self.content_lines[-1]) + 1,
        )

    @cached_property
    def query_text(self) -> str:
        """Return the text that the model embeds: from the context's start to the cursor, right-stripped."""
        return "\n".join((*self.start_lines, self.text_before)).rstrip()

    @cached_property
    def stripped_lines(self) -> frozenset[str]:
        """Return the distinct `content_lines`, each without any white space."""
        return frozenset("".join(line.split()) for line in self.content_lines)


def read_context(cursor: Cursor, former: CompletionContext | None = None) -> CompletionContext:
    """Return the context of the cursor, parsing the text if need be; row and column are clamped to the text.

    Where only one function has changed since the `former` context, the other snippets are taken from it.
    """
    lines = split_lines(cursor.text)
    row = min(max(cursor.row, 0), len(lines) - 1)
    column = min(max(cursor.column, 0), len(lines[row]))
    parsed = former.parsed if former else None
    snippets = _update_snippets(former, lines, row) if former else []
    if not snippets:
        before, after = lines[row][:column], lines[row][column:]
        cursor_line = lines[row] if before.strip() else f"{before or _guess_indent(lines, row)}{_PLACEHOLDER}{after}"
        snippets, parsed = extract_with_tree([*lines[:row], cursor_line, *lines[row + 1 :]], cursor.language, parsed)
    function_parts = _find_function_parts(snippets, row)
    spans = {part.span for part in function_parts}
    other_snippets = tuple(snippet for snippet in snippets if snippet.span not in spans)
    return CompletionContext(
        cursor.path, cursor.language, tuple(lines), row, column, tuple(function_parts), other_snippets, parsed
    )


def _find_function_parts(snippets: Sequence[Snippet], cursor_row: int) -> list[Snippet]:
    """Return the snippets, in order, that the definition around the row was cut into; [] outside of any."""
    cursor_part = next((snippet for snippet in snippets if snippet.span.start <= cursor_row < snippet.span.end), None)
    if cursor_part is None:
        return []
    qualified_name = cursor_part.qualified_name
    namesakes = [
        snippet
        for snippet in snippets
        if snippet.qualified_name == qualified_name and (qualified_name or snippet.span.start <= cursor_row)
    ]
    return _select_adjacent_parts(namesakes, cursor_part)


def _is_being_indented(context: CompletionContext) -> bool:
    """Return whether the cursor is left of the last Python line, at a column where no line of its context starts."""
    if context.language != "python" or context.text_before.strip() or not context.text_before:
        return False
    columns = [measure_indent(line) for line in context.content_lines]
    cursor_column = measure_indent(context.text_before + _PLACEHOLDER)
    return cursor_column < columns[-1] and cursor_column not in columns


def _guess_indent(lines: Sequence[str], cursor_row: int) -> str:
    """Return the indentation for a line that has none: that of the line above, 4 spaces deeper if it ends in : or {."""
    line_above = lines[cursor_row - 1] if cursor_row else ""
    return line_above[: len(line_above) - len(line_above.lstrip())] + (
        "    " if line_above.rstrip().endswith((":", "{")) else ""
    )


def _update_snippets(former: CompletionContext, lines: Sequence[str], cursor_row: int) -> list[Snippet]:
    """Return the former context's snippets, moved to where they are in `lines`; [] where it must be parsed anew."""
    if lines[cursor_row].strip() and is_closing(lines[cursor_row]):
        return []  # the bracket that was open may have held everything below it
    edit = find_edit(former.lines, lines)
    snippets = sorted((*former.function_parts, *former.other_snippets), key=lambda snippet: snippet.span.start)
    return update_snippets(
        snippets, edit, lines, cursor_row, is_cursor_line=_is_on_cursor_line(former, edit, lines, cursor_row)
    )


def _is_on_cursor_line(former: CompletionContext, edit: Edit, lines: Sequence[str], row: int) -> bool:
    """Return whether only the cursor's line can have changed, on the same row, with text left of it or still blank."""
    if row != former.row or edit.added:
        return False
    is_blank = former.language in _BRACE_LANGUAGES and not (former.lines[row].strip() or lines[row].strip())
    is_started = bool(former.text_before.strip()) or is_blank
    return (edit.keeps_all_lines or (is_started and edit.start == row)) and edit.end <= max(row + 1, edit.start)


def _select_adjacent_parts(parts: Sequence[Snippet], cursor_part: Snippet) -> list[Snippet]:
    """Return the parts numbered consecutively around the cursor's, of one definition; just it if it has no number."""
    if not cursor_part.part:
        return [cursor_part]
    position = next(index for index, part in enumerate(parts) if part.span == cursor_part.span)
    first_position, end_position = position, position + 1
    while first_position and parts[first_position - 1].part == parts[first_position].part - 1 > 0:
        first_position -= 1
    while end_position < len(parts) and parts[end_position].part == parts[end_position - 1].part + 1:
        end_position += 1
    return list(parts[first_position:end_position])


def measure_indent(line: str) -> int:
    """Return the column at which the text starts, tabs to the next multiple of four; the length of a blank line."""
    indentation = line[: len(line) - len(line.lstrip())]
    return len(indentation.expandtabs(4)) if "\t" in indentation else len(indentation)


@lru_cache(maxsize=_CACHED_SIGNATURES)
def parse_parameters(signature: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a signature's parameters, in order; () for none or if one has several words for a name."""
    parameters, bracket_depth, parameter_text = list[str](), 0, ""
    for character in " ".join(signature).partition("(")[2]:
        bracket_depth += (character in "([{<") - (character in ")]}>")
        if bracket_depth < 0:
            break
        if character == "," and not bracket_depth:
            parameters, parameter_text = [*parameters, parameter_text], ""
        else:
            parameter_text += character
    names_of_parameters = [
        find_local_names(_TYPE_OR_DEFAULT.split(parameter)[0].replace("$", ""))
        for parameter in (*parameters, parameter_text)
        if parameter.strip()
    ]
    if any(len(names) > 1 for names in names_of_parameters):
        return ()
    return tuple(names[0] for names in names_of_parameters if names)


def is_inside_prose(lines: Sequence[str], language: str) -> bool:
    """Return whether the lines end inside a comment or string of several lines; judged without parsing them."""
    pattern = _PROSE_WITH_HASHES if language in _HASH_LANGUAGES else _PROSE_WITH_SLASHES
    return any(match.lastgroup in ("comment", "string") for match in pattern.finditer("\n".join(lines)))


def find_open_bracket(lines: Sequence[str]) -> str:
    """Return the innermost bracket, outside of strings, that the lines leave open; "" for none; kinds don't matter."""
    open_brackets: list[str] = []
    for bracket in _BRACKET.findall(blank_strings("\n".join(lines))):
        if bracket in "([{":
            open_brackets.append(bracket)
        elif open_brackets:
            open_brackets.pop()
    return open_brackets[-1] if open_brackets else ""


def find_block_header(lines: Sequence[str], column: int) -> str:
    """Return the last non-blank line that starts left of `column`; "" where there is none."""
    return next((line for line in reversed(lines) if line.strip() and measure_indent(line) < column), "")
