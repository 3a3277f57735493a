"""Are two functions clones of the first two types? Looked at by tokens alone, apart from how the product does it."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import NAMES, ParsedFunction, parse_function

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERAL = re.compile(r".*(?:string|char|number|integer|float|_literal|str_text|escape).*")


def list_tokens(text: str, language: str) -> tuple[str, ...] | None:
    """The function's tokens without comments: equal for clones of type 1. None where it does not parse."""
    read = parse_function(text, language)
    return tuple(_plain(read.read_text(leaf)) for leaf in _spoken(read)) if read is not None else None


def abstract_tokens(text: str, language: str) -> tuple[str, ...] | None:
    """The tokens with literals alike, and with variables by the order in which they first came.

    Equal for clones of type 2 as they are made here: members and types, which are not the function's to rename, stay.
    """
    read = parse_function(text, language)
    if read is None:
        return None
    known: dict[str, str] = {}
    own = read.name_node()
    told = []
    for leaf in _spoken(read):
        said = read.read_text(leaf)
        if leaf.is_named and _LITERAL.fullmatch(leaf.type):
            told.append("literal")
        elif leaf == own or (leaf.type in NAMES and not read.is_member(leaf)):
            told.append(known.setdefault(said, f"name {len(known)}"))
        else:
            told.append(_plain(said))
    return tuple(told)


def compute_token_ratio(one: str, other: str) -> float:
    """The share of two texts' words and marks that are the same in the same order, 0 … 1 (difflib's ratio)."""
    first, second = (re.findall(r"\w+|[^\w\s]", text) for text in (one, other))
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _spoken(read: ParsedFunction) -> Iterator["Node"]:
    """The leaves that are no comment's, and say something."""
    waiting = [read.root]
    while waiting:
        node = waiting.pop()
        if "comment" in node.type:
            continue
        if node.child_count:
            waiting.extend(reversed(node.children))
        elif read.read_text(node).strip():
            yield node


def _plain(said: str) -> str:
    """A token without what a layout may change: blanks in it, the kind of its quotes."""
    return "'" if said == '"' else re.sub(r"\s+", " ", said)
