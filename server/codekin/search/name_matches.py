"""How well names match a question, as arrays: hundreds of names are compared with a question at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

_FULL_RARITY_NATS = 20.0  # of three rare words
_NAMES_AT_ONCE = 256  # of whose words all similarities are in memory


@dataclass(frozen=True, slots=True, eq=False)
class NameMatches:
    """How well each of n names matches a question, by the share of words that each has of the other."""

    cover: Scores  # (n,): 0 … 1, the share of the question's words that the name has, weighted by their rarity
    precision: Scores  # (n,): 0 … 1, the share of the name's words that the question has
    similarities: Scores  # (n, words): of each of the question's words to the nearest word of the name
    _total_rarity: float  # of the question's words, in nats

    @property
    def product(self) -> Scores:
        """Return cover × precision, 0 to 1: high only where the name has the question's words and few others."""
        return self.cover * self.precision

    @property
    def strength(self) -> Scores:
        """Return the squared product, times 0 to 2 by the rarity of the words matched: 2 for about three rare words."""
        rarity = np.minimum(self._total_rarity * self.cover, _FULL_RARITY_NATS)
        return self.product**2 * rarity / (_FULL_RARITY_NATS / 2)


class WordComparison:
    """Compares names with the words of one question, each word of a name once.

    Row 0 of the similarities is of all words that are related to none.
    """

    def __init__(
        self,
        weights: Sequence[float],
        compare_with_all: Callable[[str], list[float] | None],
        select_related: Callable[[set[str]], Iterable[str]] = iter,
    ) -> None:
        """Take the weights of the question's words, and a function: word → its similarities to these, None for none.

        `select_related` leaves out, of many words, most of those that are unrelated.
        """
        self._weights = np.array(weights, np.float64)
        self._compare_with_all = compare_with_all
        self._select_related = select_related
        self._similarities: list[list[float]] = [[0.0] * len(weights)]
        self._rows: dict[str, int] = {}  # by word

    def match_names(self, names: Sequence[Sequence[str]]) -> NameMatches:
        """Return a NameMatches of n names (lists of words): how far each covers the question, and it the name."""
        total_weight = float(self._weights.sum())
        if not total_weight or not len(names):
            nothing = np.zeros(len(names))
            return NameMatches(nothing, nothing, np.zeros((len(names), len(self._weights))), 0.0)
        rows, starts = self._find_rows(names)
        similarities = np.array(self._similarities)
        blocks = [
            _reduce_names(similarities, rows, starts[first : first + _NAMES_AT_ONCE + 1])
            for first in range(0, len(names), _NAMES_AT_ONCE)
        ]
        nearest, precision = (np.concatenate(block_parts) for block_parts in zip(*blocks, strict=True))
        return NameMatches(self.weigh(nearest), precision, nearest, total_weight)

    def _find_rows(self, names: Sequence[Sequence[str]]) -> tuple[Rows, Rows]:
        """Return the similarity rows of all names' words, 0 after each name, and n + 1 offsets of where names begin.

        Behind each name's words is a row 0: names without words would have none to reduce.
        """
        words = list(chain.from_iterable(names))
        self._compare_new(set(words).difference(self._rows))
        counts = np.fromiter(map(len, names), np.int64, len(names))
        starts = np.concatenate([[0], np.cumsum(counts + 1)])
        rows = np.zeros(starts[-1], np.int64)
        is_word = np.ones(len(rows), np.bool_)
        is_word[starts[1:] - 1] = False
        rows[is_word] = list(map(self._rows.__getitem__, words))
        return rows, starts

    def _compare_new(self, words: set[str]) -> None:
        """Compute and keep the similarities of words that were not met before."""
        self._rows.update(dict.fromkeys(words, 0))
        for word in self._select_related(words):
            similarities = self._compare_with_all(word)
            if similarities is not None:
                self._rows[word] = len(self._similarities)
                self._similarities.append(similarities)

    def weigh(self, similarities: Scores) -> Scores:
        """Return the means, (n,), of the similarities (n, words), weighted by the rarity of the question's words."""
        total_weight = float(self._weights.sum())
        return similarities @ self._weights / total_weight if total_weight else np.zeros(len(similarities))


def _reduce_names(similarities: Scores, rows: Rows, starts: Rows) -> tuple[Scores, Scores]:
    """Return for each name its best similarity to each word of the question, and the mean of its own words' best.

    `starts` has one more: where the last name ends. Each name's last row is no word.
    """
    counts, block_rows = np.diff(starts) - 1, rows[starts[0] : starts[-1]]
    first_rows = starts[:-1] - starts[0]
    nearest = np.maximum.reduceat(similarities[block_rows], first_rows, axis=0)
    precision = np.add.reduceat(similarities.max(axis=1)[block_rows], first_rows) / np.maximum(counts, 1)
    return nearest, precision
