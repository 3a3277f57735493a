"""Edits of type 4, as far as they are mechanical: compute the same result by other constructs of the language."""

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.control import has_else
from codekin.evaluation.mutations.source import ParsedFunction, choose_result
from codekin.evaluation.mutations.statements import find_assignment
from codekin.evaluation.mutations.words import choose_name

if TYPE_CHECKING:
    from tree_sitter import Node

_TERNARY_TYPES = frozenset(("ternary_expression", "conditional_expression"))
_APPEND_BODY = re.compile(r"(?:if (?P<condition>[^\n]+):\n\s+)?(?P<name>\w+)\.append\((?P<item>[^\n]+)\)")
_LEAVING_STATEMENT = re.compile(r"(?:return|throw|raise|continue|break|panic)\b")


def unroll_comprehension(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random list comprehension made a loop; None where none qualifies. Python only."""
    candidates = []
    for statement, rows in _list_statements(function):
        assignment = find_assignment(function, statement) if function.language == "python" else None
        if assignment is None or not _is_unrollable(function, assignment):
            continue
        (name, *_), (element, clause, *conditions) = assignment[0], assignment[1].named_children
        indent = function.read_indentation(rows[0])
        inner_indent = indent + function.indentation_step
        new_lines = [f"{indent}{name} = []", f"{indent}{function.read_text(clause)}:"]
        if conditions:
            new_lines.append(f"{inner_indent}{function.read_text(conditions[0])}:")
            inner_indent += function.indentation_step
        new_lines.append(f"{inner_indent}{name}.append({function.read_text(element)})")
        candidates.append(function.replace_lines(*rows, new_lines))
    return choose_result(generator, candidates)


def _is_unrollable(function: ParsedFunction, assignment: tuple[set[str], "Node"]) -> bool:
    """Return whether the value, a one-line list comprehension, can be a loop with at most one `if`: no names clash."""
    (name, *_), value = assignment
    if value.type != "list_comprehension" or value.named_child_count not in (2, 3):
        return False
    _, clause, *conditions = value.named_children
    loop_names, value_text = clause.child_by_field_name("left"), function.read_text(value)
    return (
        clause.type == "for_in_clause"
        and all(condition.type == "if_clause" for condition in conditions)
        and "\n" not in value_text
        and loop_names is not None
        and not re.search(rf"\b{name}\b", value_text)
        and not _is_used_outside(function, loop_names, value)
    )


def convert_loop_to_comprehension(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random loop that only appends made a comprehension; else None. Python only."""
    candidates = []
    for block in function.blocks if function.language == "python" else ():
        for assignment, for_loop in pairwise(block):
            assignment_rows, loop_rows = (
                function.find_statement_rows(assignment),
                function.find_statement_rows(for_loop),
            )
            body_node = for_loop.child_by_field_name("body") if for_loop.type == "for_statement" else None
            append_match = _APPEND_BODY.fullmatch(function.read_text(body_node)) if body_node is not None else None
            if assignment_rows is None or loop_rows is None or append_match is None or has_else(for_loop):
                continue
            loop_head = (
                function.data[for_loop.start_byte : body_node.start_byte].decode().strip().rstrip(":")
                if body_node
                else ""
            )
            if function.read_text(assignment) != f"{append_match['name']} = []" or re.search(
                rf"\b{append_match['name']}\b", loop_head + append_match["item"]
            ):
                continue
            loop_names = for_loop.child_by_field_name("left")
            if loop_names is None or _is_used_outside(function, loop_names, for_loop) or "\n" in loop_head:
                continue
            condition = f" if {append_match['condition']}" if append_match["condition"] else ""
            indent, element = function.read_indentation(assignment_rows[0]), append_match["item"]
            comprehension = f"{indent}{append_match['name']} = [{element} {loop_head}{condition}]"
            candidates.append(function.replace_lines(assignment_rows[0], loop_rows[1], [comprehension]))
    return choose_result(generator, candidates)


def expand_ternary(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random returned or assigned ternary made an if with else; None without one."""
    candidates = []
    for statement, rows in _list_statements(function):
        value = _find_value(function, statement)
        if value is None or value.type not in _TERNARY_TYPES or rows[0] != rows[1]:
            continue
        target = function.data[statement.start_byte : value.start_byte].decode()
        operands = [function.read_text(operand) for operand in value.named_children]
        if len(operands) == 3 and re.fullmatch(r"return\s+|\$?\w+ = ", target):
            candidates.append(function.replace_lines(*rows, _make_branches(function, rows[0], target, operands)))
    return choose_result(generator, candidates)


def _make_branches(function: ParsedFunction, row: int, target: str, operands: list[str]) -> list[str]:
    """Return the lines of an if and else that assign or return a ternary's operands."""
    indent, inner_indent = function.read_indentation(row), function.read_indentation(row) + function.indentation_step
    if function.language == "python":
        consequence, condition, alternative = operands
        return [
            f"{indent}if {condition}:",
            inner_indent + target + consequence,
            f"{indent}else:",
            inner_indent + target + alternative,
        ]
    condition, consequence, alternative = operands
    return [
        f"{indent}if ({condition}) {{",
        f"{inner_indent}{target}{consequence};",
        f"{indent}}} else {{",
        f"{inner_indent}{target}{alternative};",
        f"{indent}}}",
    ]


def add_else_to_guard(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with what follows a random if that always leaves (by return, …) in its else; None without one."""
    candidates = []
    for block in function.blocks:
        for statement in block[:-1]:
            guard_rows, last_rows = function.find_statement_rows(statement), function.find_statement_rows(block[-1])
            if guard_rows and last_rows and statement.type == "if_statement" and _always_leaves(function, statement):
                following_rows = range(guard_rows[1] + 1, last_rows[1] + 1)
                if not function.frozen_rows.intersection(following_rows):
                    candidates.append(
                        function.replace_lines(
                            guard_rows[0], following_rows[-1], _add_else(function, guard_rows, following_rows)
                        )
                    )
    return choose_result(generator, candidates)


def _add_else(function: ParsedFunction, guard_rows: tuple[int, int], following_rows: range) -> list[str]:
    """Return the lines of an if with the rows that follow it moved into its new else."""
    else_lines = [
        function.indentation_step + function.lines[row] if function.lines[row].strip() else "" for row in following_rows
    ]
    indent, guard_lines = function.read_indentation(guard_rows[0]), function.lines[guard_rows[0] : guard_rows[1] + 1]
    if function.language == "python":
        return [*guard_lines, f"{indent}else:", *else_lines]
    return [*guard_lines[:-1], f"{guard_lines[-1]} else {{", *else_lines, f"{indent}}}"]


def _always_leaves(function: ParsedFunction, statement: "Node") -> bool:
    """Return whether an if without else ends by a return, raise, break or the like."""
    if has_else(statement):
        return False
    branch = statement.child_by_field_name("consequence") or statement.child_by_field_name("body")
    statements = branch.named_children if branch is not None else []
    if statements and statements[-1].type == "statement_list":
        statements = statements[-1].named_children
    return (
        bool(statements)
        and _LEAVING_STATEMENT.match(function.read_text(statements[-1])) is not None
        and (function.language == "python" or function.read_text(statement).endswith("}"))
    )


def expand_iteration(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a random loop over a collection made one by index or iterator; None without one."""
    candidates = []
    for statement, _ in _list_statements(function):
        template = _ITERATION_TEMPLATES.get(function.language)
        body_node = statement.child_by_field_name("body")
        loop_head = function.data[statement.start_byte : body_node.start_byte].decode() if body_node is not None else ""
        match = template[0].fullmatch(loop_head.strip()) if template else None
        if body_node is None or template is None or match is None or has_else(statement):
            continue
        index_name = choose_name("i", set(map(function.read_text, function.leaves)), generator)
        indent = function.read_indentation(statement.start_point[0])
        inner_indent = indent + function.indentation_step
        placeholders = match.groupdict() | {
            "at": index_name,
            "indent": indent,
            "deeper": inner_indent,
            "step": function.indentation_step,
        }
        replaced_end = body_node.start_byte + (function.language != "python")
        if function.language != "python" or body_node.start_point[0] > statement.start_point[0]:
            candidates.append(
                function.apply_edits([(statement.start_byte, replaced_end, template[1].format(**placeholders))])
            )
    return choose_result(generator, candidates)


_JAVASCRIPT_ITERATION = (
    re.compile(r"for \((?:const|let|var) (?P<name>\w+) of (?P<all>[\w.]+)\)"),
    "for (let {at} = 0; {at} < {all}.length; {at}++) {{\n{deeper}const {name} = {all}[{at}];",
)
_ITERATION_TEMPLATES: dict[str, tuple[re.Pattern[str], str]] = {
    "python": (
        re.compile(r"for (?P<name>[\w, ]+) in (?P<all>[^\n]+):"),
        (
            "{at} = iter({all})\n{indent}while True:\n{deeper}try:\n{deeper}{step}{name} = next({at})\n"
            "{deeper}except StopIteration:\n{deeper}{step}break\n{deeper}"
        ),
    ),
    "javascript": _JAVASCRIPT_ITERATION,
    "typescript": _JAVASCRIPT_ITERATION,
    "tsx": _JAVASCRIPT_ITERATION,
    "java": (
        re.compile(r"for \((?:final )?(?P<type>[\w<>, ?\[\]]+) (?P<name>\w+) : (?P<all>[^\n]+)\)"),
        "for (var {at} = {all}.iterator(); {at}.hasNext();) {{\n{deeper}{type} {name} = {at}.next();",
    ),
    "go": (
        re.compile(r"for _, (?P<name>\w+) := range (?P<all>[\w.]+)"),
        "for {at} := 0; {at} < len({all}); {at}++ {{\n{deeper}{name} := {all}[{at}]",
    ),
}

REWRITES: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "comprehension unrolled": unroll_comprehension,
    "loop comprehended": convert_loop_to_comprehension,
    "ternary branched": expand_ternary,
    "guard given else": add_else_to_guard,
    "iteration by hand": expand_iteration,
}


def _list_statements(function: ParsedFunction) -> list[tuple["Node", tuple[int, int]]]:
    """Return (statement, (first row, last row)) of the statements in blocks that share no row with other code."""
    statement_rows = [
        (statement, function.find_statement_rows(statement)) for block in function.blocks for statement in block
    ]
    return [(statement, rows) for statement, rows in statement_rows if rows is not None]


def _find_value(function: ParsedFunction, statement: "Node") -> "Node | None":
    """Return the value that a statement returns or assigns; None for any other statement."""
    if statement.type == "return_statement" and statement.named_child_count == 1:
        return statement.named_children[0]
    assignment = find_assignment(function, statement)
    return assignment[1] if assignment else None


def _is_used_outside(function: ParsedFunction, names_node: "Node", around: "Node") -> bool:
    """Return whether one of the names in `names_node` is also used outside of `around`."""
    names = set(re.findall(r"\w+", function.read_text(names_node)))
    outside_leaves = (leaf for leaf in function.leaves if not around.start_byte <= leaf.start_byte < around.end_byte)
    return any(function.read_text(leaf) in names for leaf in outside_leaves)
