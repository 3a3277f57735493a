"""Scores the lines of the cursor's document as next lines, all at once, by cheap features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.code.line_hashes import find_calls, make_line_hasher
from codekin.completion.context import CompletionContext, measure_indent
from codekin.types import Snippet

MAX_DEPTH = 8  # lines before the cursor that are compared in order
_CACHED_SNIPPETS = 2048  # whose lines are kept: each key of a document reads the same ones

Integers = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CodeLines:
    """The lines of a snippet that have code: no blank lines, comments or lone {."""

    rows: Integers  # (n,), in the snippet
    hashes: Integers  # (n,)
    calls: Integers  # (n,), the hash of the functions that a line calls; 0 for none
    columns: Integers  # (n,), at which a line starts


class ScoredLine(NamedTuple):
    """A line of a snippet in the cursor's document, with how many lines before it match, and how rare these are."""

    snippet: Snippet
    distance: int  # snippets between it and the cursor
    row: int  # in the snippet
    depth: int
    rarity: float  # in nats


@lru_cache(maxsize=_CACHED_SNIPPETS)
def read_code_lines(snippet_text: str, language: str) -> CodeLines:
    """Return the snippet's lines of code as arrays of rows, hashes, hashes of their calls, and indents; cached."""
    hasher, lines = make_line_hasher(language), snippet_text.split("\n")
    rows = [row for row, line in enumerate(lines) if hasher[line]]
    columns = [
        [hasher[lines[row]] for row in rows],
        [hash_calls(lines[row]) for row in rows],
        [measure_indent(lines[row]) for row in rows],
    ]
    return CodeLines(np.array(rows, np.int64), *(np.array(column, np.int64) for column in columns))


def hash_calls(line: str) -> int:
    """Return a hash of the functions that the line calls; 0 for none. It differs between processes."""
    calls = find_calls(line)
    return hash(calls) if calls else 0


class DocumentLineScorer:
    """Scores the lines that are added, to choose those worth extracting all features."""

    def __init__(self, context: CompletionContext, rarities: dict[int, float]) -> None:
        """Prepare for one context, which must have a content line (else IndexError)."""
        self._context = context
        self._rarities = rarities
        last_line = context.content_lines[-1]
        self._last_calls = hash_calls(last_line)
        indent_column = context.indent_column
        self._indent_step = None if indent_column is None else indent_column - measure_indent(last_line)
        self._snippets: list[tuple[Snippet, int, CodeLines]] = []

    def add_snippet(self, snippet: Snippet, distance: int, code_lines: CodeLines) -> None:
        """Add the lines of a snippet but the first; `distance` is the number of snippets nearer to the cursor."""
        if len(code_lines.rows) > 1:
            self._snippets.append((snippet, distance, code_lines))

    def list_best(self, max_count: int) -> list[ScoredLine]:
        """Return up to `max_count` lines of highest score, best first; of equal ones those that were added first."""
        if not self._snippets:
            return []
        line_counts = [len(code_lines.rows) - 1 for _, _, code_lines in self._snippets]
        owners = np.repeat(np.arange(len(line_counts)), line_counts)
        positions = np.arange(len(owners)) - np.repeat(np.cumsum(line_counts) - line_counts, line_counts) + 1
        is_following = self._join("hashes", slice(-1)) == self._context.line_hashes[-1]
        matches = {
            line: self._match_lines_before(self._snippets[owners[line]][2].hashes, int(positions[line]))
            for line in np.flatnonzero(is_following).tolist()
        }
        scores = np.zeros(len(owners))
        scores[list(matches)] = [rarity for _, rarity in matches.values()]
        self._add_scores(scores, owners)
        best_lines = np.argsort(-scores, kind="stable")[:max_count].tolist()
        return [
            self._describe(int(owners[line]), int(positions[line]), matches.get(line, (0, 0.0))) for line in best_lines
        ]

    def _join(self, name: str, part: slice) -> Integers:
        """Concatenate the slice `part` of each added snippet's array that is called `name`."""
        return np.concatenate([getattr(code_lines, name)[part] for _, _, code_lines in self._snippets])

    def _add_scores(self, scores: Scores, owners: Integers) -> None:
        """Add to each line's score, in place, what its snippet and the line before it say."""
        if self._last_calls:
            scores += 2 * (self._join("calls", slice(-1)) == self._last_calls)
        if self._indent_step is not None:
            steps = self._join("columns", slice(1, None)) - self._join("columns", slice(-1))
            scores += np.abs(steps - self._indent_step) <= 1
        scores += 1 / (1 + np.array([distance for _, distance, _ in self._snippets]))[owners]
        if self._context.is_signature_only:
            body_rows = [snippet.borders[0] if snippet.borders else -1 for snippet, _, _ in self._snippets]
            scores += 2 * (self._join("rows", slice(1, None)) == np.array(body_rows)[owners])

    def _match_lines_before(self, line_hashes: Integers, position: int) -> tuple[int, float]:
        """Return how many lines, up to 8, right before the position equal the context's last; their rarity summed."""
        depth, rarity = 0, 0.0
        hashes_before: Sequence[int] = line_hashes[max(0, position - MAX_DEPTH) : position].tolist()
        context_hashes = self._context.line_hashes[-MAX_DEPTH:]
        for context_hash, line_hash in zip(reversed(context_hashes), reversed(hashes_before), strict=False):
            if context_hash != line_hash:
                break
            depth += 1
            rarity += self._rarities[context_hash]
        return depth, rarity

    def _describe(self, owner: int, position: int, match: tuple[int, float]) -> ScoredLine:
        """Return the line at a position among the code lines of a snippet, with what matches before it."""
        snippet, distance, code_lines = self._snippets[owner]
        return ScoredLine(snippet, distance, int(code_lines.rows[position]), *match)
