"""How much of a question the found texts say, in whatever forms of its words: `reconnecting` is said by `reconnect`.

BM25 favours short texts, and of the best ones only. Within a file, what counts is how much is said at all.
"""

from collections.abc import Sequence

import numpy as np

from codekin.index.index import Index
from codekin.search.name_matches import Scores
from codekin.search.query_terms import ENDINGS, compute_idf
from codekin.vectors.matrix import LabelArray

_MAX_WORDS = 12  # of a question, the rarest
_MAX_CONTENTS = 1_500  # that have a word: a more common one says little, and its postings take long to read
_MIN_STEM_LENGTH = 4
_ENDINGS_BY_LENGTH = sorted(ENDINGS, key=len, reverse=True)


class TextCover:
    """Knows which contents of an index have which of a question's words, in any of their forms."""

    def __init__(self, words: Sequence[str], index: Index) -> None:
        """Take the question's distinct words; reads nothing yet."""
        self._words = words
        self._index = index

    def compare(self, contents: Sequence[int]) -> tuple[Scores, Scores]:
        """Return the rarities of the question's words, (words,), and whether (0, 1) n contents have them, (n, words).

        The rarity of all but 12 words is 0, and of those that too many contents have. Raises StoreError.
        """
        total, frequency = self._index.content_count, self._index.document_frequency
        rows = sorted(range(len(self._words)), key=lambda row: (frequency(self._words[row]), row))
        order = [row for row in rows[:_MAX_WORDS] if frequency(self._words[row]) < _MAX_CONTENTS]
        distinct, places = np.unique(np.asarray(contents, np.int64), return_inverse=True)
        rarities, has_word = np.zeros(len(self._words)), np.zeros((len(distinct), len(self._words)))
        for row, postings in zip(order, self._find_postings([self._words[row] for row in order]), strict=True):
            if len(postings) < _MAX_CONTENTS:
                rarities[row] = compute_idf(len(postings), total)
                has_word[:, row] = _are_among(distinct, postings)
        return rarities, has_word[places]

    def _find_postings(self, words: Sequence[str]) -> list[LabelArray]:
        """Return a list: for each word the contents that have a form of it, 1,500 at most. Raises StoreError."""
        stems = [cut_ending(word) for word in words]
        return self._index.store.find_beginnings(stems, _MAX_CONTENTS)


def _are_among(numbers: LabelArray, postings: LabelArray) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return for each number whether it is among the postings, which are ascending, (n,)."""
    if not len(postings):
        return np.zeros(len(numbers), np.bool_)
    rows = np.minimum(np.searchsorted(postings, numbers), len(postings) - 1)
    return np.asarray(postings[rows] == numbers)


def cut_ending(word: str) -> str:
    """Return a lower-case word without its longest ending that leaves four letters: `connect` of connecting."""
    endings = (ending for ending in _ENDINGS_BY_LENGTH if word.endswith(ending))
    lengths = (len(word) - len(ending) for ending in endings)
    return word[: next((length for length in lengths if length >= _MIN_STEM_LENGTH), len(word))]
