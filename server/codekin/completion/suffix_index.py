"""Finds where a workspace has the tokens before the cursor: contexts of any length, by a suffix array.

The positions of all symbols are ordered by the tokens *before* them, nearest first, so that the positions behind equal
contexts are one range, and a longer context's range lies inside a shorter one's (infini-gram, arXiv 2401.17377).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codekin.completion.line_tokens import Positions, Symbols

MAX_CONTEXT_TOKENS = 16  # longer contexts are not told apart
MAX_MATCHES = 400  # positions of one context that are counted, evenly chosen
_SCANNED_RANGE = 256  # positions: narrower ranges are compared at once instead of bisected


@dataclass(frozen=True, slots=True, eq=False)
class SuffixIndex:
    """The symbols of many documents, and the order of their contexts; 8 bytes a token."""

    symbols: Symbols  # (n,), each document begins with BOUNDARY
    order: npt.NDArray[np.int32]  # (n,), positions in `symbols`
    starts: Positions  # (documents,), ascending: where each document begins

    def find_matches(self, context: Sequence[int], lengths: Collection[int]) -> dict[int, Positions]:
        """Return context length in tokens → positions behind the same context, for those `lengths` that have any.

        `context` has vocabulary numbers, the last one before the cursor last.
        """
        matches: dict[int, Positions] = {}
        low, high = 0, len(self.order)
        for length in range(1, min(len(context), MAX_CONTEXT_TOKENS) + 1):
            low, high = self._narrow(low, high, length, context[-length])
            if low >= high:
                break
            if length in lengths:
                matches[length] = self._select_positions(low, high)
        return matches

    def split_documents(self) -> list[Symbols]:
        """Return the symbols of each document, as views of the same memory."""
        return np.split(self.symbols, self.starts[1:]) if len(self.starts) else []

    def find_range(self, number: int) -> tuple[int, int]:
        """Return where the symbols of a document begin, and where they end."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.symbols)
        return int(self.starts[number]), int(end)

    def documents_of(self, positions: Positions) -> Positions:
        """Return the number of the document that each position lies in."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def _select_positions(self, low: int, high: int) -> Positions:
        count = high - low
        if count > MAX_MATCHES:
            return self.order[low + np.arange(MAX_MATCHES) * count // MAX_MATCHES].astype(np.int64)
        return self.order[low:high].astype(np.int64)

    def _narrow(self, low: int, high: int, length: int, token: int) -> tuple[int, int]:
        """Return the part of the range whose token `length` before the position is `token`."""
        if high - low <= _SCANNED_RANGE:
            tokens = self.symbols[np.maximum(self.order[low:high] - length, 0)] >> 1
            equal = np.flatnonzero(tokens == token)
            return (low + int(equal[0]), low + int(equal[-1]) + 1) if len(equal) else (0, 0)
        start = self._bisect(low, high, length, token)
        return start, self._bisect(start, high, length, token + 1)

    def _bisect(self, low: int, high: int, length: int, token: int) -> int:
        """Return the first place in the range at which the token `length` before is not below `token`."""
        while low < high:
            middle = (low + high) // 2
            if int(self.symbols[max(int(self.order[middle]) - length, 0)]) >> 1 < token:
                low = middle + 1
            else:
                high = middle
        return low


def build_suffix_index(documents: Sequence[Symbols]) -> SuffixIndex:
    """Order the contexts of all documents, each of which begins with BOUNDARY. Takes about 1 µs a token."""
    symbols = np.concatenate(documents) if documents else np.empty(0, np.int32)
    lengths = np.array([len(document) for document in documents], np.int64)
    return SuffixIndex(symbols, _order_contexts(symbols >> 1), np.cumsum(lengths) - lengths)


def _order_contexts(tokens: Symbols) -> npt.NDArray[np.int32]:
    """Sort positions by up to MAX_CONTEXT_TOKENS tokens before each, by doubling the sorted length."""
    ranks = np.concatenate(([-1], tokens[:-1])).astype(np.int64) + 1 if len(tokens) else np.empty(0, np.int64)
    sorted_length = 1
    while sorted_length < MAX_CONTEXT_TOKENS and len(ranks):
        shifted = np.concatenate((np.zeros(sorted_length, np.int64), ranks[:-sorted_length]))[: len(ranks)]
        keys = ranks * (int(ranks.max()) + 1) + shifted
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        ranks[order] = np.concatenate(([0], np.cumsum(sorted_keys[1:] != sorted_keys[:-1])))
        sorted_length *= 2
    return np.argsort(ranks, kind="stable").astype(np.int32)


def match_contexts(tokens: Symbols, positions: Positions, context: Sequence[int]) -> Iterator[tuple[int, Positions]]:
    """Yield each context length in tokens with the positions behind the same context, by comparing them all.

    For a single document: `tokens` are its vocabulary numbers, `positions` those that may be predicted from.
    """
    for length in range(1, min(len(context), MAX_CONTEXT_TOKENS) + 1):
        positions = positions[positions >= length]
        positions = positions[tokens[positions - length] == context[-length]]
        if not len(positions):
            return
        yield length, positions
