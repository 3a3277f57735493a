"""Two simple completion baselines: copy what follows the longest equal suffix, or copy by BM25."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from codekin.code.line_hashes import make_line_hasher
from codekin.code.lines import is_closing
from codekin.completion.truncation import find_statement_end
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.hold_out import CorpusSnippet, Cut, CutCorpus

_TOKEN = re.compile(r"\w+|[^\w\s]")
_MAX_SUFFIX_TOKENS = 60  # tokens of a suffix
_MAX_STARTS = 12  # cuts of a function among BM25's passages
_BATCH_CUTS = 50


@dataclass(frozen=True, slots=True)
class CopiedSuggestion:
    """The lines that a baseline copies, with a score that only orders suggestions."""

    score: float
    lines: tuple[str, ...]


class LongestSuffix:
    """Copies the statement that follows the longest run of tokens equal to the tokens before the cursor.

    Of equal runs, one in the same document wins.
    """

    def __init__(self, corpus: CutCorpus) -> None:
        """Build a list of the corpus's rows, sorted by the 60 tokens before each, reversed; the corpus is unchanged."""
        self._corpus = corpus
        rows: list[tuple[list[str], int, int]] = []
        for snippet_number, snippet in enumerate(corpus.snippets):
            tokens: list[str] = []
            content_rows = [
                row for row, line in enumerate(snippet.lines) if make_line_hasher(snippet.snippet.language)[line]
            ]
            following = dict(pairwise(content_rows))
            for row, line in enumerate(snippet.lines):
                tokens += _TOKEN.findall(line)
                if row in following:
                    rows.append((tokens[: -_MAX_SUFFIX_TOKENS - 1 : -1], snippet_number, following[row]))
        self._rows = sorted(rows)

    def suggest(self, cut: Cut) -> CopiedSuggestion | None:
        """Return the statement after the longest equal run of tokens, but no held-out one; None for no equal token."""
        suffix_tokens = [token for line in cut.start for token in _TOKEN.findall(line)][: -_MAX_SUFFIX_TOKENS - 1 : -1]
        insertion_point = bisect_left(self._rows, (suffix_tokens, -1, -1))
        matches: list[tuple[int, int]] = []
        longest_match = 0
        for rows in (range(insertion_point - 1, -1, -1), range(insertion_point, len(self._rows))):
            for row in rows:
                tokens, snippet_number, following = self._rows[row]
                shared_count = _count_shared_prefix(tokens, suffix_tokens)
                if shared_count < max(longest_match, 1):
                    break
                if snippet_number not in cut.excluded:
                    matches = [] if shared_count > longest_match else matches
                    longest_match = shared_count
                    matches.append((snippet_number, following))
        if not matches:
            return None
        snippets = self._corpus.snippets
        snippet_number, row = min(matches, key=lambda place: (snippets[place[0]].path != cut.path, place))
        return CopiedSuggestion(longest_match, _read_statement(snippets[snippet_number], row))


def suggest_by_bm25(corpus: CutCorpus, cuts: Sequence[Cut]) -> Iterator[CopiedSuggestion]:
    """Yield for each cut, scored, the statement after the function start most like its own by BM25, even if unlike.

    Each function is cut at up to `_MAX_STARTS` lines. Ranking the continuations themselves finds a tenth as much. The
    score is relative to the start's score with itself; it is below 0 where all is held out.
    """
    places = [
        (snippet_number, row)
        for snippet_number, snippet in enumerate(corpus.snippets)
        if snippet.snippet.borders
        for row in _find_start_rows(snippet)
    ]
    passages = ["\n".join(corpus.snippets[snippet_number].lines[:row]) for snippet_number, row in places]
    owners = np.array([snippet_number for snippet_number, _ in places])
    for first in range(0, len(cuts), _BATCH_CUTS):
        batch = cuts[first : first + _BATCH_CUTS]
        questions = ["\n".join(cut.start) for cut in batch]
        scores, self_scores = (
            compute_bm25_scores(questions, passages),
            compute_bm25_scores(questions, questions).diagonal(),
        )
        for cut, row, self_score in zip(batch, scores, self_scores, strict=True):
            row[np.isin(owners, list(cut.excluded))] = -1
            snippet_number, line = places[int(row.argmax())]
            yield CopiedSuggestion(
                float(row.max()) / max(float(self_score), 1e-6), _read_statement(corpus.snippets[snippet_number], line)
            )


def _find_start_rows(snippet: CorpusSnippet) -> list[int]:
    """Return the first code rows, up to twelve, to cut a function before; neither its first nor closing ones."""
    hash_line = make_line_hasher(snippet.snippet.language)
    content_rows = [row for row, line in enumerate(snippet.lines) if hash_line[line]]
    return [row for row in content_rows[1:] if not is_closing(snippet.lines[row])][:_MAX_STARTS]


def _read_statement(snippet: CorpusSnippet, row: int) -> tuple[str, ...]:
    """Return the lines of the statement that begins in this row, its blocks included, cut off by the snippet's end."""
    return snippet.lines[row : find_statement_end(snippet.lines, row)]


def _count_shared_prefix(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the number of equal tokens at the start of both sequences."""
    return next(
        (
            index
            for index, (left_token, right_token) in enumerate(zip(left, right, strict=False))
            if left_token != right_token
        ),
        min(len(left), len(right)),
    )
