"""Retrieval by meaning: find the contents whose vectors are nearest to the query's."""

from collections.abc import Callable

import numpy as np

from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.search.blend import blend_rankings
from codekin.types import Candidate, Query, Role, Task
from codekin.vectors.dense_index import DenseIndex
from codekin.vectors.matrix import FloatArray, LabelArray

# (query, task) → the heavy model's vector (d,); None where it does not answer in time.
EmbedHeavy = Callable[[str, Task], FloatArray | None]


class DenseRetriever:
    """Finds contents by cosine in the light and, where it answers, the heavy model's space; blends both rankings."""

    def __init__(self, index: Index, embedder: Embedder, embed_heavy: EmbedHeavy = lambda *_: None) -> None:
        """`embedder` is the light model's; `embed_heavy` returns None where the heavy model has no answer in time."""
        self._index = index
        self._embedder = embedder
        self._embed_heavy = embed_heavy

    def search(self, query: Query, k: int) -> list[Candidate]:
        """Embed the query and return at most `k` candidates, best first; scores are cosines, at least 0.

        The cosines are the light model's, also where the heavy one reorders them. Waits for the models.
        """
        light, allowed = self._index.light.dense, self._index.allowed_contents(query.within)
        (vector,) = self._embedder.embed([query.text], query.task, Role.QUERY)
        cosines = self._find_cosines(light, vector, k, allowed)
        heavy_search = self._prepare_heavy(query)
        if heavy_search is not None:
            heavy, heavy_vector = heavy_search
            heavy_cosines = self._find_cosines(heavy, heavy_vector, k, allowed)
            contents = list(cosines.keys() | heavy_cosines.keys())
            cosines = self._find_cosines(light, vector, len(contents), contents)
            heavy_cosines = self._find_cosines(heavy, heavy_vector, len(contents), contents)
            blended = blend_rankings(cosines, heavy_cosines)[:k]
            cosines = {candidate.content: candidate.score for candidate in blended}
        return [Candidate(content, max(cosine, 0.0)) for content, cosine in cosines.items()]

    def _prepare_heavy(self, query: Query) -> tuple[DenseIndex, FloatArray] | None:
        """Return the heavy model's index and query vector; None where it has no vectors or no answer in time."""
        model_vectors = self._index.heavy
        if model_vectors is None or not len(model_vectors.dense):
            return None
        vector = self._embed_heavy(query.text, query.task)
        return None if vector is None else (model_vectors.dense, vector)

    def _find_cosines(
        self, dense_index: DenseIndex, vector: FloatArray, k: int, allowed: "LabelArray | list[int] | None"
    ) -> dict[int, float]:
        """Return content → cosine of the `k` nearest in `allowed` (None: all), best first, ties in a fixed order."""
        labels, cosines = dense_index.search(vector, k, allowed)
        order = np.lexsort((self._index.sort_keys_of(labels), -cosines))[:k]
        return dict(zip(labels[order].tolist(), cosines[order].tolist(), strict=True))
