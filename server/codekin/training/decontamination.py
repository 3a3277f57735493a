"""What is measured on is not trained on: pairs that hold a benchmark's text, in whatever layout, are left out."""

import re
from collections.abc import Iterable, Sequence
from zlib import crc32

from codekin.training.docs_pages import TextPair

_WORD = re.compile(r"[A-Za-z]+|\d+")
_SHINGLE = 8  # words
_STRIDE = 4  # of the shingles looked up in a training text
_SHARE = 0.3  # of those found, from which on a text counts as the benchmark's
_SHORT = 4  # texts of fewer words are everybody's


class BenchmarkTexts:
    """The texts of benchmarks, as shingles of words; punctuation, layout and case make no difference."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._whole: set[int] = set()
        self._shingles: set[int] = set()
        for text in texts:
            words = _WORD.findall(text.lower())
            self._whole.add(_hash(words))
            self._shingles.update(_hash(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1))

    def contains(self, pair: TextPair) -> bool:
        """Whether either side of the pair is, or quotes, a benchmark's text."""
        return self._leaks(pair.query) or self._leaks(pair.passage)

    def _leaks(self, text: str) -> bool:
        words = _WORD.findall(text.lower())
        if len(words) < _SHORT:
            return False
        if _hash(words) in self._whole:
            return True
        starts = range(0, len(words) - _SHINGLE + 1, _STRIDE)
        found = sum(_hash(words[i : i + _SHINGLE]) in self._shingles for i in starts)
        return found >= 2 and found >= _SHARE * len(starts)


def _hash(words: Sequence[str]) -> int:
    """The same in every process, which `hash` is not."""
    return crc32(" ".join(words).encode())
