"""Text → its words: identifiers split where their authors joined them."""

import re
from functools import lru_cache

_TOKEN = re.compile(r"\w+")
# HTTPServer → HTTP Server, getX → get X, utf8 → utf 8; caseless scripts (CJK) stay whole.
_SUBWORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@lru_cache(maxsize=65_536)
def _subwords(token: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _SUBWORD.findall(token))


def words(text: str) -> list[str]:
    """The text's words in order, repeated as often as they stand there, lower-case."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        found += _subwords(token)
    return found


def identifiers(text: str) -> list[str]:
    """The identifiers of two or more words, joined, lower-case: `getUserName`, `get_user_name` → `getusername`."""
    return ["".join(parts) for token in _TOKEN.findall(text) if len(parts := _subwords(token)) > 1]
