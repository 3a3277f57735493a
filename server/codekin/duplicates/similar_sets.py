"""Find all pairs of similar sets among very many, exactly: a set-similarity join by prefixes.

Two sets with so large an overlap share one of the rarest elements of both (Bayardo, Ma and Srikant, "Scaling Up All
Pairs Similarity Search", WWW 2007), so only sets that share such an element are compared.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_MAX_PAIRS_PER_CHUNK = 2_000_000  # that are held at a time, 16 MB
_ROUNDING = 1e-9  # so that a Dice coefficient of exactly the minimum counts in spite of binary fractions


class SetTable:
    """Sets of 64-bit codes, numbered from 0."""

    def __init__(self, sets: Sequence[npt.NDArray[np.uint64]]) -> None:
        """Each set is an array of distinct codes."""
        self.sizes: IntArray = np.fromiter(map(len, sets), np.int64, len(sets))
        self._ends = np.cumsum(self.sizes)
        self._starts = self._ends - self.sizes
        codes = np.concatenate(sets) if len(sets) else np.empty(0, np.uint64)
        _, elements, counts = np.unique(codes, return_inverse=True, return_counts=True)
        ranks = np.empty(len(counts), np.int64)
        ranks[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        owners = np.repeat(np.arange(len(sets)), self.sizes)
        elements = ranks[elements.ravel()]
        self._elements: IntArray = elements[np.lexsort((elements, owners))]  # of each set, the rarest first
        self._is_marked = np.zeros(len(counts), np.bool_)

    def compute_dice(self, number: int, others: IntArray) -> FloatArray:
        """Return the Dice coefficients (n,) of one set with `others` (n,), 0 … 1."""
        own_elements = self._elements[self._starts[number] : self._ends[number]]
        sizes = self.sizes[others]
        ends = np.cumsum(sizes)
        positions = np.repeat(self._starts[others] - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0)
        self._is_marked[own_elements] = True
        shared_before = np.concatenate([[0], np.cumsum(self._is_marked[self._elements[positions]], dtype=np.int32)])
        self._is_marked[own_elements] = False
        shared_counts = shared_before[ends] - shared_before[ends - sizes]
        return np.asarray(2 * shared_counts / np.maximum(len(own_elements) + sizes, 1), np.float64)

    def find_similar_pairs(self, min_dice: float, min_size: int = 1) -> Iterator[tuple[int, IntArray]]:
        """Yield (number, others): each set of at least `min_size` elements with the similar ones of higher number.

        Similar are sets with a Dice coefficient of at least `min_dice`. Sets without a similar one are left out.
        """
        pair_codes = self._find_candidate_pairs(min_dice, min_size)
        firsts, seconds = np.divmod(pair_codes, max(len(self.sizes), 1))
        numbers, starts = np.unique(firsts, return_index=True)
        for number, others in zip(numbers.tolist(), np.split(seconds, starts[1:]), strict=False):
            similar = others[self.compute_dice(number, others) >= min_dice - _ROUNDING]
            if len(similar):
                yield number, similar

    def _find_candidate_pairs(self, min_dice: float, min_size: int) -> IntArray:
        """Return the ascending codes `lower number * count + higher number` of the pairs that may be similar.

        What follows the first common element of two sets, in the order of rarity, limits how much they can share. A
        pair is therefore a candidate only if an element that they share leaves enough of both.
        """
        elements, owners, rests = self._list_prefixes(min_dice, min_size)
        sizes, width = self.sizes[owners], int(self.sizes.max(initial=0)) + 1
        max_sizes = np.floor(2 * rests / min_dice - sizes + _ROUNDING).astype(np.int64)  # of larger similar sets
        last_positions = np.searchsorted(
            elements * width + sizes, elements * width + np.clip(max_sizes, 0, width - 1), "right"
        )
        partner_counts = np.maximum(last_positions - np.arange(len(owners)) - 1, 0)
        codes = [np.empty(0, np.int64)]
        for start, end in _split_evenly(partner_counts, _MAX_PAIRS_PER_CHUNK):
            counts = partner_counts[start:end]
            smaller = np.repeat(np.arange(start, end), counts)
            larger = smaller + 1 + np.arange(len(smaller)) - np.repeat(np.cumsum(counts) - counts, counts)
            is_candidate = rests[larger] >= min_dice * (sizes[smaller] + sizes[larger]) / 2 - _ROUNDING
            pair = owners[smaller[is_candidate]], owners[larger[is_candidate]]
            codes.append(_sort_distinct(np.minimum(*pair) * len(self.sizes) + np.maximum(*pair)))
        return _sort_distinct(np.concatenate(codes))

    def _list_prefixes(self, min_dice: float, min_size: int) -> tuple[IntArray, IntArray, IntArray]:
        """Return the elements (m,) of all prefixes, by element and size of the set, and the sets (m,) that have them.

        The third array (m,) is how many elements of the set follow, the element itself included. A prefix is so long
        that each set that is similar to its set has one of its elements in its own prefix.
        """
        min_overlaps = np.ceil(self.sizes * min_dice / (2 - min_dice) - _ROUNDING).astype(np.int64)
        lengths = np.where(self.sizes >= max(min_size, 1), self.sizes - min_overlaps + 1, 0)
        owners = np.repeat(np.arange(len(self.sizes)), lengths)
        offsets = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        elements = self._elements[self._starts[owners] + offsets]
        order = np.lexsort((self.sizes[owners], elements))
        return elements[order], owners[order], (self.sizes[owners] - offsets)[order]


def _split_evenly(counts: IntArray, max_sum: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of consecutive ranges whose counts add up to about `max_sum`."""
    sums, start = np.cumsum(counts), 0
    while start < len(counts):
        sum_before = int(sums[start - 1]) if start else 0
        end = max(int(np.searchsorted(sums, sum_before + max_sum, "right")), start + 1)
        yield start, end
        start = end


def _sort_distinct(codes: IntArray) -> IntArray:
    """Return the distinct codes, ascending. `np.unique` hashes them first, which takes ten times as long."""
    codes.sort()
    is_first = np.ones(len(codes), np.bool_)
    is_first[1:] = codes[1:] != codes[:-1]
    return np.asarray(codes[is_first], np.int64)
