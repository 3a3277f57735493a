"""Decide whether two functions are clones of type 1 or 2, by tokens alone and independently of codekin's search."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from codekin.evaluation.mutations.source import NAME_TYPES, ParsedFunction, parse_function

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERAL_TYPES = re.compile(r".*(?:string|char|number|integer|float|_literal|str_text|escape).*")


def list_tokens(text: str, language: str) -> tuple[str, ...] | None:
    """Return the function's tokens without comments, equal for clones of type 1; None if it does not parse."""
    function = parse_function(text, language)
    return (
        tuple(_normalize_token(function.read_text(leaf)) for leaf in _list_token_nodes(function))
        if function is not None
        else None
    )


def abstract_tokens(text: str, language: str) -> tuple[str, ...] | None:
    """Return tokens with literals replaced and names numbered, equal for clones of type 2; None if not parsed.

    Variables are numbered by first occurrence. Members and types, which a function can't rename by itself, stay.
    """
    function = parse_function(text, language)
    if function is None:
        return None
    placeholders: dict[str, str] = {}
    name_node = function.find_name_node()
    tokens = []
    for leaf in _list_token_nodes(function):
        token_text = function.read_text(leaf)
        if leaf.is_named and _LITERAL_TYPES.fullmatch(leaf.type):
            tokens.append("literal")
        elif leaf == name_node or (leaf.type in NAME_TYPES and not function.is_member(leaf)):
            tokens.append(placeholders.setdefault(token_text, f"name {len(placeholders)}"))
        else:
            tokens.append(_normalize_token(token_text))
    return tuple(tokens)


def compute_token_ratio(first_text: str, second_text: str) -> float:
    """Return the share of tokens that both texts have in the same order, 0 … 1 (difflib); 1 for two empty ones."""
    first_tokens, second_tokens = (re.findall(r"\w+|[^\w\s]", text) for text in (first_text, second_text))
    return SequenceMatcher(None, first_tokens, second_tokens, autojunk=False).ratio()


def _list_token_nodes(function: ParsedFunction) -> Iterator["Node"]:
    """Yield the leaves that have text and are not in comments, in order."""
    pending_nodes = [function.root]
    while pending_nodes:
        node = pending_nodes.pop()
        if "comment" in node.type:
            continue
        if node.child_count:
            pending_nodes.extend(reversed(node.children))
        elif function.read_text(node).strip():
            yield node


def _normalize_token(token_text: str) -> str:
    """Return the token with white space as single blanks; a double quote becomes a single one."""
    is_quote = token_text == '"'  # noqa: S105 -- a token of code
    return "'" if is_quote else re.sub(r"\s+", " ", token_text)
