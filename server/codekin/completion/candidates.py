"""Find lines that may come next: candidates, before their features are extracted.

A candidate is a line of other code that follows the same lines, or nearly the same, as the cursor does. Lines of the
document itself come from its current text; lines of other documents from the index, by the line before the cursor
(whatever local names it has) and by the model (code2completion).
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.code.line_hashes import unpack_line_hashes
from codekin.code.lines import hash_content
from codekin.completion.context import CompletionContext
from codekin.completion.document_lines import MAX_DEPTH, DocumentLineScorer, read_code_lines
from codekin.completion.sources import SourceDocuments, SourceReader, SourceSnippet
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.types import Cancel, Role, Snippet, Task
from codekin.vectors.continuation_vectors import truncate_vectors
from codekin.workspace.worktrees import Worktrees

_MAX_INDEX_LINES = 64  # lines of other documents that are read for the line before the cursor
_MAX_SCANNED_LINES = 2000  # of the document, from the snippets nearest to the cursor on
_MAX_DOCUMENT_LINES = 96  # of the scanned lines, those that become candidates
_MAX_COSINES = 256  # nearest contents whose cosine becomes a feature
_MAX_MODEL_CONTENTS = 8  # of them, those whose lines become candidates for their cosine alone


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

    def __init__(self, index: Index, documents: SourceDocuments, embedder: Embedder, worktrees: Worktrees) -> None:
        self._worktrees = worktrees
        self._index = index
        self._documents = documents
        self._embedder = embedder

    def find_candidates(
        self, context: CompletionContext, excluded: Collection[bytes], cancel_event: Cancel
    ) -> list[LineCandidate]:
        """Return unranked lines of document and index that may come next; none `excluded`. Embeds the context.

        Features, `line` and `names` are not filled yet. Where cancelled, fewer documents are read. Needs a content line
        in the context.
        """
        rarities = measure_rarity(context, self._index)
        document_candidates = find_document_candidates(context, rarities, excluded)
        other_checkouts = self._worktrees.find_other_checkouts(context.path)
        source_reader = SourceReader(self._index, self._documents, context.path, excluded, other_checkouts)
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
        line_hashes = context.line_hashes[-MAX_DEPTH:]
        matches = self._index.line_index.find_following(line_hashes, [rarities[line_hash] for line_hash in line_hashes])
        # Equal ones are ordered by their hashes: contents' numbers depend on the order of indexing.
        kept = _find_highest(matches.weight, _MAX_INDEX_LINES)
        sort_keys = self._index.sort_keys_of(matches.contents[kept])
        order = kept[np.lexsort((matches.lines[kept], sort_keys, -matches.weight[kept]))]
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
        near_vectors = _find_highest(cosines, _MAX_COSINES)
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
    scorer = DocumentLineScorer(context, rarities)
    candidates: list[LineCandidate] = []
    scanned_count = 0
    nearest_first = sorted(context.other_snippets, key=lambda snippet: abs(snippet.span.start - context.first_row))
    for distance, snippet in enumerate(nearest_first):
        if excluded and hash_content(snippet.text) in excluded:
            continue
        code_lines = read_code_lines(snippet.text, context.language)
        scanned_count += len(code_lines.rows)
        if scanned_count > _MAX_SCANNED_LINES:
            break
        scorer.add_snippet(snippet, distance, code_lines)
    sources: dict[int, SourceSnippet] = {}
    for scored_line in scorer.list_best(_MAX_DOCUMENT_LINES):
        if scored_line.distance not in sources:
            sources[scored_line.distance] = _to_source(scored_line.snippet, context, scored_line.distance)
        source_snippet = sources[scored_line.distance]
        candidates.append(LineCandidate(source_snippet, scored_line.row, scored_line.depth, scored_line.rarity))
    return candidates


def measure_rarity(context: CompletionContext, index: Index) -> dict[int, float]:
    """Return line hash → rarity in nats of each context line: minus the logarithm of its share of all indexed lines."""
    line_index = index.line_index
    return {
        line_hash: math.log((len(line_index) + 1) / (line_index.frequency(line_hash) + 0.5))
        for line_hash in context.line_hashes
    }


def _find_highest(weights: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.int64]:
    """Return the positions, ascending, of the `count` highest weights, and of all that equal the lowest of them."""
    if len(weights) <= count:
        return np.arange(len(weights))
    return np.flatnonzero(weights >= np.partition(weights, -count)[-count])


class _IndexLine(NamedTuple):
    """A line of an indexed content, with the number (depth) and rarity of lines before it that match the cursor's."""

    content: int
    row: int
    depth: int
    rarity: float


def _to_source(snippet: Snippet, context: CompletionContext, distance: int) -> SourceSnippet:
    """Return a snippet of the cursor's document as a source; `distance` is the number of snippets nearer to it."""
    name_row = snippet.name_line - snippet.span.start if snippet.part == 0 else -1
    snippet_lines = tuple(snippet.text.split("\n"))
    return SourceSnippet(
        context.path, snippet.span.start, snippet_lines, snippet.name, snippet.kind, name_row, distance
    )
