"""How well names match a question, as arrays: hundreds of names are compared with a question at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

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


class WordComparison(dict[str, int]):
    """Mapping from a word of names to the row of its similarities to the question's words, computed on first use.

    Row 0 is of all words that are related to none.
    """

    def __init__(self, weights: Sequence[float], compare: Callable[[str], list[float] | None]) -> None:
        """Take the weights of the question's words, and what compares a word with each of them (None: unrelated)."""
        super().__init__()
        self._weights = np.array(weights, np.float64)
        self._compare = compare
        self._rows: list[list[float]] = [[0.0] * len(weights)]

    def __missing__(self, word: str) -> int:
        similarities = self._compare(word)
        if similarities is not None:
            self._rows.append(similarities)
        row = self[word] = len(self._rows) - 1 if similarities is not None else 0
        return row

    def match_names(self, names: Sequence[Sequence[str]]) -> NameMatches:
        """Return how well the names, each split into words, match the question; all 0 where no word is related."""
        total_weight = float(self._weights.sum())
        if not total_weight or not len(names):
            nothing = np.zeros(len(names))
            return NameMatches(nothing, nothing, np.zeros((len(names), len(self._weights))), 0.0)
        # A row 0 behind each name's words: names without words would have none to reduce.
        rows_by_name = [[*map(self.__getitem__, words), 0] for words in names]
        similarities = np.array(self._rows)
        starts = range(0, len(names), _NAMES_AT_ONCE)
        blocks = [_reduce_names(similarities, rows_by_name[start : start + _NAMES_AT_ONCE]) for start in starts]
        nearest, precision = (np.concatenate(block_parts) for block_parts in zip(*blocks, strict=True))
        return NameMatches(self.weigh(nearest), precision, nearest, total_weight)

    def weigh(self, similarities: Scores) -> Scores:
        """Return the means, (n,), of the similarities (n, words), weighted by the rarity of the question's words."""
        total_weight = float(self._weights.sum())
        return similarities @ self._weights / total_weight if total_weight else np.zeros(len(similarities))


def _reduce_names(similarities: Scores, rows_by_name: Sequence[Sequence[int]]) -> tuple[Scores, Scores]:
    """Return for each name its best similarity to each word of the question, and the mean of its own words' best.

    Each name's last row is no word.
    """
    counts = np.array([len(name_rows) - 1 for name_rows in rows_by_name])
    starts = np.cumsum(counts + 1) - counts - 1
    rows = np.concatenate(rows_by_name)
    nearest = np.maximum.reduceat(similarities[rows], starts, axis=0)
    precision = np.add.reduceat(similarities.max(axis=1)[rows], starts) / np.maximum(counts, 1)
    return nearest, precision
