"""Says how probable whole lines are at the cursor, and writes the likeliest, by the n-gram model of the workspace."""

import heapq
import math
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codekin.code.line_hashes import find_local_names
from codekin.completion.context import CompletionContext, measure_indent
from codekin.completion.cursor_line import CursorLine, CursorReading
from codekin.completion.document_tokens import TokenContext
from codekin.completion.line_tokens import LINE_END, read_line_tokens, write_symbols
from codekin.completion.line_words import strip_blanks

_MAX_TOKENS = 30  # of a line; later ones are not looked at
_OTHER_SPACING = 0.5  # of a predicted token's probability, where it is written with other white space
_UNPREDICTED = 0.01  # of the probability of all other tokens, for one that is not predicted
_LIKELY_END = 0.6  # probability of a block's end from which on nothing is suggested
_MIN_REST = 1e-4  # of that probability
_MAX_PREDICTIONS = 16  # that are made to write lines: each takes a third of a millisecond; 24 found no more
_MIN_PROBABILITY = 0.01  # of the beginning of a line that is written


@dataclass(frozen=True, slots=True)
class LineScore:
    """Natural logarithms of the probabilities of the tokens from the cursor on, the line's end included."""

    total: float  # of the whole rest
    least: float  # of the least probable token
    first: float  # of the first token
    tokens: int


@dataclass(frozen=True, slots=True)
class NameUse:
    """Which of the names above a line it uses, of those that only one place has: they are likely to be used next."""

    unused_names: int
    uses_last_line: bool  # a name that the line above introduces
    leaves_last_line: bool  # none, though there is one
    is_repeated: bool  # whether the function has the line already


class WrittenLine(NamedTuple):
    """A line that the n-gram model writes, one likely token behind the other."""

    text: str
    symbols: tuple[int, ...]


class LineScorer:
    """Scores lines at one cursor; lines with the same beginning share its predictions."""

    def __init__(self, cursor_line: CursorLine, context: CompletionContext, read_paths: Container[Path]) -> None:
        """`context`, the cursor's, has a content line; `read_paths` are the other documents that the model has read."""
        self._model = cursor_line.model
        self._document = cursor_line.document
        self._typed_count = cursor_line.token_count
        self._is_line_start = not context.text_before.strip()
        self._context = context
        name_counts = Counter(find_local_names("\n".join(context.start_lines)))
        self._unused_names = {name for name, name_count in name_counts.items() if name_count == 1}
        self._last_names = self._unused_names.intersection(find_local_names(context.content_lines[-1]))
        self._read_paths = read_paths
        self._contexts: dict[tuple[int, ...], TokenContext] = {(): cursor_line.document.make_context()}
        self._predictions: dict[tuple[int, ...], dict[int, float]] = {}

    def has_read(self, document_path: Path) -> bool:
        """Return whether the n-gram model has read the document at this path, or the cursor is in it."""
        return document_path == self._context.path or document_path in self._read_paths

    def score(self, line: str) -> LineScore:
        """Return sum, least, first and number of the log probabilities of up to 30 tokens behind the typed ones."""
        line_tokens = read_line_tokens(line.strip() + "\n", self._context.language, self._document.vocabulary)
        symbols = line_tokens.symbols[self._typed_count :].tolist() if line_tokens is not None else []
        logarithms = [
            math.log(_find_probability(self._predict(tuple(symbols[:position])), symbol))
            for position, symbol in enumerate(symbols[:_MAX_TOKENS])
        ]
        if not logarithms:
            return LineScore(0.0, 0.0, 0.0, 0)
        return LineScore(sum(logarithms), min(logarithms), logarithms[0], len(logarithms))

    def find_name_use(self, line: str) -> NameUse:
        """Return how many names found once above the line it uses, whether the last line's, whether it is a repeat."""
        line_names = set(find_local_names(line))
        uses_last_line = not line_names.isdisjoint(self._last_names)
        return NameUse(
            len(line_names & self._unused_names),
            uses_last_line,
            bool(self._last_names) and not uses_last_line,
            strip_blanks(line) in self._context.stripped_lines,
        )

    def may_end_block(self) -> bool:
        """Return whether the cursor's line will begin further left, with 0.6 or more; False if it is begun or can't."""
        if not self._is_line_start or self._document.is_block_ended:
            return False
        if measure_indent(self._context.content_lines[-1]) == 0:
            return False  # nothing is further left
        return self._model.estimate_block_end(self._extend_context(())) >= _LIKELY_END

    def write_lines(self, max_count: int) -> list[WrittenLine]:
        """Generate up to `max_count` lines by the n-gram model, most probable first; [] where part of one is typed.

        A best-first search: no line is left out for one that is less probable, but where predictions run out.
        """
        vocabulary = self._document.vocabulary
        pending: list[tuple[float, tuple[int, ...]]] = [(-1.0, ())] if self._is_line_start else []
        written_lines: list[WrittenLine] = []
        remaining_predictions = _MAX_PREDICTIONS
        while pending and remaining_predictions and len(written_lines) < max_count:
            negative_probability, symbols = heapq.heappop(pending)
            if symbols and symbols[-1] >> 1 == LINE_END:
                written_lines.append(WrittenLine(write_symbols(symbols[:-1], vocabulary).strip(), symbols[:-1]))
            elif len(symbols) < _MAX_TOKENS:
                remaining_predictions -= symbols not in self._predictions
                for longer_symbols, probability in self._list_longer(symbols, -negative_probability):
                    heapq.heappush(pending, (-probability, longer_symbols))
        return written_lines

    def _list_longer(self, symbols: tuple[int, ...], probability: float) -> Iterator[tuple[tuple[int, ...], float]]:
        """Yield (`symbols` and a predicted one, its probability), likeliest first, while it is at least 0.01.

        A local name that the document lacks may only be called.
        """
        must_be_called = bool(symbols) and not self._is_in_scope(symbols)
        for symbol, symbol_probability in self._predict(symbols).items():
            longer_probability = probability * symbol_probability
            if longer_probability < _MIN_PROBABILITY:
                break  # the others are less probable
            if not must_be_called or self._document.vocabulary.texts[symbol >> 1] == "(":
                yield (*symbols, symbol), longer_probability

    def _is_in_scope(self, symbols: tuple[int, ...]) -> bool:
        """Return whether the last symbol may be used behind the others: no local name that the document lacks."""
        return self._document.is_in_scope(symbols[-1] >> 1, self._extend_context(symbols[:-1]).tokens[-1])

    def _predict(self, beginning: tuple[int, ...]) -> dict[int, float]:
        """Return symbol → probability behind a beginning, the most probable first; cached."""
        if beginning not in self._predictions:
            self._predictions[beginning] = dict(self._model.predict(self._extend_context(beginning)))
        return self._predictions[beginning]

    def _extend_context(self, beginning: tuple[int, ...]) -> TokenContext:
        """Return the TokenContext behind these first symbols of a line, cached."""
        if beginning not in self._contexts:
            shorter_context = self._extend_context(beginning[:-1])
            self._contexts[beginning] = shorter_context.extended(beginning[-1] >> 1, self._document.vocabulary)
        return self._contexts[beginning]


def _find_probability(predictions: dict[int, float], symbol: int) -> float:
    """Return a symbol's probability: predicted, half of that with other spacing, or a small one for any other."""
    probability = predictions.get(symbol) or _OTHER_SPACING * predictions.get(symbol ^ 1, 0.0)
    return probability or _UNPREDICTED * max(1 - sum(predictions.values()), _MIN_REST)


def make_scorer(reading: CursorReading | None) -> LineScorer | None:
    """Return a LineScorer for the cursor's line; None before the workspace's tokens are read, and without rules."""
    if reading is None or not reading.snapshot.paths:
        return None
    return LineScorer(reading.lines[0], reading.context, reading.snapshot.numbers)
