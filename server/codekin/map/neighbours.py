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
    """Yield in blocks the share done (0 … 1), the rows of some points (m,), and about `k` nearest of each (m, k).

    `points` is (n, d), n > k. Approximate: six cells are searched for each point. A point's neighbours are in no
    particular order.
    """
    cell_count = max(1, len(points) // _POINTS_PER_CELL)
    order, bounds, nearest_cells = _make_cells(points, cell_count)
    half_norms = np.einsum("ij,ij->i", points, points) / 2
    for cell in range(cell_count):
        members = order[bounds[cell] : bounds[cell + 1]]
        candidates = np.concatenate([order[bounds[near] : bounds[near + 1]] for near in nearest_cells[cell]])
        if len(candidates) <= k:
            candidates = np.unique(np.concatenate([candidates, np.arange(min(len(points), 4 * k))]))
        for block_start in range(0, len(members), _BLOCK_ROWS):
            queries = members[block_start : block_start + _BLOCK_ROWS]
            closeness = _multiply_small(points[queries], points[candidates]) - half_norms[candidates]
            closeness[queries[:, None] == candidates[None]] = -np.inf
            yield (cell + 1) / cell_count, queries, candidates[np.argpartition(closeness, -k, axis=1)[:, -k:]]


def _multiply_small(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return `left @ right.T`, computed a few rows at a time.

    Small products are not divided among the linear algebra library's threads, which on a busy machine wait for each
    other longer than they compute.
    """
    padded = np.zeros((-(-len(left) // _PRODUCT_ROWS), _PRODUCT_ROWS, left.shape[1]), np.float32)
    padded.reshape(-1, left.shape[1])[: len(left)] = left
    product: FloatArray = (padded @ right.T).reshape(-1, len(right))[: len(left)]
    return product


def _make_cells(points: FloatArray, cell_count: int) -> tuple[IndexArray, IndexArray, IndexArray]:
    """Cluster the points; return rows by cell (n,), each cell's start (c + 1,), and the ≤ 6 nearest cells (c, 6)."""
    centres = points[_spread_evenly(len(points), cell_count)].copy()
    sample = points[_spread_evenly(len(points), min(len(points), _SAMPLE_PER_CELL * cell_count))]
    for _ in range(_KMEANS_ROUNDS):
        cells = _assign_cells(sample, centres)
        order, sizes = np.argsort(cells, kind="stable"), np.bincount(cells, minlength=cell_count)
        is_used = sizes > 0
        starts = (np.cumsum(sizes) - sizes)[is_used]
        centres[is_used] = np.add.reduceat(sample[order], starts, axis=0) / sizes[is_used, None]
    cells = _assign_cells(points, centres)
    order = np.argsort(cells, kind="stable")
    bounds = np.searchsorted(cells[order], np.arange(cell_count + 1))
    distances = np.einsum("ij,ij->i", centres, centres)[None] - 2 * centres @ centres.T
    return order, bounds, np.argsort(distances, axis=1, kind="stable")[:, :_SEARCHED_CELLS]


def _assign_cells(points: FloatArray, centres: FloatArray) -> IndexArray:
    """Return for each point the index of its nearest centre (n,). Raises ValueError without any point."""
    half_norms = np.einsum("ij,ij->i", centres, centres) / 2
    starts = range(0, len(points), _BLOCK_ROWS)
    return np.concatenate(
        [
            (points[block_start : block_start + _BLOCK_ROWS] @ centres.T - half_norms).argmax(axis=1)
            for block_start in starts
        ]
    )


def _spread_evenly(n: int, count: int) -> IndexArray:
    """Return `count` evenly spaced whole numbers from 0 to n - 1, ascending; repeated where `count` is above n."""
    return np.linspace(0, n - 1, count).astype(np.int64)
