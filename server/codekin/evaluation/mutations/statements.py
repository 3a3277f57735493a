"""Edits of type 3 on single statements: added, removed, moved, extracted or inlined."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import NAME_TYPES, ParsedFunction, choose_result, list_nodes
from codekin.evaluation.mutations.words import choose_message, choose_name

if TYPE_CHECKING:
    from tree_sitter import Node

_ASSIGNMENT_TYPES = re.compile(
    "expression_statement|local_variable_declaration|lexical_declaration|variable_declaration|declaration|"
    "local_declaration_statement|short_var_declaration|assignment_statement|var_declaration|property_declaration|"
    "assignment|let_declaration|val_definition|var_definition|operator_assignment|variable_assignment|"
    "declaration_command"
)
_EFFECT_TYPES = re.compile(
    r".*(?:call|invocation|await|yield|creation|macro|update|augmented|compound_assign|inc_stat"
    r"|dec_stat|throw|raise|receive|send|unary_expression|query).*|new_expression|command"
)
_SPECIAL_ARGUMENT_TYPES = re.compile(
    r".*(?:splat|spread|keyword|lambda|closure|arrow|pair|block|label|await|yield|func_lit"
    r"|generator|function|comment|array_init|method_ref|initializer|null|nil).*"
)
_ATOMIC_TYPES = re.compile(
    r".*(?:call|invocation|member|attribute|subscript|literal|string|integer|number|parenthesized|list"
    r"|dictionary|set|tuple|array|field|navigation|index|identifier|name|true|false|this|self)"
)
_RETURN_TYPES = frozenset(("return_statement", "return", "return_expression", "control_transfer_statement"))
_DEFERRING_TYPES = re.compile(
    r".*(?:lambda|closure|arrow|function|comprehension|generator|for_|while|loop|block|body|string"
    r"|template|expression_list|update|unary).*"
)


def add_statement(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a statement that prints or does nothing in a random place; None where there is none."""
    rows = [
        statement_rows[0]
        for block in function.blocks
        for statement in block[1:]
        if (statement_rows := function.find_statement_rows(statement))
    ]
    rows = [row for row in rows if row not in function.frozen_rows]
    if not rows:
        return None
    row = generator.choice(rows)
    template = generator.choice(
        [function.language_templates.log, function.language_templates.log, function.language_templates.dead]
    )
    return function.replace_lines(
        row, row - 1, [function.read_indentation(row) + template.format(words=choose_message(generator))]
    )


def remove_statement(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text without a random assignment or expression of a block of three or more; None for no such block."""
    candidates = [
        function.replace_lines(*statement_rows, [])
        for block in function.blocks
        for statement in block
        if len(block) > 2
        and _ASSIGNMENT_TYPES.fullmatch(statement.type)
        and (statement_rows := function.find_statement_rows(statement))
    ]
    return choose_result(generator, candidates)


def swap_statements(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with two adjacent, independent assignments swapped; None where there are none."""
    candidates = []
    for upper, lower in _pair_neighbours(function):
        upper_rows, lower_rows = function.find_statement_rows(upper), function.find_statement_rows(lower)
        if upper_rows and lower_rows and lower_rows[0] > upper_rows[1] and _are_independent(function, upper, lower):
            lines_between = function.lines[upper_rows[1] + 1 : lower_rows[0]]
            swapped_lines = [
                *function.lines[lower_rows[0] : lower_rows[1] + 1],
                *lines_between,
                *function.lines[upper_rows[0] : upper_rows[1] + 1],
            ]
            candidates.append(function.replace_lines(upper_rows[0], lower_rows[1], swapped_lines))
    return choose_result(generator, candidates)


def extract_variable(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a returned value, or a call's first argument, assigned before it; None without one."""
    if not function.language_templates.binding:
        return None
    candidates = []
    for block in function.blocks:
        for statement in block:
            rows, value_node = function.find_statement_rows(statement), _find_extractable_value(function, statement)
            if rows and value_node is not None and rows[0] not in function.frozen_rows:
                variable_name = choose_name("value", set(map(function.read_text, function.leaves)), generator)
                assignment = function.read_indentation(rows[0]) + function.language_templates.binding.format(
                    name=variable_name, value=function.read_text(value_node)
                )
                insertion_byte = len("\n".join(function.lines[: rows[0]]).encode()) + (rows[0] > 0)
                reference = "$" + variable_name if function.language == "php" else variable_name
                candidates.append(
                    function.apply_edits(
                        [
                            (insertion_byte, insertion_byte, assignment + "\n"),
                            (value_node.start_byte, value_node.end_byte, reference),
                        ]
                    )
                )
    return choose_result(generator, candidates)


def inline_variable(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with a variable, used only in the next statement, replaced by its value; None without one."""
    candidates = []
    for assignment, next_statement in _pair_neighbours(function):
        rows, use_and_value = (
            function.find_statement_rows(assignment),
            _find_inlinable_use(function, assignment, next_statement),
        )
        if rows and use_and_value is not None:
            use_node, value_node = use_and_value
            needs_no_parentheses = _ATOMIC_TYPES.fullmatch(value_node.type) or next_statement.type in _RETURN_TYPES
            inlined_text = (
                function.read_text(value_node) if needs_no_parentheses else f"({function.read_text(value_node)})"
            )
            first_byte = len("\n".join(function.lines[: rows[0]]).encode()) + (rows[0] > 0)
            last_byte = len("\n".join(function.lines[: rows[1] + 1]).encode()) + 1
            candidates.append(
                function.apply_edits(
                    [(first_byte, last_byte, ""), (use_node.start_byte, use_node.end_byte, inlined_text)]
                )
            )
    return choose_result(generator, candidates)


STATEMENT_EDITS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "statement added": add_statement,
    "statement removed": remove_statement,
    "statements swapped": swap_statements,
    "variable extracted": extract_variable,
    "variable inlined": inline_variable,
}


def _pair_neighbours(function: ParsedFunction) -> Iterator[tuple["Node", "Node"]]:
    """Yield, of each block of the function, each pair of adjacent statements."""
    for block in function.blocks:
        yield from pairwise(block)


def find_assignment(function: ParsedFunction, statement: "Node") -> tuple[set[str], "Node"] | None:
    """Return the plain names that a statement assigns, and the value; None if the statement does anything else."""
    if not _ASSIGNMENT_TYPES.fullmatch(statement.type):
        return None
    operator = next((node for node in list_nodes(statement) if node.type in ("=", ":=")), None)
    if operator is None or operator.next_named_sibling is None:
        return None
    value_node = operator.next_named_sibling
    if value_node.type == "expression_list" and value_node.named_child_count == 1:
        value_node = value_node.named_children[0]
    names = {
        function.read_text(leaf) for leaf in function.find_bindings(statement) if leaf.end_byte <= operator.start_byte
    }
    target_text = function.data[statement.start_byte : operator.start_byte].decode()
    is_complete = statement.end_byte - value_node.end_byte <= 1
    return (names, value_node) if names and is_complete and not re.search(r"[.(\[*]|->|,", target_text) else None


def _are_independent(function: ParsedFunction, upper: "Node", lower: "Node") -> bool:
    """Return whether two assignments may be swapped: neither uses the other's names, and one value is constant."""
    upper_assignment, lower_assignment = find_assignment(function, upper), find_assignment(function, lower)
    if upper_assignment is None or lower_assignment is None:
        return False
    if upper_assignment[0] & _list_names(function, lower) or lower_assignment[0] & _list_names(function, upper):
        return False
    return _is_constant(upper_assignment[1]) or _is_constant(lower_assignment[1])


def _is_constant(value: "Node") -> bool:
    """Return whether the value may be computed at another time: it is a literal or a name."""
    is_literal = re.fullmatch(r".*(?:literal|string|integer|number).*", value.type) is not None
    return value.child_count == 0 or (is_literal and not any(node.type in NAME_TYPES for node in list_nodes(value)))


def _list_names(function: ParsedFunction, node: "Node") -> set[str]:
    """Return the identifiers in and below the node, those of members included."""
    return {function.read_text(leaf) for leaf in list_nodes(node) if leaf.type in NAME_TYPES}


def _find_extractable_value(function: ParsedFunction, statement: "Node") -> "Node | None":
    """Return a one-line value that can be computed before the statement without other effects; None if none."""
    if statement.type in _RETURN_TYPES:
        value_node = statement.named_children[0] if statement.named_child_count == 1 else None
        if value_node is not None and value_node.type in ("expression_list", "argument_list"):
            value_node = value_node.named_children[0] if value_node.named_child_count == 1 else None
    else:
        value_node = _find_first_argument(function, statement)
    if value_node is None or value_node.child_count == 0 or value_node.type == "variable_name":
        return None
    if value_node.start_point[0] != value_node.end_point[0]:
        return None
    has_special_part = any(_SPECIAL_ARGUMENT_TYPES.fullmatch(node.type) for node in list_nodes(value_node))
    return None if has_special_part or "{" in function.read_text(value_node)[:1] else value_node


def _find_first_argument(function: ParsedFunction, statement: "Node") -> "Node | None":
    """Return the first argument of a statement that calls a name, perhaps dotted; None for any other."""
    if statement.type != "expression_statement" or statement.named_child_count != 1:
        return None
    call = statement.named_children[0]
    arguments = call.child_by_field_name("arguments")
    if arguments is None or not arguments.named_children:
        return None
    callee = function.data[call.start_byte : arguments.start_byte].decode()
    argument = arguments.named_children[0]
    if argument.type in ("argument", "value_argument"):
        argument = (
            argument.named_children[0] if argument.named_child_count == 1 and argument.child_count == 1 else arguments
        )
    return argument if re.fullmatch(r"[\w.$]+(?:->\w+)?", callee) and argument is not arguments else None


def _find_inlinable_use(
    function: ParsedFunction, assignment: "Node", next_statement: "Node"
) -> tuple["Node", "Node"] | None:
    """Return the only use of the assigned name, in the next statement, and its value; None where that is unsafe."""
    binding = find_assignment(function, assignment)
    if (
        binding is None
        or len(binding[0]) != 1
        or not (next_statement.type in _RETURN_TYPES or _ASSIGNMENT_TYPES.fullmatch(next_statement.type))
    ):
        return None
    (variable_name,), value_node = binding
    uses = function.variables.get(variable_name, [])
    if len(uses) != 2 or not next_statement.start_byte <= uses[1].start_byte < next_statement.end_byte:
        return None
    use_node = uses[1].parent if function.language == "php" else uses[1]
    if (
        use_node is None
        or value_node.start_point[0] != value_node.end_point[0]
        or "{" in function.read_text(value_node)
    ):
        return None
    if re.fullmatch(rf"return\s+\$?{re.escape(variable_name)}\s*;?", function.read_text(next_statement)):
        return use_node, value_node
    if next_statement.type in _RETURN_TYPES and not _ATOMIC_TYPES.fullmatch(value_node.type):
        return None
    return (
        (use_node, value_node)
        if _can_move_value(value_node, use_node, next_statement) and not _is_target(use_node)
        else None
    )


def _can_move_value(value: "Node", use: "Node", statement: "Node") -> bool:
    """Return whether the value is the same at its use: computed once, with no effects before it."""
    node = use.parent
    while node is not None and node != statement:
        if _DEFERRING_TYPES.fullmatch(node.type):
            return False
        node = node.parent
    has_no_effect = not any(_EFFECT_TYPES.fullmatch(value_node.type) for value_node in list_nodes(value))
    nodes_before = (node for node in list_nodes(statement) if node.end_byte <= use.start_byte)
    return has_no_effect and (
        _is_constant(value) or not any(_EFFECT_TYPES.fullmatch(node.type) for node in nodes_before)
    )


def _is_target(use_node: "Node") -> bool:
    """Return whether `=`, `+=`, `++` or the like follows the use; False for the `x` of `x, y = pair`."""
    following_node = use_node.next_sibling
    return following_node is not None and re.fullmatch(r"[-+*/%&|^<>?]*=|\+\+|--|:=", following_node.type) is not None
