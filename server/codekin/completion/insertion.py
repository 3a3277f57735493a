"""Turn lines of other code into the text to insert at the cursor.

The text has the file's indentation, continues what is typed, and leaves what is right of the cursor.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from codekin.code.line_hashes import blank_strings
from codekin.completion.context import CompletionContext, measure_indent

_CLOSERS = re.compile(r"[\s)\]}>;,\"'`]*")
_CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
_SECRET = re.compile(
    r"-----BEGIN|\b(?:AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|sk_live_|sk-[A-Za-z0-9]{16}|AIza)|eyJ[\w-]{10,}\.|"
    r"(?i:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential|auth)\w*[\"']?\s*(?::=|=>|[:=])\s*"
    r"(?:\w+\(\s*)?[\"'`][^\"'`\s]{3,}[\"'`]|://[^\s/:\"']+:[^\s/@\"']{3,}@"
)
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_INDENT_WIDTHS = (4, 2, 8, 3)  # in spaces; the first of equally frequent ones counts
_MAX_INDENT_LINES = 1000  # above and below the cursor, that show how the file is indented
_MIN_CHARACTER_CLASSES = 3  # in a generated key: lower case, upper case, digits
_MIN_CLASS_CHANGES = 3  # between letters and digits, in a generated key
_MIN_HEX_LENGTH = 32  # of a word of hexadecimal digits that is a key


def looks_secret(code_text: str) -> bool:
    """Return whether the text may hold a credential: a known form, a named secret with a value, a random word."""
    return _SECRET.search(code_text) is not None or any(
        _is_random(match[0]) for match in _LONG_WORD.finditer(code_text)
    )


def _is_random(word: str) -> bool:
    """Return whether a word looks generated: lower, upper, digits in turns, or 32 or more lower-case hex digits."""
    class_count = sum(re.search(pattern, word) is not None for pattern in ("[a-z]", "[A-Z]", "[0-9]"))
    change_count = len(re.findall(r"[a-zA-Z](?=[0-9])|[0-9](?=[a-zA-Z])", word))
    is_hexadecimal = len(word) >= _MIN_HEX_LENGTH and re.fullmatch("[0-9a-f]+", word) is not None
    return (class_count >= _MIN_CHARACTER_CLASSES and change_count >= _MIN_CLASS_CHANGES) or is_hexadecimal


def close_brackets(code_text: str) -> str:
    """Return the brackets that close those which the text leaves open, the innermost first; "" for none."""
    closers: list[str] = []
    for character in blank_strings(code_text):
        if character in _CLOSER_OF:
            closers.append(_CLOSER_OF[character])
        elif closers and character == closers[-1]:
            closers.pop()
    return "".join(reversed(closers))


def find_indent_unit(lines: Sequence[str]) -> str:
    """Return a level of indentation: a tab, or the commonest step of 2, 3, 4 or 8 spaces; "" if nothing is indented."""
    filled_lines = [filled_line for filled_line in lines if filled_line.strip()]
    if 2 * sum(filled_line[0] == "\t" for filled_line in filled_lines) > sum(
        filled_line[0] in " \t" for filled_line in filled_lines
    ):
        return "\t"
    step_counts = Counter(
        lower_indent - upper_indent for upper_indent, lower_indent in pairwise(map(measure_indent, filled_lines))
    )
    indent_width = max(_INDENT_WIDTHS, key=lambda indent_width: step_counts[indent_width])
    return " " * indent_width if step_counts[indent_width] else ""


def make_insertion(context: CompletionContext, lines: Sequence[str], source_lines: Sequence[str]) -> str | None:
    """Return the text to insert so that the document continues with `lines` of `source_lines`; None if it can't.

    `lines` are indented as in their source; the first one's indentation is the statement's. None where the
    typed text is not its beginning or all of it, or text right of the cursor is in the way.
    """
    first_line, typed_text = lines[0].strip(), context.text_before
    if typed_text.strip():
        indentation = typed_text[: len(typed_text) - len(typed_text.lstrip())]
        first_text = _find_untyped_part(first_line, typed_text)
    else:
        indentation = typed_text
        if context.indent_column is None:
            indentation = _guess_indentation(context, lines[0], source_lines)
        first_text = indentation[len(typed_text) :] + first_line
    if first_text is None:
        return None
    indent_unit = _find_unit_at_cursor(context)
    source_unit = find_indent_unit(source_lines) or indent_unit
    first_column = measure_indent(lines[0])
    body_lines = [
        indentation + _indent_anew(body_line, first_column, source_unit, indent_unit) if body_line.strip() else ""
        for body_line in lines[1:]
    ]
    return fit_text_after(context, first_text, body_lines)


def _find_untyped_part(source_line: str, typed_text: str) -> str | None:
    """Return the part of the line behind `typed_text`; None where the line starts otherwise or is typed completely."""
    typed_code = typed_text.strip()
    if not source_line.startswith(typed_code) or len(source_line) == len(typed_code):
        return None
    untyped_code = source_line[len(typed_code) :]
    trailing_blanks = len(typed_text) - len(typed_text.rstrip())
    return untyped_code[trailing_blanks:] if untyped_code.startswith(" " * trailing_blanks) else None


def _find_unit_at_cursor(context: CompletionContext) -> str:
    """Return one level of indentation of the lines around the cursor; four spaces where none is indented."""
    start_row, end_row = max(context.row - _MAX_INDENT_LINES, 0), context.row + _MAX_INDENT_LINES
    return find_indent_unit(context.lines[start_row:end_row]) or "    "


def _guess_indentation(context: CompletionContext, first_line: str, source_lines: Sequence[str]) -> str:
    """Return the indentation of the code above, one level more if `first_line` is deeper than the line before it."""
    last_line = context.content_lines[-1]
    indentation = last_line[: len(last_line) - len(last_line.lstrip())]
    first_row = next(
        (source_row for source_row, source_line in enumerate(source_lines) if source_line is first_line), 0
    )
    line_above = next(
        (source_line for source_line in reversed(source_lines[:first_row]) if source_line.strip()), first_line
    )
    is_deeper = measure_indent(first_line) > measure_indent(line_above)
    return indentation + _find_unit_at_cursor(context) if is_deeper else indentation


def _indent_anew(source_line: str, base_column: int, source_unit: str, indent_unit: str) -> str:
    """Return the line indented by `indent_unit` for each level, of `source_unit`, that it has beyond `base_column`."""
    indent_width = 4 if source_unit == "\t" else len(source_unit)
    indent_levels, spaces = divmod(max(measure_indent(source_line) - base_column, 0), indent_width)
    return indent_unit * indent_levels + " " * spaces + source_line.strip()


def fit_text_after(context: CompletionContext, first_text: str, body_lines: Sequence[str]) -> str | None:
    """Return the text without the closers that follow the cursor; None if it would repeat a line or displace code.

    Other text right of the cursor is never overwritten.
    """
    text_after = context.text_after.strip()
    if not text_after:
        next_line = next(
            (line_below.strip() for line_below in context.lines[context.row + 1 :] if line_below.strip()), ""
        )
        full_line = (context.text_before + first_text).strip()
        is_repetition = full_line == next_line and len(full_line) > 1 and not body_lines
        return None if is_repetition else "\n".join([first_text, *body_lines])
    if body_lines or not _CLOSERS.fullmatch(text_after) or not first_text.rstrip().endswith(text_after):
        return None
    return first_text.rstrip()[: -len(text_after)] or None
