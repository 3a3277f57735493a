"""Finds where a workspace has the tokens before the cursor: contexts of any length, by a suffix array.

The positions of all symbols are ordered by the tokens *before* them, nearest first, so that the positions behind equal
contexts are one range, and a longer context's range lies inside a shorter one's (infini-gram, arXiv 2401.17377).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codekin.completion.line_tokens import Positions, Symbols

MAX_CONTEXT_TOKENS = 16  # longer contexts are not told apart
MAX_MATCHES = 400  # positions of one context that are counted, evenly chosen
_SCANNED_RANGE = 256  # positions: narrower ranges are compared at once instead of bisected
_COMPARED_TOKENS = 4  # at once: most contexts differ within these


@dataclass(frozen=True, slots=True, eq=False)
class ContextMatches:
    """Positions, and how many tokens before each are the same as in a context."""

    positions: Positions  # (n,)
    lengths: Positions  # (n,)

    @property
    def longest(self) -> int:
        """Return the greatest number of tokens that a position shares with the context; 0 for none."""
        return int(self.lengths.max(initial=0))

    def select(self, min_length: int) -> Positions:
        """Return the positions that share at least `min_length` tokens with the context."""
        return self.positions[self.lengths >= min_length]


@dataclass(frozen=True, slots=True, eq=False)
class SuffixIndex:
    """The symbols of many documents, and the order of their contexts; 8 bytes a token."""

    symbols: Symbols  # (n,), each document begins with BOUNDARY
    order: npt.NDArray[np.int32]  # (n,), positions in `symbols`
    starts: Positions  # (documents,), ascending: where each document begins

    def find_matches(self, context: Sequence[int], lengths: Collection[int]) -> dict[int, Positions]:
        """Return context length → up to 400 positions behind the same context, for those `lengths` that have any.

        `context` has vocabulary numbers, the last one before the cursor last.
        """
        matches: dict[int, Positions] = {}
        lower_bound, upper_bound = 0, len(self.order)
        for context_length in range(1, min(len(context), MAX_CONTEXT_TOKENS) + 1):
            if upper_bound - lower_bound <= _SCANNED_RANGE:
                extended_matches = extend_matches(
                    self.symbols, self.order[lower_bound:upper_bound].astype(np.int64), context, context_length - 1
                )
                longest = extended_matches.longest
                return matches | {
                    matched_length: extended_matches.select(matched_length)
                    for matched_length in lengths
                    if context_length <= matched_length <= longest
                }
            lower_bound, upper_bound = self._narrow(lower_bound, upper_bound, context_length, context[-context_length])
            if lower_bound < upper_bound and context_length in lengths:
                matches[context_length] = self._select_positions(lower_bound, upper_bound)
        return matches

    def split_documents(self) -> list[Symbols]:
        """Return the symbols of each document, as views of the same memory."""
        return np.split(self.symbols, self.starts[1:]) if len(self.starts) else []

    def find_range(self, document_number: int) -> tuple[int, int]:
        """Return where in `symbols` a document begins, and where it ends (half-open)."""
        end_position = self.starts[document_number + 1] if document_number + 1 < len(self.starts) else len(self.symbols)
        return int(self.starts[document_number]), int(end_position)

    def documents_of(self, positions: Positions) -> Positions:
        """Return the number of the document that each position lies in."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def _select_positions(self, lower_bound: int, upper_bound: int) -> Positions:
        """Return the positions in this range of `order`; of more than 400, 400 evenly sampled."""
        position_count = upper_bound - lower_bound
        if position_count > MAX_MATCHES:
            return self.order[lower_bound + np.arange(MAX_MATCHES) * position_count // MAX_MATCHES].astype(np.int64)
        return self.order[lower_bound:upper_bound].astype(np.int64)

    def _narrow(self, lower_bound: int, upper_bound: int, context_length: int, token: int) -> tuple[int, int]:
        """Return the part of the sorted range whose token, `context_length` before the position, equals `token`."""
        first_index = self._bisect(lower_bound, upper_bound, context_length, token)
        return first_index, self._bisect(first_index, upper_bound, context_length, token + 1)

    def _bisect(self, lower_bound: int, upper_bound: int, context_length: int, token: int) -> int:
        """Return the first index in range whose token, `context_length` before the position, is at least `token`."""
        while lower_bound < upper_bound:
            middle = (lower_bound + upper_bound) // 2
            if int(self.symbols[max(int(self.order[middle]) - context_length, 0)]) >> 1 < token:
                lower_bound = middle + 1
            else:
                upper_bound = middle
        return lower_bound


def build_suffix_index(documents: Sequence[Symbols]) -> SuffixIndex:
    """Return an index of all documents, each of which begins with BOUNDARY: it sorts all tokens, about 1 µs each."""
    symbols = np.concatenate(documents) if documents else np.empty(0, np.int32)
    document_lengths = np.array([len(document) for document in documents], np.int64)
    return SuffixIndex(symbols, _order_contexts(symbols >> 1), np.cumsum(document_lengths) - document_lengths)


def _order_contexts(tokens: Symbols) -> npt.NDArray[np.int32]:
    """Return all positions sorted by the up to 16 tokens before each, nearest first, by doubling the sorted length."""
    if not len(tokens):
        return np.empty(0, np.int32)
    context_ranks = np.concatenate((np.zeros(1, np.int32), tokens[:-1] + np.int32(1)))
    sorted_length = 1
    while sorted_length < MAX_CONTEXT_TOKENS:
        pair_keys = context_ranks.astype(np.int64)
        pair_keys *= int(context_ranks.max()) + 1
        pair_keys[sorted_length:] += context_ranks[:-sorted_length]
        pair_order = np.argsort(pair_keys, kind="stable")
        pair_keys = pair_keys[pair_order]
        is_new = np.zeros(len(pair_keys), np.int32)
        np.not_equal(pair_keys[1:], pair_keys[:-1], out=is_new[1:], casting="unsafe")
        del pair_keys  # there may be millions of tokens: no array is kept longer than it is used
        context_ranks[pair_order] = np.cumsum(is_new, dtype=np.int32)
        sorted_length *= 2
    return np.argsort(context_ranks, kind="stable").astype(np.int32)


class Followers:
    """Finds the positions of one document that follow a token; each token is looked for once."""

    def __init__(self, symbols: Symbols, positions: Positions) -> None:
        """Only `positions` are found; symbols precede all of them."""
        self._symbols = symbols
        self._positions = positions
        self._preceding_tokens = symbols[positions - 1] >> 1
        self._followers: dict[int, Positions] = {}

    def match_contexts(self, context: Sequence[int]) -> ContextMatches:
        """Return the positions that the context's last token precedes, with how many tokens agree (up to 16)."""
        if not context:
            return ContextMatches(self._positions[:0], self._positions[:0])
        last_token = context[-1]
        if last_token not in self._followers:
            self._followers[last_token] = self._positions[self._preceding_tokens == last_token]
        return extend_matches(self._symbols, self._followers[last_token], context, 1)


def extend_matches(symbols: Symbols, positions: Positions, context: Sequence[int], known_length: int) -> ContextMatches:
    """Return the positions with how many tokens before each agree with the context's end, 16 at most.

    `known_length` of them are known to agree, and not compared.
    """
    match_lengths = np.full(len(positions), known_length)
    reversed_context = np.array(context)[::-1][known_length:MAX_CONTEXT_TOKENS]
    distances = np.arange(known_length + 1, known_length + 1 + len(reversed_context))
    remaining = np.arange(len(positions))
    block_start = 0
    while block_start < len(distances) and len(remaining):
        compared_count = 1 if len(remaining) > _SCANNED_RANGE else _COMPARED_TOKENS  # most of many differ at once
        block_distances = distances[block_start : block_start + compared_count]
        preceding = symbols[np.maximum(positions[remaining, None] - block_distances, 0)] >> 1
        is_same = preceding == reversed_context[block_start : block_start + compared_count]
        shared_counts = np.logical_and.accumulate(is_same, axis=1).sum(axis=1)
        match_lengths[remaining] += shared_counts
        remaining = remaining[shared_counts == len(block_distances)]
        block_start += compared_count
    return ContextMatches(positions, match_lengths)
