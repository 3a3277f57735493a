"""Edits of type 3 in branches and loops: invert conditions, convert one form of a loop to another."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import Edit, ParsedFunction, choose_result

if TYPE_CHECKING:
    from tree_sitter import Node

_IF_TYPES = frozenset(("if_statement", "if_expression"))
_OPPOSITE_OPERATORS = {
    "==": "!=",
    "!=": "==",
    "===": "!==",
    "!==": "===",
    "is": "is not",
    "is not": "is",
    "in": "not in",
}
_OPPOSITE_OPERATORS |= {"not in": "in"}
_COMPARISON_TYPES = re.compile(r"binary_expression|comparison_operator|equality_expression")


def invert_condition(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random if's condition negated and branches swapped; None for no if with plain else."""
    candidates = []
    for branch_node in function.nodes:
        condition, branches = branch_node.child_by_field_name("condition"), _find_branches(function, branch_node)
        if branch_node.type in _IF_TYPES and condition is not None and branches is not None:
            consequence, alternative = branches
            edits = [
                _negate_condition(function, condition),
                (consequence.start_byte, consequence.end_byte, function.read_text(alternative)),
                (alternative.start_byte, alternative.end_byte, function.read_text(consequence)),
            ]
            if not re.match(r"\(?\s*(?:let|var|val|case)\b", function.read_text(condition)):
                candidates.append(function.apply_edits(edits))
    return choose_result(generator, candidates)


def _find_branches(function: ParsedFunction, node: "Node") -> tuple["Node", "Node"] | None:
    """Return both blocks of an if with a plain else; None for any other if, or Python's `if x: y` on one line."""
    block_types = {*function.language_templates.blocks.split(), "block"} - {"statement_list"}
    branches = [child_node for child_node in node.children if child_node.type in block_types]
    for child_node in node.children:
        if child_node.type in ("else_clause", "else_statement"):
            branches += [grandchild for grandchild in child_node.children if grandchild.type in block_types]
        elif re.fullmatch(r"elif.*|else_?if.*", child_node.type):
            return None
    is_indented = not function.language_templates.braces and function.language == "python"
    if is_indented and any(
        branch.start_point[0] == branch.parent.start_point[0] for branch in branches if branch.parent
    ):
        return None
    return (branches[0], branches[1]) if len(branches) == 2 else None


def _negate_condition(function: ParsedFunction, condition: "Node") -> Edit:
    """Return the edit that negates the condition, by the opposite operator where there is one, else by "not"."""
    expression = condition
    if condition.type in ("parenthesized_expression", "condition_clause") and condition.named_child_count == 1:
        expression = condition.named_children[0]
    if (
        _COMPARISON_TYPES.fullmatch(expression.type)
        and expression.child_count == 3
        and function.read_text(expression.children[1]) in _OPPOSITE_OPERATORS
    ):
        operator = expression.children[1]
        return (operator.start_byte, operator.end_byte, _OPPOSITE_OPERATORS[function.read_text(operator)])
    return (
        expression.start_byte,
        expression.end_byte,
        function.language_templates.negation.format(value=function.read_text(expression)),
    )


def convert_for_to_while(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random counting or range `for` made a `while`; None where none qualifies."""
    convert_loop = _convert_range_loop if function.language == "python" else _convert_counting_loop
    return choose_result(
        generator,
        [
            converted
            for loop_node in _find_loops(function, "for_statement")
            if (converted := convert_loop(function, loop_node)) is not None
        ],
    )


def _convert_counting_loop(function: ParsedFunction, for_loop: "Node") -> str | None:
    """Return the text with `for (start; condition; step)` made a `while`; None if that could change results."""
    for_clause = next((child_node for child_node in for_loop.children if child_node.type == "for_clause"), for_loop)
    initializer = _find_field(for_clause, "initializer", "initialize", "init")
    condition, increment = _find_field(for_clause, "condition"), _find_field(for_clause, "update", "increment")
    body_node, statement_rows = _find_field(for_loop, "body"), function.find_statement_rows(for_loop)
    if initializer is None or condition is None or increment is None or body_node is None or statement_rows is None:
        return None
    start_text, condition_text, increment_text = (
        function.read_text(clause_part).strip().rstrip(";") for clause_part in (initializer, condition, increment)
    )
    names = {function.read_text(leaf) for leaf in function.find_bindings(initializer)}
    body_text = function.read_text(body_node)
    is_block = body_text.startswith("{") and "\n" in body_text
    if not is_block or re.search(r"\bcontinue\b", body_text) or "," in increment_text:
        return None
    if any(not _is_used_only_in(function, variable_name, for_loop) for variable_name in names):
        return None
    indent, terminator = function.read_indentation(statement_rows[0]), "" if function.language == "go" else ";"
    loop_head = f"for {condition_text}" if function.language == "go" else f"while ({condition_text})"
    last_line = f"{indent}{function.indentation_step}{increment_text}{terminator}"
    loop_body = f"{body_text[:-1].rstrip()}\n{last_line}\n{indent}}}"
    replacement = f"{start_text}{terminator}\n{indent}{loop_head} {loop_body}"
    return function.apply_edits([(for_loop.start_byte, for_loop.end_byte, replacement)])


def _convert_range_loop(function: ParsedFunction, for_loop: "Node") -> str | None:
    """Return the text with Python's `for` over a range made a `while`; None if that could change results."""
    target, iterable, body_node = (
        _find_field(for_loop, "left"),
        _find_field(for_loop, "right"),
        _find_field(for_loop, "body"),
    )
    match = re.fullmatch(r"range\((?:(\w+), )?(\w+)\)", function.read_text(iterable)) if iterable is not None else None
    if target is None or body_node is None or match is None or target.type != "identifier" or has_else(for_loop):
        return None
    variable_name, body_text = function.read_text(target), function.read_text(body_node)
    first_value, end_value = match[1] or "0", match[2]
    loop_disturbances = (
        rf"\b(?:continue|yield|await)\b|\b{variable_name}\b\s*[-+*/%|&]?=[^=]|\b(?:{end_value})\b\s*[-+*/%|&]?=[^=]"
    )
    has_fixed_end = end_value.isdecimal() or end_value in function.variables
    if (
        re.search(loop_disturbances, body_text)
        or not has_fixed_end
        or not _is_used_only_in(function, variable_name, for_loop)
    ):
        return None
    indent = function.read_indentation(for_loop.start_point[0])
    body_indent = function.read_indentation(body_node.start_point[0])
    loop_head = f"{variable_name} = {first_value}\n{indent}while {variable_name} < {end_value}:\n{body_indent}"
    replacement = f"{loop_head}{body_text}\n{body_indent}{variable_name} += 1"
    return (
        function.apply_edits([(for_loop.start_byte, for_loop.end_byte, replacement)])
        if function.find_statement_rows(for_loop) and _has_own_lines(for_loop, body_node)
        else None
    )


def convert_while(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random `while` made `for (; c; )`, or endless with a break; None without one."""
    candidates = []
    for loop_node in _find_loops(function, "while_statement", "while_expression", "for_statement"):
        condition, body_node = _find_field(loop_node, "condition"), _find_field(loop_node, "body")
        if function.language == "go" and loop_node.type == "for_statement":
            condition = next(
                (child_node for child_node in loop_node.named_children if child_node.type.endswith("_expression")), None
            )
        if condition is None or body_node is None or (loop_node.type == "for_statement") != (function.language == "go"):
            continue
        condition_text = function.read_text(condition)
        if function.language_templates.c_like and loop_node.type == "while_statement":
            bare_condition = condition_text[1:-1] if condition_text.startswith("(") else condition_text
            candidates.append(
                function.apply_edits([(loop_node.start_byte, body_node.start_byte, f"for (; {bare_condition}; ) ")])
            )
        elif (
            function.language in ("python", "go", "rust")
            and _has_own_lines(loop_node, body_node)
            and not has_else(loop_node)
        ):
            candidates.append(function.apply_edits(_make_endless_loop(function, loop_node, condition, body_node)))
    return choose_result(generator, candidates)


def _make_endless_loop(function: ParsedFunction, loop_node: "Node", condition: "Node", body_node: "Node") -> list[Edit]:
    """Return the edits that turn a conditional loop into an endless one that its first statement leaves."""
    exit_condition = function.language_templates.negation.format(value=function.read_text(condition))
    inner_indent = function.read_indentation(loop_node.start_point[0]) + function.indentation_step
    if function.language == "python":
        inner_indent = function.read_indentation(body_node.start_point[0])
        exit_line = f"{inner_indent}{function.indentation_step}break"
        loop_start = f"while True:\n{inner_indent}if {exit_condition}:\n{exit_line}\n{inner_indent}"
        return [(loop_node.start_byte, body_node.start_byte, loop_start)]
    loop_head, terminator = ("for {", "") if function.language == "go" else ("loop {", ";")
    exit_line = f"{inner_indent}{function.indentation_step}break{terminator}"
    loop_start = f"{loop_head}\n{inner_indent}if {exit_condition} {{\n{exit_line}\n{inner_indent}}}"
    return [(loop_node.start_byte, body_node.start_byte + 1, loop_start)]


CONTROL_EDITS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "condition inverted": invert_condition,
    "for made while": convert_for_to_while,
    "while made other": convert_while,
}


def _find_loops(function: ParsedFunction, *node_types: str) -> Iterator["Node"]:
    """Yield the function's nodes of these types, which are loops."""
    return (node for node in function.nodes if node.type in node_types)


def _find_field(node: "Node", *field_names: str) -> "Node | None":
    """Return the first of the node's fields that exists; None where none does."""
    return next(
        (child_node for field_name in field_names if (child_node := node.child_by_field_name(field_name)) is not None),
        None,
    )


def has_else(node: "Node") -> bool:
    """Return whether a loop or a branch has an else."""
    return node.child_by_field_name("alternative") is not None


def _has_own_lines(node: "Node", body_node: "Node") -> bool:
    """Return whether the body is no block, empty, below its loop's head, or in braces on several lines."""
    return (
        body_node.type != "block"
        or body_node.start_point[0] > node.start_point[0]
        or body_node.child(0) is None
        or (body_node.children[0].type == "{" and body_node.start_point[0] != body_node.end_point[0])
    )


def _is_used_only_in(function: ParsedFunction, variable_name: str, scope_node: "Node") -> bool:
    """Return whether the function uses the variable, and only inside of `scope_node`."""
    uses = function.variables.get(variable_name, [])
    return bool(uses) and all(scope_node.start_byte <= use_node.start_byte < scope_node.end_byte for use_node in uses)
