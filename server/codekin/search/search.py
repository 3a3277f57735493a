"""A question → its hits: the retrievers side by side, fused, checked against the text of now."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event

from codekin.code.words import words
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.index.prepare import content_hash
from codekin.index.workspace import Workspace
from codekin.search.dense import DenseRetriever
from codekin.search.fuse import fuse
from codekin.search.hits import Asked, Reader, hits, named
from codekin.search.lexical import LexicalRetriever
from codekin.types import Cancel, Candidate, Filter, Hit, Kind, Query, Snippet, Task

_CANDIDATES = 60  # per retriever at least, and twice what is asked for: some fall to freshness
# Below it is noise. Questions in words that no code answers mostly scored .08 to .2 on two repositories, good hits from
# .26 on. Code is always somewhat like code: there the person judges.
_FLOOR = {Task.NL2CODE: 0.2, Task.CODE2CODE: 0.0}
# Flat between .4 and .6. NDCG@10 at .5 (embedded model; z-scores at their best weight beside it): csn_nl2code .684
# (.692), mbpp_nl2code .665 (.667), mbxp_code2code .885 (.885); unlike a z-score, the sum says how good the best one is.
_DENSE_WEIGHT = 0.5
_TWIN = 0.85  # the share of two texts' words that must be the same for them to be duplicates


class Search:
    """Answers from one index."""

    def __init__(self, index: Index, workspace: Workspace, embedder: Embedder) -> None:
        self._index = index
        self._workspace = workspace
        self._dense = DenseRetriever(index, embedder)
        self._lexical = LexicalRetriever(index)

    def answer(self, asked: Asked, task: Task, k: int, within: Filter, cancel: Cancel) -> tuple[list[Hit], set[Path]]:
        """At most `k` hits, best first, and the documents that proved to be other than the store has them."""
        asked = replace(asked, text=_encodable(asked.text))
        if not asked.text.strip():
            return [], set()
        reader = Reader(self._workspace)
        candidates = self._candidates(Query(asked.text, task, within), max(_CANDIDATES, 2 * k), cancel)
        found = list(islice(hits(candidates, asked, self._index, reader, within, cancel), k))
        return sorted(found, key=lambda hit: -hit.score), reader.stale

    def named(self, name: str, k: int) -> list[Hit]:
        """At most `k` definitions whose qualified name contains `name`; exact ones first."""
        return list(islice(named(_encodable(name), 2 * k, self._index, Reader(self._workspace)), k))

    def duplicates(self, path: Path, snippet: Snippet) -> list[Hit]:
        """Where else a whole function's text, or one that differs in few words, stands."""
        if snippet.part or snippet.kind in (Kind.CLASS, Kind.MODULE, Kind.LINES):
            return []
        asked, own = Asked(snippet.text, path, snippet.span), Counter(words(snippet.text))
        alike, _ = self.answer(asked, Task.CODE2CODE, _CANDIDATES, Filter(), Event())
        return [hit for hit in alike if _overlap(own, Counter(words(hit.text))) >= _TWIN]

    def _candidates(self, query: Query, count: int, cancel: Cancel) -> list[Candidate]:
        lexical = self._lexical.search(query, count)
        if cancel.is_set():
            return []
        dense = self._dense.search(query, count)
        fused = fuse([(_DENSE_WEIGHT, dense), (1 - _DENSE_WEIGHT, lexical)])
        fused = [candidate for candidate in fused if candidate.score >= _FLOOR[query.task]]
        twin = self._index.store.content_of(content_hash(query.text))
        if twin is None:
            return fused
        # The same text elsewhere is the best answer there is, whatever the retrievers think of it.
        return [Candidate(twin, 1.0), *(candidate for candidate in fused if candidate.content != twin)]


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    """The share of words, counted as often as they occur, that two texts have in common: 0 … 1."""
    either = (one | other).total()
    return (one & other).total() / either if either else 0.0


def _encodable(text: str) -> str:
    """The text without unpaired surrogates, which JSON can carry and nothing else can."""
    return text.encode("utf-8", "replace").decode("utf-8")
