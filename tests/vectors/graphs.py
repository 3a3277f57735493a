"""Graphs of a few hundred vectors, and ways to damage their files, for tests of dense search."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from codekin.vectors.dense_index import DenseIndex, GraphTuning
from codekin.vectors.hnsw import HnswGraph, SideCar, side_car_path, write_side_car
from codekin.vectors.matrix import FloatArray, normalize_queries

DIM, COUNT, KEY = 24, 400, "store space"


TINY = GraphTuning(min_rows=100, max_width_share=1.0)
CORRUPTIONS = ("truncated", "flipped bit", "garbage page", "empty", "longer")


def make_unit_vectors(count: int, seed: int, dim: int = DIM) -> FloatArray:
    return normalize_queries(np.random.default_rng(seed).standard_normal((count, dim), np.float32))[0]


LABELS, VECTORS = np.random.default_rng(5).permutation(10 * COUNT)[:COUNT], make_unit_vectors(COUNT, 6)


@contextmanager
def dense_index(
    path: Path | None, problems: list[str], tuning: GraphTuning = TINY, key: str = KEY
) -> Iterator[DenseIndex]:
    index = DenseIndex(DIM, path, key, on_problem=problems.append, tuning=tuning)
    try:
        yield index
    finally:
        index.close()


def settle_graph(index: DenseIndex) -> None:
    index.maintain_graph()
    assert index.wait_for_graph(180)


def brute_force(query: FloatArray, vectors: dict[int, FloatArray], k: int) -> list[int]:
    """The labels of the `k` vectors with the highest cosines, best first."""
    return sorted(vectors, key=lambda label: (-float(vectors[label] @ query), label))[:k]


def corrupt_file(path: Path, how: str, seed: int = 0) -> None:
    """Do to a file what disks, crashes and people do."""
    data, random = bytearray(path.read_bytes()), np.random.default_rng(seed)
    offset = int(random.integers(len(data)))
    if how == "truncated":
        data = data[:offset]
    elif how == "flipped bit":
        data[offset] ^= 1 << int(random.integers(8))
    elif how == "garbage page":
        data[offset : offset + 4096] = random.bytes(min(4096, len(data) - offset))
    elif how == "empty":
        data.clear()
    else:
        data += random.bytes(100)
    path.write_bytes(data)


def reseal_side_car(path: Path, **changes: Any) -> None:
    """A side-car that vouches for the graph, but says something else about it."""
    side_car = replace(SideCar(**json.loads(side_car_path(path).read_text())), **changes)
    write_side_car(path, side_car)


def break_graph(index: DenseIndex) -> None:
    """Have hnswlib raise at the next question: it takes vectors and matrices, and gets a cube."""
    graph = index._snapshot.graph
    assert isinstance(graph, HnswGraph)
    graph._components = graph._components[None, None]


def wait_for(what: Callable[[], Any]) -> Any:
    """What `what` returns, once that is something."""
    for _ in range(18_000):
        if value := what():
            return value
        threading.Event().wait(0.01)
    raise AssertionError("it did not come")
