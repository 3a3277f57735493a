"""What the estimates say of each candidate for the next token, as numbers for the mixer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from codekin.completion.back_off import Estimate, Weights
from codekin.completion.document_tokens import DocumentTokens, TokenContext
from codekin.completion.line_tokens import LINE_END, NAME, NUMBER, STRING

_FLOOR, _RECENT_FLOOR = 1e-5, 1e-3  # keep logarithms finite
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSERS, _OPENERS = frozenset(_PAIRS), frozenset(_PAIRS.values())
_MAX_LENGTH, _MAX_LINE_TOKENS = 16.0, 20.0  # at which features become 1

FEATURE_NAMES = (
    "exact", "document", "workspace", "abstract", "recent", "mean", "longest",  # logarithms of shares
    "in_exact", "in_document", "in_workspace", "in_abstract", "in_longest",
    "length", "relative_length", "count", "abstract_length", "relative_abstract_length", "abstract_count",
    "line_end", "name", "string", "number", "foreign", "repeated",
    "closes", "closes_other", "leaves_open",
    "other",  # all tokens that are no candidates
    "all_length", "all_abstract_length", "all_count", "all_symbols", "all_abstract_count", "best", "best_abstract",
    "is_open", "after_opener", "after_name", "line_tokens",  # the same for all candidates
)  # fmt: skip
_CONTEXT_FEATURES = 11  # at the end


class Estimates(NamedTuple):
    """The estimates at one context."""

    exact: Estimate  # from document and workspace
    document: Estimate
    workspace: Estimate
    abstract: Estimate  # from the document, local names, strings and numbers left open


def compute_features(
    symbols: Sequence[int], estimates: Estimates, document: DocumentTokens, context: TokenContext
) -> Weights:
    """Return the features, (n + 1, features), of the candidates and, in the last row, of all other tokens."""
    features = np.zeros((len(symbols) + 1, len(FEATURE_NAMES)))
    shares = _compute_shares(symbols, estimates, document)
    count = shares.shape[1]
    floors = np.array([_FLOOR, _FLOOR, _FLOOR, _FLOOR, _RECENT_FLOOR, _FLOOR, _FLOOR])
    features[:-1, :count] = np.log(shares + floors)
    features[:-1, count : count + 5] = shares[:, [0, 1, 2, 3, 6]] > 0
    end = len(FEATURE_NAMES) - _CONTEXT_FEATURES
    features[:-1, count + 5 : end - 1] = [
        (*_describe_evidence(symbol, estimates), *_describe_symbol(symbol, document, context)) for symbol in symbols
    ]
    features[-1, end - 1] = 1
    features[:, end:] = _describe_context(estimates, document, context)
    return features


def _compute_shares(symbols: Sequence[int], estimates: Estimates, document: DocumentTokens) -> Weights:
    """Return, (n, 7), each share of a symbol whose logarithm is a feature."""
    exact, recent = estimates.exact, document.recent_shares
    total = exact.get_total() + 0.5
    rows = [
        (
            exact.probabilities.get(symbol, 0.0),
            estimates.document.probabilities.get(symbol, 0.0),
            estimates.workspace.probabilities.get(symbol, 0.0),
            estimates.abstract.probabilities.get(symbol, 0.0),
            recent.get(symbol >> 1, 0.0),
            (exact.probabilities.get(symbol, 0.0) + estimates.abstract.probabilities.get(symbol, 0.0)) / 2,
            exact.counts[symbol] / total if exact.lengths.get(symbol) == exact.longest else 0.0,
        )
        for symbol in symbols
    ]
    return np.array(rows)


def _describe_evidence(symbol: int, estimates: Estimates) -> tuple[float, ...]:
    """Return how long the contexts are that each symbol was seen behind, and how often it was."""
    exact, abstract = estimates.exact, estimates.abstract
    length, abstract_length = exact.lengths.get(symbol, 0), abstract.lengths.get(symbol, 0)
    return (
        length / _MAX_LENGTH,
        length / max(exact.longest, 1),
        np.log1p(exact.counts.get(symbol, 0.0)),
        abstract_length / _MAX_LENGTH,
        abstract_length / max(abstract.longest, 1),
        np.log1p(abstract.counts.get(symbol, 0.0)),
    )


def _describe_symbol(symbol: int, document: DocumentTokens, context: TokenContext) -> tuple[bool, ...]:
    """Return what kind of token the symbol is, and what it does to the open brackets."""
    token, vocabulary = symbol >> 1, document.vocabulary
    text, kind = vocabulary.texts[token], vocabulary.kinds[token]
    open_bracket = context.open_brackets[-1] if context.open_brackets else ""
    closes = text in _CLOSERS
    return (
        token == LINE_END,
        kind == NAME,
        kind == STRING,
        kind == NUMBER,
        document.is_foreign_name(token, context.tokens[-1]),
        token == context.tokens[-1],
        closes and _PAIRS[text] == open_bracket,
        closes and _PAIRS[text] != open_bracket,
        token == LINE_END and bool(open_bracket),
    )


def _describe_context(estimates: Estimates, document: DocumentTokens, context: TokenContext) -> tuple[float, ...]:
    """Return the features that all candidates have in common."""
    exact, abstract, vocabulary = estimates.exact, estimates.abstract, document.vocabulary
    previous = context.tokens[-1]
    return (
        exact.longest / _MAX_LENGTH,
        abstract.longest / _MAX_LENGTH,
        np.log1p(exact.get_total()),
        np.log1p(sum(length == exact.longest for length in exact.lengths.values())),
        np.log1p(abstract.get_total()),
        _find_best(exact.probabilities),
        _find_best(abstract.probabilities),
        bool(context.open_brackets),
        vocabulary.texts[previous] in _OPENERS,
        vocabulary.kinds[previous] == NAME,
        min(context.line_tokens, _MAX_LINE_TOKENS) / _MAX_LINE_TOKENS,
    )


def _find_best(probabilities: Mapping[int, float]) -> float:
    """Return the highest probability; 0 where there is none."""
    return max(probabilities.values(), default=0.0)
