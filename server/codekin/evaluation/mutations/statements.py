"""Type 3, statement by statement: one added, removed, moved, named or folded into the next."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import NAMES, ParsedFunction, choose_result, list_nodes
from codekin.evaluation.mutations.words import choose_message, choose_name

if TYPE_CHECKING:
    from tree_sitter import Node

_PLAIN = re.compile(
    "expression_statement|local_variable_declaration|lexical_declaration|variable_declaration|declaration|"
    "local_declaration_statement|short_var_declaration|assignment_statement|var_declaration|property_declaration|"
    "assignment|let_declaration|val_definition|var_definition|operator_assignment|variable_assignment|"
    "declaration_command"
)
_CALLING = re.compile(
    r".*(?:call|invocation|await|yield|creation|macro|update|augmented|compound_assign|inc_stat"
    r"|dec_stat|throw|raise|receive|send|unary_expression|query).*|new_expression|command"
)
_SPECIAL_ARGUMENT = re.compile(
    r".*(?:splat|spread|keyword|lambda|closure|arrow|pair|block|label|await|yield|func_lit"
    r"|generator|function|comment|array_init|method_ref|initializer|null|nil).*"
)
_WHOLE = re.compile(
    r".*(?:call|invocation|member|attribute|subscript|literal|string|integer|number|parenthesized|list"
    r"|dictionary|set|tuple|array|field|navigation|index|identifier|name|true|false|this|self)"
)
_RETURNS = frozenset(("return_statement", "return", "return_expression", "control_transfer_statement"))
_MOVED_OUT = re.compile(
    r".*(?:lambda|closure|arrow|function|comprehension|generator|for_|while|loop|block|body|string"
    r"|template|expression_list|update|unary).*"
)


def add_statement(source: ParsedFunction, rng: Random) -> str | None:
    """A statement that prints something or does nothing, after the first of some block."""
    rows = [at[0] for block in source.blocks for one in block[1:] if (at := source.statement_rows(one))]
    rows = [row for row in rows if row not in source.frozen_rows]
    if not rows:
        return None
    row = rng.choice(rows)
    template = rng.choice(
        [source.language_templates.log, source.language_templates.log, source.language_templates.dead]
    )
    return source.replace_lines(
        row, row - 1, [source.read_indentation(row) + template.format(words=choose_message(rng))]
    )


def remove_statement(source: ParsedFunction, rng: Random) -> str | None:
    """A plain statement less, of a block that has others. This changes what the function does."""
    sites = [
        source.replace_lines(*at, [])
        for block in source.blocks
        for one in block
        if len(block) > 2 and _PLAIN.fullmatch(one.type) and (at := source.statement_rows(one))
    ]
    return choose_result(rng, sites)


def swap_statements(source: ParsedFunction, rng: Random) -> str | None:
    """Two neighbours that have nothing to do with each other, the other way round."""
    sites = []
    for one, two in _neighbours(source):
        first, second = source.statement_rows(one), source.statement_rows(two)
        if first and second and second[0] > first[1] and _independent(source, one, two):
            between = source.lines[first[1] + 1 : second[0]]
            lines = [*source.lines[second[0] : second[1] + 1], *between, *source.lines[first[0] : first[1] + 1]]
            sites.append(source.replace_lines(first[0], second[1], lines))
    return choose_result(rng, sites)


def extract_variable(source: ParsedFunction, rng: Random) -> str | None:
    """What is returned, or the first argument of a call, has a name of its own on a line before."""
    if not source.language_templates.binding:
        return None
    sites = []
    for block in source.blocks:
        for statement in block:
            rows, value = source.statement_rows(statement), _extractable(source, statement)
            if rows and value is not None and rows[0] not in source.frozen_rows:
                name = choose_name("value", set(map(source.read_text, source.leaves)), rng)
                line = source.read_indentation(rows[0]) + source.language_templates.binding.format(
                    name=name, value=source.read_text(value)
                )
                start = len("\n".join(source.lines[: rows[0]]).encode()) + (rows[0] > 0)
                used = "$" + name if source.language == "php" else name
                sites.append(
                    source.apply_edits([(start, start, line + "\n"), (value.start_byte, value.end_byte, used)])
                )
    return choose_result(rng, sites)


def inline_variable(source: ParsedFunction, rng: Random) -> str | None:
    """A name that only the next statement uses gives way to its value."""
    sites = []
    for one, two in _neighbours(source):
        rows, inlined = source.statement_rows(one), _inlinable(source, one, two)
        if rows and inlined is not None:
            use, value = inlined
            whole = _WHOLE.fullmatch(value.type) or two.type in _RETURNS
            text = source.read_text(value) if whole else f"({source.read_text(value)})"
            first = len("\n".join(source.lines[: rows[0]]).encode()) + (rows[0] > 0)
            last = len("\n".join(source.lines[: rows[1] + 1]).encode()) + 1
            sites.append(source.apply_edits([(first, last, ""), (use.start_byte, use.end_byte, text)]))
    return choose_result(rng, sites)


STATEMENT_EDITS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "statement added": add_statement,
    "statement removed": remove_statement,
    "statements swapped": swap_statements,
    "variable extracted": extract_variable,
    "variable inlined": inline_variable,
}


def _neighbours(source: ParsedFunction) -> Iterator[tuple["Node", "Node"]]:
    for block in source.blocks:
        yield from pairwise(block)


def find_assignment(source: ParsedFunction, statement: "Node") -> tuple[set[str], "Node"] | None:
    """The plain names that a statement gives a value, and the value; None where it does anything else before."""
    if not _PLAIN.fullmatch(statement.type):
        return None
    sign = next((n for n in list_nodes(statement) if n.type in ("=", ":=")), None)
    if sign is None or sign.next_named_sibling is None:
        return None
    value = sign.next_named_sibling
    if value.type == "expression_list" and value.named_child_count == 1:
        value = value.named_children[0]
    names = {source.read_text(leaf) for leaf in source.find_bindings(statement) if leaf.end_byte <= sign.start_byte}
    head = source.data[statement.start_byte : sign.start_byte].decode()
    whole = statement.end_byte - value.end_byte <= 1
    return (names, value) if names and whole and not re.search(r"[.(\[*]|->|,", head) else None


def _independent(source: ParsedFunction, one: "Node", two: "Node") -> bool:
    first, second = find_assignment(source, one), find_assignment(source, two)
    if first is None or second is None:
        return False
    if first[0] & _names(source, two) or second[0] & _names(source, one):
        return False
    return _harmless(first[1]) or _harmless(second[1])


def _harmless(value: "Node") -> bool:
    """Whether it matters to nobody when the value is made: a literal, or a name."""
    literal = re.fullmatch(r".*(?:literal|string|integer|number).*", value.type) is not None
    return value.child_count == 0 or (literal and not any(node.type in NAMES for node in list_nodes(value)))


def _names(source: ParsedFunction, node: "Node") -> set[str]:
    return {source.read_text(leaf) for leaf in list_nodes(node) if leaf.type in NAMES}


def _extractable(source: ParsedFunction, statement: "Node") -> "Node | None":
    """The value that can be made before the statement without anything else being made later for it."""
    if statement.type in _RETURNS:
        value = statement.named_children[0] if statement.named_child_count == 1 else None
        if value is not None and value.type in ("expression_list", "argument_list"):
            value = value.named_children[0] if value.named_child_count == 1 else None
    else:
        value = _first_argument(source, statement)
    if value is None or value.child_count == 0 or value.type == "variable_name":
        return None
    if value.start_point[0] != value.end_point[0]:
        return None
    unfit = any(_SPECIAL_ARGUMENT.fullmatch(node.type) for node in list_nodes(value))
    return None if unfit or "{" in source.read_text(value)[:1] else value


def _first_argument(source: ParsedFunction, statement: "Node") -> "Node | None":
    if statement.type != "expression_statement" or statement.named_child_count != 1:
        return None
    call = statement.named_children[0]
    arguments = call.child_by_field_name("arguments")
    if arguments is None or not arguments.named_children:
        return None
    callee = source.data[call.start_byte : arguments.start_byte].decode()
    first = arguments.named_children[0]
    if first.type in ("argument", "value_argument"):
        first = first.named_children[0] if first.named_child_count == 1 and first.child_count == 1 else arguments
    return first if re.fullmatch(r"[\w.$]+(?:->\w+)?", callee) and first is not arguments else None


def _inlinable(source: ParsedFunction, one: "Node", two: "Node") -> tuple["Node", "Node"] | None:
    """Where the name that `one` binds is used in `two`, and its value."""
    binding = find_assignment(source, one)
    if binding is None or len(binding[0]) != 1 or not (two.type in _RETURNS or _PLAIN.fullmatch(two.type)):
        return None
    (name,), value = binding
    uses = source.variables.get(name, [])
    if len(uses) != 2 or not two.start_byte <= uses[1].start_byte < two.end_byte:
        return None
    use = uses[1].parent if source.language == "php" else uses[1]
    if use is None or value.start_point[0] != value.end_point[0] or "{" in source.read_text(value):
        return None
    if re.fullmatch(rf"return\s+\$?{re.escape(name)}\s*;?", source.read_text(two)):
        return use, value
    if two.type in _RETURNS and not _WHOLE.fullmatch(value.type):
        return None
    return (use, value) if _movable(value, use, two) and not _is_target(use) else None


def _movable(value: "Node", use: "Node", two: "Node") -> bool:
    """Whether the value is the same where the use is: made there, once, and nothing happens before."""
    node = use.parent
    while node is not None and node != two:
        if _MOVED_OUT.fullmatch(node.type):
            return False
        node = node.parent
    calm = not any(_CALLING.fullmatch(inner.type) for inner in list_nodes(value))
    before = (node for node in list_nodes(two) if node.end_byte <= use.start_byte)
    return calm and (_harmless(value) or not any(_CALLING.fullmatch(node.type) for node in before))


def _is_target(use: "Node") -> bool:
    """Whether the use is given another value."""
    after = use.next_sibling
    return after is not None and re.fullmatch(r"[-+*/%&|^<>?]*=|\+\+|--|:=", after.type) is not None
