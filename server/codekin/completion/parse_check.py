"""Check that a document parses no worse with a completion than without."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codekin.code.parsing import Syntax, encode_source, load_syntax, parse_rewritten, parse_source, rewrite_for_parse
from codekin.completion.context import CompletionContext

if TYPE_CHECKING:
    from tree_sitter import Node

_PYTHON_HEADER = re.compile(r"\s*(?:async|class|def|elif|except|for|if|while|with)\b")
_OPENING_ENDS = (":", "(", "[", "{", ",", "\\", "and", "or")  # of headers, or of lines that others continue
_PROSE_TYPES = re.compile("comment|string|heredoc")  # of syntax nodes


class _Surroundings:
    """The lines above and below the cursor's, rewritten for the parser once for all texts on the cursor's line."""

    def __init__(self, context: CompletionContext, syntax: Syntax) -> None:
        self.lines_above = context.lines[: context.row]
        self.lines_below = context.lines[context.row + 1 :]
        surrounding_bytes = rewrite_for_parse(encode_source([*self.lines_above, "", *self.lines_below]), syntax)
        cursor_offset = len(encode_source(self.lines_above)) + 1 if self.lines_above else 0
        self._above, self._below, self._syntax = (
            surrounding_bytes[:cursor_offset],
            surrounding_bytes[cursor_offset:],
            syntax,
        )
        self.errors: int | None = None  # with an empty line at the cursor, once they are counted

    def surround(self, cursor_line: str) -> bytes:
        """Return the bytes to parse: the document with `cursor_line` instead of the cursor's line, rewritten."""
        return self._above + rewrite_for_parse(encode_source(cursor_line.split("\n")), self._syntax) + self._below


class ParseCheck:
    """Checks whether the document parses no worse with a text inserted at the cursor; keeps the latest tree."""

    def __init__(self, context: CompletionContext, former_check: "ParseCheck | None" = None) -> None:
        """`former_check` is the check of the document's last context: what is the same on the same line is reused."""
        self._context = context
        self._parsed = context.parsed  # this document, in the last text that was parsed
        self._syntax = load_syntax(context.language)
        self._errors_before: int | None = None
        self._surroundings = former_check.reuse_surroundings(context) if former_check else None

    @property
    def context(self) -> CompletionContext:
        """Return the context with the syntax tree of the latest check, for a fast next parse."""
        return replace(self._context, parsed=self._parsed)

    def is_no_worse(self, inserted_text: str) -> bool:
        """Parse the document with the text; True if it adds no errors, False without a grammar or in prose."""
        context = self._context
        root_node = self._parse(context.text_before + inserted_text + context.text_after)
        if root_node is None or _is_in_prose(root_node, context):
            return False
        if context.language == "python" and _leaves_try_open(root_node, context.row, inserted_text.count("\n")):
            return False
        error_count = _count_errors(root_node)
        return not error_count or error_count <= self._count_errors_before()

    def fits_line(self, inserted_text: str, *, ends_line: bool = True) -> bool:
        """Return whether the text fits the cursor's line: no new parse errors, or there are some even without the line.

        Where there are errors without the line, their number says nothing about it. A header in Python that the text
        ends must have its colon.
        """
        context = self._context
        cursor_line = context.text_before + inserted_text + context.text_after
        root_node = self._parse(cursor_line)
        surroundings = self._get_surroundings()
        if root_node is None or surroundings is None or _is_in_prose(root_node, context):
            return False
        error_count = _count_errors(root_node)
        if not error_count:
            return True
        if surroundings.errors is None:
            root_without = self._parse("")
            surroundings.errors = _count_errors(root_without) if root_without else 0
        if surroundings.errors:
            return True
        is_header = ends_line and context.language == "python" and _PYTHON_HEADER.match(cursor_line) is not None
        if is_header and not cursor_line.rstrip().endswith(_OPENING_ENDS):
            return False
        return error_count <= self._count_errors_before()

    def _count_errors_before(self) -> int:
        """Return the number of parse errors with the cursor's line as it is, 0 if it can't be parsed; cached."""
        if self._errors_before is None:
            root_before = self._parse(self._context.lines[self._context.row])
            self._errors_before = _count_errors(root_before) if root_before else 0
        return self._errors_before

    def reuse_surroundings(self, context: CompletionContext) -> _Surroundings | None:
        """Return this check's rewritten lines above and below the cursor's if `context` has the same; else None."""
        kept_surroundings = self._surroundings
        is_same = (
            kept_surroundings is not None
            and context.language == self._context.language
            and context.row == self._context.row
            and context.lines[: context.row] == kept_surroundings.lines_above
            and context.lines[context.row + 1 :] == kept_surroundings.lines_below
        )
        return kept_surroundings if is_same else None

    def _get_surroundings(self) -> _Surroundings | None:
        """Return the lines around the cursor's, rewritten for the parser, made on first use; None without a grammar."""
        if self._surroundings is None and self._syntax is not None:
            self._surroundings = _Surroundings(self._context, self._syntax)
        return self._surroundings

    def _parse(self, cursor_line: str) -> "Node | None":
        """Parse the document with this `cursor_line`, keep the tree, return its root; None if that fails.

        It fails without a grammar, and over budget.
        """
        surroundings = self._get_surroundings()
        if surroundings is None or self._syntax is None:
            return None
        parsed_source = parse_rewritten(surroundings.surround(cursor_line), self._syntax, self._parsed)
        self._parsed = parsed_source or self._parsed
        return parsed_source.tree.root_node if parsed_source else None


def _leaves_try_open(root_node: "Node", first_row: int, row_count: int) -> bool:
    """Return whether a `try` from `first_row` to `row_count` rows later has no except or finally: no parse error."""
    last_row = first_row + row_count
    pending_nodes = [root_node.descendant_for_point_range((first_row, 0), (last_row, 0))]
    while pending_nodes:
        node = pending_nodes.pop()
        if node is None or node.start_point[0] > last_row or node.end_point[0] < first_row:
            continue
        if node.type == "try_statement" and node.start_point[0] >= first_row:
            clauses = [child for child in node.named_children if child.type.startswith(("except", "finally"))]
            if not clauses:
                return True
        pending_nodes += node.children
    return False


def _is_in_prose(root_node: "Node", context: CompletionContext) -> bool:
    """Return whether the cursor is inside a comment or string that began on a line above."""
    point = context.row, len(context.text_before.encode("utf-8", "replace"))
    node = root_node.descendant_for_point_range(point, point)
    while node is not None:
        if _PROSE_TYPES.search(node.type) and node.start_point[0] < context.row:
            return True
        node = node.parent
    return False


def count_parse_errors(source_lines: Sequence[str], language: str) -> float:
    """Return the number of errors and missing nodes in the lines' tree; infinity without a grammar or over budget."""
    syntax = load_syntax(language)
    root_node = parse_source(encode_source(source_lines), syntax) if syntax else None
    return _count_errors(root_node) if root_node is not None else math.inf


def _count_errors(root_node: "Node") -> int:
    """Return the number of errors and missing nodes in the tree of `root_node`, hidden ones included."""
    error_count, pending_nodes = 0, [root_node] if root_node.has_error else []
    while pending_nodes:
        node = pending_nodes.pop()
        faulty_children = [child for child in node.children if child.has_error]
        # An error without a faulty child is a node that the parser made up and does not show: a line end in Python.
        error_count += node.is_error or node.is_missing or not faulty_children
        pending_nodes += faulty_children
    return error_count
