"""Take what a language's code has in common off its vectors: so code is compared by what it does, whatever language.

Vectors of code say much about its language. For Java, nine of ten neighbours are Java, though other languages have the
same function. The means are those of the index's own contents, and are made again when 1% of these have changed.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codekin.index.index import Index
from codekin.vectors.dense_index import DenseIndex
from codekin.vectors.matrix import FloatArray, LabelArray, normalize_queries

_MAX_SAMPLE = 2_000  # contents of a language, those with the lowest hashes: the same in every index
_PRIOR_COUNT = 50  # contents without any direction that are added to each language's: few have no mean to take off
_MAX_CHANGED_SHARE = 0.01  # of the contents, before the means are made again


@dataclass(frozen=True, slots=True, eq=False)
class LanguageMeans:
    """The mean vector of each language's contents, and which contents those are."""

    contents: Mapping[str, LabelArray]  # ascending
    means: Mapping[str, FloatArray]  # (dim,)
    overall: FloatArray  # (dim,), of all languages: what is taken off a query whose language is not known

    def center_query(self, vector: FloatArray, language: str | None) -> FloatArray:
        """Return a query's unit vector (dim,) without its language's mean, of length 1."""
        centered = vector - self.means.get(language or "", self.overall)
        return np.asarray(normalize_queries(centered[None])[0][0], np.float32)

    def compute_cosines(self, centered_query: FloatArray, contents: LabelArray, vectors: FloatArray) -> FloatArray:
        """Return the cosines (n,) of a centered query and these contents' vectors (n, dim) without their means."""
        offsets = np.zeros_like(vectors)
        for language, mean in self.means.items():
            offsets[np.isin(contents, self.contents[language])] = mean
        centered = vectors - offsets
        norms = np.sqrt(np.einsum("ij,ij->i", centered, centered))
        return np.asarray(np.einsum("ij,j->i", centered, centered_query) / np.maximum(norms, 1e-6), np.float32)


class LanguageMeansCache:
    """The means of one index, made when they are first needed, and again after enough changes."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._made: tuple[DenseIndex, int, int, LanguageMeans] | None = None  # of which index; newest, count

    def get(self) -> LanguageMeans:
        """Return the means, made at first use and again once over 1% of the contents changed. Raises StoreError."""
        dense, newest, count = self._index.light.dense, self._index.sort_keys.newest, len(self._index.sort_keys)
        with self._lock:
            if (
                self._made is None
                or self._made[0] is not dense
                or self._count_changes(newest, count) > (_MAX_CHANGED_SHARE * self._made[2])
            ):
                self._made = dense, newest, count, self._make_means(dense)
            return self._made[3]

    def _count_changes(self, newest: int, count: int) -> int:
        """Return how many contents came or went since the means were made: numbers only grow."""
        assert self._made is not None  # noqa: S101
        added_count = max(newest - self._made[1], 0)
        return added_count + max(self._made[2] + added_count - count, 0)

    def _make_means(self, dense: DenseIndex) -> LanguageMeans:
        """Compute each language's mean, of up to 2,000 of its loaded vectors, and that of all. Raises StoreError."""
        contents = self._index.store.contents_by_language()
        samples: dict[str, FloatArray] = {}
        for language, labels in contents.items():
            order = np.argsort(self._index.sort_keys_of(labels), kind="stable")[:_MAX_SAMPLE]
            _, vectors = dense.find_vectors(labels[order])
            samples[language] = vectors
        means = {language: compute_mean(vectors) for language, vectors in samples.items()}
        overall = compute_mean(np.concatenate([np.zeros((0, dense.dim), np.float32), *samples.values()]))
        return LanguageMeans(contents, means, overall)


def compute_mean(vectors: FloatArray) -> FloatArray:
    """Return the mean (dim,) of vectors (n, dim), drawn towards 0 where they are few."""
    return np.asarray(vectors.sum(axis=0) / (len(vectors) + _PRIOR_COUNT), np.float32)
