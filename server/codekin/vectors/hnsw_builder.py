"""Building a graph in a process of its own, so that neither its work nor its death is felt by who answers.

`Builder` starts the process, `main` is what it runs.
"""

import base64
import contextlib
import json
import math
import os
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from codekin.errors import CodekinError
from codekin.processes import Process, start_python
from codekin.vectors.hnsw import SideCar, choose_search_width, find_nearest, project_vectors, write_side_car
from codekin.vectors.matrix import FloatArray, LabelArray, Matrix, RowArray, split_rows

_BATCH_ROWS = 2048
_SURVEYED_ROWS = 50_000  # principal components of more rows are no better
_EFS = (150, 200, 300, 450)  # the widths of search that are tried, in this order
_NEAREST = 10  # recall is that of the ten nearest
_ROUNDING = 1e-6  # of cosines
_JITTER = 1e-2  # the length of the noise; less is below what float32 tells apart in a cosine
_HELD_OUT = 256  # vectors that ask before they are added
_ABANDONED_S = 3600.0  # a build's folder that is older has no process any more

_VECTORS, _LABELS, _GRAPH, _ERRORS = "vectors.f32", "labels.i64", "graph.hnsw", "errors.txt"


class BuildError(CodekinError):
    """The building process died."""


@dataclass(frozen=True, slots=True)
class GraphOrder:
    """What graph is wanted."""

    key: str  # the store and the space
    dim: int
    links: int = 16  # hnswlib's M: 12 lost .005 of recall, and saved 32 bytes a vector
    ef_construction: int = 200  # 100 lost .006 of recall, and saved half the time
    kept: float = 0.8  # the share of squared length that the principal components keep
    recall: float = 0.99
    threads: int = 1


class GraphBuilder:
    """Runs one building process at a time. `stop` may come from another thread; the rest may not."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._process: Process | None = None
        self._stopped = False

    def run_until_built(self, folder: Path, matrix: Matrix, order: GraphOrder) -> Path:
        """Build the graph of the live rows of `matrix` in `folder`, and wait for it → the graph's path.

        Raises BuildError where the process died or was stopped, OSError where the disk refuses.
        """
        _write_rows(folder, matrix)
        with (folder / _ERRORS).open("w+b") as errors:
            with self._starting:
                if self._stopped:
                    raise BuildError("stopped")
                self._process = _start(folder, order, errors)
            try:
                code = self._process.wait()
            finally:
                for stream in (self._process.stdin, self._process.stdout):
                    stream.close()  # type: ignore[union-attr]
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        if code:
            raise BuildError(said or f"exit code {code}")
        return folder / _GRAPH

    def stop(self) -> None:
        """Kill the process, and start no other."""
        with self._starting:
            self._stopped = True
            if self._process is not None:
                self._process.kill()


def make_build_folder(path: Path) -> Path:
    """A new folder beside the graph's `path`, on the same disk, so that the graph can be moved into its place."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in path.parent.glob("*.build"):
        with contextlib.suppress(OSError):  # its own process may be removing it
            if folder.name.startswith(path.name) and time.time() - folder.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=path.name + ".", suffix=".build", dir=path.parent))


def _write_rows(folder: Path, matrix: Matrix) -> None:
    rows = np.flatnonzero(matrix.live)
    rows = rows[np.argsort(matrix.labels[rows])]
    matrix.labels[rows].tofile(folder / _LABELS)
    with (folder / _VECTORS).open("wb") as stream:
        for batch in split_rows(rows, _BATCH_ROWS):
            matrix.gather_rows(batch).tofile(stream)


def _start(folder: Path, order: GraphOrder, errors: IO[bytes]) -> Process:
    """The process. It ends when its standard input does: a server that is killed leaves none behind."""
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    arguments = (str(folder.absolute()), json.dumps(asdict(order)))
    return start_python(__name__, *arguments, stderr=errors, environment=threads)


def build_graph(folder: Path, order: GraphOrder) -> None:
    """Build the graph of the rows that `folder` holds, and write it there with its side-car."""
    import hnswlib

    labels = np.fromfile(folder / _LABELS, np.int64)
    vectors = np.memmap(folder / _VECTORS, np.float32, "r", shape=(len(labels), order.dim))
    rows = _Rows(labels, vectors, _principal_components(vectors, order.kept))
    index = hnswlib.Index(space="ip", dim=rows.projection.shape[1])
    index.init_index(len(labels), M=order.links, ef_construction=order.ef_construction)
    shuffled = np.random.default_rng(0).permutation(len(labels))
    held_out, first = np.split(shuffled, [min(_HELD_OUT, len(labels) // 16)])
    rows.add_to(index, first, order.threads)
    ef, recall = _calibrated(index, rows, held_out, first, order.recall)
    rows.add_to(index, held_out, order.threads)
    index.save_index(os.fsencode(folder / _GRAPH))
    projection = base64.b64encode(rows.projection.tobytes()).decode()
    side_car = SideCar(order.key, order.dim, len(labels), int(labels[-1]), ef, recall, projection)
    write_side_car(folder / _GRAPH, side_car)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the graph is made of."""

    labels: LabelArray  # (n,), ascending
    vectors: FloatArray  # (n, dim)
    projection: FloatArray  # (dim, components)

    def add_to(self, index: Any, rows: RowArray, threads: int) -> None:
        components = self.projection.shape[1]
        noise = np.random.default_rng(len(rows))
        for batch in split_rows(rows, _BATCH_ROWS):
            vectors = project_vectors(self.vectors[batch], self.projection)
            # Equal vectors would fill each other's links and be islands: with 44 % of them, recall fell to .86.
            vectors += noise.standard_normal(vectors.shape, np.float32) * np.float32(_JITTER / components**0.5)
            vectors /= np.sqrt(np.vecdot(vectors, vectors))[:, None]  # else the longest would draw all links
            index.add_items(vectors, self.labels[batch], num_threads=threads)

    def nearest(self, queries: FloatArray, rows: RowArray, k: int) -> FloatArray:
        """The `k` highest cosines of each of `queries` (q, dim) with `rows`, lowest first: (q, k)."""
        best = np.empty((len(queries), 0), np.float32)
        for batch in split_rows(rows, _BATCH_ROWS):
            best = np.concatenate([best, queries @ self.vectors[batch].T], axis=1)
            best = np.sort(best, axis=1)[:, -k:]
        return best


def _principal_components(vectors: FloatArray, kept: float) -> FloatArray:
    """The fewest principal components, in sixteens, that keep this share of squared length: (dim, components)."""
    dim = vectors.shape[1]
    gram = np.zeros((dim, dim))
    for batch in split_rows(np.arange(0, len(vectors), max(1, len(vectors) // _SURVEYED_ROWS)), _BATCH_ROWS):
        gram += vectors[batch].T @ vectors[batch]
    lengths, directions = np.linalg.eigh(gram)  # ascending
    shares = np.cumsum(lengths[::-1]) / lengths.sum()
    components = min(dim, 16 * math.ceil((np.searchsorted(shares, kept) + 1) / 16))
    return np.ascontiguousarray(directions[:, ::-1][:, :components], np.float32)


def _calibrated(index: Any, rows: _Rows, held_out: RowArray, first: RowArray, wanted: float) -> tuple[int, float]:
    """The least width of search whose recall is as `wanted`, else the greatest one; and its recall."""
    ef, recall = _EFS[0], 1.0
    if not len(held_out):
        return ef, recall
    queries, k = rows.vectors[held_out], min(_NEAREST, len(first))
    least = rows.nearest(queries, first, k)[:, 0] - _ROUNDING
    shadows = project_vectors(queries, rows.projection)
    for ef in _EFS:
        index.set_ef(ef)
        width, hits = min(choose_search_width(ef, k), len(first)), 0
        for query, shadow, kth in zip(queries, shadows, least, strict=True):
            labels = find_nearest(index, shadow, width)
            scores = rows.vectors[np.searchsorted(rows.labels, labels)] @ query
            # Without an answer of the graph, exact search answers.
            hits += min(k, int(np.count_nonzero(scores >= kth))) if len(labels) else k
        recall = hits / (k * len(queries))
        if recall >= wanted:
            break
    return ef, recall


def _end_with_parent(folder: Path) -> None:
    os.read(sys.stdin.fileno(), 1)  # returns when whoever started us is gone
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main(folder: str, order: str) -> None:
    """The building process: its folder, and the Order as JSON."""
    if hasattr(os, "nice"):
        os.nice(10)
    os.umask(0o077)
    threading.Thread(target=_end_with_parent, args=(Path(folder),), daemon=True).start()
    build_graph(Path(folder), GraphOrder(**json.loads(order)))
