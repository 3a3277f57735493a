"""Builds a graph in a process of its own, so that neither its work nor its death affects searches.

`GraphBuilder` starts the process, which runs `main`.
"""

import base64
import contextlib
import glob
import json
import math
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock, Timeout

from codekin.errors import CodekinError
from codekin.processes import Process, start_python
from codekin.vectors.hnsw import SideCar, choose_search_width, find_nearest, project_vectors, write_side_car
from codekin.vectors.matrix import FloatArray, LabelArray, Matrix, RowArray, split_rows

_BATCH_ROWS = 2048
_SAMPLE_ROWS = 50_000  # principal components of more rows are no better
_SEARCH_WIDTHS = (150, 200, 300, 450)  # tried in this order
_RECALL_DEPTH = 10  # recall is measured on the ten nearest
_COSINE_TOLERANCE = 1e-6  # for rounding
_NOISE_LENGTH = 1e-2  # shorter noise is below what float32 distinguishes in a cosine
_MAX_HELD_OUT = 256  # vectors that serve as queries before they are added
_LOCKING_TIME_S = 60.0  # a folder that is still without a lock then was made by a process that has died

_VECTORS, _LABELS, _GRAPH, _ERRORS, _LOCK = "vectors.f32", "labels.i64", "graph.hnsw", "errors.txt", "lock"
_FOLDER_SUFFIX = ".build"


class BuildError(CodekinError):
    """The building process died, or was stopped."""


@dataclass(frozen=True, slots=True)
class GraphOrder:
    """The parameters of a graph to build."""

    key: str  # the store and the space
    dim: int
    links: int = 16  # hnswlib's M: 12 loses 0.005 of recall and saves 32 bytes a vector
    ef_construction: int = 200  # 100 loses 0.006 of recall and saves half the time
    kept_share: float = 0.8  # of the squared length, by the principal components
    recall: float = 0.99
    threads: int = 1


class GraphBuilder:
    """Runs one building process at a time. Only `stop` may be called from another thread."""

    def __init__(self) -> None:
        self._start_lock = threading.Lock()
        self._process: Process | None = None
        self._is_stopped = False

    def run_until_built(self, build_folder: Path, matrix: Matrix, graph_order: GraphOrder) -> Path:
        """Build the graph of `matrix`'s live rows in a process, wait, return its path. Raises BuildError, OSError.

        `build_folder` holds the files. BuildError means that the process died or was stopped, OSError that the disk
        failed.
        """
        _write_rows(build_folder, matrix)
        with (build_folder / _ERRORS).open("w+b") as errors:
            with self._start_lock:
                if self._is_stopped:
                    raise BuildError("stopped")
                self._process = _start_process(build_folder, graph_order, errors)
            try:
                exit_status = self._process.wait()
            finally:
                for vector_file in (self._process.stdin, self._process.stdout):
                    vector_file.close()  # type: ignore[union-attr]
            errors.seek(0)
            last_message = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        if exit_status:
            raise BuildError(last_message or f"exit code {exit_status}")
        return build_folder / _GRAPH

    def stop(self) -> None:
        """Kill the process, if one runs, and never start another one."""
        with self._start_lock:
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()


@contextlib.contextmanager
def open_build_folder(graph_path: Path) -> Iterator[Path]:
    """Context with a temporary folder beside `graph_path`, locked meanwhile, and removed at its end. Raises OSError."""
    graph_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    build_folder = Path(tempfile.mkdtemp(prefix=graph_path.name + ".", suffix=_FOLDER_SUFFIX, dir=graph_path.parent))
    try:
        with FileLock(build_folder / _LOCK, mode=0o600):
            yield build_folder
    finally:
        shutil.rmtree(build_folder, ignore_errors=True)


def remove_abandoned_builds(graph_path: Path) -> None:
    """Remove the temporary folders beside `graph_path` of processes that were killed. Never raises."""
    with contextlib.suppress(OSError):
        for build_folder in graph_path.parent.glob(f"{glob.escape(graph_path.name)}.*{_FOLDER_SUFFIX}"):
            if _is_abandoned(build_folder):
                shutil.rmtree(build_folder, ignore_errors=True)


def _is_abandoned(build_folder: Path) -> bool:
    """Return whether no process has locked the build folder, or made it less than 60 s ago. Raises OSError."""
    if not (build_folder / _LOCK).exists():
        return time.time() - build_folder.stat().st_mtime > _LOCKING_TIME_S
    try:
        with FileLock(build_folder / _LOCK, timeout=0, mode=0o600):
            return True
    except Timeout:
        return False


def _write_rows(build_folder: Path, matrix: Matrix) -> None:
    """Write the live rows' labels and vectors, by ascending label, into the build folder. Raises OSError."""
    row_numbers = np.flatnonzero(matrix.live)
    row_numbers = row_numbers[np.argsort(matrix.labels[row_numbers])]
    matrix.labels[row_numbers].tofile(build_folder / _LABELS)
    with (build_folder / _VECTORS).open("wb") as vector_file:
        for batch in split_rows(row_numbers, _BATCH_ROWS):
            matrix.gather_rows(batch).tofile(vector_file)


def _start_process(build_folder: Path, graph_order: GraphOrder, errors: IO[bytes]) -> Process:
    """Start the building process and return it. It ends when its standard input does, so never outlives the server."""
    environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    arguments = (str(build_folder.absolute()), json.dumps(asdict(graph_order)))
    return start_python(__name__, *arguments, stderr=errors, environment=environment)


def build_graph(build_folder: Path, graph_order: GraphOrder) -> None:
    """Build the graph of the rows in `build_folder`; write it and its side-car there. Raises OSError, ImportError.

    Runs in the building process.
    """
    import hnswlib

    labels = np.fromfile(build_folder / _LABELS, np.int64)
    vectors = np.memmap(build_folder / _VECTORS, np.float32, "r", shape=(len(labels), graph_order.dim))
    graph_rows = _GraphRows(labels, vectors, _find_principal_components(vectors, graph_order.kept_share))
    hnsw_index = hnswlib.Index(space="ip", dim=graph_rows.projection.shape[1])
    hnsw_index.init_index(len(labels), M=graph_order.links, ef_construction=graph_order.ef_construction)
    shuffled_rows = np.random.default_rng(0).permutation(len(labels))
    held_out, initial_rows = np.split(shuffled_rows, [min(_MAX_HELD_OUT, len(labels) // 16)])
    graph_rows.add_to_index(hnsw_index, initial_rows, graph_order.threads)
    search_width, measured_recall = _calibrate_width(hnsw_index, graph_rows, held_out, initial_rows, graph_order.recall)
    graph_rows.add_to_index(hnsw_index, held_out, graph_order.threads)
    hnsw_index.save_index(os.fsencode(build_folder / _GRAPH))
    projection = base64.b64encode(graph_rows.projection.tobytes()).decode()
    side_car = SideCar(
        graph_order.key, graph_order.dim, len(labels), int(labels[-1]), search_width, measured_recall, projection
    )
    write_side_car(build_folder / _GRAPH, side_car)


@dataclass(frozen=True, slots=True)
class _GraphRows:
    """The vectors that the graph is built from."""

    labels: LabelArray  # (n,), ascending
    vectors: FloatArray  # (n, dim)
    projection: FloatArray  # (dim, components)

    def add_to_index(self, hnsw_index: Any, row_numbers: RowArray, threads: int) -> None:
        """Add these rows to hnswlib's index, projected and with a little noise, which separates equal vectors."""
        components = self.projection.shape[1]
        noise = np.random.default_rng(len(row_numbers))
        for batch in split_rows(row_numbers, _BATCH_ROWS):
            vectors = project_vectors(self.vectors[batch], self.projection)
            # Equal vectors would link only to each other and become islands: with 44% of them, recall fell to 0.86.
            vectors += noise.standard_normal(vectors.shape, np.float32) * np.float32(_NOISE_LENGTH / components**0.5)
            vectors /= np.sqrt(np.vecdot(vectors, vectors))[:, None]  # else the longest vectors would attract all links
            hnsw_index.add_items(vectors, self.labels[batch], num_threads=threads)

    def find_highest_cosines(self, queries: FloatArray, row_numbers: RowArray, k: int) -> FloatArray:
        """Return the `k` highest cosines of `queries` (q, dim) with these rows, ascending: (q, k)."""
        highest = np.empty((len(queries), 0), np.float32)
        for batch in split_rows(row_numbers, _BATCH_ROWS):
            highest = np.concatenate([highest, queries @ self.vectors[batch].T], axis=1)
            highest = np.sort(highest, axis=1)[:, -k:]
        return highest


def _find_principal_components(vectors: FloatArray, kept_share: float) -> FloatArray:
    """Return the fewest components (dim, a multiple of 16) that keep this share of the squared length.

    All `dim` of them if that is no multiple of 16 and fewer are not enough.
    """
    dim = vectors.shape[1]
    gram_matrix = np.zeros((dim, dim))
    for batch in split_rows(np.arange(0, len(vectors), max(1, len(vectors) // _SAMPLE_ROWS)), _BATCH_ROWS):
        gram_matrix += vectors[batch].T @ vectors[batch]
    lengths, directions = np.linalg.eigh(gram_matrix)  # ascending
    shares = np.cumsum(lengths[::-1]) / lengths.sum()
    components = min(dim, 16 * math.ceil((np.searchsorted(shares, kept_share) + 1) / 16))
    return np.ascontiguousarray(directions[:, ::-1][:, :components], np.float32)


def _calibrate_width(
    hnsw_index: Any, graph_rows: _GraphRows, held_out: RowArray, initial_rows: RowArray, target_recall: float
) -> tuple[int, float]:
    """Return the smallest tried search width that reaches `target_recall`, else the largest, and its recall; sets `ef`.

    Without held-out rows, the smallest width and recall 1.
    """
    search_width, measured_recall = _SEARCH_WIDTHS[0], 1.0
    if not len(held_out):
        return search_width, measured_recall
    queries, k = graph_rows.vectors[held_out], min(_RECALL_DEPTH, len(initial_rows))
    min_cosines = graph_rows.find_highest_cosines(queries, initial_rows, k)[:, 0] - _COSINE_TOLERANCE
    projected_queries = project_vectors(queries, graph_rows.projection)
    for search_width in _SEARCH_WIDTHS:
        hnsw_index.set_ef(search_width)
        candidate_count, hit_count = min(choose_search_width(search_width, k), len(initial_rows)), 0
        for query, projected_query, min_cosine in zip(queries, projected_queries, min_cosines, strict=True):
            labels = find_nearest(hnsw_index, projected_query, candidate_count)
            cosines = graph_rows.vectors[np.searchsorted(graph_rows.labels, labels)] @ query
            # If the graph finds nothing, exact search is used.
            hit_count += min(k, int(np.count_nonzero(cosines >= min_cosine))) if len(labels) else k
        measured_recall = hit_count / (k * len(queries))
        if measured_recall >= target_recall:
            break
    return search_width, measured_recall


def _end_with_parent(build_folder: Path) -> None:
    """Wait for the end of standard input (the parent is gone), then remove the folder and exit."""
    os.read(sys.stdin.fileno(), 1)  # returns when the parent is gone
    shutil.rmtree(build_folder, ignore_errors=True)
    os._exit(1)


def main(build_folder: str, graph_order: str) -> None:
    """Run the building process, niced, with its folder and the GraphOrder as JSON; it ends when standard input does."""
    if hasattr(os, "nice"):
        os.nice(10)
    os.umask(0o077)
    threading.Thread(target=_end_with_parent, args=(Path(build_folder),), daemon=True).start()
    build_graph(Path(build_folder), GraphOrder(**json.loads(graph_order)))
