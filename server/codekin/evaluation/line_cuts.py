"""Cut documents within lines, to ask how the line goes on; what follows is hidden."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from codekin.completion.line_tokens import LINE_END, LineTokens, TokenVocabulary, read_line_tokens, write_symbols
from codekin.workspace.workspace import Document

HIDDEN_TOKENS = 120  # behind the cut: what a person has not written yet
_MIN_TOKENS = 200  # of a document that is cut
_MIN_MARGIN = 30  # tokens between the cut and either end of its document
_MIN_REST = 2  # tokens of the line that are asked for
_TRIES_PER_CUT = 100


@dataclass(frozen=True, slots=True)
class LineCut:
    """A document without the tokens behind the cursor, and what stood on the rest of the cursor's line."""

    path: Path
    language: str
    text: str
    row: int
    column: int
    truth: str  # the rest of the line
    symbols: tuple[int, ...]  # of the rest of the line, with its end


def choose_line_cuts(
    documents: Sequence[Document], vocabulary: TokenVocabulary, count: int, seed: int, *, at_starts: bool = False
) -> Iterator[LineCut]:
    """Yield up to `count` random cuts within lines of code, or `at_starts` of lines; deterministic by seed."""
    chance = random.Random(seed)  # noqa: S311
    tokens_of = [read_line_tokens(document.text, document.language, vocabulary) for document in documents]
    pairs = zip(documents, tokens_of, strict=True)
    long_enough = [(document, tokens) for document, tokens in pairs if tokens and len(tokens.symbols) > _MIN_TOKENS]
    if not long_enough:
        return
    tries = (chance.choice(long_enough) for _ in range(count * _TRIES_PER_CUT))
    places = ((document, tokens, _choose_place(tokens, chance, at_starts=at_starts)) for document, tokens in tries)
    yield from islice((_cut(document, tokens, place, vocabulary) for document, tokens, place in places if place), count)


def _choose_place(tokens: LineTokens, chance: random.Random, *, at_starts: bool) -> tuple[int, int] | None:
    """Return the indices of a random token and of its line's end; None where it is no place to cut."""
    numbers = tokens.symbols >> 1
    position = chance.randrange(_MIN_MARGIN, len(numbers) - _MIN_MARGIN)
    if at_starts:
        position = max(position - int(np.argmax(numbers[position::-1] == LINE_END)) + 1, 1)
    line_end = position + int(np.argmax(numbers[position:] == LINE_END))
    is_start = bool(numbers[position - 1] == LINE_END)
    return (position, line_end) if is_start == at_starts and line_end - position >= _MIN_REST else None


def _cut(document: Document, tokens: LineTokens, place: tuple[int, int], vocabulary: TokenVocabulary) -> LineCut:
    """Return a document without the 120 tokens from one on; `place` has the indices of that and of its line's end."""
    position, line_end = place
    text, offset = document.text, int(tokens.offsets[position])
    hidden_end = min(position + HIDDEN_TOKENS, len(tokens.symbols) - 1)
    remaining = text[int(tokens.offsets[hidden_end]) :]
    head = text[:offset]
    column = offset - (head.rfind("\n") + 1)
    symbols = [*tokens.symbols[position:line_end].tolist(), LINE_END * 2]
    truth = write_symbols(symbols[:-1], vocabulary)
    return LineCut(
        document.path, document.language, f"{head}\n{remaining}", head.count("\n"), column, truth, tuple(symbols)
    )
