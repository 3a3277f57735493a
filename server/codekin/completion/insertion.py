"""Turn lines of other code into the text to insert at the cursor.

The text has the file's indentation, continues what is typed, and leaves what is right of the cursor.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from codekin.completion.context import CompletionContext, measure_indent

_CLOSERS = re.compile(r"[\s)\]}>;,\"'`]*")
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


def looks_secret(text: str) -> bool:
    """Return whether the text may hold a credential: a known form, a named secret with a value, a random word."""
    return _SECRET.search(text) is not None or any(_is_random(match[0]) for match in _LONG_WORD.finditer(text))


def _is_random(word: str) -> bool:
    """Return whether a word looks generated: lower, upper, digits in turns, or 32 or more lower-case hex digits."""
    classes = sum(re.search(pattern, word) is not None for pattern in ("[a-z]", "[A-Z]", "[0-9]"))
    changes = len(re.findall(r"[a-zA-Z](?=[0-9])|[0-9](?=[a-zA-Z])", word))
    is_hexadecimal = len(word) >= _MIN_HEX_LENGTH and re.fullmatch("[0-9a-f]+", word) is not None
    return (classes >= _MIN_CHARACTER_CLASSES and changes >= _MIN_CLASS_CHANGES) or is_hexadecimal


def find_indent_unit(lines: Sequence[str]) -> str:
    """Return one level of indentation: a tab, or 2, 3, 4 or 8 spaces by frequency; "" where no line is indented."""
    filled_lines = [line for line in lines if line.strip()]
    if 2 * sum(line[0] == "\t" for line in filled_lines) > sum(line[0] in " \t" for line in filled_lines):
        return "\t"
    step_counts = Counter(below - above for above, below in pairwise(map(measure_indent, filled_lines)))
    width = max(_INDENT_WIDTHS, key=lambda width: step_counts[width])
    return " " * width if step_counts[width] else ""


def make_insertion(context: CompletionContext, lines: Sequence[str], source_lines: Sequence[str]) -> str | None:
    """Return the text to insert so that the document continues with `lines` of `source_lines`; None if it can't.

    `lines` are indented as in their source; the first one's indentation is the statement's. None where `typed` is not
    its beginning or all of it, or text right of the cursor is in the way.
    """
    first_line, typed = lines[0].strip(), context.text_before
    if typed.strip():
        indentation = typed[: len(typed) - len(typed.lstrip())]
        head = _find_untyped_part(first_line, typed)
    else:
        indentation = typed
        if context.indent_column is None:
            indentation = _guess_indentation(context, lines[0], source_lines)
        head = indentation[len(typed) :] + first_line
    if head is None:
        return None
    unit = _find_unit_at_cursor(context)
    source_unit = find_indent_unit(source_lines) or unit
    column = measure_indent(lines[0])
    body = [indentation + _indent_anew(line, column, source_unit, unit) if line.strip() else "" for line in lines[1:]]
    return fit_text_after(context, head, body)


def _find_untyped_part(line: str, typed: str) -> str | None:
    """Return the part of the line behind `typed`; None where the line starts otherwise or is typed completely."""
    typed_code = typed.strip()
    if not line.startswith(typed_code) or len(line) == len(typed_code):
        return None
    untyped = line[len(typed_code) :]
    trailing_blanks = len(typed) - len(typed.rstrip())
    return untyped[trailing_blanks:] if untyped.startswith(" " * trailing_blanks) else None


def _find_unit_at_cursor(context: CompletionContext) -> str:
    """Return one level of indentation of the lines around the cursor; four spaces where none is indented."""
    start, end = max(context.row - _MAX_INDENT_LINES, 0), context.row + _MAX_INDENT_LINES
    return find_indent_unit(context.lines[start:end]) or "    "


def _guess_indentation(context: CompletionContext, first_line: str, source_lines: Sequence[str]) -> str:
    """Return the indentation of the line above the cursor, one level deeper if the line is deeper in its source."""
    last_line = context.content_lines[-1]
    indentation = last_line[: len(last_line) - len(last_line.lstrip())]
    first_row = next((row for row, line in enumerate(source_lines) if line is first_line), 0)
    line_above = next((line for line in reversed(source_lines[:first_row]) if line.strip()), first_line)
    is_deeper = measure_indent(first_line) > measure_indent(line_above)
    return indentation + _find_unit_at_cursor(context) if is_deeper else indentation


def _indent_anew(line: str, column: int, source_unit: str, unit: str) -> str:
    """Return the line indented by `unit` for each level, of `source_unit`, that it has beyond `column`."""
    width = 4 if source_unit == "\t" else len(source_unit)
    levels, spaces = divmod(max(measure_indent(line) - column, 0), width)
    return unit * levels + " " * spaces + line.strip()


def fit_text_after(context: CompletionContext, head: str, body: Sequence[str]) -> str | None:
    """Return the text without the closers that follow the cursor; None if it would repeat a line or displace code.

    Other text right of the cursor is never overwritten.
    """
    text_after = context.text_after.strip()
    if not text_after:
        next_line = next((line.strip() for line in context.lines[context.row + 1 :] if line.strip()), "")
        full_line = (context.text_before + head).strip()
        is_repetition = full_line == next_line and len(full_line) > 1 and not body
        return None if is_repetition else "\n".join([head, *body])
    if body or not _CLOSERS.fullmatch(text_after) or not head.rstrip().endswith(text_after):
        return None
    return head.rstrip()[: -len(text_after)] or None
