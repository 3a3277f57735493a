"""Edits of type 1: they change layout and comments only."""

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import Edit, ParsedFunction
from codekin.evaluation.mutations.words import choose_comment

if TYPE_CHECKING:
    from tree_sitter import Node

_LIST_TYPES = re.compile(r"arguments|argument_list|parameters|parameter_list|formal_parameters")
_BLOCK_TYPES = ("block", "statement_block", "compound_statement", "constructor_body", "class_body", "declaration_list")
_MACRO_TYPES = re.compile(r"preproc|macro")


def remove_comments(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text without comments, docstrings kept; None where there are none."""
    del generator
    comments = [node for node in function.nodes if "comment" in node.type and "comment" not in _get_parent_type(node)]
    return function.apply_edits(_make_removal(function, node) for node in comments) if comments else None


def add_comment(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a comment above one to three random statements; None where there is no place for one."""
    rows = _find_statement_rows(function)
    lines = list(function.lines)
    for row in sorted(generator.sample(rows, min(len(rows), generator.randint(1, 3))), reverse=True):
        lines.insert(
            row,
            function.read_indentation(row)
            + function.language_templates.comment.format(words=choose_comment(generator)),
        )
    return function.replace_lines(0, len(function.lines) - 1, lines) if rows else None


def change_blank_lines(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text without blank lines or, if it has none, with some between statements; None if neither."""
    blank_rows = [
        row for row, line in enumerate(function.lines) if not line.strip() and row not in function.frozen_rows
    ]
    if blank_rows:
        kept_lines = [line for row, line in enumerate(function.lines) if row not in blank_rows]
        return function.replace_lines(0, len(function.lines) - 1, kept_lines)
    rows = _find_statement_rows(function)
    lines = list(function.lines)
    for row in sorted(generator.sample(rows, (len(rows) + 1) // 2), reverse=True):
        lines.insert(row, "")
    return function.replace_lines(0, len(function.lines) - 1, lines) if rows else None


def change_indentation(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with other spaces, or tabs, per level, not inside strings; None for unusual indentation."""
    old_step = function.indentation_step
    if old_step not in ("\t", "  ", "    ", "        "):
        return None
    new_step = generator.choice([step for step in ("\t", "  ", "    ") if step != old_step])
    lines = [
        _reindent_line(line, old_step, new_step) if row not in function.frozen_rows else line
        for row, line in enumerate(function.lines)
    ]
    return function.replace_lines(0, len(function.lines) - 1, lines)


def rewrap_arguments(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text, a random list of arguments or parameters joined on one line or split; None if none can be."""
    argument_lists = [
        node for node in function.nodes if _LIST_TYPES.fullmatch(node.type) and function.read_text(node).startswith("(")
    ]
    multiline_lists = [node for node in argument_lists if node.start_point[0] != node.end_point[0]]
    edits = [edit for node in multiline_lists if (edit := _join_list(function, node)) is not None]
    if edits and generator.random() < 0.8:
        return function.apply_edits(generator.choice(edits))
    wrappable_lists = [node for node in argument_lists if node.named_child_count > 1 and node not in multiline_lists]
    return (
        function.apply_edits(_split_list(function, generator.choice(wrappable_lists)))
        if wrappable_lists and function.language != "bash"
        else None
    )


def change_quotes(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with all plain strings in the language's other quotes; None without such strings or quotes."""
    del generator
    if not function.language_templates.quotes:
        return None
    edits: list[Edit] = []
    for node in function.nodes:
        string_literal = function.read_text(node) if node.type == "string" else ""
        if re.fullmatch(r"""(['"])[^'"\\\n]*\1""", string_literal):
            quote_mark = '"' if string_literal[0] == "'" else "'"
            edits.append((node.start_byte, node.end_byte, quote_mark + string_literal[1:-1] + quote_mark))
    return function.apply_edits(edits) if edits else None


def move_braces(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with the { of each block of several lines on its own line; None if there is none or unsafe."""
    del generator
    edits: list[Edit] = []
    for node in function.nodes:
        previous_node = node.prev_sibling
        if node.type not in _BLOCK_TYPES or previous_node is None or previous_node.end_point[0] != node.start_point[0]:
            continue
        if function.read_text(node).startswith("{") and node.start_point[0] != node.end_point[0]:
            edits.append(
                (previous_node.end_byte, node.start_byte, "\n" + function.read_indentation(node.start_point[0]))
            )
    is_unsafe = not function.language_templates.braces or any(_MACRO_TYPES.match(node.type) for node in function.nodes)
    return None if is_unsafe or not edits else function.apply_edits(edits)


LAYOUTS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "comments removed": remove_comments,
    "comments added": add_comment,
    "blank lines": change_blank_lines,
    "indentation": change_indentation,
    "lists wrapped": rewrap_arguments,
    "quotes": change_quotes,
    "braces moved": move_braces,
}


def _get_parent_type(node: "Node") -> str:
    """Return the type of the node's parent; "" for the root."""
    return node.parent.type if node.parent is not None else ""


def _make_removal(function: ParsedFunction, comment: "Node") -> Edit:
    """Return (start byte, end byte, "") to remove a comment and blanks before it, with its line if alone on it."""
    comment_start, comment_end = comment.start_byte, comment.end_byte
    while function.data[comment_start:comment_end].endswith(b"\n"):  # some grammars include the line end
        comment_end -= 1
    blank_count = len(function.data[:comment_start]) - len(function.data[:comment_start].rstrip(b" \t"))
    has_own_line = function.data[: comment_start - blank_count][-1:] in (b"", b"\n") and function.data[
        comment_end : comment_end + 1
    ] in (b"", b"\n")
    return (comment_start - blank_count, min(comment_end + has_own_line, len(function.data)), "")


def _find_statement_rows(function: ParsedFunction) -> list[int]:
    """Return the rows, ascending, where a statement begins that is not its block's first and has its own lines."""
    first_rows = {
        rows[0]
        for block in function.blocks
        for statement in block[1:]
        if (rows := function.find_statement_rows(statement))
    }
    return sorted(first_rows - function.frozen_rows)


def _reindent_line(line: str, old_step: str, new_step: str) -> str:
    """Return the line with each full level of indentation replaced; an incomplete one is kept."""
    line_text = line.lstrip(old_step[0])
    indent_length = len(line) - len(line_text)
    return new_step * (indent_length // len(old_step)) + old_step[0] * (indent_length % len(old_step)) + line_text


def _join_list(function: ParsedFunction, node: "Node") -> list[Edit] | None:
    """Return the edits, maybe none, that put a list in () on one line; None if an item has a comment or line break."""
    children = node.children
    if any(
        "comment" in child_node.type or child_node.start_point[0] != child_node.end_point[0] for child_node in children
    ):
        return None
    return [
        (
            left_node.end_byte,
            right_node.start_byte,
            " " if function.read_text(left_node) == "," and function.read_text(right_node) != ")" else "",
        )
        for left_node, right_node in pairwise(children)
        if left_node.end_point[0] != right_node.start_point[0]
    ]


def _split_list(function: ParsedFunction, node: "Node") -> list[Edit]:
    """Return the edits that begin a new line after each comma of the list."""
    indent = function.read_indentation(node.start_point[0]) + 2 * function.indentation_step
    return [
        (comma.end_byte, following_node.start_byte, "\n" + indent)
        for comma, following_node in pairwise(node.children)
        if comma.type == "," and function.read_text(following_node) != ")"
    ]
