"""The unit vectors of one space in memory, searched exactly.

Single queries go through `np.vecdot`, row by row: a matrix-vector product is shared out among the linear algebra
library's threads, and waits for all of them. On two cores with other work that took 96 ms in the median instead of 1.7
(50,000 x 256), and it rounds equal rows differently, depending on where they stand.

A `Matrix` never changes: adding or retiring gives another one that shares the rows. A reader therefore needs no lock,
and whoever keeps the newest one decides, alone, what comes next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BLOCK_BYTES = 8 << 20  # growing by blocks never copies the rows that are there, and wastes at most one block
_MANY_BYTES = 16 << 20  # the scores held at once while many queries are answered
_UNIT_TOLERANCE = 0.01  # stored vectors went through float16
_SCORE_TOLERANCE = 4e-6  # of matrix products, which many queries at once are worth
_GATHER_SHARE = 0.15  # below this share of a block, picking its rows out is cheaper than the product over all of it
_GROUP = 64

_NO_LABELS: LabelArray = np.empty(0, np.int64)


def normalize_rows(vectors: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The rows of `vectors` (n, d) that are finite and of length 1 (± 1 %), re-normalised, and which rows they are."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        sound: BoolArray = np.abs(norms - 1) <= _UNIT_TOLERANCE  # false for NaN
    return vectors[sound] / norms[sound, None], sound


def normalize_queries(queries: FloatArray) -> tuple[FloatArray, BoolArray]:
    """`queries` (q, dim) scaled to length 1, and which of them have a direction at all; the others are made 0."""
    with np.errstate(all="ignore"):
        units = queries / np.sqrt(np.einsum("ij,ij->i", queries, queries))[:, None]
    sound: BoolArray = np.isfinite(units).all(axis=1)
    units[~sound] = 0
    return units, sound


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Rows of unit vectors under labels; `Matrix(dim)` is empty. Row numbers hold until `compacted`."""

    dim: int
    block_rows: int = 0  # 0 chooses from the dimension
    labels: LabelArray = field(default_factory=_NO_LABELS.copy)  # (n,), by row
    live: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))  # (n,), by row; false is a tombstone
    _blocks: tuple[FloatArray, ...] = ()  # each (block_rows, dim); the last one may have room
    _order: RowArray = field(default_factory=_NO_LABELS.copy)  # (n,), the rows by ascending label

    def __post_init__(self) -> None:
        if not self.block_rows:
            object.__setattr__(self, "block_rows", max(256, _BLOCK_BYTES // (4 * self.dim)))

    def __len__(self) -> int:
        """How many rows there are, tombstones among them."""
        return len(self.labels)

    def add_rows(self, labels: LabelArray, vectors: FloatArray) -> "Matrix":
        """With unit `vectors` (n, dim) under `labels` (n,); a known label is revived and keeps its vector.

        Only the newest matrix may be added to: the rows go into room that all of them share.
        """
        labels, first = np.unique(labels, return_index=True)
        rows = self.find_rows(labels)
        live = self.live.copy()
        live[rows[rows >= 0]] = True
        new = labels[rows < 0]
        # In the order they came in, so that the rows of a store read from its start stand by ascending label.
        arrival = np.argsort(first[rows < 0], kind="stable")
        sources = first[rows < 0][arrival]
        blocks = self._filled(vectors, sources)
        numbers = np.empty(len(new), np.int64)
        numbers[arrival] = np.arange(len(self), len(self) + len(new))
        at = np.searchsorted(self.labels[self._order], new)
        return replace(
            self,
            labels=np.concatenate([self.labels, new[arrival]]),
            live=np.concatenate([live, np.ones(len(new), np.bool_)]),
            _blocks=blocks,
            _order=np.insert(self._order, at, numbers),
        )

    def retire_labels(self, labels: LabelArray) -> "Matrix":
        """With the rows of `labels` made tombstones."""
        rows = self.find_rows(labels)
        live = self.live.copy()
        live[rows[rows >= 0]] = False
        return replace(self, live=live)

    def compact(self) -> "Matrix":
        """Without the tombstones; rows are numbered anew, in the same order."""
        matrix = Matrix(self.dim, self.block_rows)
        for rows in split_rows(np.flatnonzero(self.live), self.block_rows):
            matrix = matrix.add_rows(self.labels[rows], self.gather_rows(rows))
        return matrix

    def find_rows(self, labels: LabelArray) -> RowArray:
        """The row of each label, a tombstone's too; -1 where there is none."""
        if not len(self):
            return np.full(len(labels), -1, np.int64)
        at = np.minimum(np.searchsorted(self.labels, labels, sorter=self._order), len(self) - 1)
        rows = self._order[at]
        return np.where(self.labels[rows] == labels, rows, -1)

    def gather_rows(self, rows: RowArray) -> FloatArray:
        """A copy of these rows: (n, dim)."""
        out = np.empty((len(rows), self.dim), np.float32)
        blocks = rows // self.block_rows
        for block in np.unique(blocks):
            inside = blocks == block
            out[inside] = self._blocks[block][rows[inside] % self.block_rows]
        return out

    def find_nearest(self, query: FloatArray, k: int, rows: RowArray | None = None) -> tuple[LabelArray, FloatArray]:
        """The `k` live rows (of `rows`, ascending, where given) nearest to the unit `query` (dim,).

        → labels and cosines, best first, equal cosines by label; more than `k` where several are as near as the last.
        """
        return self.rank_rows(query, self.find_nearest_rows(query, k, rows), k)

    def find_nearest_rows(self, query: FloatArray, k: int, rows: RowArray | None = None) -> RowArray:
        """`top` as row numbers, in no order, and somewhat more than `k`: all that rounding may have kept out."""
        if rows is None:
            scores = self._scores(query)
            scores[~self.live] = -np.inf
            rows, live = np.arange(len(self)), int(np.count_nonzero(self.live))
        else:
            rows = rows[self.live[rows]]
            scores, live = self._scores_of(rows, query), len(rows)
        return rows[_best(scores, min(k, live))]

    def find_nearest_many(self, queries: FloatArray, k: int) -> tuple[LabelArray, FloatArray]:
        """`top` for each of the unit `queries` (q, dim) → (q, m) labels and cosines, m = min(k, live rows)."""
        live = int(np.count_nonzero(self.live))
        m = max(0, min(k, live))
        labels, cosines = np.empty((len(queries), m), np.int64), np.empty((len(queries), m), np.float32)
        step = max(1, _MANY_BYTES // (4 * max(1, len(self))))
        for start in range(0, len(queries) if m else 0, step):
            chunk = queries[start : start + step]
            scores = np.empty((len(chunk), len(self)), np.float32)
            for first, block in self._filled_blocks():
                scores[:, first : first + len(block)] = chunk @ block.T
            scores[:, ~self.live] = -np.inf
            for number, (query, row) in enumerate(zip(chunk, scores, strict=True), start):
                found, their_cosines = self.rank_rows(query, _best(row, m), m)
                labels[number], cosines[number] = found[:m], their_cosines[:m]
        return labels, cosines

    def rank_rows(self, query: FloatArray, rows: RowArray, k: int) -> tuple[LabelArray, FloatArray]:
        """The best `k` of these rows, and all that are as good as the last of them.

        Scored one by one: rows that are equal have equal scores wherever they stand.
        """
        scores = np.empty(len(rows), np.float32)
        for part in split_rows(np.arange(len(rows)), 4096):
            scores[part] = np.vecdot(self.gather_rows(rows[part]), query)
        np.minimum(scores, 1, out=scores)
        labels = self.labels[rows]
        order = np.lexsort((labels, -scores))
        if 0 <= k < len(order):
            last = scores[order[k - 1]] if k else np.inf
            order = order[: k + int(np.count_nonzero(scores[order[k:]] == last))]
        return labels[order], scores[order]

    def _scores(self, query: FloatArray) -> FloatArray:
        scores = np.empty(len(self), np.float32)
        for first, block in self._filled_blocks():
            np.vecdot(block, query, out=scores[first : first + len(block)])
        return scores

    def _scores_of(self, rows: RowArray, query: FloatArray) -> FloatArray:
        scores = np.empty(len(rows), np.float32)
        for first, block in self._filled_blocks():
            start, end = np.searchsorted(rows, (first, first + len(block)))
            inside = rows[start:end] - first
            if len(inside) > _GATHER_SHARE * len(block):
                scores[start:end] = np.vecdot(block, query)[inside]
            elif len(inside):
                scores[start:end] = np.vecdot(block[inside], query)
        return scores

    def _filled(self, vectors: FloatArray, sources: RowArray) -> tuple[FloatArray, ...]:
        """The blocks with `vectors[sources]` written behind the last row."""
        blocks, row = list(self._blocks), len(self)
        while len(sources):
            if row == len(blocks) * self.block_rows:
                blocks.append(np.empty((self.block_rows, self.dim), np.float32))
            offset = row % self.block_rows
            part, sources = np.split(sources, [self.block_rows - offset])
            blocks[-1][offset : offset + len(part)] = vectors[part]
            row += len(part)
        return tuple(blocks)

    def _filled_blocks(self) -> Iterator[tuple[int, FloatArray]]:
        """Each block's first row number and its rows that are in use."""
        for number, block in enumerate(self._blocks):
            first = number * self.block_rows
            yield first, block[: len(self) - first]


def _best(scores: FloatArray, k: int) -> RowArray:
    """Where the `k` highest scores are, and all that rounding may have kept from being among them."""
    if k <= 0:
        return _NO_LABELS
    if k >= len(scores):
        return np.flatnonzero(scores > -np.inf)
    rows = np.arange(len(scores))
    groups = len(scores) // _GROUP
    if groups > 4 * k:
        # The k-th highest peak is no higher than the k-th highest score, and found five times as fast.
        peaks = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        rows = np.flatnonzero(scores >= _kth_highest(peaks, k) - _SCORE_TOLERANCE)
    within = scores[rows]
    return rows[within >= _kth_highest(within, k) - _SCORE_TOLERANCE]


def _kth_highest(scores: FloatArray, k: int) -> np.float32:
    return np.float32(np.partition(scores, len(scores) - k)[len(scores) - k])


def positions(ascending: LabelArray, labels: LabelArray) -> RowArray:
    """Where those of `labels` that are in `ascending` stand there."""
    if not len(ascending):
        return _NO_LABELS
    at = np.minimum(np.searchsorted(ascending, labels), len(ascending) - 1)
    there: RowArray = at[ascending[at] == labels]
    return there


def split_rows(rows: RowArray, size: int) -> Iterator[RowArray]:
    """`rows` in runs of `size`, the last one shorter."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
