"""Dense search: the vectors of one space in this process. Derived from the store; losing it costs a rebuild."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.errors import DimensionError
from codekin.index.vectors import Floats, Labels, Mask, Matrix, unit_rows


class DenseIndex:
    """The searchable unit vectors of one space. Every method may be called from any thread."""

    def __init__(self, dim: int, path: Path | None, key: str, *, on_problem: Callable[[str], None]) -> None:
        """`path` is the graph's file (None: exact search only); `key` names the store and the space it belongs to."""
        self.dim = dim
        self._path = path
        self._key = key
        self._on_problem = on_problem
        self._writing = threading.Lock()
        self._matrix = Matrix(dim)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._matrix.live))

    def labels(self) -> Labels:
        """The labels that answer, ascending: int64 (n,)."""
        matrix = self._matrix
        return np.sort(matrix.labels[matrix.live])

    def has(self, labels: npt.ArrayLike) -> Mask:
        """Which of `labels` (n,) answer: bool (n,)."""
        matrix = self._matrix
        rows = matrix.find(np.asarray(labels, np.int64))
        known = rows >= 0
        known[known] = matrix.live[rows[known]]
        return known

    def add(self, labels: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        """Unit `vectors` (n, dim) under `labels` (n,). A label's vector never changes: a known label is left as it
        is, a retired one answers again. Rows that are not finite unit vectors are left out, and that is told.

        Raises DimensionError where the vectors are of another dimension.
        """
        numbers, rows = np.asarray(labels, np.int64), np.asarray(vectors, np.float32)
        if rows.shape != (len(numbers), self.dim):
            raise DimensionError(
                f"the index holds vectors of {self.dim} numbers, not {rows.shape}: index the workspace again"
            )
        rows, sound = unit_rows(rows)
        with self._writing:
            self._matrix = self._matrix.added(numbers[sound], rows)
        if not sound.all():
            self._on_problem(
                f"{np.count_nonzero(~sound):,} vectors of the model are not finite unit vectors and can't be found; "
                "run `codekin doctor`, and index again with a sound model."
            )

    def retire(self, labels: npt.ArrayLike) -> None:
        """`labels` no longer answer; unknown ones are ignored."""
        with self._writing:
            self._matrix = self._matrix.retired(np.asarray(labels, np.int64))

    def search(self, query: npt.ArrayLike, k: int, allowed: npt.ArrayLike | None = None) -> tuple[Labels, Floats]:
        """The `k` labels (of `allowed`, where given) nearest to `query` (dim,) by cosine.

        → labels int64 (m,) and cosines float32 (m,), m ≤ k, best first, equal cosines by label. Empty for a query
        that has no direction. Raises DimensionError where the query is of another dimension.
        """
        matrix = self._matrix
        unit, sound = self._directions(np.asarray(query, np.float32)[None])
        if not sound.all():
            return np.empty(0, np.int64), np.empty(0, np.float32)
        rows = None
        if allowed is not None:
            rows = np.unique(matrix.find(np.asarray(allowed, np.int64)))
            rows = rows[rows >= 0]
        return matrix.top(unit[0], k, rows)

    def search_many(self, queries: npt.ArrayLike, k: int) -> tuple[Labels, Floats]:
        """The exact answers to `queries` (q, dim): labels int64 and cosines float32, both (q, m), m = min(k, len).

        A query that has no direction has labels -1 and cosines 0.
        """
        units, sound = self._directions(np.asarray(queries, np.float32))
        labels, cosines = self._matrix.top_many(units, k)
        labels[~sound], cosines[~sound] = -1, 0
        return labels, cosines

    def describe(self) -> str:
        """How vectors are searched, for a person."""
        return f"exact: {len(self):,} vectors"

    def maintain(self) -> None:
        """Have the graph loaded, built or rebuilt in the background where that is due; returns at once.

        To be called when the vectors are as they will be for a while: after start, after a bulk.
        """

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until what `maintain` began is done; whether it is."""
        return True

    def close(self) -> None:
        """Stop what runs in the background; searching goes on. May be called twice."""

    def _directions(self, queries: Floats) -> tuple[Floats, Mask]:
        """`queries` (q, dim) scaled to length 1, and which of them have a direction; the others are 0."""
        if queries.ndim != 2 or queries.shape[1] != self.dim:
            raise DimensionError(
                f"the index holds vectors of {self.dim} numbers, the query has {queries.shape[1:]}: use its model"
            )
        with np.errstate(all="ignore"):
            units = queries / np.sqrt(np.einsum("ij,ij->i", queries, queries))[:, None]
            sound: Mask = np.isfinite(units).all(axis=1)
        units[~sound] = 0
        return units, sound
