"""Approximate nearest neighbours of every point by cells (IVF, inverted file): a few cells are searched per point.

Of the true 15 nearest of 64,263 functions' principal components .66 were found, in 1 s of one core; a graph (hnswlib)
would take 0.3 ms for each. That is enough for a layout: the neighbours found instead are near as well.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.int64]

_POINTS_PER_CELL = 150
_SEARCHED_CELLS = 6  # for each point
_KMEANS_ROUNDS = 3
_SAMPLE_PER_CELL = 40  # points from which the cells' centres are made
_BLOCK_ROWS = 4096
_PRODUCT_ROWS = 4


def find_neighbours(points: FloatArray, k: int) -> Iterator[tuple[float, IndexArray, IndexArray]]:
    """Yield, in blocks, the share done (0 … 1), rows of points (m,), and `k` approximate neighbours of each (m, k).

    `points` is (n, d), n > k. Approximate: six cells are searched for each point. A point's neighbours are in no
    particular order.
    """
    cell_count = max(1, len(points) // _POINTS_PER_CELL)
    point_order, cell_bounds, nearest_cells = _make_cells(points, cell_count)
    half_norms = np.einsum("ij,ij->i", points, points) / 2
    for cell_number in range(cell_count):
        cell_members = point_order[cell_bounds[cell_number] : cell_bounds[cell_number + 1]]
        candidates = np.concatenate(
            [
                point_order[cell_bounds[near_cell] : cell_bounds[near_cell + 1]]
                for near_cell in nearest_cells[cell_number]
            ]
        )
        if len(candidates) <= k:
            candidates = np.unique(np.concatenate([candidates, np.arange(min(len(points), 4 * k))]))
        for block_start in range(0, len(cell_members), _BLOCK_ROWS):
            query_rows = cell_members[block_start : block_start + _BLOCK_ROWS]
            closeness = _multiply_small(points[query_rows], points[candidates]) - half_norms[candidates]
            closeness[query_rows[:, None] == candidates[None]] = -np.inf
            yield (cell_number + 1) / cell_count, query_rows, candidates[np.argpartition(closeness, -k, axis=1)[:, -k:]]


def _multiply_small(left_rows: FloatArray, right_rows: FloatArray) -> FloatArray:
    """Return `left @ right.T`, computed a few rows at a time.

    Small products are not divided among the linear algebra library's threads, which on a busy machine wait for each
    other longer than they compute.
    """
    padded_rows = np.zeros((-(-len(left_rows) // _PRODUCT_ROWS), _PRODUCT_ROWS, left_rows.shape[1]), np.float32)
    padded_rows.reshape(-1, left_rows.shape[1])[: len(left_rows)] = left_rows
    product: FloatArray = (padded_rows @ right_rows.T).reshape(-1, len(right_rows))[: len(left_rows)]
    return product


def _make_cells(points: FloatArray, cell_count: int) -> tuple[IndexArray, IndexArray, IndexArray]:
    """Cluster the points; return rows by cell (n,), each cell's start (c + 1,), and the ≤ 6 nearest cells (c, 6)."""
    centres = points[_spread_evenly(len(points), cell_count)].copy()
    sample_points = points[_spread_evenly(len(points), min(len(points), _SAMPLE_PER_CELL * cell_count))]
    for _ in range(_KMEANS_ROUNDS):
        cell_numbers = _assign_cells(sample_points, centres)
        point_order, cell_sizes = (
            np.argsort(cell_numbers, kind="stable"),
            np.bincount(cell_numbers, minlength=cell_count),
        )
        is_used = cell_sizes > 0
        cell_starts = (np.cumsum(cell_sizes) - cell_sizes)[is_used]
        centres[is_used] = np.add.reduceat(sample_points[point_order], cell_starts, axis=0) / cell_sizes[is_used, None]
    cell_numbers = _assign_cells(points, centres)
    point_order = np.argsort(cell_numbers, kind="stable")
    cell_bounds = np.searchsorted(cell_numbers[point_order], np.arange(cell_count + 1))
    distances = np.einsum("ij,ij->i", centres, centres)[None] - 2 * centres @ centres.T
    return point_order, cell_bounds, np.argsort(distances, axis=1, kind="stable")[:, :_SEARCHED_CELLS]


def _assign_cells(points: FloatArray, centres: FloatArray) -> IndexArray:
    """Return for each point the index of its nearest centre (n,). Raises ValueError without any point."""
    half_norms = np.einsum("ij,ij->i", centres, centres) / 2
    block_starts = range(0, len(points), _BLOCK_ROWS)
    return np.concatenate(
        [
            (points[block_start : block_start + _BLOCK_ROWS] @ centres.T - half_norms).argmax(axis=1)
            for block_start in block_starts
        ]
    )


def _spread_evenly(n: int, count: int) -> IndexArray:
    """Return `count` evenly spaced whole numbers from 0 to n - 1, ascending; repeated where `count` is above n."""
    return np.linspace(0, n - 1, count).astype(np.int64)
