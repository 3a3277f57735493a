"""Type 4, as far as it is mechanical: the same job, said with other means of the language."""

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.control import has_else
from codekin.evaluation.mutations.source import Source, chosen
from codekin.evaluation.mutations.statements import assigned
from codekin.evaluation.mutations.words import fresh_name

if TYPE_CHECKING:
    from tree_sitter import Node

_TERNARIES = frozenset(("ternary_expression", "conditional_expression"))
_APPENDS = re.compile(r"(?:if (?P<condition>[^\n]+):\n\s+)?(?P<name>\w+)\.append\((?P<item>[^\n]+)\)")
_LEAVES = re.compile(r"(?:return|throw|raise|continue|break|panic)\b")


def with_comprehension_unrolled(source: Source, rng: Random) -> str | None:
    """A list comprehension that is given a name appends in a loop."""
    sites = []
    for statement, rows in _statements(source):
        given = assigned(source, statement) if source.language == "python" else None
        if given is None or given[1].type != "list_comprehension" or given[1].named_child_count not in (2, 3):
            continue
        (name, *_), (item, clause, *rest) = given[0], given[1].named_children
        if (
            clause.type != "for_in_clause"
            or any(one.type != "if_clause" for one in rest)
            or "\n" in source.said(given[1])
        ):
            continue
        left = clause.child_by_field_name("left")
        if left is None or re.search(rf"\b{name}\b", source.said(given[1])) or _stands_outside(source, left, given[1]):
            continue
        indent, inner = source.indent(rows[0]), source.indent(rows[0]) + source.step
        lines = [f"{indent}{name} = []", f"{indent}{source.said(clause)}:"]
        if rest:
            lines, inner = [*lines, f"{inner}{source.said(rest[0])}:"], inner + source.step
        sites.append(source.with_lines(*rows, [*lines, f"{inner}{name}.append({source.said(item)})"]))
    return chosen(rng, sites)


def with_loop_comprehended(source: Source, rng: Random) -> str | None:
    """A loop that does nothing but append to an empty list is a comprehension."""
    sites = []
    for block in source.blocks if source.language == "python" else ():
        for one, two in pairwise(block):
            first, last = source.rows(one), source.rows(two)
            body = two.child_by_field_name("body") if two.type == "for_statement" else None
            found = _APPENDS.fullmatch(source.said(body)) if body is not None else None
            if first is None or last is None or found is None or has_else(two):
                continue
            head = source.data[two.start_byte : body.start_byte].decode().strip().rstrip(":") if body else ""
            if source.said(one) != f"{found['name']} = []" or re.search(rf"\b{found['name']}\b", head + found["item"]):
                continue
            left = two.child_by_field_name("left")
            if left is None or _stands_outside(source, left, two) or "\n" in head:
                continue
            condition = f" if {found['condition']}" if found["condition"] else ""
            line = f"{source.indent(first[0])}{found['name']} = [{found['item']} {head}{condition}]"
            sites.append(source.with_lines(first[0], last[1], [line]))
    return chosen(rng, sites)


def with_ternary_branched(source: Source, rng: Random) -> str | None:
    """A conditional value that is returned, or given to a name, comes from two branches."""
    sites = []
    for statement, rows in _statements(source):
        value = _returned_or_given(source, statement)
        if value is None or value.type not in _TERNARIES or rows[0] != rows[1]:
            continue
        before = source.data[statement.start_byte : value.start_byte].decode()
        parts = [source.said(part) for part in value.named_children]
        if len(parts) == 3 and re.fullmatch(r"return\s+|\$?\w+ = ", before):
            sites.append(source.with_lines(*rows, _branched(source, rows[0], before, parts)))
    return chosen(rng, sites)


def _branched(source: Source, row: int, before: str, parts: list[str]) -> list[str]:
    indent, inner = source.indent(row), source.indent(row) + source.step
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


def with_guard_given_else(source: Source, rng: Random) -> str | None:
    """What follows a branch that leaves stands in its else."""
    sites = []
    for block in source.blocks:
        for statement in block[:-1]:
            rows, last = source.rows(statement), source.rows(block[-1])
            if rows and last and statement.type == "if_statement" and _leaves(source, statement):
                rest = range(rows[1] + 1, last[1] + 1)
                if not source.frozen_rows.intersection(rest):
                    sites.append(source.with_lines(rows[0], rest[-1], _with_else(source, rows, rest)))
    return chosen(rng, sites)


def _with_else(source: Source, rows: tuple[int, int], rest: range) -> list[str]:
    moved = [source.step + source.lines[row] if source.lines[row].strip() else "" for row in rest]
    indent, head = source.indent(rows[0]), source.lines[rows[0] : rows[1] + 1]
    if source.language == "python":
        return [*head, f"{indent}else:", *moved]
    return [*head[:-1], f"{head[-1]} else {{", *moved, f"{indent}}}"]


def _leaves(source: Source, statement: "Node") -> bool:
    """Whether an if without else always leaves at its end."""
    if has_else(statement):
        return False
    branch = statement.child_by_field_name("consequence") or statement.child_by_field_name("body")
    inner = branch.named_children if branch is not None else []
    if inner and inner[-1].type == "statement_list":
        inner = inner[-1].named_children
    return (
        bool(inner)
        and _LEAVES.match(source.said(inner[-1])) is not None
        and (source.language == "python" or source.said(statement).endswith("}"))
    )


def with_iteration_by_hand(source: Source, rng: Random) -> str | None:
    """A loop over things takes them one by one, by number or from an iterator."""
    sites = []
    for statement, _ in _statements(source):
        by_hand = _HEADS.get(source.language)
        body = statement.child_by_field_name("body")
        head = source.data[statement.start_byte : body.start_byte].decode() if body is not None else ""
        match = by_hand[0].fullmatch(head.strip()) if by_hand else None
        if body is None or by_hand is None or match is None or has_else(statement):
            continue
        name = fresh_name("i", set(map(source.said, source.leaves)), rng)
        indent = source.indent(statement.start_point[0])
        deeper = indent + source.step
        told = match.groupdict() | {"at": name, "indent": indent, "deeper": deeper, "step": source.step}
        start = body.start_byte + (source.language != "python")
        if source.language != "python" or body.start_point[0] > statement.start_point[0]:
            sites.append(source.edited([(statement.start_byte, start, by_hand[1].format(**told))]))
    return chosen(rng, sites)


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

REWRITES: dict[str, Callable[[Source, Random], str | None]] = {
    "comprehension unrolled": with_comprehension_unrolled,
    "loop comprehended": with_loop_comprehended,
    "ternary branched": with_ternary_branched,
    "guard given else": with_guard_given_else,
    "iteration by hand": with_iteration_by_hand,
}


def _statements(source: Source) -> list[tuple["Node", tuple[int, int]]]:
    found = [(one, source.rows(one)) for block in source.blocks for one in block]
    return [(one, rows) for one, rows in found if rows is not None]


def _returned_or_given(source: Source, statement: "Node") -> "Node | None":
    if statement.type == "return_statement" and statement.named_child_count == 1:
        return statement.named_children[0]
    given = assigned(source, statement)
    return given[1] if given else None


def _stands_outside(source: Source, names: "Node", around: "Node") -> bool:
    """Whether one of the names in a node also means something elsewhere."""
    told = set(re.findall(r"\w+", source.said(names)))
    outside = (leaf for leaf in source.leaves if not around.start_byte <= leaf.start_byte < around.end_byte)
    return any(source.said(leaf) in told for leaf in outside)
