"""Finds where a workspace has the tokens before the cursor: contexts of any length, by a suffix array.

The positions of all symbols are ordered by the tokens *before* them, nearest first, so that the positions behind equal
contexts are one range, and a longer context's range lies inside a shorter one's (infini-gram, arXiv 2401.17377).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.completion.line_tokens import Positions, Symbols

MAX_CONTEXT_TOKENS = 16  # longer contexts are not told apart
MAX_MATCHES = 400  # positions of one context that are counted, evenly chosen
_SCANNED_RANGE = 256  # positions: narrower ranges are compared at once instead of bisected
_COMPARED_POSITIONS = 64  # so few are compared with the whole context at once; of more, most differ soon
_SORTED_POSITIONS = 500_000  # at a time: of equal contexts there may be more
_CACHED_RANGES = 4096  # contexts, which are frequent: the ranges of others are not bisected
_NO_POSITIONS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ContextMatches:
    """Positions by how many tokens before each are the same as in a context."""

    levels: Sequence[Positions]  # the i-th has those that share i + 1 tokens or more; none is empty

    @property
    def longest(self) -> int:
        """Return the greatest number of tokens that a position shares with the context; 0 for none."""
        return len(self.levels)

    def select(self, min_length: int) -> Positions:
        """Return the positions that share at least `min_length` tokens with the context; it must be 1 or more."""
        return self.levels[min_length - 1] if min_length <= len(self.levels) else _NO_POSITIONS


@dataclass(frozen=True, slots=True, eq=False)
class SuffixIndex:
    """The symbols of many documents, and the order of their contexts; 8 bytes a token."""

    symbols: Symbols  # (n,), each document begins with BOUNDARY
    order: npt.NDArray[np.int32]  # (n,), positions in `symbols`
    starts: Positions  # (documents,), ascending: where each document begins
    _bounds: dict[tuple[int, ...], tuple[int, int]] = field(default_factory=dict)  # last tokens → range of `order`

    def find_matches(self, context: Sequence[int], lengths: Collection[int]) -> dict[int, Positions]:
        """Return context length → up to 400 positions behind the same context, for those `lengths` that have any.

        `context` has vocabulary numbers, the last one before the cursor last. Of more positions, 400 are evenly
        sampled.
        """
        matches: dict[int, Positions] = {}
        lower_bound, upper_bound = 0, len(self.order)
        for context_length in range(1, min(len(context), MAX_CONTEXT_TOKENS) + 1):
            if upper_bound - lower_bound <= _SCANNED_RANGE:
                if lower_bound < upper_bound:
                    positions = self.order[lower_bound:upper_bound].astype(np.int64)
                    levels = extend_matches(self.symbols, positions, context, context_length - 1)
                    matches |= {
                        context_length + more: level
                        for more, level in enumerate(levels[1:])
                        if context_length + more in lengths
                    }
                return matches
            lower_bound, upper_bound = self._find_bounds(context, context_length, lower_bound, upper_bound)
            if lower_bound < upper_bound and context_length in lengths:
                matches[context_length] = self._select_positions(lower_bound, upper_bound)
        return matches

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

    def _find_bounds(
        self, context: Sequence[int], context_length: int, lower_bound: int, upper_bound: int
    ) -> tuple[int, int]:
        """Return the range in `order` of the last `context_length` tokens, inside that of one token less; cached."""
        last_tokens = tuple(context[-context_length:])
        bounds = self._bounds.get(last_tokens)
        if bounds is None:
            bounds = self._narrow(lower_bound, upper_bound, context_length, last_tokens[0])
            if len(self._bounds) >= _CACHED_RANGES:
                self._bounds.clear()
            self._bounds[last_tokens] = bounds
        return bounds

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
    """Build a SuffixIndex of documents' symbols, each of which begins with BOUNDARY. Takes about 1 µs a token."""
    return index_symbols(*join_arrays(documents))


def join_arrays(arrays: Sequence[Symbols]) -> tuple[Symbols, Positions]:
    """Return the int32 arrays one behind the other, and where each begins."""
    lengths = np.array([len(array) for array in arrays], np.int64)
    return np.concatenate(arrays) if arrays else np.empty(0, np.int32), np.cumsum(lengths) - lengths


def index_symbols(symbols: Symbols, starts: Positions) -> SuffixIndex:
    """Build a SuffixIndex of joined symbols; the documents, each of which begins with BOUNDARY, begin at `starts`."""
    return SuffixIndex(symbols, _order_contexts(symbols >> 1), starts)


def _order_contexts(tokens: Symbols) -> npt.NDArray[np.int32]:
    """Return all positions, sorted by up to 16 tokens before each, nearest first, then by position.

    There may be millions of tokens: parts of the order are sorted one by one, in 20 MB.
    """
    if not len(tokens):
        return np.empty(0, np.int32)
    order, ranks = _order_by_token(np.concatenate((np.zeros(1, np.int32), tokens[:-1] + np.int32(1))))
    sorted_length = 1
    while sorted_length < MAX_CONTEXT_TOKENS:
        longer_ranks = np.empty_like(ranks)
        for start, end in _split_order(ranks, order):
            positions = order[start:end]
            earlier_ranks = np.where(positions < sorted_length, 0, ranks[np.maximum(positions - sorted_length, 0)])
            order_keys = (ranks[positions].astype(np.int64) - start) * len(ranks) + earlier_ranks
            part_order = np.argsort(order_keys, kind="stable")
            order[start:end] = positions[part_order]
            longer_ranks[order[start:end]] = _rank(order_keys[part_order]) + start
        ranks = longer_ranks
        sorted_length *= 2
    return order


def _order_by_token(tokens: Symbols) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the positions sorted by token, and each position's rank: the index there at which its token begins."""
    token_counts = np.bincount(tokens)
    ends = np.cumsum(token_counts)
    order, ranks = np.empty(len(tokens), np.int32), (ends - token_counts).astype(np.int32)[tokens]
    first_token, start = 0, 0
    while start < len(tokens):
        next_token = max(int(np.searchsorted(ends, start + _SORTED_POSITIONS, side="right")), first_token + 1)
        positions = np.flatnonzero((tokens >= first_token) & (tokens < next_token)).astype(np.int32)
        order[start : start + len(positions)] = positions[np.argsort(tokens[positions], kind="stable")]
        first_token, start = next_token, start + len(positions)
    return order, ranks


def _split_order(ranks: npt.NDArray[np.int32], order: npt.NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Yield start and end, half-open, of parts of the order, about 500,000 each; equal ranks are in one part."""
    start = 0
    while start < len(order):
        end = start + _SORTED_POSITIONS
        if end < len(order):  # a rank is where its positions begin
            end = int(ranks[order[end]])
            end = end if end > start else start + int(np.count_nonzero(ranks == start))
        end = min(end, len(order))
        yield start, end
        start = end


def _rank(sorted_keys: Positions) -> Positions:
    """Return for each of the sorted keys the index of the first that equals it."""
    starts = np.arange(len(sorted_keys))
    starts[1:][sorted_keys[1:] == sorted_keys[:-1]] = 0
    ranks: Positions = np.maximum.accumulate(starts)
    return ranks


class Followers:
    """Finds the positions of one document that follow a token or two; each is looked for once."""

    def __init__(self, symbols: Symbols, positions: Positions) -> None:
        """Only `positions` are found; symbols precede all of them."""
        self._symbols = symbols
        self._positions = positions
        self._preceding_tokens = symbols[positions - 1] >> 1
        self._followers: dict[tuple[int, ...], Positions] = {}  # by the last token, or the last two

    def match_contexts(self, context: Sequence[int]) -> ContextMatches:
        """Return the positions that share at least one token of `context` before them, and how many."""
        if not context:
            return ContextMatches(())
        followers = self._find_followers(tuple(context[-1:]))
        if not len(followers) or len(context) == 1:
            return ContextMatches((followers,) if len(followers) else ())
        pair_followers = self._find_followers(tuple(context[-2:]))
        if not len(pair_followers):
            return ContextMatches((followers,))
        return ContextMatches((followers, *extend_matches(self._symbols, pair_followers, context, 2)))

    def _find_followers(self, last_tokens: tuple[int, ...]) -> Positions:
        """Return the positions behind one token or two, cached."""
        if last_tokens not in self._followers:
            if len(last_tokens) == 1:
                followers = self._positions[self._preceding_tokens == last_tokens[0]]
            else:
                followers = _keep_preceded(self._symbols, self._find_followers(last_tokens[1:]), 2, last_tokens[0])
            self._followers[last_tokens] = followers
        return self._followers[last_tokens]


def extend_matches(
    symbols: Symbols, positions: Positions, context: Sequence[int], shared_count: int
) -> list[Positions]:
    """Return [`positions`, which share `shared_count` tokens with the context, those of them that share one more, …].

    None but the first is empty.
    """
    levels, max_count = [positions], min(len(context), MAX_CONTEXT_TOKENS)
    while shared_count < max_count and len(positions) > _COMPARED_POSITIONS:
        shared_count += 1
        positions = _keep_preceded(symbols, positions, shared_count, context[-shared_count])
        if len(positions):
            levels.append(positions)
    if shared_count < max_count and len(positions):
        distances = np.arange(shared_count + 1, max_count + 1)
        preceding_tokens = symbols[np.maximum(positions[:, None] - distances, 0)] >> 1
        is_same = np.zeros((len(positions), len(distances) + 1), bool)  # with a last column of false
        np.equal(preceding_tokens, context[-shared_count - 1 : -max_count - 1 : -1], out=is_same[:, :-1])
        more_counts = is_same.argmin(axis=1)
        levels += [positions[more_counts >= count] for count in range(1, int(more_counts.max()) + 1)]
    return levels


def _keep_preceded(symbols: Symbols, positions: Positions, distance: int, token: int) -> Positions:
    """Return the positions that have a symbol of `token` (symbol >> 1) `distance` symbols before them."""
    is_preceded: npt.NDArray[np.bool_] = symbols[np.maximum(positions - distance, 0)] >> 1 == token
    return positions[is_preceded]
