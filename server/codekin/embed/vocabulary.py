"""Convert text to token ids of the static model: split identifiers, lower-case, cut to known tokens, deduplicate.

Two neighbouring words of an identifier or sentence also form a phrase with a row chosen by hash: `binary search` and
`binarySearch` share it, and it carries more meaning than `binary` and `search` alone.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

MAX_CHARS = 65_536  # of a text; snippets are far shorter, and the average of a minified megabyte means nothing
_MAX_CACHED_WORDS = 200_000  # about 60 MB when full
_MAX_CACHED_PARTS = 50_000  # far fewer than words, as most new words consist of known parts
_MAX_IDENTIFIER_PARTS = 32  # an identifier with more parts is data

# Signs that distinguish languages. Each sign in a text is a token, after all others.
MARKS = (";\n", ":\n", "{", "}", "()", "[", "<", "$", "@", "#", "::", "->", "=>", ":=", "//", "'", '"', "`", "\\", ", ")

_PATTERN = r"\w+|[-+*/%&|^~<>=!?]+"  # every text has brackets, quotes and commas: they carry no meaning
_WORD = re.compile(_PATTERN)
_ASCII_WORD = re.compile(_PATTERN, re.ASCII)  # finds the same in ASCII text, 25% faster
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def split_identifier(word: str) -> list[str]:
    """Return an identifier's words: `parseHTTPServer2` → parse, http, server, 2. Operators stay whole."""
    word_parts = _PART.findall(word)
    return [part.lower() for part in word_parts] if word_parts else [word]


def split_tokens(text: str) -> list[str]:
    """Return the identifiers, numbers and operators of a text (its first 65,536 characters), in order."""
    text = text[:MAX_CHARS]
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


class Vocabulary:
    """Maps texts to token ids, with bounded caches of the ids of recent words."""

    def __init__(self, path: Path, phrase_count: int = 0) -> None:
        """Load a `tokenizer.json`, and have `phrase_count` more ids for pairs of words, which are hashed to them.

        These ids follow the tokens'. Raises ValueError where the file is missing or unsound.
        """
        try:
            status = path.stat()
            self._tokenizer = _load_tokenizer(path, (status.st_ino, status.st_size, status.st_mtime_ns))
        except Exception as error:  # the library raises nothing more exact
            raise ValueError(f"{path}: {error}") from error
        self._token_count = int(self._tokenizer.get_vocab_size())
        self._phrase_count = phrase_count
        self._ids_by_word = _WordIds(self._compute_word_ids)
        self._ids_by_part: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return self._token_count + self._phrase_count + len(MARKS)

    @property
    def first_mark(self) -> int:
        """Return the first token id of a mark (a sign such as `=>`); all higher ids are marks, too."""
        return self._token_count + self._phrase_count

    def find_mark_ids(self, text: str) -> list[int]:
        """Return the ids of the marks (such as `=>`) in a text's first 65,536 characters, in the order of MARKS."""
        terminated_text = text[:MAX_CHARS] + "\n"
        return [mark_id for mark_id, mark_text in enumerate(MARKS, self.first_mark) if mark_text in terminated_text]

    def find_token_ids(self, text: str, is_prose: bool = False) -> list[int]:
        """Return token ids of a text's first 65,536 characters, each once, in order; `is_prose`: of word pairs, too.

        In prose neighbouring words are phrases too, not only those joined in an identifier.
        """
        word_sequence = split_tokens(text)
        unique_words = dict.fromkeys(word_sequence)
        if is_prose and self._phrase_count:
            # A phrase is written as an identifier, so that it is found in the cache like any word.
            unique_words |= dict.fromkeys(
                f"{first_word}_{second_word}"
                for first_word, second_word in pairwise(word_sequence)
                if first_word.isalpha() and second_word.isalpha()
            )
        return list(dict.fromkeys(chain.from_iterable(map(self._ids_by_word.__getitem__, unique_words))))

    def _compute_word_ids(self, word: str) -> tuple[int, ...]:
        """Return the ids of a word's parts, and of the phrases that neighbouring parts form."""
        word_parts = split_identifier(word)
        if not word.isascii():  # the tokenizer takes UTF-8, which can't encode surrogates
            word_parts = list(map(replace_surrogates, word_parts))
        token_ids = [token for part in word_parts for token in self._find_part_ids(part)]
        if self._phrase_count:
            part_pairs = pairwise(word_parts[:_MAX_IDENTIFIER_PARTS])
            phrase_hashes = (crc32(f"{first_part} {second_part}".encode()) for first_part, second_part in part_pairs)
            token_ids += [self._token_count + phrase_hash % self._phrase_count for phrase_hash in phrase_hashes]
        return tuple(token_ids)

    def _find_part_ids(self, part: str) -> list[int]:
        """Return the token ids of one part of a word, cached."""
        token_ids = self._ids_by_part.get(part)
        if token_ids is None:
            if len(self._ids_by_part) > _MAX_CACHED_PARTS:
                self._ids_by_part = {}
            token_ids = self._ids_by_part[part] = list(self._tokenizer.encode(part, add_special_tokens=False).ids)
        return token_ids


@lru_cache(maxsize=1)
def _load_tokenizer(path: Path, _identity: tuple[int, int, int]) -> Any:
    """Return the file's tokenizer, the last one loaded if path and identity (inode, size, time) are the same.

    Engines of a process share it, on any thread: its use does not change it. To load takes 50 ms of processor time.
    """
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


class _WordIds(dict[str, tuple[int, ...]]):
    """Mapping from a word to its token ids, computed on first use and cached."""

    def __init__(self, compute_ids: Callable[[str], tuple[int, ...]]) -> None:
        super().__init__()
        self._compute_ids = compute_ids

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(self) >= _MAX_CACHED_WORDS:
            self.clear()
        token_ids = self[word] = self._compute_ids(word)
        return token_ids


def replace_surrogates(text: str) -> str:
    """Return the text with unpaired surrogates, which UTF-8 can't encode, replaced by "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
