"""Estimates what follows a context from what followed it elsewhere, long contexts first (Witten & Bell, 1991)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.completion.line_tokens import Symbols

Weights = npt.NDArray[np.float64]
Counts = Mapping[int, float]  # symbol → how often it followed, weighted

_FEW_SYMBOLS = 32  # that are counted one by one: sooner than numpy has begun
_FIRST = np.ones(1, bool)
MIN_REST = 0.02  # probability left for shorter contexts below which they are not counted


@dataclass(slots=True)
class Estimate:
    """What follows a context, mixed from the shares in all of its lengths; `add` is called for the longest first."""

    probabilities: dict[int, float] = field(default_factory=dict)  # by symbol; they sum to less than 1
    lengths: dict[int, int] = field(default_factory=dict)  # symbol → the longest context behind it, in tokens
    counts: dict[int, float] = field(default_factory=dict)  # symbol → how often it followed that context
    longest: int = 0  # the longest context that anything followed; 0 for none
    total: float = 0.0  # how often anything followed it
    distinct: int = 0  # symbols that did
    rest: float = 1.0  # probability that is left for shorter contexts

    def add(self, context_length: int, symbol_counts: Counts) -> None:
        """Mix in, by Witten-Bell, the weighted counts of what followed the next shorter context, in place."""
        if not symbol_counts:
            return
        total, distinct = sum(symbol_counts.values()), len(symbol_counts)
        if not self.longest:
            self.longest, self.total, self.distinct = context_length, total, distinct
        probabilities, lengths, counts = self.probabilities, self.lengths, self.counts
        factor = self.rest / (total + distinct)
        for symbol, symbol_count in symbol_counts.items():
            if symbol in lengths:
                probabilities[symbol] += symbol_count * factor
            else:
                probabilities[symbol], lengths[symbol] = symbol_count * factor, context_length
                counts[symbol] = symbol_count
        self.rest *= distinct / (total + distinct)

    def list_best(self, max_count: int) -> list[int]:
        """Return the most probable symbols, at most `max_count`, the most probable first."""
        return sorted(self.probabilities, key=self.probabilities.__getitem__, reverse=True)[:max_count]


def count_symbols(symbols: Symbols) -> dict[int, float]:
    """Return a new dict: symbol → how often the array has it."""
    if len(symbols) <= _FEW_SYMBOLS:
        counts: dict[int, float] = {}
        for symbol in sorted(symbols.tolist()):
            counts[symbol] = counts.get(symbol, 0.0) + 1.0
        return counts
    ordered_symbols = np.sort(symbols)
    starts = np.flatnonzero(np.concatenate((_FIRST, ordered_symbols[1:] != ordered_symbols[:-1])))
    ends = np.concatenate((starts[1:], (len(symbols),)))
    return dict(zip(ordered_symbols[starts].tolist(), (ends - starts).tolist(), strict=True))


def merge_counts(counts: Counts, other_counts: Counts, other_weight: float) -> dict[int, float]:
    """Return a new symbol → count: that in `counts` plus `other_weight` times that in `other_counts`."""
    merged = dict(counts)
    for symbol, symbol_count in other_counts.items():
        merged[symbol] = merged.get(symbol, 0.0) + other_weight * symbol_count
    return merged


def estimate(counts_by_length: Iterable[tuple[int, Counts]]) -> Estimate:
    """Return an Estimate mixed from (context length, counts), longest first, until less than 0.02 is left to share."""
    mixed_estimate = Estimate()
    for context_length, symbol_counts in counts_by_length:
        mixed_estimate.add(context_length, symbol_counts)
        if mixed_estimate.rest < MIN_REST:
            break
    return mixed_estimate
