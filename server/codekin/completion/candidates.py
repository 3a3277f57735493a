"""Places that may say how the code goes on, and what speaks for each.

A clue is a line of other code, before which stands what stands before the cursor: the same step or nearly so. Lines of
the document itself come from its text of now; others from the index, by the line before the cursor (whatever it names)
and by the model (code2completion).
"""

import heapq
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from codekin.code.line_hashes import find_calls, make_line_hasher, unpack
from codekin.code.lines import hash_content
from codekin.completion.context import CompletionContext, measure_indent
from codekin.completion.sources import SourceReader, SourceSnippet
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.types import Cancel, Role, Task
from codekin.vectors.continuation_vectors import truncate_vectors
from codekin.workspace.workspace import Workspace

_ELSEWHERE = 64  # places of the line before the cursor that are read
_LOOKED_AT = 2000  # lines of the document, the nearest functions first
_HERE = 96  # lines of the document that are weighed
_NEAREST = 256  # contents whose cosine is known
_BY_MEANING = 8  # of them, those that are read for it
_DEPTH = 8  # lines before the cursor that are compared in order


@dataclass(slots=True)
class LineCandidate:
    """The line `at` of the source, as the next one."""

    source: SourceSnippet
    at: int
    depth: int
    weight: float
    meaning: float = 0.0
    names: dict[str, str] = field(default_factory=dict)  # of the source → of the question
    line: str = ""  # adapted, without indentation
    unresolved: bool = False
    features: tuple[float, ...] = ()


class CandidateFinder:
    """Finds them in one index."""

    def __init__(self, index: Index, workspace: Workspace, embedder: Embedder) -> None:
        self._index = index
        self._workspace = workspace
        self._embedder = embedder

    def find_candidates(
        self, asked: CompletionContext, without: Collection[bytes], cancel: Cancel
    ) -> list[LineCandidate]:
        """The clues; those of contents whose hashes are in `without` are left out."""
        rarity = measure_rarity(asked, self._index)
        sources = SourceReader(self._index, self._workspace, asked.path, without)
        return [*self._here(asked, rarity, without), *self._elsewhere(asked, rarity, sources, cancel)]

    def _here(
        self, asked: CompletionContext, rarity: dict[int, float], without: Collection[bytes]
    ) -> list[LineCandidate]:
        """Lines of the document itself, wherever they stand: half of all next lines are among them."""
        found: list[tuple[float, int, SourceSnippet, int, int, float]] = []
        key, last = make_line_hasher(asked.language), asked.content_lines[-1]
        called, step = (
            find_calls(last),
            asked.indent_column - measure_indent(last) if asked.indent_column is not None else None,
        )
        middle, looked_at = asked.first_row, 0
        order = sorted(range(len(asked.others)), key=lambda i: abs(asked.others[i].span.start - middle))
        for distance, i in enumerate(order):
            snippet = asked.others[i]
            content = hash_content(snippet.text)
            if content in without:
                continue
            head = snippet.name_line - snippet.span.start if snippet.part == 0 else -1
            lines = tuple(snippet.text.split("\n"))
            source = SourceSnippet(asked.path, snippet.span.start, lines, snippet.name, snippet.kind, head, distance)
            said = [number for number, line in enumerate(lines) if key[line]]
            looked_at += len(said)
            if looked_at > _LOOKED_AT:
                break
            begins = snippet.borders[0] if snippet.borders else -1
            course = [key[lines[number]] for number in said]
            columns = [measure_indent(lines[number]) for number in said] if step is not None else []
            for position in range(1, len(said)):
                at, previous = said[position], lines[said[position - 1]]
                depth, weight = _alike(asked.line_hashes, course[max(0, position - _DEPTH) : position], rarity)
                stands = step is not None and abs(columns[position] - columns[position - 1] - step) <= 1
                score = weight + 2 * (bool(called) and find_calls(previous) == called) + stands + 1 / (1 + distance)
                score += 2 * (asked.is_signature_only and at == begins)
                found.append((score, -len(found), source, at, depth, weight))
        best = heapq.nlargest(_HERE, found, key=lambda item: item[:2])
        return [LineCandidate(source, at, depth, weight) for _, _, source, at, depth, weight in best]

    def _elsewhere(
        self, asked: CompletionContext, rarity: dict[int, float], sources: SourceReader, cancel: Cancel
    ) -> Iterator[LineCandidate]:
        """Lines of other documents behind the line before the cursor, and what the model finds."""
        keys = asked.line_hashes[-_DEPTH:]
        followed = self._index.line_index.find_following(keys, [rarity[key] for key in keys])
        meaning = self._meaning(asked)
        # Equal ones by their hashes: numbers tell when something was indexed.
        best = np.lexsort((followed.lines, self._index.sort_keys_of(followed.contents), -followed.weight))[:_ELSEWHERE]
        rows = [
            (int(followed.contents[i]), int(followed.lines[i]), int(followed.depth[i]), float(followed.weight[i]))
            for i in best
        ]
        nearest = list(meaning)[:_BY_MEANING]
        courses = self._index.store.line_hashes_of(nearest)
        for content in nearest:
            if content in courses:
                rows += [(content, border, 0, 0.0) for border in unpack(courses[content]).borders]
        read = sources.read_sources([row[0] for row in rows], cancel)
        for content, at, depth, weight in rows:
            source = read.get(content)
            if source is not None and at < len(source.lines):
                yield LineCandidate(source, at, depth, weight, meaning.get(content, 0.0))

    def _meaning(self, asked: CompletionContext) -> dict[int, float]:
        """The contents' nearest continuations, by the model; best first."""
        passages = self._index.continuation_vectors
        if not len(passages.labels):
            return {}
        (vector,) = truncate_vectors(self._embedder.embed([asked.query_text], Task.CODE2COMPLETION, Role.QUERY))
        cosines = passages.find_cosines(vector)
        least = np.partition(cosines, -_NEAREST)[-_NEAREST] if len(cosines) > _NEAREST else -np.inf
        near = np.flatnonzero(cosines >= least)
        keys = self._index.sort_keys_of(passages.labels[near])
        best = near[np.lexsort((keys, -cosines[near]))][:_NEAREST]
        return dict(zip(passages.labels[best].tolist(), cosines[best].tolist(), strict=True))


def measure_rarity(asked: CompletionContext, index: Index) -> dict[int, float]:
    """What each of the question's lines says: the rarer it is, the more."""
    courses = index.line_index
    return {key: math.log((len(courses) + 1) / (courses.frequency(key) + 0.5)) for key in asked.line_hashes}


def _alike(asked: Sequence[int], before: Sequence[int], rarity: dict[int, float]) -> tuple[int, float]:
    """How many lines, from the last one up, are the same, and what they say."""
    depth, weight = 0, 0.0
    for one, other in zip(reversed(asked[-_DEPTH:]), reversed(before), strict=False):
        if one != other:
            break
        depth += 1
        weight += rarity[one]
    return depth, weight
