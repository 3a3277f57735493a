"""Retrieval by meaning: the contents whose vectors are nearest to the query's."""

from collections.abc import Callable

import numpy as np

from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.search.blend import blend_rankings
from codekin.types import Candidate, Query, Role, Task
from codekin.vectors.dense_index import DenseIndex
from codekin.vectors.matrix import FloatArray, LabelArray

Heavy = Callable[[str, Task], FloatArray | None]


class DenseRetriever:
    """Cosine in each model's space, by graph or exactly; the models' answers are made one."""

    def __init__(self, index: Index, embedder: Embedder, heavy: Heavy = lambda *_: None) -> None:
        """`embedder` is the light model's; `heavy` gives the heavy one's vector (d,) of a question, if it can now."""
        self._index = index
        self._embedder = embedder
        self._heavy = heavy

    def search(self, query: Query, k: int) -> list[Candidate]:
        """At most `k` candidates, best first; scores are cosines of the light model's kind, below 0 cut to 0."""
        light, allowed = self._index.light.dense, self._index.allowed_contents(query.within)
        (vector,) = self._embedder.embed([query.text], query.task, Role.QUERY)
        found = self._cosines(light, vector, k, allowed)
        heavier = self._heavier(query)
        if heavier is not None:
            heavy, its_vector = heavier
            anew = self._cosines(heavy, its_vector, k, allowed)
            known = list(found.keys() | anew.keys())
            found = self._cosines(light, vector, len(known), known)
            anew = self._cosines(heavy, its_vector, len(known), known)
            found = {candidate.content: candidate.score for candidate in blend_rankings(found, anew)[:k]}
        return [Candidate(content, max(score, 0.0)) for content, score in found.items()]

    def _heavier(self, query: Query) -> tuple[DenseIndex, FloatArray] | None:
        """The heavy model's vectors and the query's, where it answers in time."""
        tier = self._index.heavy
        if tier is None or not len(tier.dense):
            return None
        vector = self._heavy(query.text, query.task)
        return None if vector is None else (tier.dense, vector)

    def _cosines(
        self, dense: DenseIndex, vector: FloatArray, k: int, allowed: "LabelArray | list[int] | None"
    ) -> dict[int, float]:
        """At most `k` contents and their cosines, best first; equal ones in an order that every index has."""
        labels, cosines = dense.search(vector, k, allowed)
        order = np.lexsort((self._index.sort_keys_of(labels), -cosines))[:k]
        return dict(zip(labels[order].tolist(), cosines[order].tolist(), strict=True))
