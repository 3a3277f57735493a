"""Predicts the next token: a nested n-gram model of the workspace, the document and its own local names.

Three estimates, each backing off from long contexts to short ones (Witten & Bell, 1991), are mixed by a small fitted
softmax: what followed the same tokens anywhere, with the document's own counting more (Hellendoorn & Devanbu, 2017);
what followed the longest of these contexts alone; and what followed the same tokens in the document where local
names, strings and numbers are left open, with the names at the cursor put in.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.completion.document_tokens import ANY_NAME, DocumentTokens, TokenContext
from codekin.completion.line_tokens import BOUNDARY, LINE_END, LONG_LITERAL, Positions, Symbols
from codekin.completion.ngram_weights import (
    FEATURE_WEIGHTS,
    OTHER_BIAS,
    STATE_FEATURE_WEIGHTS,
    STATE_OTHER_BIASES,
)
from codekin.completion.suffix_index import MAX_CONTEXT_TOKENS, ContextMatches, SuffixIndex, match_contexts

Weights = npt.NDArray[np.float64]
_Counts = tuple[int, Symbols, Weights]  # context length, what followed it, and how much each occurrence weighs

CONTEXT_LENGTHS = (16, 12, 9, 7, 5, 4, 3, 2, 1)  # tokens: those whose continuations are counted, longest first
_MAX_SYMBOLS, _MAX_ABSTRACT_SYMBOLS = 10, 8  # of each estimate that are candidates
_DOCUMENT_WEIGHT = 4.0  # of one occurrence in the document, against one elsewhere
_FUNCTION_WEIGHT = 2.0  # of one in the function before the cursor, against others
_MIN_REST = 0.02  # probability left for shorter contexts below which they are not counted
_FLOOR, _RECENT_FLOOR = 1e-5, 1e-3  # keep logarithms finite
_LENGTH_STEPS, _ABSTRACT_LENGTH_STEPS = (2, 3, 5, 8, 12), (3, 6)  # where the mixer's state changes
FEATURE_NAMES = (
    "exact", "longest", "abstract", "recent", "mean", "in_exact", "in_abstract", "in_longest", "line_end",
    "foreign",
)  # fmt: skip
STATE_COUNT = (len(_LENGTH_STEPS) + 1) * (len(_ABSTRACT_LENGTH_STEPS) + 1)
_NO_POSITIONS = np.empty(0, np.int64)
_NEVER_PREDICTED = frozenset((BOUNDARY, LONG_LITERAL))


class Prediction(NamedTuple):
    """A symbol that may come next."""

    symbol: int
    probability: float


class Source(NamedTuple):
    """Where a predicted symbol stands: a position in the document's symbols, or in the workspace's."""

    position: int
    is_in_document: bool


@dataclass(frozen=True, slots=True, eq=False)
class TokenFeatures:
    """The candidates for the next symbol, their features, and the mixer's state."""

    symbols: list[int]  # n
    values: Weights  # (n, features)
    state: int  # by the longest contexts that were found


@dataclass(frozen=True, slots=True, eq=False)
class _Estimate:
    """Symbols with their probabilities, and the longest context behind them in tokens; 0: none was found."""

    probabilities: Mapping[int, float]
    length: int


class NgramModel:
    """Predicts the symbols at one cursor."""

    def __init__(self, document: DocumentTokens, workspace: SuffixIndex, excluded_documents: Sequence[int]) -> None:
        """`excluded_documents` are the numbers, in `workspace`, of the document itself and of its copies."""
        self._document = document
        self._workspace = workspace
        self._excluded_ranges = [workspace.find_range(number) for number in excluded_documents]

    def predict(self, context: TokenContext) -> list[Prediction]:
        """Return the symbols that may come next, most probable first; their probabilities sum to less than 1."""
        features = self.extract_features(context)
        if not features.symbols:
            return []
        scores = features.values @ (FEATURE_WEIGHTS + STATE_FEATURE_WEIGHTS[features.state])
        all_scores = np.append(scores, OTHER_BIAS + STATE_OTHER_BIASES[features.state])
        exponentials = np.exp(all_scores - all_scores.max())
        probabilities = (exponentials / exponentials.sum())[:-1]
        order = np.argsort(-probabilities, kind="stable").tolist()
        return [Prediction(features.symbols[i], float(probabilities[i])) for i in order]

    def extract_features(self, context: TokenContext) -> TokenFeatures:
        """Return the candidate symbols with their features, from the exact, abstract and recent estimates."""
        exact, longest = self._estimate_exact(context)
        abstract = self._estimate_abstract(context)
        best_exact = sorted(exact.probabilities, key=exact.probabilities.__getitem__, reverse=True)[:_MAX_SYMBOLS]
        best_abstract = sorted(abstract.probabilities, key=abstract.probabilities.__getitem__, reverse=True)
        symbols = [
            symbol
            for symbol in dict.fromkeys((*best_exact, *best_abstract[:_MAX_ABSTRACT_SYMBOLS]))
            if symbol >> 1 not in _NEVER_PREDICTED
        ]
        recent = self._document.recent_shares
        rows = [
            (
                *_make_features(
                    symbol,
                    exact.probabilities.get(symbol, 0.0),
                    longest.get(symbol, 0.0),
                    abstract.probabilities.get(symbol, 0.0),
                    recent.get(symbol >> 1, 0.0),
                ),
                self._document.is_foreign_name(symbol >> 1, context.tokens[-1]),
            )
            for symbol in symbols
        ]
        state = _find_step(_LENGTH_STEPS, exact.length) * (len(_ABSTRACT_LENGTH_STEPS) + 1)
        return TokenFeatures(symbols, np.array(rows), state + _find_step(_ABSTRACT_LENGTH_STEPS, abstract.length))

    def find_source(self, context: TokenContext, symbol: int) -> Source | None:
        """Return where `symbol` followed the longest context; None where it followed none."""
        document = self._document
        abstract = match_contexts(document.abstract_symbols, document.positions, context.abstract_tokens)
        exact = self._match_document(context)
        best: tuple[int, Source] | None = None
        if abstract.longest:  # names that were put in are none of the source's
            nearest = self._find_nearest(abstract.select(abstract.longest))
            best = abstract.longest - MAX_CONTEXT_TOKENS, Source(nearest, is_in_document=True)
        is_following = document.symbols[exact.positions] == symbol
        following = ContextMatches(exact.positions[is_following], exact.lengths[is_following])
        if following.longest:
            best = following.longest, Source(self._find_nearest(following.select(following.longest)), True)
        for length, positions in self._workspace.find_matches(context.tokens, CONTEXT_LENGTHS).items():
            allowed = self._drop_excluded(positions)
            others = allowed[self._workspace.symbols[allowed] == symbol]
            if len(others) and (best is None or length > best[0]):
                best = length, Source(int(others.min()), is_in_document=False)
        return best[1] if best else None

    def _match_document(self, context: TokenContext) -> ContextMatches:
        """Return the document's positions that follow the same tokens as the context."""
        return match_contexts(self._document.symbols, self._document.positions, context.tokens)

    def _find_nearest(self, positions: Positions) -> int:
        """Return the position nearest to the cursor."""
        return int(positions[np.argmin(np.abs(positions - self._document.cursor_position))])

    def _drop_excluded(self, positions: Positions) -> Positions:
        """Return the positions that are in none of the excluded documents."""
        for start, end in self._excluded_ranges:
            positions = positions[(positions < start) | (positions >= end)]
        return positions

    def _estimate_exact(self, context: TokenContext) -> tuple[_Estimate, dict[int, float]]:
        """Return the probabilities of the next symbol after equal tokens, and shares after the longest equal ones."""
        counts = self._count_exact(context)
        first = next(counts, None)
        if first is None:
            return _Estimate({}, 0), {}
        longest_symbols, longest_counts = _count_symbols(*first[1:])
        shares = longest_counts / (longest_counts.sum() + 0.5)
        longest = dict(zip(longest_symbols.tolist(), shares.tolist(), strict=True))
        return _Estimate(_back_off(chain((first,), counts)), first[0]), longest

    def _count_exact(self, context: TokenContext) -> Iterator[_Counts]:
        """Yield the symbols, weighted, that follow equal tokens here and in the workspace, longest context first."""
        document, workspace = self._document, self._workspace
        matches = workspace.find_matches(context.tokens, CONTEXT_LENGTHS)
        own_matches = self._match_document(context)
        for length in CONTEXT_LENGTHS:
            positions = self._drop_excluded(matches[length]) if length in matches else _NO_POSITIONS
            own_positions = own_matches.select(length)
            if len(positions) or len(own_positions):
                own_weights = _DOCUMENT_WEIGHT * document.weigh_positions(own_positions, _FUNCTION_WEIGHT)
                symbols = np.concatenate((workspace.symbols[positions], document.symbols[own_positions]))
                yield length, symbols, np.concatenate((np.ones(len(positions)), own_weights))

    def _estimate_abstract(self, context: TokenContext) -> _Estimate:
        """Return the document's probabilities of the next symbol after tokens equal but for locals and literals."""
        document = self._document
        matches = match_contexts(document.abstract_symbols, document.positions, context.abstract_tokens)
        longest = max((length for length in CONTEXT_LENGTHS if 1 < length <= matches.longest), default=0)
        return _Estimate(_back_off(self._count_abstract(context, matches)), longest)

    def _count_abstract(self, context: TokenContext, matches: ContextMatches) -> Iterator[_Counts]:
        """Yield the document's symbols, weighted, that follow such tokens, longest first, with the cursor's names."""
        for length in CONTEXT_LENGTHS:
            positions = matches.select(length)
            if length > 1 and len(positions):
                symbols = self._put_in_names(context, length, positions)
                yield length, symbols, self._document.weigh_positions(positions, _FUNCTION_WEIGHT)

    def _put_in_names(self, context: TokenContext, length: int, positions: Positions) -> Symbols:
        """Return the symbols at the positions, local names replaced by those at the cursor."""
        document = self._document
        symbols = document.symbols[positions]
        open_places = np.flatnonzero(document.abstract_tokens[positions] == ANY_NAME)
        if not len(open_places):
            return symbols
        open_positions = positions[open_places]
        distances = np.arange(1, min(length, len(context.tokens)) + 1)
        is_same_name = document.tokens[open_positions[:, None] - distances] == document.tokens[open_positions][:, None]
        has_same_name, nearest = is_same_name.any(axis=1), is_same_name.argmax(axis=1)
        names = np.array(context.tokens[: -len(distances) - 1 : -1])[nearest]
        replaced = open_places[has_same_name]
        symbols[replaced] = names[has_same_name] * 2 + (symbols[replaced] & 1)
        return symbols


def _make_features(
    symbol: int, in_exact: float, in_longest: float, in_abstract: float, in_recent: float
) -> tuple[float, ...]:
    """Return the features of a symbol by its probability in each estimate, in the order of FEATURE_NAMES."""
    return (
        math.log(in_exact + _FLOOR),
        math.log(in_longest + _FLOOR),
        math.log(in_abstract + _FLOOR),
        math.log(in_recent + _RECENT_FLOOR),
        math.log((in_exact + in_abstract) / 2 + _FLOOR),
        in_exact > 0,
        in_abstract > 0,
        in_longest > 0,
        symbol >> 1 == LINE_END,
    )


def _count_symbols(symbols: Symbols, weights: Weights) -> tuple[Symbols, Weights]:
    """Return the distinct symbols and the sum of each one's weights."""
    distinct, inverse = np.unique(symbols, return_inverse=True)
    return distinct, np.bincount(inverse, weights=weights).astype(np.float64)


def _back_off(counts: Iterable[_Counts]) -> dict[int, float]:
    """Return symbol → probability, mixed over contexts, longest first; often seen ones weigh more (Witten–Bell)."""
    probabilities: dict[int, float] = {}
    rest = 1.0
    for _, symbols, weights in counts:
        distinct, totals = _count_symbols(symbols, weights)
        total = float(totals.sum())
        shares = totals * (rest / (total + len(distinct)))
        for symbol, share in zip(distinct.tolist(), shares.tolist(), strict=True):
            probabilities[symbol] = probabilities.get(symbol, 0.0) + share
        rest *= len(distinct) / (total + len(distinct))
        if rest < _MIN_REST:
            break
    return probabilities


def _find_step(steps: Sequence[int], length: int) -> int:
    """Return the number of steps that the length reaches."""
    return sum(length >= step for step in steps)
