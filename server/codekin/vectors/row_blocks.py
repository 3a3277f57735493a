"""Rows of vectors in memory: as float32, or as 16-bit fixed-point numbers, of which a search reads only the high bytes.

A packed row's numbers are whole multiples of its step, a power of two, so that packing what was unpacked changes no
bit. What the high bytes leave out is bounded by the length of the low ones, so that no row of the answer is missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
RowArray = npt.NDArray[np.int64]

_MAX_LEVEL = 32_639  # the highest number of steps whose high byte is at most 127
_HIGH_STEPS = np.float32(256)  # steps in one unit of a high byte
_ROWS_PER_SCORE = 2_048  # converted to float32 at a time, to stay in the processor's cache
_ERROR_MARGIN = np.float32(1.001)  # for the rounding of float32
_MAX_MEAN_ERROR = 0.02  # of rough scores; beyond it, where one number dominates, too many rows must be fetched


class RowBlock(Protocol):
    """Rows (n, d) that are scored roughly and fetched exactly."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def first_rows(self, count: int) -> "RowBlock":
        """Return the first `count` rows (all, where there are fewer), not copied."""

    def score_rows(self, query: FloatArray, rows: RowArray | None = None) -> FloatArray:
        """Return the inner products of the unit query (d,) with all rows, or with `rows`, each within its error."""

    def score_many(self, queries: FloatArray) -> FloatArray:
        """Return the inner products, (q, n), of unit queries (q, d) with all rows, each within its row's error."""

    def take_rows(self, rows: RowArray) -> FloatArray:
        """Return a copy of these rows as they were added, (m, d)."""

    def list_errors(self) -> FloatArray:
        """Return by how much each row's rough score may be wrong, (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class FloatRows:
    """Rows as float32; the owner of the array may append to it."""

    values: FloatArray  # (n, d)

    def __len__(self) -> int:
        return len(self.values)

    def first_rows(self, count: int) -> "FloatRows":
        """Return the first `count` rows (all, where there are fewer), not copied."""
        return FloatRows(self.values[:count])

    def score_rows(self, query: FloatArray, rows: RowArray | None = None) -> FloatArray:
        """Return the inner products of the unit query (d,) with all rows, or with `rows`."""
        return np.asarray(np.vecdot(self.values if rows is None else self.values[rows], query))

    def score_many(self, queries: FloatArray) -> FloatArray:
        """Return the inner products, (q, n), of unit queries (q, d) with all rows."""
        return np.asarray(queries @ self.values.T)

    def take_rows(self, rows: RowArray) -> FloatArray:
        """Return a copy of these rows, (m, d)."""
        return self.values[rows]

    def list_errors(self) -> FloatArray:
        """Return zeros (n,): these scores are exact but for rounding."""
        return np.zeros(len(self), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PackedRows:
    """Rows as fixed-point numbers: `(256 * high + low) * step`."""

    high: npt.NDArray[np.int8]  # (n, d)
    low: npt.NDArray[np.int8]  # (n, d)
    steps: FloatArray  # (n,), powers of two
    errors: FloatArray  # (n,): the length of the rows' low part

    def __len__(self) -> int:
        return len(self.steps)

    def slice_rows(self, start: int, end: int) -> "PackedRows":
        """Return the rows from `start` to `end` (half-open), not copied."""
        rows = slice(start, end)
        return PackedRows(self.high[rows], self.low[rows], self.steps[rows], self.errors[rows])

    def first_rows(self, count: int) -> "PackedRows":
        """Return the first `count` rows (all, where there are fewer), not copied."""
        return self if count >= len(self) else self.slice_rows(0, count)

    def score_rows(self, query: FloatArray, rows: RowArray | None = None) -> FloatArray:
        """Return the inner products of the unit query (d,) with all rows, or with `rows`, each within its error."""
        high = self.high if rows is None else self.high[rows]
        scores = np.empty(len(high), np.float32)
        values = np.empty((min(len(high), _ROWS_PER_SCORE), high.shape[1]), np.float32)
        for start in range(0, len(high), _ROWS_PER_SCORE):
            chunk = high[start : start + _ROWS_PER_SCORE]
            np.copyto(values[: len(chunk)], chunk)
            np.vecdot(values[: len(chunk)], query, out=scores[start : start + len(chunk)])
        return scores * ((self.steps if rows is None else self.steps[rows]) * _HIGH_STEPS)

    def score_many(self, queries: FloatArray) -> FloatArray:
        """Return the inner products, (q, n), of unit queries (q, d) with all rows, each within its row's error."""
        return np.asarray((queries @ self.high.astype(np.float32).T) * (self.steps * _HIGH_STEPS))

    def take_rows(self, rows: RowArray) -> FloatArray:
        """Return these rows, (m, d), as they were before they were packed."""
        levels = self.high[rows].astype(np.float32) * _HIGH_STEPS + self.low[rows]
        return np.asarray(levels * self.steps[rows, None], np.float32)

    def list_errors(self) -> FloatArray:
        """Return by how much each row's rough score may be wrong, (n,)."""
        return self.errors


def round_rows(vectors: FloatArray) -> FloatArray:
    """Return the vectors (n, d) rounded to numbers that `pack_rows` keeps; rounded ones stay as they are."""
    steps = _choose_steps(vectors)[:, None]
    return np.asarray(np.rint(vectors / steps) * steps + np.float32(0), np.float32)  # no -0.0: packed rows have none


def pack_rows(vectors: FloatArray) -> PackedRows:
    """Return the vectors (n, d) as PackedRows, rounded as `round_rows` does it."""
    steps = _choose_steps(vectors)
    levels = np.rint(vectors / steps[:, None]).astype(np.int16)
    high = ((levels + np.int16(128)) >> 8).astype(np.int8)
    low = (levels - (high.astype(np.int16) << 8)).astype(np.int8)
    lengths = np.linalg.norm(low.astype(np.float32), axis=1)
    return PackedRows(high, low, steps, np.asarray(lengths * steps * _ERROR_MARGIN, np.float32))


def join_rows(chunks: Sequence[PackedRows]) -> PackedRows:
    """Return the rows of one or more chunks in one, copied."""
    columns = ("high", "low", "steps", "errors")
    return PackedRows(*(np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in columns))


def pack_losslessly(rows: FloatRows) -> RowBlock:
    """Return the rows packed, in half the memory; as they are if packing changed them or made the search slow."""
    for start in range(0, len(rows), _ROWS_PER_SCORE):
        chunk = rows.values[start : start + _ROWS_PER_SCORE]
        if not np.array_equal(round_rows(chunk), chunk):
            return rows
    packed_rows = pack_rows(rows.values)
    return packed_rows if _is_precise(packed_rows) else rows


def choose_block(rows: PackedRows) -> RowBlock:
    """Return the rows as they are, not copied; as float32, twice as large, if their errors made the search slow."""
    return rows if _is_precise(rows) else FloatRows(rows.take_rows(np.arange(len(rows))))


def _is_precise(rows: PackedRows) -> bool:
    """Return whether a search by the high bytes leaves few rows to fetch, as far as one number dominates none."""
    return float(rows.errors.mean()) <= _MAX_MEAN_ERROR


def _choose_steps(vectors: FloatArray) -> FloatArray:
    """Return the smallest power of two, (n,), by which no number of a row is more than 32,639 steps."""
    mantissas, exponents = np.frexp(np.abs(vectors).max(axis=1, initial=0) / np.float32(_MAX_LEVEL))
    return np.asarray(np.ldexp(np.float32(1), exponents - (mantissas == 0.5)), np.float32)
