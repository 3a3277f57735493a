"""Proposes the rest of the cursor's line, token by token: a beam search over the n-gram model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from codekin.completion.cursor_line import CursorLine
from codekin.completion.document_tokens import TokenContext
from codekin.completion.line_tokens import LINE_END, STRING, write_symbols
from codekin.completion.ngram import Prediction
from codekin.types import Cancel

_BEAM_WIDTH = 2
_CERTAIN = 0.7  # least probability of a beginning that is shown without its end
_CERTAIN_STRING = 0.7  # of a string literal; a rest stops before a less probable one
MIN_BEGINNING_CHARACTERS = 4  # of a rest without its end: less is typed sooner than read
_MAX_LINE_TOKENS = 25
_MAX_PROPOSALS = 3  # whole rests that are tried: the first may not parse
_MIN_RIVAL = 0.5  # of the best whole rest: less probable beginnings are dropped
_MIN_PROBABILITY = 0.03  # of a beginning; less probable ones are dropped
_MIN_RELATIVE_PROBABILITY = 0.15  # of a beginning, against the best one
_UNKNOWN_NAME_SHARE = 0.3  # of the probability of other names, for each character of a name that is typed


@dataclass(frozen=True, slots=True)
class LineProposal:
    """A text that may continue the cursor's line, and the symbols that it is made of."""

    text: str
    probability: float  # that the line goes on like this, and, where it is whole, ends there
    symbols: tuple[int, ...]
    is_whole: bool  # whether the line ends behind it


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The symbols proposed so far, as a node of the beam."""

    symbols: tuple[int, ...]
    probability: float
    context: TokenContext
    before_string: "_Beginning | None" = None  # what comes before its first uncertain string literal, if it has one


class LineProposer:
    """Proposes the rest of the line at one cursor."""

    def __init__(self, cursor_line: CursorLine) -> None:
        self._model = cursor_line.model
        self._document = cursor_line.document
        self._open_token = cursor_line.open_token  # which the context of the search is without
        self._reading_probability = cursor_line.probability
        self._vocabulary = cursor_line.document.vocabulary

    def propose_rests(self, token_context: TokenContext, floor: float, cancel_event: Cancel) -> list[LineProposal]:
        """Return up to 3 whole rests of the line that reach `floor`, likeliest first, then a beginning of 0.7+, if any.

        A rest with an uncertain string literal stands behind what comes before that. `token_context` is the context at
        the cursor. [] when cancelled.
        """
        whole_rests, certain_beginning = self._search(token_context, floor, cancel_event)
        if whole_rests and not whole_rests[0].symbols:
            return []  # most likely the line ends at the cursor
        proposals = []
        for whole_rest in [whole_rest for whole_rest in whole_rests if whole_rest.symbols][:_MAX_PROPOSALS]:
            if whole_rest.before_string is not None and whole_rest.before_string.probability >= floor:
                cut_rest = self._make_proposal(whole_rest.before_string, is_whole=False)
                proposals += [cut_rest] if len(cut_rest.text.strip()) >= MIN_BEGINNING_CHARACTERS else []
            if whole_rest.probability >= floor:
                proposals.append(self._make_proposal(whole_rest, is_whole=True))
        if certain_beginning:
            proposals.append(self._make_proposal(certain_beginning, is_whole=False))
        return proposals

    def _search(
        self, token_context: TokenContext, floor: float, cancel_event: Cancel
    ) -> tuple[list[_Beginning], _Beginning | None]:
        """Return the whole rests that a beam search finds, likeliest first, and the longest beginning of 0.7+."""
        whole_rests: list[_Beginning] = []
        certain_beginning: _Beginning | None = None
        beam = [_Beginning((), self._reading_probability, token_context)]
        for _ in range(_MAX_LINE_TOKENS):
            if cancel_event.is_set():
                return [], None
            following = [(beginning, prediction) for beginning in beam for prediction in self._predict(beginning)]
            following.sort(key=lambda pair: -pair[0].probability * pair[1].probability)
            whole_rests += _list_ends(following)
            beam = list(
                self._select(following, max((whole_rest.probability for whole_rest in whole_rests), default=0.0))
            )
            if not beam:
                break
            if beam[0].probability >= max(floor, _CERTAIN):
                certain_beginning = beam[0]
        return sorted(whole_rests, key=lambda whole_rest: -whole_rest.probability), certain_beginning

    def _predict(self, beginning: _Beginning) -> list[Prediction]:
        """Return the symbols in scope among the 2 likeliest next ones; the first one must begin with the open token."""
        predictions = self._model.predict(beginning.context)
        if self._open_token and not beginning.symbols:
            predictions = self._keep_typed(predictions)
        previous_token, is_in_scope = beginning.context.tokens[-1], self._document.is_in_scope
        return [
            prediction
            for prediction in predictions[:_BEAM_WIDTH]
            if is_in_scope(prediction.symbol >> 1, previous_token)
        ]

    def _keep_typed(self, predictions: list[Prediction]) -> list[Prediction]:
        """Return the predictions that begin with the open token, rescaled to sum to 1 with a rest for unknown names."""
        token_texts, open_token = self._vocabulary.texts, self._open_token
        kept_predictions = [
            prediction for prediction in predictions if token_texts[prediction.symbol >> 1].startswith(open_token)
        ]
        unknown_probability = max(
            1.0 - sum(prediction.probability for prediction in predictions), 0.0
        ) * _UNKNOWN_NAME_SHARE ** len(open_token)
        total_probability = sum(prediction.probability for prediction in kept_predictions) + unknown_probability
        return [
            Prediction(prediction.symbol, prediction.probability / total_probability) for prediction in kept_predictions
        ]

    def _select(self, following: list[tuple[_Beginning, Prediction]], best_probability: float) -> Iterator[_Beginning]:
        """Yield up to 2 beginnings, a symbol longer, above 0.03, half the best whole rest, 0.15 of the likelier one."""
        min_probability = max(_MIN_PROBABILITY, _MIN_RIVAL * best_probability)
        continuing = [pair for pair in following if pair[1].symbol >> 1 != LINE_END][:_BEAM_WIDTH]
        for beginning, prediction in continuing:
            probability = beginning.probability * prediction.probability
            if probability > min_probability:
                yield self._extend_by_token(beginning, prediction)
                min_probability = max(min_probability, _MIN_RELATIVE_PROBABILITY * probability)

    def _extend_by_token(self, beginning: _Beginning, prediction: Prediction) -> _Beginning:
        """Return the beginning with the predicted token added; before an uncertain string it may stop."""
        token = prediction.symbol >> 1
        longer = _extend(beginning, prediction, beginning.context.extended(token, self._vocabulary))
        is_uncertain = self._vocabulary.kinds[token] == STRING and prediction.probability < _CERTAIN_STRING
        may_stop = is_uncertain and beginning.before_string is None and bool(beginning.symbols)
        return replace(longer, before_string=beginning) if may_stop else longer

    def _make_proposal(self, beginning: _Beginning, *, is_whole: bool) -> LineProposal:
        """Return the beginning as a proposal, its text without what is typed already."""
        proposed_text = write_symbols(beginning.symbols, self._vocabulary)
        if self._open_token:
            proposed_text = proposed_text.lstrip()[len(self._open_token) :]
        return LineProposal(proposed_text, beginning.probability, beginning.symbols, is_whole)


def _list_ends(following: list[tuple[_Beginning, Prediction]]) -> Iterator[_Beginning]:
    """Yield, for each beginning that may end here, the same with the probability that the line ends there."""
    for beginning, prediction in following:
        if prediction.symbol >> 1 == LINE_END:
            yield replace(_extend(beginning, prediction, beginning.context), symbols=beginning.symbols)


def _extend(beginning: _Beginning, prediction: Prediction, token_context: TokenContext) -> _Beginning:
    """Return a new beginning with the predicted symbol added, the probabilities multiplied, and `token_context`."""
    return _Beginning(
        (*beginning.symbols, prediction.symbol),
        beginning.probability * prediction.probability,
        token_context,
        beginning.before_string,
    )
