"""Retrieval by meaning: find the contents whose vectors are nearest to the query's."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from codekin.embed.background import run_on_thread
from codekin.embed.embedder import Embedder
from codekin.embed.factory import HeavyQuery
from codekin.index.index import Index
from codekin.search.blend import HEAVY_WEIGHT, blend_rankings
from codekin.search.language_means import LanguageMeans, LanguageMeansCache
from codekin.search.pools import CandidatePool
from codekin.types import Cancel, Candidate, Query, Role, Task
from codekin.vectors.dense_index import DenseIndex
from codekin.vectors.matrix import FloatArray

_MIN_VECTORS_ASIDE = 10_000  # they take 0.4 ms, a thread 0.1 ms to start
_CENTERED_FACTOR = 2  # candidates per hit, before the means of their languages are taken off

# (query, task) → the heavy model's vector and weight; None where it does not answer in time.
EmbedHeavy = Callable[[str, Task], HeavyQuery | None]


class DenseRetriever:
    """Finds contents by cosine in the light and, where it answers, the heavy model's space; blends both rankings."""

    def __init__(self, index: Index, embedder: Embedder, embed_heavy: EmbedHeavy = lambda *_: None) -> None:
        """`embedder` is the light model's; `embed_heavy` returns None where the heavy model has no answer in time."""
        self._index = index
        self._embedder = embedder
        self._embed_heavy = embed_heavy
        self._means = LanguageMeansCache(index)

    def search(self, query: Query, k: int, pool: CandidatePool | None = None) -> list[Candidate]:
        """Embed the query; return at most `k` Candidates, best first; score: light cosine, or 0 if negative.

        They are from `pool` where that is given, else from the query's filter. The cosines are the light model's, also
        where the heavy one reorders them. Waits for the models.
        """
        return self.search_apart(query, ((k, pool or CandidatePool(self._index.allowed_contents(query.hit_filter))),))[
            0
        ]

    def search_apart(self, query: Query, requests: Sequence[tuple[int, CandidatePool]]) -> list[list[Candidate]]:
        """Embed the query once; return a list per (k, pool): that pool's candidates, as `search` does."""
        (vector,) = self._embedder.embed([query.text], query.task, Role.QUERY)
        heavy_search = self._prepare_heavy(query)
        if query.task is Task.CODE2CODE and heavy_search is None:
            means = self._means.get()
            centered = means.center_query(vector, query.language)
            return [self._search_centered(centered, means, k, pool) for k, pool in requests]
        return [self._search_pool(vector, heavy_search, k, pool) for k, pool in requests]

    def start_search(
        self, query: Query, requests: Sequence[tuple[int, CandidatePool]], cancel_event: Cancel
    ) -> Callable[[], list[list[Candidate]]]:
        """Return a function for `search_apart`'s result ([[]] once cancelled); start a thread if the index is large.

        Then it runs on a thread, most of the time beside the caller: neither numpy nor SQLite needs the interpreter.
        """
        search = partial(self.search_apart, query, requests)
        is_long = len(self._index.light.dense) >= _MIN_VECTORS_ASIDE or self._index.heavy is not None
        get_result = run_on_thread(search).result if is_long and not cancel_event.is_set() else search
        return lambda: [[]] if cancel_event.is_set() else get_result()

    def _search_centered(
        self, centered: FloatArray, means: LanguageMeans, k: int, pool: CandidatePool
    ) -> list[Candidate]:
        """Return a pool's best `k` Candidates by light cosines, after each language's mean vector is subtracted."""
        light = self._index.light.dense
        retrieved = self._find_cosines(light, centered, _CENTERED_FACTOR * k, pool)
        are_loaded, vectors = light.find_vectors(list(retrieved))
        contents = np.array(list(retrieved), np.int64)[are_loaded]
        cosines = means.compute_cosines(centered, contents, vectors)
        order = np.lexsort((self._index.sort_keys_of(contents), -cosines))[:k]
        return [Candidate(int(contents[row]), max(float(cosines[row]), 0.0)) for row in order]

    def _search_pool(
        self, vector: FloatArray, heavy_search: tuple[DenseIndex, HeavyQuery] | None, k: int, pool: CandidatePool
    ) -> list[Candidate]:
        """Return a pool's best `k` Candidates by the light model, reordered by the heavy one if it is available."""
        light = self._index.light.dense
        cosines = self._find_cosines(light, vector, k, pool)
        if heavy_search is not None:
            heavy, heavy_query = heavy_search
            heavy_cosines = self._find_cosines(heavy, heavy_query.vector, k, pool)
            weight = HEAVY_WEIGHT if heavy_query.blend_weight is None else heavy_query.blend_weight
            contents = np.array(sorted(cosines.keys() | heavy_cosines.keys()), np.int64)
            cosines = self._find_cosines(light, vector, len(contents), CandidatePool(contents))
            heavy_cosines = self._find_cosines(heavy, heavy_query.vector, len(contents), CandidatePool(contents))
            blended = blend_rankings(cosines, heavy_cosines, weight)[:k]
            cosines = {candidate.content: candidate.score for candidate in blended}
        return [Candidate(content, max(cosine, 0.0)) for content, cosine in cosines.items()]

    def _prepare_heavy(self, query: Query) -> tuple[DenseIndex, HeavyQuery] | None:
        """Embed the query by the heavy model; return (its vector index, the query's vector), None if it has neither."""
        model_vectors = self._index.heavy
        if model_vectors is None or not len(model_vectors.dense):
            return None
        heavy_query = self._embed_heavy(query.text, query.task)
        return None if heavy_query is None else (model_vectors.dense, heavy_query)

    def _find_cosines(
        self, dense_index: DenseIndex, vector: FloatArray, k: int, pool: CandidatePool
    ) -> dict[int, float]:
        """Return content → cosine of the `k` nearest in the pool, best first, ties in a fixed order."""
        labels, cosines = dense_index.search(vector, pool.count_to_retrieve(k), pool.allowed)
        are_kept = pool.keeps(labels)
        if np.count_nonzero(are_kept) < k <= len(labels) and pool.allowed is None:  # prose took the places of code
            code = np.setdiff1d(self._index.sort_keys.labels, pool.excluded, assume_unique=True)
            labels, cosines = dense_index.search(vector, k, code)
            are_kept = pool.keeps(labels)
        labels, cosines = labels[are_kept], cosines[are_kept]
        order = np.lexsort((self._index.sort_keys_of(labels), -cosines))[:k]
        return dict(zip(labels[order].tolist(), cosines[order].tolist(), strict=True))
