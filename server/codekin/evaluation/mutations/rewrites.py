"""Type 4, as far as it is mechanical: the same job, said with other means of the language."""

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

_TERNARIES = frozenset(("ternary_expression", "conditional_expression"))
_APPENDS = re.compile(r"(?:if (?P<condition>[^\n]+):\n\s+)?(?P<name>\w+)\.append\((?P<item>[^\n]+)\)")
_LEAVES = re.compile(r"(?:return|throw|raise|continue|break|panic)\b")


def unroll_comprehension(source: ParsedFunction, rng: Random) -> str | None:
    """A list comprehension that is given a name appends in a loop."""
    sites = []
    for statement, rows in _statements(source):
        given = find_assignment(source, statement) if source.language == "python" else None
        if given is None or given[1].type != "list_comprehension" or given[1].named_child_count not in (2, 3):
            continue
        (name, *_), (item, clause, *rest) = given[0], given[1].named_children
        if (
            clause.type != "for_in_clause"
            or any(one.type != "if_clause" for one in rest)
            or "\n" in source.read_text(given[1])
        ):
            continue
        left = clause.child_by_field_name("left")
        if (
            left is None
            or re.search(rf"\b{name}\b", source.read_text(given[1]))
            or _stands_outside(source, left, given[1])
        ):
            continue
        indent, inner = source.read_indentation(rows[0]), source.read_indentation(rows[0]) + source.indentation_step
        lines = [f"{indent}{name} = []", f"{indent}{source.read_text(clause)}:"]
        if rest:
            lines, inner = [*lines, f"{inner}{source.read_text(rest[0])}:"], inner + source.indentation_step
        sites.append(source.replace_lines(*rows, [*lines, f"{inner}{name}.append({source.read_text(item)})"]))
    return choose_result(rng, sites)


def convert_loop_to_comprehension(source: ParsedFunction, rng: Random) -> str | None:
    """A loop that does nothing but append to an empty list is a comprehension."""
    sites = []
    for block in source.blocks if source.language == "python" else ():
        for one, two in pairwise(block):
            first, last = source.statement_rows(one), source.statement_rows(two)
            body = two.child_by_field_name("body") if two.type == "for_statement" else None
            found = _APPENDS.fullmatch(source.read_text(body)) if body is not None else None
            if first is None or last is None or found is None or has_else(two):
                continue
            head = source.data[two.start_byte : body.start_byte].decode().strip().rstrip(":") if body else ""
            if source.read_text(one) != f"{found['name']} = []" or re.search(
                rf"\b{found['name']}\b", head + found["item"]
            ):
                continue
            left = two.child_by_field_name("left")
            if left is None or _stands_outside(source, left, two) or "\n" in head:
                continue
            condition = f" if {found['condition']}" if found["condition"] else ""
            line = f"{source.read_indentation(first[0])}{found['name']} = [{found['item']} {head}{condition}]"
            sites.append(source.replace_lines(first[0], last[1], [line]))
    return choose_result(rng, sites)


def expand_ternary(source: ParsedFunction, rng: Random) -> str | None:
    """A conditional value that is returned, or given to a name, comes from two branches."""
    sites = []
    for statement, rows in _statements(source):
        value = _returned_or_given(source, statement)
        if value is None or value.type not in _TERNARIES or rows[0] != rows[1]:
            continue
        before = source.data[statement.start_byte : value.start_byte].decode()
        parts = [source.read_text(part) for part in value.named_children]
        if len(parts) == 3 and re.fullmatch(r"return\s+|\$?\w+ = ", before):
            sites.append(source.replace_lines(*rows, _branched(source, rows[0], before, parts)))
    return choose_result(rng, sites)


def _branched(source: ParsedFunction, row: int, before: str, parts: list[str]) -> list[str]:
    indent, inner = source.read_indentation(row), source.read_indentation(row) + source.indentation_step
    if source.language == "python":
        yes, condition, no = parts
        return [f"{indent}if {condition}:", inner + before + yes, f"{indent}else:", inner + before + no]
    condition, yes, no = parts
    return [
        f"{indent}if ({condition}) {{",
        f"{inner}{before}{yes};",
        f"{indent}}} else {{",
        f"{inner}{before}{no};",
        f"{indent}}}",
    ]


def add_else_to_guard(source: ParsedFunction, rng: Random) -> str | None:
    """What follows a branch that leaves stands in its else."""
    sites = []
    for block in source.blocks:
        for statement in block[:-1]:
            rows, last = source.statement_rows(statement), source.statement_rows(block[-1])
            if rows and last and statement.type == "if_statement" and _leaves(source, statement):
                rest = range(rows[1] + 1, last[1] + 1)
                if not source.frozen_rows.intersection(rest):
                    sites.append(source.replace_lines(rows[0], rest[-1], _with_else(source, rows, rest)))
    return choose_result(rng, sites)


def _with_else(source: ParsedFunction, rows: tuple[int, int], rest: range) -> list[str]:
    moved = [source.indentation_step + source.lines[row] if source.lines[row].strip() else "" for row in rest]
    indent, head = source.read_indentation(rows[0]), source.lines[rows[0] : rows[1] + 1]
    if source.language == "python":
        return [*head, f"{indent}else:", *moved]
    return [*head[:-1], f"{head[-1]} else {{", *moved, f"{indent}}}"]


def _leaves(source: ParsedFunction, statement: "Node") -> bool:
    """Whether an if without else always leaves at its end."""
    if has_else(statement):
        return False
    branch = statement.child_by_field_name("consequence") or statement.child_by_field_name("body")
    inner = branch.named_children if branch is not None else []
    if inner and inner[-1].type == "statement_list":
        inner = inner[-1].named_children
    return (
        bool(inner)
        and _LEAVES.match(source.read_text(inner[-1])) is not None
        and (source.language == "python" or source.read_text(statement).endswith("}"))
    )


def expand_iteration(source: ParsedFunction, rng: Random) -> str | None:
    """A loop over things takes them one by one, by number or from an iterator."""
    sites = []
    for statement, _ in _statements(source):
        by_hand = _HEADS.get(source.language)
        body = statement.child_by_field_name("body")
        head = source.data[statement.start_byte : body.start_byte].decode() if body is not None else ""
        match = by_hand[0].fullmatch(head.strip()) if by_hand else None
        if body is None or by_hand is None or match is None or has_else(statement):
            continue
        name = choose_name("i", set(map(source.read_text, source.leaves)), rng)
        indent = source.read_indentation(statement.start_point[0])
        deeper = indent + source.indentation_step
        told = match.groupdict() | {"at": name, "indent": indent, "deeper": deeper, "step": source.indentation_step}
        start = body.start_byte + (source.language != "python")
        if source.language != "python" or body.start_point[0] > statement.start_point[0]:
            sites.append(source.apply_edits([(statement.start_byte, start, by_hand[1].format(**told))]))
    return choose_result(rng, sites)


_JS_HEAD = (
    re.compile(r"for \((?:const|let|var) (?P<name>\w+) of (?P<all>[\w.]+)\)"),
    "for (let {at} = 0; {at} < {all}.length; {at}++) {{\n{deeper}const {name} = {all}[{at}];",
)
_HEADS: dict[str, tuple[re.Pattern[str], str]] = {
    "python": (
        re.compile(r"for (?P<name>[\w, ]+) in (?P<all>[^\n]+):"),
        (
            "{at} = iter({all})\n{indent}while True:\n{deeper}try:\n{deeper}{step}{name} = next({at})\n"
            "{deeper}except StopIteration:\n{deeper}{step}break\n{deeper}"
        ),
    ),
    "javascript": _JS_HEAD,
    "typescript": _JS_HEAD,
    "tsx": _JS_HEAD,
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


def _statements(source: ParsedFunction) -> list[tuple["Node", tuple[int, int]]]:
    found = [(one, source.statement_rows(one)) for block in source.blocks for one in block]
    return [(one, rows) for one, rows in found if rows is not None]


def _returned_or_given(source: ParsedFunction, statement: "Node") -> "Node | None":
    if statement.type == "return_statement" and statement.named_child_count == 1:
        return statement.named_children[0]
    given = find_assignment(source, statement)
    return given[1] if given else None


def _stands_outside(source: ParsedFunction, names: "Node", around: "Node") -> bool:
    """Whether one of the names in a node also means something elsewhere."""
    told = set(re.findall(r"\w+", source.read_text(names)))
    outside = (leaf for leaf in source.leaves if not around.start_byte <= leaf.start_byte < around.end_byte)
    return any(source.read_text(leaf) in told for leaf in outside)
