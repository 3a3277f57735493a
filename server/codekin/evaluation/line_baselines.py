"""Simple ways to go on with a line: the longest equal run, a plain n-gram model, the most similar code."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from codekin.completion.back_off import Estimate, count_symbols, merge_counts
from codekin.completion.context import CompletionContext
from codekin.completion.cursor_line import CursorLine, CursorReading
from codekin.completion.document_tokens import TokenContext
from codekin.completion.line_tokens import LINE_END, Symbols, read_line_tokens, write_symbols
from codekin.completion.suffix_index import MAX_CONTEXT_TOKENS
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.hold_out import CutCorpus

_MAX_TOKENS = 25  # of a proposal
_NGRAM_LENGTHS = (8, 6, 4, 3, 2, 1)
_DOCUMENT_WEIGHT = 4.0
_QUERY_LINES = 10  # above the cursor
_NO_SYMBOLS = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class PlainProposal:
    """A text that a baseline proposes, with a score that only orders proposals."""

    score: float
    text: str


class _Workspace:
    """What a cursor's document and the others have behind a context."""

    def __init__(self, reading: CursorReading, line: CursorLine) -> None:
        self._index = reading.snapshot.index
        self._document = line.document
        own_documents = reading.snapshot.find_documents(reading.context.path)
        self._own_ranges = [self._index.find_range(document_number) for document_number in own_documents]
        self.open_token = line.open_token  # with which the next token begins

    def find_own(self, context: TokenContext, length: int) -> Symbols:
        """Return the token symbols that follow the last `length` tokens in the own document and begin as typed."""
        positions = self._document.followers.match_contexts(context.tokens).select(length)
        return self._keep_begun(self._document.symbols[positions])

    def find_others(self, context: TokenContext, lengths: Sequence[int]) -> dict[int, Symbols]:
        """Return length → the token symbols that follow so many last tokens in other documents and begin as typed."""
        symbols_by_length = {}
        for length, positions in self._index.find_matches(context.tokens, lengths).items():
            is_own = np.zeros(len(positions), bool)
            for range_start, range_end in self._own_ranges:
                is_own |= (positions >= range_start) & (positions < range_end)
            symbols_by_length[length] = self._keep_begun(self._index.symbols[positions[~is_own]])
        return symbols_by_length

    def _keep_begun(self, symbols: Symbols) -> Symbols:
        """Return the symbols whose token begins with the typed part of the cursor's token; all if nothing is typed."""
        symbols = np.where(symbols >> 1 == LINE_END, LINE_END * 2, symbols)  # whether a block ends does not matter
        if not self.open_token:
            return symbols
        texts = self._document.vocabulary.texts
        return symbols[[texts[symbol >> 1].startswith(self.open_token) for symbol in symbols.tolist()]]


_Choice = tuple[int, float]  # a symbol and its score


def propose_by_suffix(reading: CursorReading) -> PlainProposal | None:
    """Return a scored rest of the line, each token copied from behind the longest equal run; None for nothing.

    The document's own runs come before equally long ones elsewhere.
    """

    def choose(workspace: _Workspace, context: TokenContext) -> _Choice | None:
        others = workspace.find_others(context, range(1, MAX_CONTEXT_TOKENS + 1))
        for length in range(MAX_CONTEXT_TOKENS, 0, -1):
            for symbols in (workspace.find_own(context, length), others.get(length, _NO_SYMBOLS)):
                if len(symbols):
                    return int(symbols[0]), float(length)
        return None

    scores, proposed_text = _propose(reading, choose)
    return PlainProposal(scores[0], proposed_text) if proposed_text else None


def propose_by_ngram(reading: CursorReading) -> PlainProposal | None:
    """Return a scored rest of the line, each token the likeliest by a plain n-gram model; None for nothing.

    Contexts of 1 to 8 tokens, Witten-Bell, the document's counts four-fold.
    """

    def choose(workspace: _Workspace, context: TokenContext) -> _Choice | None:
        estimate, others = Estimate(), workspace.find_others(context, _NGRAM_LENGTHS)
        for length in _NGRAM_LENGTHS:
            own_counts, other_counts = (
                count_symbols(symbols)
                for symbols in (workspace.find_own(context, length), others.get(length, _NO_SYMBOLS))
            )
            estimate.add(length, merge_counts(other_counts, own_counts, _DOCUMENT_WEIGHT))
        best_symbols = estimate.list_best(1)
        return (best_symbols[0], estimate.probabilities[best_symbols[0]]) if best_symbols else None

    scores, proposed_text = _propose(reading, choose)
    return PlainProposal(math.prod(scores), proposed_text) if proposed_text else None


def _propose(
    reading: CursorReading, choose: Callable[[_Workspace, TokenContext], _Choice | None]
) -> tuple[list[float], str]:
    """Return a list of scores, and the text, of the tokens that `choose` gives one by one, to the line's end or 25."""
    line = reading.lines[0]
    workspace, context, vocabulary = _Workspace(reading, line), line.document.make_context(), line.document.vocabulary
    symbols, scores = list[int](), list[float]()
    while len(symbols) < _MAX_TOKENS and (choice := choose(workspace, context)):
        symbol, score = choice
        scores.append(score)
        if symbol >> 1 == LINE_END:
            break
        symbols.append(symbol)
        context = context.extended(symbol >> 1, vocabulary)
        workspace.open_token = ""
    proposed_text = write_symbols(symbols, vocabulary)
    return scores, proposed_text.lstrip()[len(line.open_token) :] if line.open_token else proposed_text


def propose_by_bm25(corpus: CutCorpus, readings: Sequence[CursorReading]) -> list[PlainProposal | None]:
    """Return per cursor a scored rest of line, copied from the snippet elsewhere most like ten lines above; or None.

    It is what follows the longest run of equal tokens there.
    """
    passages = [snippet.snippet.text for snippet in corpus.snippets]
    questions = ["\n".join(_read_start(reading.context)) for reading in readings]
    proposals: list[PlainProposal | None] = []
    for reading, scores in zip(readings, compute_bm25_scores(questions, passages), strict=True):
        is_own = np.array([snippet.path == reading.context.path for snippet in corpus.snippets])
        scores[is_own] = 0.0  # they may have what is hidden
        best_snippet = int(scores.argmax())
        line_rest = _copy_line(passages[best_snippet], reading)
        proposals.append(PlainProposal(float(scores[best_snippet]), line_rest) if line_rest else None)
    return proposals


def _read_start(context: CompletionContext) -> tuple[str, ...]:
    """Return up to ten of the function's lines above the cursor, and the cursor's line up to it."""
    return (*context.start_lines[-_QUERY_LINES:], context.text_before)


def _copy_line(source_text: str, reading: CursorReading) -> str:
    """Return what follows, to the line's end in `source_text`, the longest run of tokens before the cursor; or ""."""
    line, language = reading.lines[0], reading.context.language
    source_tokens = read_line_tokens(source_text + "\n", language, line.document.vocabulary)
    if source_tokens is None:
        return ""
    context, numbers = line.document.make_context().tokens, (source_tokens.symbols >> 1).tolist()
    best_length, best_position = 0, 0
    for position in range(1, len(numbers)):
        length = 0
        while length < min(position, len(context)) and numbers[position - 1 - length] == context[-1 - length]:
            length += 1
        if length > best_length:
            best_length, best_position = length, position
    if not best_length:
        return ""
    line_ends = (position for position in range(best_position, len(numbers)) if numbers[position] == LINE_END)
    line_end = next(line_ends, len(numbers))  # an open comment at the source's end hides the last one
    line_rest = write_symbols(source_tokens.symbols[best_position:line_end].tolist(), line.document.vocabulary).lstrip()
    return line_rest[len(line.open_token) :] if line_rest.startswith(line.open_token) else ""
