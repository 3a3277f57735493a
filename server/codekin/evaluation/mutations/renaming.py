"""Type 2: names and literals are others, the shape is the same."""

import re
from collections.abc import Callable
from random import Random

from codekin.evaluation.mutations.source import NAMES, Edit, ParsedFunction
from codekin.evaluation.mutations.words import change_number, change_string, choose_function_name, choose_name

_CALLABLE = NAMES | {"property_identifier", "field_identifier", "word", "constant"}
_STRINGS = re.compile(r".*(?:string_content|string_fragment|literal_content|str_text)|raw_string")
_NUMBERS = re.compile(r"integer|number|number_literal|int_literal|integer_literal|decimal_integer_literal")
_WORDS_OF_A_STRING = re.compile(r"[\w .,:;!?-]{2,80}")


def rename_locals(source: ParsedFunction, rng: Random) -> str | None:
    """Every parameter and local has another name, the same wherever it stands."""
    taken = set(map(source.read_text, source.leaves))
    edits: list[Edit] = []
    for old, uses in source.variables.items():
        new = choose_name(old, taken, rng)
        edits += [(use.start_byte, use.end_byte, new) for use in uses]
    return source.apply_edits(edits) if edits else None


def rename_function(source: ParsedFunction, rng: Random) -> str | None:
    """The function has another name, also where it calls itself."""
    node = source.name_node()
    if node is None or node.type not in _CALLABLE:
        return None
    old = source.read_text(node)
    if not re.fullmatch(r"[A-Za-z]\w*", old) or old in source.variables:
        return None
    new = choose_function_name(old, set(map(source.read_text, source.leaves)), rng)
    uses = [
        leaf
        for leaf in source.leaves
        if leaf == node or (leaf.type in _CALLABLE and source.read_text(leaf) == old and not source.is_member(leaf))
    ]
    return source.apply_edits((use.start_byte, use.end_byte, new) for use in uses)


def change_literals(source: ParsedFunction, rng: Random) -> str | None:
    """Up to half of the words in strings and of the numbers above 9 are others: a change of what it does."""
    edits: list[Edit] = []
    for leaf in source.leaves:
        said = source.read_text(leaf)
        if _NUMBERS.fullmatch(leaf.type) and re.fullmatch(r"[1-9]\d{1,6}", said):
            edits.append((leaf.start_byte, leaf.end_byte, change_number(said, rng)))
        elif _STRINGS.fullmatch(leaf.type) and _WORDS_OF_A_STRING.fullmatch(said.strip("'\"")):
            edits.append((leaf.start_byte, leaf.end_byte, change_string(said, rng)))
    return source.apply_edits(rng.sample(edits, (len(edits) + 1) // 2)) if edits else None


RENAMINGS: dict[str, Callable[[ParsedFunction, Random], str | None]] = {
    "locals renamed": rename_locals,
    "function renamed": rename_function,
    "literals changed": change_literals,
}
