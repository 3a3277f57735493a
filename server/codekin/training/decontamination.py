"""Exclude pairs that contain a benchmark's text, in any layout: no model is trained on what it is measured on."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from zlib import crc32

from codekin.training.docs_pages import TextPair

_WORD = re.compile(r"[A-Za-z]+|\d+")
_SHINGLE_WORDS = 8  # words
_STRIDE_WORDS = 4  # between the shingles that are looked up in a training text
_MIN_SHARED_FRACTION = 0.3  # of the looked-up shingles, for a text to count as the benchmark's
_MIN_TEXT_WORDS = 4  # shorter texts are common to all code


class BenchmarkTexts:
    """The hashes of benchmarks' texts and of runs of eight words in them; layout and case make no difference."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Hash the texts and their runs of eight words, letters and digits only, in lower case; keep no text."""
        self._text_hashes: set[int] = set()
        self._shingle_hashes: set[int] = set()
        for text in texts:
            words = _WORD.findall(text.lower())
            self._text_hashes.add(_hash_words(words))
            self._shingle_hashes.update(
                _hash_words(words[start : start + _SHINGLE_WORDS]) for start in range(len(words) - _SHINGLE_WORDS + 1)
            )

    def digest(self) -> str:
        """Return a hash of the texts, 16 hexadecimal digits, the same in every process."""
        hashes = json.dumps([sorted(self._text_hashes), sorted(self._shingle_hashes)])
        return hashlib.blake2b(hashes.encode(), digest_size=8).hexdigest()

    def contains(self, pair: TextPair) -> bool:
        """Return whether either side of the pair is, or quotes, a benchmark's text; False below four words."""
        return self._quotes_benchmark(pair.query) or self._quotes_benchmark(pair.passage)

    def _quotes_benchmark(self, text: str) -> bool:
        """Return whether the text is a benchmark's, or shares 30% (two or more) of its sampled runs of words."""
        words = _WORD.findall(text.lower())
        if len(words) < _MIN_TEXT_WORDS:
            return False
        if _hash_words(words) in self._text_hashes:
            return True
        starts = range(0, len(words) - _SHINGLE_WORDS + 1, _STRIDE_WORDS)
        shared_count = sum(
            _hash_words(words[start : start + _SHINGLE_WORDS]) in self._shingle_hashes for start in starts
        )
        return shared_count >= 2 and shared_count >= _MIN_SHARED_FRACTION * len(starts)


def _hash_words(words: Sequence[str]) -> int:
    """Return a hash (CRC-32) of the words that is the same in every process, unlike `hash`."""
    return crc32(" ".join(words).encode())
