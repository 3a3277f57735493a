"""Turn lines of other code into the text to insert at the cursor.

The text has the file's indentation, continues what is typed, leaves what is right of the cursor, and is offered only
where the file then parses no worse.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from codekin.code.parsing import encode_source, load_syntax, parse_incrementally, parse_source
from codekin.completion.context import CompletionContext, measure_indent

if TYPE_CHECKING:
    from tree_sitter import Node

_CLOSERS = re.compile(r"[\s)\]}>;,\"'`]*")
_SECRET = re.compile(
    r"-----BEGIN|\b(?:AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|sk_live_|sk-[A-Za-z0-9]{16}|AIza)|eyJ[\w-]{10,}\.|"
    r"(?i:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential|auth)\w*[\"']?\s*(?::=|=>|[:=])\s*"
    r"(?:\w+\(\s*)?[\"'`][^\"'`\s]{3,}[\"'`]|://[^\s/:\"']+:[^\s/@\"']{3,}@"
)
_PROSE_TYPES = re.compile("comment|string|heredoc")  # of syntax nodes
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


class ParseCheck:
    """Checks whether the document parses no worse with a text inserted at the cursor; keeps the latest tree."""

    def __init__(self, context: CompletionContext) -> None:
        self._context = context
        self._errors_before: int | None = None
        self.parsed = context.parsed  # this document, in the last text that was parsed

    def is_no_worse(self, inserted_text: str) -> bool:
        """Return whether the text adds no parse errors; False without a grammar, over budget, or in comments."""
        context = self._context
        cursor_lines = (context.text_before + inserted_text + context.text_after).split("\n")
        root_node = self._parse([*context.lines[: context.row], *cursor_lines, *context.lines[context.row + 1 :]])
        if root_node is None or _is_in_prose(root_node, context):
            return False
        errors = _count_errors(root_node)
        if errors and self._errors_before is None:
            root_before = self._parse(context.lines)
            self._errors_before = _count_errors(root_before) if root_before else 0
        return not errors or errors <= (self._errors_before or 0)

    def fits_line(self, text: str) -> bool:
        """Return whether the text may end the cursor's line: it parses no worse, or the document is broken elsewhere.

        In a document with errors on other lines, their number says nothing about this one.
        """
        context = self._context
        if self.is_no_worse(text):
            return True
        root = self._parse([*context.lines[: context.row], "", *context.lines[context.row + 1 :]])
        return root is not None and not _is_in_prose(root, context) and _count_errors(root) > 0

    def _parse(self, lines: Sequence[str]) -> "Node | None":
        """Parse the lines incrementally, keep the tree, return its root; None without a grammar or over budget."""
        syntax = load_syntax(self._context.language)
        parsed = parse_incrementally(encode_source(lines), syntax, self.parsed) if syntax else None
        self.parsed = parsed or self.parsed
        return parsed.tree.root_node if parsed else None


def _is_in_prose(root_node: "Node", context: CompletionContext) -> bool:
    """Return whether the cursor is inside a comment or string that began on a line above."""
    point = context.row, len(context.text_before.encode("utf-8", "replace"))
    node = root_node.descendant_for_point_range(point, point)
    while node is not None:
        if _PROSE_TYPES.search(node.type) and node.start_point[0] < context.row:
            return True
        node = node.parent
    return False


def count_parse_errors(lines: Sequence[str], language: str) -> float:
    """Return the number of errors and missing nodes in the lines' tree; infinity without a grammar or over budget."""
    syntax = load_syntax(language)
    root_node = parse_source(encode_source(lines), syntax) if syntax else None
    return _count_errors(root_node) if root_node is not None else math.inf


def _count_errors(root_node: "Node") -> int:
    """Return the number of errors and missing nodes in the tree of `root_node`, hidden ones included."""
    count, nodes = 0, [root_node] if root_node.has_error else []
    while nodes:
        node = nodes.pop()
        faulty_children = [child for child in node.children if child.has_error]
        # An error without a faulty child is a node that the parser made up and does not show: a line end in Python.
        count += node.is_error or node.is_missing or not faulty_children
        nodes += faulty_children
    return count
