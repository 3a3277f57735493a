"""Two plain ways to go on, to measure codekin's beside: copy what follows the longest equal suffix, copy by BM25."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from codekin.code.continuations import keys_of
from codekin.code.lines import is_closing
from codekin.completion.extent import statement_end
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.hold_out import CorpusSnippet, Cut, CutCorpus

_TOKEN = re.compile(r"\w+|[^\w\s]")
_LONGEST = 60  # tokens of a suffix
_STARTS = 12  # cuts of a function among BM25's passages
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class CopiedSuggestion:
    """What a baseline shows, and how sure it is; only its order means something."""

    score: float
    lines: tuple[str, ...]


class LongestSuffix:
    """Copies the statement behind the place with the longest run of tokens that ends like the start; equal ones: the
    same document's first.
    """

    def __init__(self, corpus: CutCorpus) -> None:
        self._corpus = corpus
        rows: list[tuple[list[str], int, int]] = []
        for number, code in enumerate(corpus.codes):
            tokens: list[str] = []
            said = [row for row, line in enumerate(code.lines) if keys_of(code.snippet.language)[line]]
            following = dict(pairwise(said))
            for row, line in enumerate(code.lines):
                tokens += _TOKEN.findall(line)
                if row in following:
                    rows.append((tokens[: -_LONGEST - 1 : -1], number, following[row]))
        self._rows = sorted(rows)

    def suggest(self, cut: Cut) -> CopiedSuggestion | None:
        asked = [token for line in cut.start for token in _TOKEN.findall(line)][: -_LONGEST - 1 : -1]
        at = bisect_left(self._rows, (asked, -1, -1))
        found: list[tuple[int, int]] = []
        longest = 0
        for rows in (range(at - 1, -1, -1), range(at, len(self._rows))):
            for row in rows:
                tokens, number, following = self._rows[row]
                shared = _shared(tokens, asked)
                if shared < max(longest, 1):
                    break
                if number not in cut.without:
                    found = [] if shared > longest else found
                    longest = shared
                    found.append((number, following))
        if not found:
            return None
        codes = self._corpus.codes
        number, row = min(found, key=lambda place: (codes[place[0]].path != cut.path, place))
        return CopiedSuggestion(longest, _statement(codes[number], row))


def suggest_by_bm25(corpus: CutCorpus, cuts: Sequence[Cut]) -> Iterator[CopiedSuggestion]:
    """BM25 over the starts of all functions, each cut at up to `_STARTS` lines: the continuation of the best start.

    Over the continuations themselves it finds a tenth of that. The score is a share of the start's own.
    """
    places = [(n, row) for n, code in enumerate(corpus.codes) if code.snippet.borders for row in _starts(code)]
    passages = ["\n".join(corpus.codes[n].lines[:row]) for n, row in places]
    owners = np.array([n for n, _ in places])
    for first in range(0, len(cuts), _AT_ONCE):
        some = cuts[first : first + _AT_ONCE]
        questions = ["\n".join(cut.start) for cut in some]
        scores, own = compute_bm25_scores(questions, passages), compute_bm25_scores(questions, questions).diagonal()
        for cut, row, most in zip(some, scores, own, strict=True):
            row[np.isin(owners, list(cut.without))] = -1
            number, line = places[int(row.argmax())]
            yield CopiedSuggestion(float(row.max()) / max(float(most), 1e-6), _statement(corpus.codes[number], line))


def _starts(code: CorpusSnippet) -> list[int]:
    key = keys_of(code.snippet.language)
    said = [row for row, line in enumerate(code.lines) if key[line]]
    return [row for row in said[1:] if not is_closing(code.lines[row])][:_STARTS]


def _statement(code: CorpusSnippet, row: int) -> tuple[str, ...]:
    return code.lines[row : statement_end(code.lines, row)]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
