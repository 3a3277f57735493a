"""Find lines that may come next: candidates, before their features are extracted.

A candidate is a line of other code that follows the same lines, or nearly the same, as the cursor does. Lines of the
document itself come from its current text; lines of other documents from the index, by the line before the cursor
(whatever local names it has) and by the model (code2completion).
"""

import heapq
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from codekin.code.line_hashes import find_calls, make_line_hasher, unpack_line_hashes
from codekin.code.lines import hash_content
from codekin.completion.context import CompletionContext, measure_indent
from codekin.completion.sources import SourceDocuments, SourceReader, SourceSnippet
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.types import Cancel, Role, Snippet, Task
from codekin.vectors.continuation_vectors import truncate_vectors

_MAX_INDEX_LINES = 64  # lines of other documents that are read for the line before the cursor
_MAX_SCANNED_LINES = 2000  # of the document, from the snippets nearest to the cursor on
_MAX_DOCUMENT_LINES = 96  # of the scanned lines, those that become candidates
_MAX_COSINES = 256  # nearest contents whose cosine becomes a feature
_MAX_MODEL_CONTENTS = 8  # of them, those whose lines become candidates for their cosine alone
_MAX_DEPTH = 8  # lines before the cursor that are compared in order


@dataclass(slots=True)
class LineCandidate:
    """A line of other code proposed as the next line at the cursor; `FeatureExtractor` fills names, line, features."""

    source: SourceSnippet
    row: int  # of the line in `source.lines`
    depth: int  # consecutive lines before it that are the same as before the cursor
    rarity: float  # of those lines, in nats
    cosine: float = 0.0  # of the source's continuation and the context; 0 where the model did not find it
    names: dict[str, str] = field(default_factory=dict)  # local name of the source → its name at the cursor
    line: str = ""  # with the names at the cursor, without indentation
    features: dict[str, float] = field(default_factory=dict)  # name → value, in the order of FEATURES


class CandidateFinder:
    """Finds the candidates of a context in one index and in the document."""

    def __init__(self, index: Index, documents: SourceDocuments, embedder: Embedder) -> None:
        self._index = index
        self._documents = documents
        self._embedder = embedder

    def find_candidates(
        self, context: CompletionContext, excluded: Collection[bytes], cancel_event: Cancel
    ) -> list[LineCandidate]:
        """Return lines of the document and index that may come next, unranked; none of contents hashed in `excluded`.

        Features, `line` and `names` are not filled yet. Where cancelled, fewer documents are read. Needs a content line
        in the context.
        """
        rarities = measure_rarity(context, self._index)
        document_candidates = find_document_candidates(context, rarities, excluded)
        source_reader = SourceReader(self._index, self._documents, context.path, excluded)
        return [*document_candidates, *self._find_index_candidates(context, rarities, source_reader, cancel_event)]

    def _find_index_candidates(
        self, context: CompletionContext, rarities: dict[int, float], source_reader: SourceReader, cancel_event: Cancel
    ) -> Iterator[LineCandidate]:
        """Yield lines of other documents: those after lines like the cursor's, or found by embedding the context."""
        cosines = self._find_cosines(context)
        matches = [
            *self._find_following_lines(context, rarities),
            *self._find_split_points(list(cosines)[:_MAX_MODEL_CONTENTS]),
        ]
        sources_by_content = source_reader.read_sources([match.content for match in matches], cancel_event)
        for match in matches:
            source_snippet = sources_by_content.get(match.content)
            if source_snippet is not None and match.row < len(source_snippet.lines):
                cosine = cosines.get(match.content, 0.0)
                yield LineCandidate(source_snippet, match.row, match.depth, match.rarity, cosine)

    def _find_following_lines(self, context: CompletionContext, rarities: dict[int, float]) -> list["_IndexLine"]:
        """Return up to 64 index lines that follow the same lines as the cursor does, the rarest matches first."""
        line_hashes = context.line_hashes[-_MAX_DEPTH:]
        matches = self._index.line_index.find_following(line_hashes, [rarities[line_hash] for line_hash in line_hashes])
        # Equal ones are ordered by their hashes: contents' numbers depend on the order of indexing.
        order = np.lexsort((matches.lines, self._index.sort_keys_of(matches.contents), -matches.weight))
        return [
            _IndexLine(
                int(matches.contents[position]),
                int(matches.lines[position]),
                int(matches.depth[position]),
                float(matches.weight[position]),
            )
            for position in order[:_MAX_INDEX_LINES]
        ]

    def _find_split_points(self, contents: Sequence[int]) -> list["_IndexLine"]:
        """Return the first line of each embedded continuation of these contents, depth and rarity 0."""
        packed_hashes = self._index.store.line_hashes_of(contents)
        return [
            _IndexLine(content, split_row, 0, 0.0)
            for content in contents
            if content in packed_hashes
            for split_row in unpack_line_hashes(packed_hashes[content]).borders
        ]

    def _find_cosines(self, context: CompletionContext) -> dict[int, float]:
        """Embed the context; return content → cosine of the 256 nearest continuations, best first, {} if none exist."""
        continuation_vectors = self._index.continuation_vectors
        if not len(continuation_vectors.labels):
            return {}
        (query_vector,) = truncate_vectors(self._embedder.embed([context.query_text], Task.CODE2COMPLETION, Role.QUERY))
        cosines = continuation_vectors.find_cosines(query_vector)
        threshold = np.partition(cosines, -_MAX_COSINES)[-_MAX_COSINES] if len(cosines) > _MAX_COSINES else -np.inf
        near_vectors = np.flatnonzero(cosines >= threshold)
        sort_keys = self._index.sort_keys_of(continuation_vectors.labels[near_vectors])
        best_vectors = near_vectors[np.lexsort((sort_keys, -cosines[near_vectors]))][:_MAX_COSINES]
        return dict(
            zip(continuation_vectors.labels[best_vectors].tolist(), cosines[best_vectors].tolist(), strict=True)
        )


def find_document_candidates(
    context: CompletionContext, rarities: dict[int, float], excluded: Collection[bytes]
) -> list[LineCandidate]:
    """Return up to 96 lines of other snippets of the document, best first by cheap features; none `excluded`.

    At most 2,000 lines are scored, nearest to the cursor first. None is from contents hashed in `excluded`.
    """
    scorer = _DocumentLineScorer(context, rarities)
    scored_lines: list[_ScoredLine] = []
    scanned_count = 0
    nearest_first = sorted(context.other_snippets, key=lambda snippet: abs(snippet.span.start - context.first_row))
    for distance, snippet in enumerate(nearest_first):
        if hash_content(snippet.text) in excluded:
            continue
        source_snippet = _to_source(snippet, context, distance)
        content_rows = scorer.list_content_rows(source_snippet)
        scanned_count += len(content_rows)
        if scanned_count > _MAX_SCANNED_LINES:
            break
        body_row = snippet.borders[0] if snippet.borders else -1
        scored_lines += scorer.score_lines(source_snippet, content_rows, body_row)
    best_lines = heapq.nlargest(_MAX_DOCUMENT_LINES, scored_lines, key=lambda scored_line: scored_line.score)
    return [
        LineCandidate(scored_line.source, scored_line.row, scored_line.depth, scored_line.rarity)
        for scored_line in best_lines
    ]


def measure_rarity(context: CompletionContext, index: Index) -> dict[int, float]:
    """Return line hash → rarity in nats of each context line: minus the logarithm of its share of all indexed lines."""
    line_index = index.line_index
    return {
        line_hash: math.log((len(line_index) + 1) / (line_index.frequency(line_hash) + 0.5))
        for line_hash in context.line_hashes
    }


class _IndexLine(NamedTuple):
    """A line of an indexed content, with the number (depth) and rarity of lines before it that match the cursor's."""

    content: int
    row: int
    depth: int
    rarity: float


class _ScoredLine(NamedTuple):
    """A line of the document, with its score and what `LineCandidate` has of it."""

    score: float
    source: SourceSnippet
    row: int
    depth: int
    rarity: float


class _DocumentLineScorer:
    """Scores the document's lines as next lines by cheap features, to choose those worth extracting all features."""

    def __init__(self, context: CompletionContext, rarities: dict[int, float]) -> None:
        """Prepare for one context, which must have a content line (else IndexError)."""
        self._context = context
        self._rarities = rarities
        self._hasher = make_line_hasher(context.language)
        last_line = context.content_lines[-1]
        self._last_calls = find_calls(last_line)
        indent_column = context.indent_column
        self._indent_step = None if indent_column is None else indent_column - measure_indent(last_line)

    def list_content_rows(self, source_snippet: SourceSnippet) -> list[int]:
        """Return the source's rows that have code: no blank lines, comments or lone brackets."""
        return [source_row for source_row, source_line in enumerate(source_snippet.lines) if self._hasher[source_line]]

    def score_lines(
        self, source_snippet: SourceSnippet, content_rows: Sequence[int], body_row: int
    ) -> Iterator[_ScoredLine]:
        """Yield each content row but the first with its score; `body_row` is the first row of the body, or -1."""
        lines = [source_snippet.lines[source_row] for source_row in content_rows]
        line_hashes, columns = [self._hasher[line] for line in lines], list(map(measure_indent, lines))
        last_hash = self._context.line_hashes[-1]
        for position in range(1, len(content_rows)):
            source_row, depth, rarity = content_rows[position], 0, 0.0
            if line_hashes[position - 1] == last_hash:
                depth, rarity = self._match_lines_before(line_hashes[max(0, position - _MAX_DEPTH) : position])
            score = rarity + 2 * self._has_same_calls(lines[position - 1])
            score += self._is_indent_step(columns[position] - columns[position - 1])
            score += 1 / (1 + source_snippet.distance)
            score += 2 * (self._context.is_signature_only and source_row == body_row)
            yield _ScoredLine(score, source_snippet, source_row, depth, rarity)

    def _match_lines_before(self, line_hashes: Sequence[int]) -> tuple[int, float]:
        """Return how many of these lines, from the last one up, equal the context's last, and their rarity (nats)."""
        depth, rarity = 0, 0.0
        for context_hash, line_hash in zip(
            reversed(self._context.line_hashes[-_MAX_DEPTH:]), reversed(line_hashes), strict=False
        ):
            if context_hash != line_hash:
                break
            depth += 1
            rarity += self._rarities[context_hash]
        return depth, rarity

    def _has_same_calls(self, previous_line: str) -> bool:
        """Return whether the line calls the same functions as the line above the cursor, and any at all."""
        return bool(self._last_calls) and find_calls(previous_line) == self._last_calls

    def _is_indent_step(self, columns: int) -> bool:
        """Return whether `columns` is, within one, the indentation step at the cursor; False if unknown."""
        return self._indent_step is not None and abs(columns - self._indent_step) <= 1


def _to_source(snippet: Snippet, context: CompletionContext, distance: int) -> SourceSnippet:
    """Return a snippet of the cursor's document as a source; `distance` is the number of snippets nearer to it."""
    name_row = snippet.name_line - snippet.span.start if snippet.part == 0 else -1
    snippet_lines = tuple(snippet.text.split("\n"))
    return SourceSnippet(
        context.path, snippet.span.start, snippet_lines, snippet.name, snippet.kind, name_row, distance
    )
