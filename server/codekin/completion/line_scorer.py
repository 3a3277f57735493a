"""Says how probable whole lines are at the cursor, by the n-gram model of the workspace."""

import math
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from codekin.completion.context import CompletionContext
from codekin.completion.document_tokens import DocumentTokens, TokenContext
from codekin.completion.line_tokens import read_line_tokens
from codekin.completion.ngram import NgramModel

_MAX_TOKENS = 30  # of a line; later ones are not looked at
_OTHER_SPACING = 0.5  # of a predicted token's probability, where it is written with other white space
_UNPREDICTED = 0.01  # of the probability of all other tokens, for one that is not predicted
_MIN_REST = 1e-4  # of that probability


@dataclass(frozen=True, slots=True)
class LineScore:
    """Natural logarithms of the probabilities of a line's tokens, its end included."""

    total: float  # of the whole line
    least: float  # of the least probable token
    first: float  # of the first token
    tokens: int


class LineScorer:
    """Scores lines at one cursor; lines with the same beginning share its predictions."""

    def __init__(
        self, ngram_model: NgramModel, document: DocumentTokens, context: CompletionContext, read_paths: Container[Path]
    ) -> None:
        """`document` ends above the cursor's line; `read_paths` are the other documents that the model has read."""
        self._model = ngram_model
        self._token_context = document.make_context()
        self._vocabulary = document.vocabulary
        self._language, self._path = context.language, context.path
        self._read_paths = read_paths
        self._predictions: dict[tuple[int, ...], dict[int, float]] = {}

    def has_read(self, document_path: Path) -> bool:
        """Return whether the n-gram model knows the document at this path."""
        return document_path == self._path or document_path in self._read_paths

    def score(self, line: str) -> LineScore:
        """Return how probable the line is, indentation aside."""
        line_tokens = read_line_tokens(line.strip() + "\n", self._language, self._vocabulary)
        symbols = line_tokens.symbols[:_MAX_TOKENS].tolist() if line_tokens is not None else []
        token_context, logarithms = self._token_context, list[float]()
        for position, symbol in enumerate(symbols):
            predictions = self._predict(tuple(symbols[:position]), token_context)
            logarithms.append(math.log(_find_probability(predictions, symbol)))
            token_context = token_context.extended(symbol >> 1, self._vocabulary)
        if not logarithms:
            return LineScore(0.0, 0.0, 0.0, 0)
        return LineScore(sum(logarithms), min(logarithms), logarithms[0], len(logarithms))

    def _predict(self, beginning: tuple[int, ...], token_context: TokenContext) -> dict[int, float]:
        """Return symbol → probability behind a beginning of the line, cached."""
        if beginning not in self._predictions:
            self._predictions[beginning] = dict(self._model.predict(token_context))
        return self._predictions[beginning]


def _find_probability(predictions: dict[int, float], symbol: int) -> float:
    """Return the probability of a symbol, above 0 for any."""
    probability = predictions.get(symbol) or _OTHER_SPACING * predictions.get(symbol ^ 1, 0.0)
    return probability or _UNPREDICTED * max(1 - sum(predictions.values()), _MIN_REST)
