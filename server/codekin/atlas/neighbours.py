"""Points → the nearest of each, nearly: within cells (IVF), a few of which are looked into for each point.

Of the true 15 nearest of 64,263 functions' principal components .66 were found, in 1 s of one core; a graph (hnswlib)
would take 0.3 ms for each. To lay points out that is enough: what is found instead is near as well.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

_CELL = 150  # points
_LOOKED_INTO = 6  # cells for each point
_ROUNDS = 3  # of k-means
_SAMPLE = 40  # points for each cell, to find where the cells are
_BLOCK = 4096
_ROWS = 4  # of a product


def nearest(points: Floats, k: int) -> Iterator[tuple[float, Numbers, Numbers]]:
    """How far it is (0 … 1), some points' numbers (m,) and their nearest (m, k), until all have been told.

    `points` (n, d), n > k. Nearer ones are not told before others.
    """
    count = max(1, len(points) // _CELL)
    order, bounds, around = _cells(points, count)
    half = np.einsum("ij,ij->i", points, points) / 2
    for cell in range(count):
        own = order[bounds[cell] : bounds[cell + 1]]
        others = np.concatenate([order[bounds[each] : bounds[each + 1]] for each in around[cell]])
        if len(others) <= k:
            others = np.unique(np.concatenate([others, np.arange(min(len(points), 4 * k))]))
        for i in range(0, len(own), _BLOCK):
            asked = own[i : i + _BLOCK]
            close = _products(points[asked], points[others]) - half[others]
            close[asked[:, None] == others[None]] = -np.inf
            yield (cell + 1) / count, asked, others[np.argpartition(close, -k, axis=1)[:, -k:]]


def _products(one: Floats, other: Floats) -> Floats:
    """`one @ other.T`, a few rows at a time: so little that the linear algebra library does not share it out among
    threads, which would wait for each other longer than they work where the machine has other work, too.
    """
    some = np.zeros((-(-len(one) // _ROWS), _ROWS, one.shape[1]), np.float32)
    some.reshape(-1, one.shape[1])[: len(one)] = one
    product: Floats = (some @ other.T).reshape(-1, len(other))[: len(one)]
    return product


def _cells(points: Floats, count: int) -> tuple[Numbers, Numbers, Numbers]:
    """The points' numbers by cell (n,), where each cell begins in it (count + 1,), and the cells nearest to each."""
    centres = points[_spread(len(points), count)].copy()
    sample = points[_spread(len(points), min(len(points), _SAMPLE * count))]
    for _ in range(_ROUNDS):
        cells = _nearest_centre(sample, centres)
        order, sizes = np.argsort(cells, kind="stable"), np.bincount(cells, minlength=count)
        some = sizes > 0
        starts = (np.cumsum(sizes) - sizes)[some]
        centres[some] = np.add.reduceat(sample[order], starts, axis=0) / sizes[some, None]
    cells = _nearest_centre(points, centres)
    order = np.argsort(cells, kind="stable")
    bounds = np.searchsorted(cells[order], np.arange(count + 1))
    distances = np.einsum("ij,ij->i", centres, centres)[None] - 2 * centres @ centres.T
    return order, bounds, np.argsort(distances, axis=1, kind="stable")[:, :_LOOKED_INTO]


def _nearest_centre(points: Floats, centres: Floats) -> Numbers:
    half = np.einsum("ij,ij->i", centres, centres) / 2
    parts = [(points[i : i + _BLOCK] @ centres.T - half).argmax(axis=1) for i in range(0, len(points), _BLOCK)]
    return np.concatenate(parts)


def _spread(n: int, count: int) -> Numbers:
    """`count` of n numbers, evenly."""
    return np.linspace(0, n - 1, count).astype(np.int64)
