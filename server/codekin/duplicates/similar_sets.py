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

    def __init__(self, code_sets: Sequence[npt.NDArray[np.uint64]]) -> None:
        """Each set is an array of distinct codes."""
        self.sizes: IntArray = np.fromiter(map(len, code_sets), np.int64, len(code_sets))
        self._ends = np.cumsum(self.sizes)
        self._starts = self._ends - self.sizes
        all_codes = np.concatenate(code_sets) if len(code_sets) else np.empty(0, np.uint64)
        _, elements, element_counts = np.unique(all_codes, return_inverse=True, return_counts=True)
        rarity_ranks = np.empty(len(element_counts), np.int64)
        rarity_ranks[np.argsort(element_counts, kind="stable")] = np.arange(len(element_counts))
        owner_sets = np.repeat(np.arange(len(code_sets)), self.sizes)
        elements = rarity_ranks[elements.ravel()]
        self._elements: IntArray = elements[np.lexsort((elements, owner_sets))]  # of each set, the rarest first
        self._is_marked = np.zeros(len(element_counts), np.bool_)

    def compute_dice(self, set_number: int, other_sets: IntArray) -> FloatArray:
        """Return the Dice coefficients (n,) of one set with `other_sets` (n,), 0 … 1."""
        own_elements = self._elements[self._starts[set_number] : self._ends[set_number]]
        other_sizes = self.sizes[other_sets]
        end_positions = np.cumsum(other_sizes)
        positions = np.repeat(self._starts[other_sets] - (end_positions - other_sizes), other_sizes) + np.arange(
            end_positions[-1] if len(end_positions) else 0
        )
        self._is_marked[own_elements] = True
        shared_before = np.concatenate([[0], np.cumsum(self._is_marked[self._elements[positions]], dtype=np.int32)])
        self._is_marked[own_elements] = False
        shared_counts = shared_before[end_positions] - shared_before[end_positions - other_sizes]
        return np.asarray(2 * shared_counts / np.maximum(len(own_elements) + other_sizes, 1), np.float64)

    def find_similar_pairs(self, min_dice: float, min_size: int = 1) -> Iterator[tuple[int, IntArray]]:
        """Yield (number, others): each set of at least `min_size` elements with the similar ones of higher number.

        Similar are sets with a Dice coefficient of at least `min_dice`. Sets without a similar one are left out.
        """
        pair_codes = self._find_candidate_pairs(min_dice, min_size)
        first_sets, second_sets = np.divmod(pair_codes, max(len(self.sizes), 1))
        set_numbers, group_starts = np.unique(first_sets, return_index=True)
        for set_number, later_sets in zip(set_numbers.tolist(), np.split(second_sets, group_starts[1:]), strict=False):
            similar_sets = later_sets[self.compute_dice(set_number, later_sets) >= min_dice - _ROUNDING]
            if len(similar_sets):
                yield set_number, similar_sets

    def _find_candidate_pairs(self, min_dice: float, min_size: int) -> IntArray:
        """Return the ascending codes `lower number * count + higher number` of the pairs that may be similar.

        What follows the first common element of two sets, in the order of rarity, limits how much they can share. A
        pair is therefore a candidate only if an element that they share leaves enough of both.
        """
        elements, owner_sets, remaining_counts = self._list_prefixes(min_dice, min_size)
        owner_sizes, size_range = self.sizes[owner_sets], int(self.sizes.max(initial=0)) + 1
        max_sizes = np.floor(2 * remaining_counts / min_dice - owner_sizes + _ROUNDING).astype(
            np.int64
        )  # of larger similar sets
        last_positions = np.searchsorted(
            elements * size_range + owner_sizes, elements * size_range + np.clip(max_sizes, 0, size_range - 1), "right"
        )
        partner_counts = np.maximum(last_positions - np.arange(len(owner_sets)) - 1, 0)
        chunk_codes = [np.empty(0, np.int64)]
        for chunk_start, chunk_end in _split_evenly(partner_counts, _MAX_PAIRS_PER_CHUNK):
            chunk_counts = partner_counts[chunk_start:chunk_end]
            smaller = np.repeat(np.arange(chunk_start, chunk_end), chunk_counts)
            larger = (
                smaller + 1 + np.arange(len(smaller)) - np.repeat(np.cumsum(chunk_counts) - chunk_counts, chunk_counts)
            )
            is_candidate = (
                remaining_counts[larger] >= min_dice * (owner_sizes[smaller] + owner_sizes[larger]) / 2 - _ROUNDING
            )
            set_pair = owner_sets[smaller[is_candidate]], owner_sets[larger[is_candidate]]
            chunk_codes.append(_sort_distinct(np.minimum(*set_pair) * len(self.sizes) + np.maximum(*set_pair)))
        return _sort_distinct(np.concatenate(chunk_codes))

    def _list_prefixes(self, min_dice: float, min_size: int) -> tuple[IntArray, IntArray, IntArray]:
        """Return the elements (m,) of all prefixes, by element and size of the set, and the sets (m,) that have them.

        The third array (m,) is how many elements of the set follow, the element itself included. A prefix is so long
        that each set that is similar to its set has one of its elements in its own prefix.
        """
        min_overlaps = np.ceil(self.sizes * min_dice / (2 - min_dice) - _ROUNDING).astype(np.int64)
        prefix_lengths = np.where(self.sizes >= max(min_size, 1), self.sizes - min_overlaps + 1, 0)
        owner_sets = np.repeat(np.arange(len(self.sizes)), prefix_lengths)
        prefix_offsets = np.arange(len(owner_sets)) - np.repeat(
            np.cumsum(prefix_lengths) - prefix_lengths, prefix_lengths
        )
        elements = self._elements[self._starts[owner_sets] + prefix_offsets]
        sort_order = np.lexsort((self.sizes[owner_sets], elements))
        return elements[sort_order], owner_sets[sort_order], (self.sizes[owner_sets] - prefix_offsets)[sort_order]


def _split_evenly(pair_counts: IntArray, max_sum: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of consecutive ranges whose counts add up to about `max_sum`."""
    running_sums, range_start = np.cumsum(pair_counts), 0
    while range_start < len(pair_counts):
        sum_before = int(running_sums[range_start - 1]) if range_start else 0
        range_end = max(int(np.searchsorted(running_sums, sum_before + max_sum, "right")), range_start + 1)
        yield range_start, range_end
        range_start = range_end


def _sort_distinct(pair_codes: IntArray) -> IntArray:
    """Sort `pair_codes` in place; return a copy of the distinct ones. `np.unique` takes ten times as long."""
    pair_codes.sort()
    is_first = np.ones(len(pair_codes), np.bool_)
    is_first[1:] = pair_codes[1:] != pair_codes[:-1]
    return np.asarray(pair_codes[is_first], np.int64)
