"""Text → token ids for the static model: identifiers split to words, lower-cased, cut to known pieces, each once."""

import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

MAX_CHARS = 65_536  # of a text; snippets are far shorter, and a minified megabyte has no meaning to average
_CACHED_WORDS = 200_000  # about 40 MB when full

_WORD = re.compile(r"\w+|[-+*/%&|^~<>=!?:@.]+|[^\w\s]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def parts(word: str) -> list[str]:
    """`parseHTTPServer2` → parse, http, server, 2; operators stay whole."""
    found = _PART.findall(word)
    return [part.lower() for part in found] if found else [word]


def words(text: str) -> list[str]:
    """The identifiers, numbers and operators of a text, in order."""
    return _WORD.findall(text[:MAX_CHARS])


class Vocabulary:
    """The known pieces, and a bounded memory of the ids of the words seen lately."""

    def __init__(self, path: Path) -> None:
        """`path` is a `tokenizer.json` of the `tokenizers` library, without special tokens."""
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(path))
        self._cache: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def ids(self, text: str) -> list[int]:
        """The ids of the text's pieces, each once, in the order of their first occurrence."""
        unique = dict.fromkeys(words(text))
        found = list(map(self._cache.get, unique))
        if None in found:
            found = self._look_up(unique)
        return list(dict.fromkeys(chain.from_iterable(found)))  # type: ignore[arg-type]

    def _look_up(self, unique: Iterable[str]) -> list[tuple[int, ...] | None]:
        cache = self._cache
        if len(cache) > _CACHED_WORDS:
            cache = self._cache = {}
        found: list[tuple[int, ...] | None] = []
        for word in unique:
            ids = cache.get(word)
            if ids is None:
                ids = cache[word] = self._pieces(word)
            found.append(ids)
        return found

    def _pieces(self, word: str) -> tuple[int, ...]:
        # Surrogates can't cross into the tokenizer, which speaks UTF-8.
        text = " ".join(parts(word)).encode("utf-8", "replace").decode("utf-8")
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)
