"""Words of a text: identifiers split where their authors joined words.

`HTTPServer` is http server, `get_userIDs` is get user ids, `utf8` is utf 8. Scripts that write no spaces (Chinese,
Japanese, Korean, Thai …) give overlapping pairs of characters, so that a part of a phrase finds it.
"""

import re
import unicodedata
from itertools import chain, islice, pairwise

MAX_TOKEN_CHARACTERS = 100  # longer runs are encoded data, which nobody searches for

_TOKEN_PATTERN = re.compile(r"\w+")
_SUBWORD_PATTERN = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MAX_CACHED_TOKENS = 32_768  # most of the vocabulary of a large code base, a few MB


def split_words(text: str) -> list[str]:
    """Return the text's words, lower-case, with repeats: `GetURL` → get, url; a run over 100 characters has none."""
    return list(chain.from_iterable(map(_SUBWORD_CACHE.__getitem__, _find_tokens(text))))


def find_compound_identifiers(text: str) -> list[str]:
    """Return identifiers of several ASCII words, joined, lower-case, with repeats: `getUserName` → `getusername`."""
    return list(filter(None, map(_COMPOUND_CACHE.__getitem__, _find_tokens(text))))


def list_distinct_words(text: str, limit: int) -> list[str]:
    """Return the first `limit` words, then the first `limit` joined identifiers, as one list, each once, lower-case."""
    tokens = _find_tokens(text)
    words = chain.from_iterable(map(_SUBWORD_CACHE.__getitem__, tokens))
    compounds = filter(None, map(_COMPOUND_CACHE.__getitem__, tokens))
    return list(dict.fromkeys(chain(islice(words, limit), islice(compounds, limit))))


def _find_tokens(text: str) -> list[str]:
    """Return runs of word characters, after Unicode composition (NFC)."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _TOKEN_PATTERN.findall(text)


class _SubwordCache(dict[str, tuple[str, ...]]):
    """Mapping from a token to its words (() if it is over 100 characters), computed on first use and cached."""

    def __missing__(self, token: str) -> tuple[str, ...]:
        if len(token) > MAX_TOKEN_CHARACTERS:
            return ()
        if len(self) >= _MAX_CACHED_TOKENS:
            self.clear()
        subwords = self[token] = _split_token(token)
        return subwords


class _CompoundCache(dict[str, str]):
    """Mapping from a token to its words joined ("" if it is one word, or not ASCII), computed on first use."""

    def __missing__(self, token: str) -> str:
        subwords = _SUBWORD_CACHE[token]
        if len(self) >= _MAX_CACHED_TOKENS:
            self.clear()
        compound = self[token] = "".join(subwords) if len(subwords) > 1 and token.isascii() else ""
        return compound


def _split_token(token: str) -> tuple[str, ...]:
    """Return the words of one token, lower-case; caseless scripts give overlapping pairs of characters."""
    if token.isascii():
        return tuple([word.lower() for word in _SUBWORD_PATTERN.findall(token)])
    runs: list[str] = []
    for character in token:
        if runs and _continues_word(runs[-1], character):
            runs[-1] += character
        else:
            runs.append(character)
    return tuple(word for run in runs for word in _split_run(run))


def _continues_word(run: str, character: str) -> bool:
    """Return whether `character` continues the word that `run` began: same kind, and no new capital."""
    last_character = run[-1]
    if (
        character == "_"
        or last_character == "_"
        or _classify_character(character) != _classify_character(last_character)
    ):
        return False
    return not (character.isupper() and not last_character.isupper())


def _classify_character(character: str) -> str:
    """Return "digit", "cased" or "caseless" (scripts without capitals)."""
    if character.isdecimal():
        return "digit"
    return "cased" if character.lower() != character.upper() else "caseless"


def _split_run(run: str) -> list[str]:
    """Return a run's words: one, lower-case; overlapping pairs if caseless; none for `_`."""
    if run == "_":
        return []
    if _classify_character(run[0]) == "caseless" and len(run) > 1:
        return [first_character + second_character for first_character, second_character in pairwise(run)]
    return [run.lower()]


_SUBWORD_CACHE = _SubwordCache()
_COMPOUND_CACHE = _CompoundCache()
