"""Retrieval by meaning: the contents whose vectors are nearest to the query's."""

from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.types import Candidate, Query, Role


class DenseRetriever:
    """Cosine in the embedder's space, by graph or exactly."""

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder

    def search(self, query: Query, k: int) -> list[Candidate]:
        """At most `k` candidates, best first; scores are cosines, below 0 cut to 0."""
        (vector,) = self._embedder.embed([query.text], query.task, Role.QUERY)
        labels, scores = self._index.dense.search(vector, k, self._index.allowed(query.within))
        return [Candidate(int(label), max(float(score), 0.0)) for label, score in zip(labels, scores, strict=True)]
