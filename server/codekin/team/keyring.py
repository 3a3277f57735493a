"""The team's secret key: what is stored of a text are hashes that only its holders can make.

A stolen index gives vectors and hashes: without the key nobody can try words, or texts that they have, against them.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from codekin.code.words import find_compound_identifiers, split_words
from codekin.errors import TeamError
from codekin.files import read_file
from codekin.settings import config_file

_KEY_BYTES = 32
_MAX_WORDS = 512  # per content, as in the local full text
_WORD_MASK = 0x7FFFFFFF  # positive in 32 bits
_BM25_K1, _BM25_B = 1.2, 0.75
_MEAN_WORDS = 60.0  # of a content, in the long run: a constant, so that a weight never changes


class Keyring:
    """Hashes of contents and words under one key."""

    def __init__(self, key: bytes) -> None:
        """Use these 32 secret bytes as the key."""
        self.key = key
        self._hash_word = lru_cache(maxsize=131_072)(self._hash_word_anew)

    @property
    def check(self) -> str:
        """Return a keyed hash of a constant, which an index stores so that another key is noticed."""
        return self._hash(b"check")

    def make_content_id(self, content_hash: bytes) -> str:
        """Return a content's id: the keyed hash of its text's hash, 32 hexadecimal digits."""
        return self._hash(b"content" + content_hash)

    def hash_word(self, word: str) -> int:
        """Return a word's keyed hash, a number of 31 bits; cached."""
        return self._hash_word(word)

    def hash_text(self, text: str) -> tuple[tuple[int, ...], float]:
        """Return a text's distinct words as sorted keyed hashes, and the one BM25 weight that its length gives each."""
        words = list_words(text)
        weight = (_BM25_K1 + 1) / (1 + _BM25_K1 * (1 - _BM25_B + _BM25_B * len(words) / _MEAN_WORDS))
        return tuple(sorted(set(map(self._hash_word, words)))), weight

    def _hash_word_anew(self, word: str) -> int:
        """Compute a word's keyed hash, a number of 31 bits."""
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), key=self.key, digest_size=4).digest()
        return int.from_bytes(digest) & _WORD_MASK

    def _hash(self, data: bytes) -> str:
        """Return the keyed hash of bytes, 32 hexadecimal digits."""
        return hashlib.blake2b(data, key=self.key, digest_size=16).hexdigest()


def list_words(text: str) -> list[str]:
    """Return the words that a text is found by: its first 512 words and 512 whole identifiers, each once."""
    return list(dict.fromkeys(split_words(text)[:_MAX_WORDS] + find_compound_identifiers(text)[:_MAX_WORDS]))


def max_word_weight() -> float:
    """Return a word's highest BM25 weight, that in the shortest content, without its inverse document frequency."""
    return (_BM25_K1 + 1) / (1 + _BM25_K1 * (1 - _BM25_B))


def make_key(*parts: str | int) -> str:
    """Hash these values, without a secret, to a row's key of 32 hexadecimal digits."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def make_number(parts: Iterable[str | int], bits: int) -> int:
    """Hash these values, without a secret, to a number of `bits` bits."""
    return int(make_key(*parts), 16) & ((1 << bits) - 1)


def default_key_file() -> Path:
    """Return the path of the team's key file unless an option names another: beside the user's settings."""
    return config_file().parent / "team.key"


def load_keyring(path: Path, *, create: bool) -> Keyring:
    """Read the team's key from a file; with `create`, write a new one where there is none. Raises TeamError."""
    try:
        if create and not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        key = bytes.fromhex(read_file(path, 1_024).data.decode().strip())
    except FileNotFoundError as error:
        remedy = "Copy it from where the index was first filled, or pass --key FILE."
        raise TeamError(f"There is no team key at {path}. {remedy}") from error
    except (OSError, ValueError) as error:
        raise TeamError(f"The team key {path} can't be read ({error}). It is a line of 64 hex digits.") from error
    if len(key) != _KEY_BYTES:
        raise TeamError(f"The team key {path} is not whole. It is a line of 64 hex digits.")
    return Keyring(key)
