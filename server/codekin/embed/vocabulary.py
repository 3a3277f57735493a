"""Text → token ids for the static model: identifiers split to words, lower-cased, cut to known pieces, each once.

Two neighbouring words, of an identifier or of a sentence, also have a row of their own, chosen by their hash: `binary
search` and `binarySearch` share it, and it says more than `binary` and `search` do.
"""

import re
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

MAX_CHARS = 65_536  # of a text; snippets are far shorter, and a minified megabyte has no meaning to average
_CACHED_WORDS = 200_000  # about 40 MB when full
_CACHED_PARTS = 50_000  # of words: there are far fewer, and most new words are made of known ones
_MAX_PARTS = 32  # of an identifier; what has more is data

# What tells languages apart though no word does. Each that a text has is a token of its own, after all others.
MARKS = (";\n", ":\n", "{", "}", "()", "[", "<", "$", "@", "#", "::", "->", "=>", ":=", "//", "'", '"', "`", "\\", ", ")

_PATTERN = r"\w+|[-+*/%&|^~<>=!?]+"  # brackets, quotes, commas are in every text and say nothing
_WORD = re.compile(_PATTERN)
_ASCII_WORD = re.compile(_PATTERN, re.ASCII)  # finds the same in ASCII, a quarter faster
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def split_identifier(word: str) -> list[str]:
    """`parseHTTPServer2` → parse, http, server, 2; operators stay whole."""
    found = _PART.findall(word)
    return [part.lower() for part in found] if found else [word]


def split_tokens(text: str) -> list[str]:
    """The identifiers, numbers and operators of a text, in order."""
    text = text[:MAX_CHARS]
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


class Vocabulary:
    """The known pieces, and a bounded memory of the ids of the words seen lately."""

    def __init__(self, path: Path, phrases: int = 0) -> None:
        """`path`: a `tokenizer.json` of `tokenizers`; `phrases` rows follow its tokens, for hashed pairs."""
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(path))
        self._tokens = int(self._tokenizer.get_vocab_size())
        self._phrases = phrases
        self._cache: dict[str, tuple[int, ...]] = {}
        self._parts: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return self._tokens + self._phrases + len(MARKS)

    @property
    def first_mark(self) -> int:
        """The ids from here on are those of marks."""
        return self._tokens + self._phrases

    def language_marks(self, text: str) -> list[int]:
        """The ids of the marks that the text has."""
        ended = text[:MAX_CHARS] + "\n"
        return [mark for mark, sign in enumerate(MARKS, self.first_mark) if sign in ended]

    def token_ids(self, text: str, spoken: bool = False) -> list[int]:
        """The ids of the text's pieces, each once, in the order of their first occurrence.

        `spoken` texts are sentences: their neighbouring words are phrases too, not only those joined in an identifier.
        """
        sequence = split_tokens(text)
        unique = dict.fromkeys(sequence)
        if spoken and self._phrases:
            # Written as the identifier that would join them, a phrase is found in the cache like any word.
            unique |= dict.fromkeys(f"{a}_{b}" for a, b in pairwise(sequence) if a.isalpha() and b.isalpha())
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
        split = (
            split_identifier(word) if word.isascii() else [replace_surrogates(part) for part in split_identifier(word)]
        )
        ids = [token for part in split for token in self._pieces_of_part(part)]
        if self._phrases:
            pairs = pairwise(split[:_MAX_PARTS])
            ids += [self._tokens + crc32(f"{a} {b}".encode()) % self._phrases for a, b in pairs]
        return tuple(ids)

    def _pieces_of_part(self, part: str) -> list[int]:
        ids = self._parts.get(part)
        if ids is None:
            if len(self._parts) > _CACHED_PARTS:
                self._parts = {}
            ids = self._parts[part] = list(self._tokenizer.encode(part, add_special_tokens=False).ids)
        return ids


def replace_surrogates(text: str) -> str:
    """The text without unpaired surrogates, which JSON can carry and nothing else can."""
    return text.encode("utf-8", "replace").decode("utf-8")
