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

from codekin.code.continuations import called_in, keys_of, unpacked
from codekin.completion.asked import Asked, indent
from codekin.completion.sources import Source, Sources
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.index.passages import shortened
from codekin.index.prepare import content_hash
from codekin.index.workspace import Workspace
from codekin.types import Cancel, Role, Task

_ELSEWHERE = 64  # places of the line before the cursor that are read
_LOOKED_AT = 2000  # lines of the document, the nearest functions first
_HERE = 96  # lines of the document that are weighed
_NEAREST = 256  # contents whose cosine is known
_BY_MEANING = 8  # of them, those that are read for it
_DEPTH = 8  # lines before the cursor that are compared in order


@dataclass(slots=True)
class Clue:
    """The line `at` of the source, as the next one."""

    source: Source
    at: int
    depth: int
    weight: float
    meaning: float = 0.0
    names: dict[str, str] = field(default_factory=dict)  # of the source → of the question
    line: str = ""  # adapted, without indentation
    unresolved: bool = False
    features: tuple[float, ...] = ()


class Clues:
    """Finds them in one index."""

    def __init__(self, index: Index, workspace: Workspace, embedder: Embedder) -> None:
        self._index = index
        self._workspace = workspace
        self._embedder = embedder

    def find(self, asked: Asked, without: Collection[bytes], cancel: Cancel) -> list[Clue]:
        """The clues; those of contents whose hashes are in `without` are left out."""
        rarity = rarities(asked, self._index)
        sources = Sources(self._index, self._workspace, asked.path, without)
        return [*self._here(asked, rarity, without), *self._elsewhere(asked, rarity, sources, cancel)]

    def _here(self, asked: Asked, rarity: dict[int, float], without: Collection[bytes]) -> list[Clue]:
        """Lines of the document itself, wherever they stand: half of all next lines are among them."""
        found: list[tuple[float, int, Source, int, int, float]] = []
        key, last = keys_of(asked.language), asked.said[-1]
        called, step = called_in(last), asked.indent - indent(last) if asked.indent is not None else None
        middle, looked_at = asked.first, 0
        order = sorted(range(len(asked.others)), key=lambda i: abs(asked.others[i].span.start - middle))
        for distance, i in enumerate(order):
            snippet = asked.others[i]
            content = content_hash(snippet.text)
            if content in without:
                continue
            head = snippet.name_line - snippet.span.start if snippet.part == 0 else -1
            lines = tuple(snippet.text.split("\n"))
            source = Source(asked.path, snippet.span.start, lines, snippet.name, snippet.kind, head, distance)
            said = [number for number, line in enumerate(lines) if key[line]]
            looked_at += len(said)
            if looked_at > _LOOKED_AT:
                break
            begins = snippet.borders[0] if snippet.borders else -1
            course = [key[lines[number]] for number in said]
            columns = [indent(lines[number]) for number in said] if step is not None else []
            for position in range(1, len(said)):
                at, previous = said[position], lines[said[position - 1]]
                depth, weight = _alike(asked.keys, course[max(0, position - _DEPTH) : position], rarity)
                stands = step is not None and abs(columns[position] - columns[position - 1] - step) <= 1
                score = weight + 2 * (bool(called) and called_in(previous) == called) + stands + 1 / (1 + distance)
                score += 2 * (asked.is_first and at == begins)
                found.append((score, -len(found), source, at, depth, weight))
        best = heapq.nlargest(_HERE, found, key=lambda item: item[:2])
        return [Clue(source, at, depth, weight) for _, _, source, at, depth, weight in best]

    def _elsewhere(self, asked: Asked, rarity: dict[int, float], sources: Sources, cancel: Cancel) -> Iterator[Clue]:
        """Lines of other documents behind the line before the cursor, and what the model finds."""
        keys = asked.keys[-_DEPTH:]
        followed = self._index.courses.following(keys, [rarity[key] for key in keys])
        meaning = self._meaning(asked)
        # Equal ones by their hashes: numbers tell when something was indexed.
        best = np.lexsort((followed.lines, self._index.sort_keys_of(followed.contents), -followed.weight))[:_ELSEWHERE]
        rows = [
            (int(followed.contents[i]), int(followed.lines[i]), int(followed.depth[i]), float(followed.weight[i]))
            for i in best
        ]
        nearest = list(meaning)[:_BY_MEANING]
        courses = self._index.store.courses(nearest)
        for content in nearest:
            if content in courses:
                rows += [(content, border, 0, 0.0) for border in unpacked(courses[content]).borders]
        read = sources.of([row[0] for row in rows], cancel)
        for content, at, depth, weight in rows:
            source = read.get(content)
            if source is not None and at < len(source.lines):
                yield Clue(source, at, depth, weight, meaning.get(content, 0.0))

    def _meaning(self, asked: Asked) -> dict[int, float]:
        """The contents' nearest continuations, by the model; best first."""
        passages = self._index.passages
        if not len(passages.labels):
            return {}
        (vector,) = shortened(self._embedder.embed([asked.text], Task.CODE2COMPLETION, Role.QUERY))
        cosines = passages.nearest(vector)
        least = np.partition(cosines, -_NEAREST)[-_NEAREST] if len(cosines) > _NEAREST else -np.inf
        near = np.flatnonzero(cosines >= least)
        keys = self._index.sort_keys_of(passages.labels[near])
        best = near[np.lexsort((keys, -cosines[near]))][:_NEAREST]
        return dict(zip(passages.labels[best].tolist(), cosines[best].tolist(), strict=True))


def rarities(asked: Asked, index: Index) -> dict[int, float]:
    """What each of the question's lines says: the rarer it is, the more."""
    courses = index.courses
    return {key: math.log((len(courses) + 1) / (courses.frequency(key) + 0.5)) for key in asked.keys}


def _alike(asked: Sequence[int], before: Sequence[int], rarity: dict[int, float]) -> tuple[int, float]:
    """How many lines, from the last one up, are the same, and what they say."""
    depth, weight = 0, 0.0
    for one, other in zip(reversed(asked[-_DEPTH:]), reversed(before), strict=False):
        if one != other:
            break
        depth += 1
        weight += rarity[one]
    return depth, weight
