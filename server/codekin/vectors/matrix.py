"""Unit vectors of one space in memory, searched exactly.

Single queries go through `np.vecdot`, row by row: a matrix-vector product is distributed over the linear algebra
library's threads, and waits for all of them. On two cores with other work that took 96 ms in the median instead of 1.7
(50,000 x 256), and it rounds equal rows differently, depending on their positions.

A `Matrix` is immutable: adding or retiring returns another one that shares the rows. Readers therefore need no lock;
only the owner of the newest matrix may derive the next one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codekin.vectors.row_blocks import FloatArray as FloatArray
from codekin.vectors.row_blocks import FloatRows, PackedRows, RowBlock, choose_block, pack_losslessly
from codekin.vectors.row_blocks import RowArray as RowArray

LabelArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BLOCK_BYTES = 8 << 20  # growing by blocks never copies existing rows, and wastes at most one block
_SCORE_BYTES = 16 << 20  # of scores in memory at once for many queries
_UNIT_TOLERANCE = 0.01  # stored vectors were rounded to float16
_SCORE_TOLERANCE = 4e-6  # of matrix products, which are faster for many queries at once
_GATHER_SHARE = 0.15  # below this share of a block, gathering its rows is cheaper than the product over all of it
_ROWS_PER_GROUP = 64

_NO_LABELS: LabelArray = np.empty(0, np.int64)
_Number = TypeVar("_Number", bound=np.generic)


def normalize_rows(vectors: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return the rows of `vectors` (n, d) that are finite and of length 1 ± 1%, normalised, and their mask (n,)."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        is_sound: BoolArray = np.abs(norms - 1) <= _UNIT_TOLERANCE  # false for NaN
    return vectors[is_sound] / norms[is_sound, None], is_sound


def normalize_queries(queries: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return `queries` (q, dim) scaled to length 1, and which have a direction: bool (q,); the others become 0."""
    with np.errstate(all="ignore"):
        unit_queries = queries / np.sqrt(np.einsum("ij,ij->i", queries, queries))[:, None]
    is_sound: BoolArray = np.isfinite(unit_queries).all(axis=1)
    unit_queries[~is_sound] = 0
    return unit_queries, is_sound


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Unit vectors by label, in rows; `Matrix(dim)` is empty. Row numbers are valid until `compact`."""

    dim: int
    block_rows: int = 0  # 0: chosen by the dimension
    labels: LabelArray = field(default_factory=_NO_LABELS.copy)  # (n,), by row
    live: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))  # (n,), by row; false is a tombstone
    _blocks: tuple[RowBlock, ...] = ()  # each of `block_rows` rows; the last one may have free rows, if of float32
    _order: RowArray = field(default_factory=_NO_LABELS.copy)  # (n,), the rows by ascending label

    def __post_init__(self) -> None:
        if not self.block_rows:
            object.__setattr__(self, "block_rows", max(256, _BLOCK_BYTES // (4 * self.dim)))

    def __len__(self) -> int:
        """Return the number of rows, including tombstones."""
        return len(self.labels)

    @classmethod
    def from_packed_rows(cls, labels: LabelArray, rows: PackedRows, block_rows: int = 0) -> "Matrix":
        """Return a matrix of packed unit rows under distinct `labels` (n,), ascending; full blocks are shared.

        So rows that are mapped from a file stay there, but for those of the last block, to which rows may be added.
        """
        empty = cls(rows.high.shape[1], block_rows)
        shared_count = len(labels) // empty.block_rows * empty.block_rows
        starts = range(0, shared_count, empty.block_rows)
        matrix = replace(
            empty,
            labels=labels[:shared_count],
            live=np.ones(shared_count, np.bool_),
            _blocks=tuple(choose_block(rows.slice_rows(start, start + empty.block_rows)) for start in starts),
            _order=np.arange(shared_count),
        )
        return matrix.add_rows(labels[shared_count:], rows.take_rows(np.arange(shared_count, len(rows))))

    def add_rows(self, labels: LabelArray, vectors: FloatArray) -> "Matrix":
        """Return a matrix with unit `vectors` (n, dim) of unknown `labels` (n,) added; for the newest matrix only.

        Known labels keep their vectors and become live. New rows are written into memory that all matrices share.
        """
        labels, first_positions = np.unique(labels, return_index=True)
        row_numbers = self.find_rows(labels)
        is_live = self.live.copy()
        is_live[row_numbers[row_numbers >= 0]] = True
        new_labels = labels[row_numbers < 0]
        # In order of arrival, so that rows loaded from the start of a store are in ascending order of labels.
        arrival = np.argsort(first_positions[row_numbers < 0], kind="stable")
        row_blocks = self._append_to_blocks(vectors, first_positions[row_numbers < 0][arrival])
        new_rows = np.empty(len(new_labels), np.int64)
        new_rows[arrival] = np.arange(len(self), len(self) + len(new_labels))
        insert_positions = np.searchsorted(self.labels[self._order], new_labels)
        return replace(
            self,
            labels=np.concatenate([self.labels, new_labels[arrival]]),
            live=np.concatenate([is_live, np.ones(len(new_labels), np.bool_)]),
            _blocks=row_blocks,
            _order=np.insert(self._order, insert_positions, new_rows),
        )

    def retire_labels(self, labels: LabelArray) -> "Matrix":
        """Return a matrix in which the rows of `labels` are tombstones; unknown labels are ignored."""
        row_numbers = self.find_rows(labels)
        is_live = self.live.copy()
        is_live[row_numbers[row_numbers >= 0]] = False
        return replace(self, live=is_live)

    def compact(self) -> "Matrix":
        """Return a matrix without the tombstones; rows are renumbered in the same order."""
        matrix = Matrix(self.dim, self.block_rows)
        for row_numbers in split_rows(np.flatnonzero(self.live), self.block_rows):
            matrix = matrix.add_rows(self.labels[row_numbers], self.gather_rows(row_numbers))
        return matrix

    def find_rows(self, labels: LabelArray) -> RowArray:
        """Return each label's row number, even of a tombstone; -1 if it has none."""
        if not len(self):
            return np.full(len(labels), -1, np.int64)
        positions = np.minimum(np.searchsorted(self.labels, labels, sorter=self._order), len(self) - 1)
        row_numbers = self._order[positions]
        return np.where(self.labels[row_numbers] == labels, row_numbers, -1)

    def gather_rows(self, row_numbers: RowArray) -> FloatArray:
        """Return a copy of these rows' vectors, (n, dim)."""
        gathered_rows = np.empty((len(row_numbers), self.dim), np.float32)
        row_blocks = row_numbers // self.block_rows
        for row_block in np.unique(row_blocks):
            is_in_block = row_blocks == row_block
            gathered_rows[is_in_block] = self._blocks[row_block].take_rows(row_numbers[is_in_block] % self.block_rows)
        return gathered_rows

    def find_nearest(
        self, query: FloatArray, k: int, row_numbers: RowArray | None = None
    ) -> tuple[LabelArray, FloatArray]:
        """Return labels and cosines of the `k` live rows nearest to unit `query` (dim,), and of all ties with the last.

        Best first, equal cosines by label. `row_numbers`, ascending, restricts the search to these rows.
        """
        return self.rank_rows(query, self.find_nearest_rows(query, k, row_numbers), k)

    def find_nearest_rows(self, query: FloatArray, k: int, row_numbers: RowArray | None = None) -> RowArray:
        """Return row numbers, unordered: the `k` nearest live rows, and those that only rounding may exclude."""
        errors = self._list_errors()
        if row_numbers is None:
            scores = self._score_all_rows(query)
            scores[~self.live] = -np.inf
            return _find_highest(scores, errors, min(k, int(np.count_nonzero(self.live))))
        row_numbers = row_numbers[self.live[row_numbers]]
        scores = self._score_rows(row_numbers, query)
        return row_numbers[_find_highest(scores, errors[row_numbers], min(k, len(row_numbers)))]

    def find_nearest_many(self, queries: FloatArray, k: int) -> tuple[LabelArray, FloatArray]:
        """Return labels and cosines, (q, m), of the m = min(k, live rows) nearest to unit `queries` (q, dim).

        Best first.
        """
        count = max(0, min(k, int(np.count_nonzero(self.live))))
        labels, cosines = np.empty((len(queries), count), np.int64), np.empty((len(queries), count), np.float32)
        queries_per_step, errors = max(1, _SCORE_BYTES // (4 * max(1, len(self)))), self._list_errors()
        for start in range(0, len(queries) if count else 0, queries_per_step):
            chunk = queries[start : start + queries_per_step]
            scores = np.empty((len(chunk), len(self)), np.float32)
            for first_row, row_block in self._iterate_blocks():
                scores[:, first_row : first_row + len(row_block)] = row_block.score_many(chunk)
            scores[:, ~self.live] = -np.inf
            for query_number, (query, score_row) in enumerate(zip(chunk, scores, strict=True), start):
                best_labels, best_cosines = self.rank_rows(query, _find_highest(score_row, errors, count), count)
                labels[query_number], cosines[query_number] = best_labels[:count], best_cosines[:count]
        return labels, cosines

    def rank_rows(self, query: FloatArray, row_numbers: RowArray, k: int) -> tuple[LabelArray, FloatArray]:
        """Return labels and cosines of the best `k` (-1: all) of these rows, live or not, and all ties, best first.

        Rows are scored one by one, so that equal rows have equal scores at any position.
        """
        scores = np.empty(len(row_numbers), np.float32)
        for batch in split_rows(np.arange(len(row_numbers)), 4096):
            scores[batch] = np.vecdot(self.gather_rows(row_numbers[batch]), query)
        np.minimum(scores, 1, out=scores)
        labels = self.labels[row_numbers]
        order = np.lexsort((labels, -scores))
        if 0 <= k < len(order):
            last_score = scores[order[k - 1]] if k else np.inf
            order = order[: k + int(np.count_nonzero(scores[order[k:]] == last_score))]
        return labels[order], scores[order]

    def _score_all_rows(self, query: FloatArray) -> FloatArray:
        """Return all rows' rough inner products with the query, tombstones included, by row: (n,)."""
        scores = np.empty(len(self), np.float32)
        for first_row, row_block in self._iterate_blocks():
            scores[first_row : first_row + len(row_block)] = row_block.score_rows(query)
        return scores

    def _list_errors(self) -> FloatArray:
        """Return by how much each row's rough score may be wrong, rounding aside, by row: (n,)."""
        return np.concatenate([np.empty(0, np.float32), *(block.list_errors() for _, block in self._iterate_blocks())])

    def _score_rows(self, row_numbers: RowArray, query: FloatArray) -> FloatArray:
        """Return the rough inner products of these rows (ascending), live or not, with the query: (n,)."""
        scores = np.empty(len(row_numbers), np.float32)
        for first_row, row_block in self._iterate_blocks():
            start, end = np.searchsorted(row_numbers, (first_row, first_row + len(row_block)))
            block_rows = row_numbers[start:end] - first_row
            if len(block_rows) > _GATHER_SHARE * len(row_block):
                scores[start:end] = row_block.score_rows(query)[block_rows]
            elif len(block_rows):
                scores[start:end] = row_block.score_rows(query, block_rows)
        return scores

    def _append_to_blocks(self, vectors: FloatArray, sources: RowArray) -> tuple[RowBlock, ...]:
        """Write `vectors[sources]` after the last row, into memory that matrices share; return the blocks."""
        row_blocks, row_count = list(self._blocks), len(self)
        while len(sources):
            if row_count == len(row_blocks) * self.block_rows:
                row_blocks.append(FloatRows(np.empty((self.block_rows, self.dim), np.float32)))
            last_block, offset = row_blocks[-1], row_count % self.block_rows
            assert isinstance(last_block, FloatRows)  # noqa: S101 (only full blocks are packed)
            batch, sources = np.split(sources, [self.block_rows - offset])
            last_block.values[offset : offset + len(batch)] = vectors[batch]
            row_count += len(batch)
            if row_count % self.block_rows == 0:
                row_blocks[-1] = pack_losslessly(last_block)
        return tuple(row_blocks)

    def _iterate_blocks(self) -> Iterator[tuple[int, RowBlock]]:
        """Yield each block's first row number and its rows in use."""
        for block_number, row_block in enumerate(self._blocks):
            first_row = block_number * self.block_rows
            yield first_row, row_block.first_rows(len(self) - first_row)


def _find_highest(scores: FloatArray, errors: FloatArray, k: int) -> RowArray:
    """Return positions, unordered, in one array: all that may be among the `k` highest, by scores within errors."""
    if k <= 0:
        return _NO_LABELS
    if k >= len(scores):
        return np.flatnonzero(scores > -np.inf)
    lowest, highest = scores - errors, scores + errors
    row_numbers = np.arange(len(scores))
    group_count = len(scores) // _ROWS_PER_GROUP
    if group_count > 4 * k:
        # The k-th highest maximum is no higher than the k-th highest score, and found five times as fast.
        maxima = lowest[: group_count * _ROWS_PER_GROUP].reshape(_ROWS_PER_GROUP, group_count).max(axis=0)
        row_numbers = np.flatnonzero(highest >= _find_kth_highest(maxima, k) - _SCORE_TOLERANCE)
    return row_numbers[highest[row_numbers] >= _find_kth_highest(lowest[row_numbers], k) - _SCORE_TOLERANCE]


def _find_kth_highest(scores: FloatArray, k: int) -> np.float32:
    """Return the k-th highest score, at most 1: rows of cosine 1 tie, whatever rounding made of their lengths."""
    return min(np.float32(np.partition(scores, len(scores) - k)[len(scores) - k]), np.float32(1))


def find_positions(ascending: LabelArray, labels: LabelArray) -> RowArray:
    """Return the positions in `ascending` of those of `labels` that it has; others are left out."""
    if not len(ascending):
        return _NO_LABELS
    candidates = np.minimum(np.searchsorted(ascending, labels), len(ascending) - 1)
    positions: RowArray = candidates[ascending[candidates] == labels]
    return positions


def split_rows(rows: npt.NDArray[_Number], size: int) -> Iterator[npt.NDArray[_Number]]:
    """Yield `rows` in runs of `size`; the last run may be shorter."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
