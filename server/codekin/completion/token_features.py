"""What the estimates say of each candidate for the next token, as numbers for the mixer."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from codekin.completion.back_off import Estimate, Weights
from codekin.completion.document_tokens import CONTEXT_TOKENS, DocumentTokens, TokenContext
from codekin.completion.line_tokens import LINE_END, NAME, NUMBER, STRING
from codekin.completion.parallel_code import MAX_PARALLELS, Parallel

_FLOOR, _RECENT_FLOOR = 1e-5, 1e-3  # keep logarithms finite
_WITHOUT_PARALLEL = (math.log(_RECENT_FLOOR), *(0.0,) * 6)
_MIN_EQUAL_SHARE = 0.1  # that is added to the share of equal tokens: names may all differ
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSERS, _OPENERS = frozenset(_PAIRS), frozenset(_PAIRS.values())
_MAX_LENGTH, _MAX_LINE_TOKENS = 16.0, 20.0  # at which features become 1

FEATURE_NAMES = (
    "exact", "document", "workspace", "abstract", "recent", "mean", "longest",  # logarithms of shares
    "in_exact", "in_document", "in_workspace", "in_abstract", "in_longest",
    "length", "relative_length", "count", "abstract_length", "relative_abstract_length", "abstract_count",
    "parallel", "in_parallel", "parallel_length", "parallel_equal", "renamed", "substituted", "likest",
    "line_end", "name", "string", "number", "foreign", "repeated",
    "closes", "closes_other", "leaves_open",
    "other",  # all tokens that are no candidates
    "all_length", "all_abstract_length", "all_count", "all_symbols", "all_abstract_count", "best", "best_abstract",
    "is_open", "after_opener", "after_name", "line_tokens", "line_start",
    "all_parallel_length", "all_parallel_equal", "parallels",  # the same for all candidates
)  # fmt: skip
_CONTEXT_FEATURES = 15  # at the end


class Estimates(NamedTuple):
    """The estimates at one context."""

    exact: Estimate  # from document and workspace
    document: Estimate
    workspace: Estimate
    abstract: Estimate  # from the document, local names, strings and numbers left open


def compute_features(
    symbols: Sequence[int],
    estimates: Estimates,
    parallels: Sequence[Parallel],
    document: DocumentTokens,
    token_context: TokenContext,
) -> Weights:
    """Return the features, (n + 1, features), of the candidates and, in the last row, of all other tokens."""
    features = np.zeros((len(symbols) + 1, len(FEATURE_NAMES)))
    symbol_shares = _compute_shares(symbols, estimates, document)
    share_count = symbol_shares.shape[1]
    share_floors = np.array([_FLOOR, _FLOOR, _FLOOR, _FLOOR, _RECENT_FLOOR, _FLOOR, _FLOOR])
    features[:-1, :share_count] = np.log(symbol_shares + share_floors)
    features[:-1, share_count : share_count + 5] = symbol_shares[:, [0, 1, 2, 3, 6]] > 0
    context_start = len(FEATURE_NAMES) - _CONTEXT_FEATURES
    features[:-1, share_count + 5 : context_start - 1] = [
        (
            *_describe_evidence(symbol, estimates),
            *_describe_parallels(symbol, parallels),
            *_describe_symbol(symbol, document, token_context),
        )
        for symbol in symbols
    ]
    features[-1, context_start - 1] = 1
    features[:, context_start:] = (*_describe_context(estimates, document, token_context), *_describe_likest(parallels))
    return features


def _compute_shares(symbols: Sequence[int], estimates: Estimates, document: DocumentTokens) -> Weights:
    """Return, (n, 7), the probabilities and shares of each symbol whose logarithms are features."""
    exact_estimate, recent_shares = estimates.exact, document.recent_shares
    total_count = exact_estimate.total + 0.5
    share_rows = [
        (
            exact_estimate.probabilities.get(symbol, 0.0),
            estimates.document.probabilities.get(symbol, 0.0),
            estimates.workspace.probabilities.get(symbol, 0.0),
            estimates.abstract.probabilities.get(symbol, 0.0),
            recent_shares.get(symbol >> 1, 0.0),
            (exact_estimate.probabilities.get(symbol, 0.0) + estimates.abstract.probabilities.get(symbol, 0.0)) / 2,
            exact_estimate.counts[symbol] / total_count
            if exact_estimate.lengths.get(symbol) == exact_estimate.longest
            else 0.0,
        )
        for symbol in symbols
    ]
    return np.array(share_rows)


def _describe_evidence(symbol: int, estimates: Estimates) -> tuple[float, ...]:
    """Return six features: how long the contexts before the symbol are, and how often it followed them."""
    exact_estimate, abstract_estimate = estimates.exact, estimates.abstract
    exact_length, abstract_length = exact_estimate.lengths.get(symbol, 0), abstract_estimate.lengths.get(symbol, 0)
    return (
        exact_length / _MAX_LENGTH,
        exact_length / max(exact_estimate.longest, 1),
        math.log1p(exact_estimate.counts.get(symbol, 0.0)),
        abstract_length / _MAX_LENGTH,
        abstract_length / max(abstract_estimate.longest, 1),
        math.log1p(abstract_estimate.counts.get(symbol, 0.0)),
    )


def _describe_parallels(symbol: int, parallels: Sequence[Parallel]) -> tuple[float, ...]:
    """Return seven features: how much parallel code predicts the symbol, and how alike the likest of it is."""
    likest = next((parallel for parallel in parallels if parallel.symbol == symbol), None)
    if likest is None:
        return _WITHOUT_PARALLEL
    weights = [parallel.length * (_MIN_EQUAL_SHARE + parallel.equal_share) for parallel in parallels]
    own_weight = sum(weight for parallel, weight in zip(parallels, weights, strict=True) if parallel.symbol == symbol)
    return (
        math.log(own_weight / sum(weights) + _RECENT_FLOOR),
        1.0,
        math.log1p(likest.length),
        likest.equal_share,
        likest.is_renamed,
        likest.is_substituted,
        likest is parallels[0],
    )


def _describe_likest(parallels: Sequence[Parallel]) -> tuple[float, ...]:
    """Return three features of the parallel code that all candidates have in common."""
    if not parallels:
        return (0.0,) * 3
    return parallels[0].length / CONTEXT_TOKENS, parallels[0].equal_share, len(parallels) / MAX_PARALLELS


def _describe_symbol(symbol: int, document: DocumentTokens, token_context: TokenContext) -> tuple[bool, ...]:
    """Return nine flags: the kind of the symbol's token, whether it is new or repeated, and how it closes brackets."""
    token, vocabulary = symbol >> 1, document.vocabulary
    token_text, token_kind = vocabulary.texts[token], vocabulary.kinds[token]
    open_bracket = token_context.open_brackets[-1] if token_context.open_brackets else ""
    is_closer = token_text in _CLOSERS
    return (
        token == LINE_END,
        token_kind == NAME,
        token_kind == STRING,
        token_kind == NUMBER,
        document.is_foreign_name(token, token_context.tokens[-1]),
        token == token_context.tokens[-1],
        is_closer and _PAIRS[token_text] == open_bracket,
        is_closer and _PAIRS[token_text] != open_bracket,
        token == LINE_END and bool(open_bracket),
    )


def _describe_context(estimates: Estimates, document: DocumentTokens, token_context: TokenContext) -> tuple[float, ...]:
    """Return the twelve features that all candidates have in common."""
    exact_estimate, abstract_estimate, vocabulary = estimates.exact, estimates.abstract, document.vocabulary
    previous_token = token_context.tokens[-1]
    return (
        exact_estimate.longest / _MAX_LENGTH,
        abstract_estimate.longest / _MAX_LENGTH,
        math.log1p(exact_estimate.total),
        math.log1p(exact_estimate.distinct),
        math.log1p(abstract_estimate.total),
        _find_best(exact_estimate.probabilities),
        _find_best(abstract_estimate.probabilities),
        bool(token_context.open_brackets),
        vocabulary.texts[previous_token] in _OPENERS,
        vocabulary.kinds[previous_token] == NAME,
        min(token_context.line_tokens, _MAX_LINE_TOKENS) / _MAX_LINE_TOKENS,
        not token_context.line_tokens,
    )


def _find_best(probabilities: Mapping[int, float]) -> float:
    """Return the highest probability; 0 where there is none."""
    return max(probabilities.values(), default=0.0)
