"""Type 1: what is written is the same; how it is laid out is not."""

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import Edit, ParsedFunction
from codekin.evaluation.mutations.words import choose_comment

if TYPE_CHECKING:
    from tree_sitter import Node

_LISTS = re.compile(r"arguments|argument_list|parameters|parameter_list|formal_parameters")
_BLOCKS = ("block", "statement_block", "compound_statement", "constructor_body", "class_body", "declaration_list")
_DEFINES = re.compile(r"preproc|macro")


def remove_comments(source: ParsedFunction, rng: Random) -> str | None:
    """No comment is left; a docstring, which the program can read, stays."""
    del rng
    comments = [node for node in source.nodes if "comment" in node.type and "comment" not in _parent_type(node)]
    return source.apply_edits(_removal(source, node) for node in comments) if comments else None


def add_comment(source: ParsedFunction, rng: Random) -> str | None:
    """One to three statements have a comment above them."""
    rows = _statement_rows(source)
    lines = list(source.lines)
    for row in sorted(rng.sample(rows, min(len(rows), rng.randint(1, 3))), reverse=True):
        lines.insert(
            row, source.read_indentation(row) + source.language_templates.comment.format(words=choose_comment(rng))
        )
    return source.replace_lines(0, len(source.lines) - 1, lines) if rows else None


def change_blank_lines(source: ParsedFunction, rng: Random) -> str | None:
    """Blank lines are gone or, where there were none, come between statements."""
    blank = [row for row, line in enumerate(source.lines) if not line.strip() and row not in source.frozen_rows]
    if blank:
        kept = [line for row, line in enumerate(source.lines) if row not in blank]
        return source.replace_lines(0, len(source.lines) - 1, kept)
    rows = _statement_rows(source)
    lines = list(source.lines)
    for row in sorted(rng.sample(rows, (len(rows) + 1) // 2), reverse=True):
        lines.insert(row, "")
    return source.replace_lines(0, len(source.lines) - 1, lines) if rows else None


def reindent(source: ParsedFunction, rng: Random) -> str | None:
    """Each level is another number of columns, or a tab."""
    step = source.indentation_step
    if step not in ("\t", "  ", "    ", "        "):
        return None
    other = rng.choice([one for one in ("\t", "  ", "    ") if one != step])
    lines = [
        _reindented(line, step, other) if row not in source.frozen_rows else line
        for row, line in enumerate(source.lines)
    ]
    return source.replace_lines(0, len(source.lines) - 1, lines)


def rewrap_arguments(source: ParsedFunction, rng: Random) -> str | None:
    """An argument or parameter list that stood on one line takes one for each, or the other way round."""
    lists = [node for node in source.nodes if _LISTS.fullmatch(node.type) and source.read_text(node).startswith("(")]
    joinable = [node for node in lists if node.start_point[0] != node.end_point[0]]
    edits = [edit for node in joinable if (edit := _joined(source, node)) is not None]
    if edits and rng.random() < 0.8:
        return source.apply_edits(rng.choice(edits))
    long = [node for node in lists if node.named_child_count > 1 and node not in joinable]
    return source.apply_edits(_parted(source, rng.choice(long))) if long and source.language != "bash" else None


def change_quotes(source: ParsedFunction, rng: Random) -> str | None:
    """Plain strings stand between the language's other marks."""
    del rng
    if not source.language_templates.quotes:
        return None
    edits: list[Edit] = []
    for node in source.nodes:
        said = source.read_text(node) if node.type == "string" else ""
        if re.fullmatch(r"""(['"])[^'"\\\n]*\1""", said):
            mark = '"' if said[0] == "'" else "'"
            edits.append((node.start_byte, node.end_byte, mark + said[1:-1] + mark))
    return source.apply_edits(edits) if edits else None


def move_braces(source: ParsedFunction, rng: Random) -> str | None:
    """Opening braces stand on a line of their own."""
    del rng
    edits: list[Edit] = []
    for node in source.nodes:
        before = node.prev_sibling
        if node.type not in _BLOCKS or before is None or before.end_point[0] != node.start_point[0]:
            continue
        if source.read_text(node).startswith("{") and node.start_point[0] != node.end_point[0]:
            edits.append((before.end_byte, node.start_byte, "\n" + source.read_indentation(node.start_point[0])))
    unsafe = not source.language_templates.braces or any(_DEFINES.match(node.type) for node in source.nodes)
    return None if unsafe or not edits else source.apply_edits(edits)


LAYOUTS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "comments removed": remove_comments,
    "comments added": add_comment,
    "blank lines": change_blank_lines,
    "indentation": reindent,
    "lists wrapped": rewrap_arguments,
    "quotes": change_quotes,
    "braces moved": move_braces,
}


def _parent_type(node: "Node") -> str:
    return node.parent.type if node.parent is not None else ""


def _removal(source: ParsedFunction, comment: "Node") -> Edit:
    """With its line where it has one for itself, else with the blanks before it."""
    start, end = comment.start_byte, comment.end_byte
    while source.data[start:end].endswith(b"\n"):  # some grammars count the line end in
        end -= 1
    before = len(source.data[:start]) - len(source.data[:start].rstrip(b" \t"))
    alone = source.data[: start - before][-1:] in (b"", b"\n") and source.data[end : end + 1] in (b"", b"\n")
    return (start - before, min(end + alone, len(source.data)), "")


def _statement_rows(source: ParsedFunction) -> list[int]:
    starts = {rows[0] for block in source.blocks for one in block[1:] if (rows := source.statement_rows(one))}
    return sorted(starts - source.frozen_rows)


def _reindented(line: str, step: str, other: str) -> str:
    body = line.lstrip(step[0])
    lead = len(line) - len(body)
    return other * (lead // len(step)) + step[0] * (lead % len(step)) + body


def _joined(source: ParsedFunction, node: "Node") -> list[Edit] | None:
    """The edits that put a list on one line; None where what is in it needs lines."""
    children = node.children
    if any("comment" in child.type or child.start_point[0] != child.end_point[0] for child in children):
        return None
    return [
        (one.end_byte, two.start_byte, " " if source.read_text(one) == "," and source.read_text(two) != ")" else "")
        for one, two in pairwise(children)
        if one.end_point[0] != two.start_point[0]
    ]


def _parted(source: ParsedFunction, node: "Node") -> list[Edit]:
    """The edits that begin a line after each comma."""
    indent = source.read_indentation(node.start_point[0]) + 2 * source.indentation_step
    return [
        (comma.end_byte, after.start_byte, "\n" + indent)
        for comma, after in pairwise(node.children)
        if comma.type == "," and source.read_text(after) != ")"
    ]
