"""Type 3, branch by branch and loop by loop: conditions inverted, one form of a loop for another."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import Edit, ParsedFunction, choose_result

if TYPE_CHECKING:
    from tree_sitter import Node

_IFS = frozenset(("if_statement", "if_expression"))
_FLIPPED = {"==": "!=", "!=": "==", "===": "!==", "!==": "===", "is": "is not", "is not": "is", "in": "not in"}
_FLIPPED |= {"not in": "in"}
_COMPARISONS = re.compile(r"binary_expression|comparison_operator|equality_expression")


def invert_condition(source: ParsedFunction, rng: Random) -> str | None:
    """A condition says the contrary, and its two branches have changed places."""
    sites = []
    for node in source.nodes:
        condition, branches = node.child_by_field_name("condition"), _branches(source, node)
        if node.type in _IFS and condition is not None and branches is not None:
            yes, no = branches
            edits = [
                _inverted(source, condition),
                (yes.start_byte, yes.end_byte, source.read_text(no)),
                (no.start_byte, no.end_byte, source.read_text(yes)),
            ]
            if not re.match(r"\(?\s*(?:let|var|val|case)\b", source.read_text(condition)):
                sites.append(source.apply_edits(edits))
    return choose_result(rng, sites)


def _branches(source: ParsedFunction, node: "Node") -> tuple["Node", "Node"] | None:
    """The two blocks of an if with a plain else."""
    types = {*source.language_templates.blocks.split(), "block"} - {"statement_list"}
    found = [child for child in node.children if child.type in types]
    for child in node.children:
        if child.type in ("else_clause", "else_statement"):
            found += [inner for inner in child.children if inner.type in types]
        elif re.fullmatch(r"elif.*|else_?if.*", child.type):
            return None
    indented = not source.language_templates.braces and source.language == "python"
    if indented and any(one.start_point[0] == one.parent.start_point[0] for one in found if one.parent):
        return None
    return (found[0], found[1]) if len(found) == 2 else None


def _inverted(source: ParsedFunction, condition: "Node") -> Edit:
    """The condition's contrary, in its parentheses where it has some."""
    inner = condition
    if condition.type in ("parenthesized_expression", "condition_clause") and condition.named_child_count == 1:
        inner = condition.named_children[0]
    if (
        _COMPARISONS.fullmatch(inner.type)
        and inner.child_count == 3
        and source.read_text(inner.children[1]) in _FLIPPED
    ):
        sign = inner.children[1]
        return (sign.start_byte, sign.end_byte, _FLIPPED[source.read_text(sign)])
    return (inner.start_byte, inner.end_byte, source.language_templates.negation.format(value=source.read_text(inner)))


def convert_for_to_while(source: ParsedFunction, rng: Random) -> str | None:
    """`for (start; condition; step)`, or a `for` over a range of numbers, counts by hand in a `while`."""
    made = _range_made_while if source.language == "python" else _counted_made_while
    return choose_result(
        rng, [text for node in _loops(source, "for_statement") if (text := made(source, node)) is not None]
    )


def _counted_made_while(source: ParsedFunction, node: "Node") -> str | None:
    clause = next((child for child in node.children if child.type == "for_clause"), node)
    start, condition = _part(clause, "initializer", "initialize", "init"), _part(clause, "condition")
    step, body, rows = _part(clause, "update", "increment"), _part(node, "body"), source.statement_rows(node)
    if start is None or condition is None or step is None or body is None or rows is None:
        return None
    said = [source.read_text(part).strip().rstrip(";") for part in (start, condition, step)]
    names = {source.read_text(leaf) for leaf in source.find_bindings(start)}
    inside = source.read_text(body)
    if not inside.startswith("{") or "\n" not in inside or re.search(r"\bcontinue\b", inside) or "," in said[2]:
        return None
    if any(not _stands_only_in(source, name, node) for name in names):
        return None
    indent, end = source.read_indentation(rows[0]), "" if source.language == "go" else ";"
    head = f"for {said[1]}" if source.language == "go" else f"while ({said[1]})"
    looped = inside[:-1].rstrip() + f"\n{indent}{source.indentation_step}{said[2]}{end}\n{indent}}}"
    text = f"{said[0]}{end}\n{indent}{head} {looped}"
    return source.apply_edits([(node.start_byte, node.end_byte, text)])


def _range_made_while(source: ParsedFunction, node: "Node") -> str | None:
    target, over, body = _part(node, "left"), _part(node, "right"), _part(node, "body")
    match = re.fullmatch(r"range\((?:(\w+), )?(\w+)\)", source.read_text(over)) if over is not None else None
    if target is None or body is None or match is None or target.type != "identifier" or has_else(node):
        return None
    name, inside = source.read_text(target), source.read_text(body)
    first, last = match[1] or "0", match[2]
    changed = rf"\b(?:continue|yield|await)\b|\b{name}\b\s*[-+*/%|&]?=[^=]|\b(?:{last})\b\s*[-+*/%|&]?=[^=]"
    fixed = last.isdecimal() or last in source.variables
    if re.search(changed, inside) or not fixed or not _stands_only_in(source, name, node):
        return None
    indent = source.read_indentation(node.start_point[0])
    head = f"{name} = {first}\n{indent}while {name} < {last}:\n{source.read_indentation(body.start_point[0])}"
    text = f"{head}{inside}\n{source.read_indentation(body.start_point[0])}{name} += 1"
    return (
        source.apply_edits([(node.start_byte, node.end_byte, text)])
        if source.statement_rows(node) and _below(node, body)
        else None
    )


def convert_while(source: ParsedFunction, rng: Random) -> str | None:
    """`while (c)` is `for (; c; )`, or an endless loop that its first statement leaves."""
    sites = []
    for node in _loops(source, "while_statement", "while_expression", "for_statement"):
        condition, body = _part(node, "condition"), _part(node, "body")
        if source.language == "go" and node.type == "for_statement":
            condition = next((one for one in node.named_children if one.type.endswith("_expression")), None)
        if condition is None or body is None or (node.type == "for_statement") != (source.language == "go"):
            continue
        said = source.read_text(condition)
        if source.language_templates.c_like and node.type == "while_statement":
            inner = said[1:-1] if said.startswith("(") else said
            sites.append(source.apply_edits([(node.start_byte, body.start_byte, f"for (; {inner}; ) ")]))
        elif source.language in ("python", "go", "rust") and _below(node, body) and not has_else(node):
            sites.append(source.apply_edits(_left_inside(source, node, condition, body)))
    return choose_result(rng, sites)


def _left_inside(source: ParsedFunction, node: "Node", condition: "Node", body: "Node") -> list[Edit]:
    said, indent = (
        source.language_templates.negation.format(value=source.read_text(condition)),
        source.read_indentation(node.start_point[0]),
    )
    deeper = indent + source.indentation_step
    if source.language == "python":
        deeper = source.read_indentation(body.start_point[0])
        text = f"while True:\n{deeper}if {said}:\n{deeper}{source.indentation_step}break\n{deeper}"
        return [(node.start_byte, body.start_byte, text)]
    head, end = ("for {", "") if source.language == "go" else ("loop {", ";")
    text = f"{head}\n{deeper}if {said} {{\n{deeper}{source.indentation_step}break{end}\n{deeper}}}"
    return [(node.start_byte, body.start_byte + 1, text)]


CONTROL_EDITS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "condition inverted": invert_condition,
    "for made while": convert_for_to_while,
    "while made other": convert_while,
}


def _loops(source: ParsedFunction, *types: str) -> Iterator["Node"]:
    return (node for node in source.nodes if node.type in types)


def _part(node: "Node", *fields: str) -> "Node | None":
    return next((found for field in fields if (found := node.child_by_field_name(field)) is not None), None)


def has_else(node: "Node") -> bool:
    """Whether a loop or a branch has one."""
    return node.child_by_field_name("alternative") is not None


def _below(node: "Node", body: "Node") -> bool:
    """Whether a block's first line is its own."""
    return (
        body.type != "block"
        or body.start_point[0] > node.start_point[0]
        or body.child(0) is None
        or (body.children[0].type == "{" and body.start_point[0] != body.end_point[0])
    )


def _stands_only_in(source: ParsedFunction, name: str, node: "Node") -> bool:
    uses = source.variables.get(name, [])
    return bool(uses) and all(node.start_byte <= use.start_byte < node.end_byte for use in uses)
