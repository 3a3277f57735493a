"""Carry a change of words over to other names: `get_user` that became `get_order` makes `userId` an `orderId`."""

import re
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+")
_CACHED_NAMES = 8192  # a key asks for the same ones again and again

WordChange = tuple[tuple[str, ...], tuple[str, ...]]


@lru_cache(maxsize=_CACHED_NAMES)
def substitute_words(text: str, former_name: str, new_name: str) -> str | None:
    """Return the text with the words that differ between two names replaced alike, case kept; None if it has none."""
    change = _find_change(former_name, new_name)
    if change is None:
        return None
    former_words, new_words = change
    words = _WORD.findall(text)
    lower_words = tuple(word.lower() for word in words)
    for start in range(len(words) - len(former_words) + 1):
        end = start + len(former_words)
        if lower_words[start:end] == former_words:
            return "".join((*words[:start], _adapt_case(words[start:end], new_words), *words[end:]))
    return None


@lru_cache(maxsize=_CACHED_NAMES)
def _find_change(former_name: str, new_name: str) -> WordChange | None:
    """Return the lower-case words that differ between two names, common ends aside; None if one name lacks them."""
    former_words, new_words = (tuple(word.lower() for word in _WORD.findall(name)) for name in (former_name, new_name))
    while former_words and new_words and former_words[0] == new_words[0]:
        former_words, new_words = former_words[1:], new_words[1:]
    while former_words and new_words and former_words[-1] == new_words[-1]:
        former_words, new_words = former_words[:-1], new_words[:-1]
    if not new_words or not any(word.isalnum() for word in former_words):
        return None
    return former_words, new_words


def _adapt_case(replaced_words: Sequence[str], new_words: Sequence[str]) -> str:
    """Return the new words joined, capitalised or in upper case as the replaced ones are."""
    first_word, last_word = replaced_words[0], replaced_words[-1]
    if first_word.isupper() and len(first_word) > 1:
        return "".join(new_words).upper()
    return "".join(
        word.capitalize() if (last_word if number else first_word)[:1].isupper() else word
        for number, word in enumerate(new_words)
    )
