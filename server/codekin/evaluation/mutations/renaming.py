"""Edits of type 2: change names and literals, and keep the structure."""

import re
from collections.abc import Callable
from random import Random

from codekin.evaluation.mutations.source import NAME_TYPES, Edit, ParsedFunction
from codekin.evaluation.mutations.words import change_number, change_string, choose_function_name, choose_name

_FUNCTION_NAME_TYPES = NAME_TYPES | {"property_identifier", "field_identifier", "word", "constant"}
_STRING_TYPES = re.compile(r".*(?:string_content|string_fragment|literal_content|str_text)|raw_string")
_NUMBER_TYPES = re.compile(r"integer|number|number_literal|int_literal|integer_literal|decimal_integer_literal")
_CHANGEABLE_STRING = re.compile(r"[\w .,:;!?-]{2,80}")


def rename_locals(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with all safely renamable parameters and locals renamed throughout; None if there is none."""
    taken_names = set(map(function.read_text, function.leaves))
    edits: list[Edit] = []
    for old_name, uses in function.variables.items():
        new_name = choose_name(old_name, taken_names, generator)
        edits += [(use_node.start_byte, use_node.end_byte, new_name) for use_node in uses]
    return function.apply_edits(edits) if edits else None


def rename_function(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with the function renamed, in recursive calls too; None where it has no plain name."""
    name_node = function.find_name_node()
    if name_node is None or name_node.type not in _FUNCTION_NAME_TYPES:
        return None
    old_name = function.read_text(name_node)
    if not re.fullmatch(r"[A-Za-z]\w*", old_name) or old_name in function.variables:
        return None
    new_name = choose_function_name(old_name, set(map(function.read_text, function.leaves)), generator)
    uses = [
        leaf
        for leaf in function.leaves
        if leaf == name_node
        or (leaf.type in _FUNCTION_NAME_TYPES and function.read_text(leaf) == old_name and not function.is_member(leaf))
    ]
    return function.apply_edits((use_node.start_byte, use_node.end_byte, new_name) for use_node in uses)


def change_literals(function: ParsedFunction, generator: Random) -> str | None:
    """Return the text with half of the plain strings and numbers above 9 changed; None where there are none."""
    edits: list[Edit] = []
    for leaf in function.leaves:
        literal = function.read_text(leaf)
        if _NUMBER_TYPES.fullmatch(leaf.type) and re.fullmatch(r"[1-9]\d{1,6}", literal):
            edits.append((leaf.start_byte, leaf.end_byte, change_number(literal, generator)))
        elif _STRING_TYPES.fullmatch(leaf.type) and _CHANGEABLE_STRING.fullmatch(literal.strip("'\"")):
            edits.append((leaf.start_byte, leaf.end_byte, change_string(literal, generator)))
    return function.apply_edits(generator.sample(edits, (len(edits) + 1) // 2)) if edits else None


RENAMINGS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "locals renamed": rename_locals,
    "function renamed": rename_function,
    "literals changed": change_literals,
}
