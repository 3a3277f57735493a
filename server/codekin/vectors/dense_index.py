"""Dense search: the vectors of one space in this process. Derived from the store; losing it costs a rebuild."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.errors import DimensionError
from codekin.vectors.hnsw import UnsoundGraphError, find_unavailable_reason, load_graph, publish_graph
from codekin.vectors.hnsw_builder import GraphBuilder, GraphOrder, make_build_folder
from codekin.vectors.matrix import BoolArray, FloatArray, LabelArray, Matrix, normalize_queries, normalize_rows
from codekin.vectors.snapshot import Snapshot

_TRIES = 2


@dataclass(frozen=True, slots=True)
class GraphTuning:
    """When a graph is worth having."""

    least_rows: int = 40_000  # exact search of fewer takes at most 2 ms (256 numbers each)
    waste: float = 0.3  # of rows that a graph lacks or has in vain, as a share of it, before it is built again
    widest: float = 1 / 32  # candidates as a share of the graph; exact search is as fast beyond it


class DenseIndex:
    """The searchable unit vectors of one space. Every method may be called from any thread."""

    def __init__(
        self,
        dim: int,
        path: Path | None,
        key: str,
        *,
        on_problem: Callable[[str], None],
        tuning: GraphTuning | None = None,
    ) -> None:
        """`path` is the graph's file (None: exact search only); `key` names the store and the space it belongs to.

        `on_problem` is told, in a sentence that names the remedy, what went wrong; from any thread.
        """
        self.dim = dim
        self._path = path
        self._order = GraphOrder(key, dim)
        self._on_problem = on_problem
        self._tuning = tuning or GraphTuning()
        self._lock = threading.RLock()  # for whoever changes something; a search takes the snapshot that is there
        self._snapshot = Snapshot(Matrix(dim))
        self._builder = GraphBuilder()
        self._tending: threading.Thread | None = None
        self._seen: tuple[int, int] | None = None  # the file that was last loaded, refused or written
        self._deaths = 0  # of building processes, in a row
        self._faults = 0  # of graphs, while searching
        self._exact_because = ""
        self._refused = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._snapshot)

    def labels(self) -> LabelArray:
        """The labels that answer, ascending: int64 (n,)."""
        matrix = self._snapshot.matrix
        return np.sort(matrix.labels[matrix.live])

    def find_vectors(self, labels: npt.ArrayLike) -> tuple[BoolArray, FloatArray]:
        """Which of `labels` (n,) have a vector here: bool (n,); and those vectors (m, dim)."""
        matrix = self._snapshot.matrix
        rows = matrix.find_rows(np.asarray(labels, np.int64))
        return rows >= 0, matrix.gather_rows(rows[rows >= 0])

    def has_labels(self, labels: npt.ArrayLike) -> BoolArray:
        """Which of `labels` (n,) answer: bool (n,)."""
        matrix = self._snapshot.matrix
        rows = matrix.find_rows(np.asarray(labels, np.int64))
        known = rows >= 0
        known[known] = matrix.live[rows[known]]
        return known

    def add_vectors(self, labels: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        """Unit `vectors` (n, dim) under `labels` (n,). A label's vector never changes: a known label is left as it
        is, a retired one answers again. Rows that are not finite unit vectors are left out, and that is told.

        Raises DimensionError where the vectors are of another dimension.
        """
        numbers, rows = np.asarray(labels, np.int64), np.asarray(vectors, np.float32)
        if not len(numbers):
            return
        if rows.shape != (len(numbers), self.dim):
            raise DimensionError(f"The index holds vectors of {self.dim} numbers, not {rows.shape}; index again.")
        rows, sound = normalize_rows(rows)
        with self._lock:
            self._snapshot = self._snapshot.add_rows(numbers[sound], rows)
            tell = not (sound.all() or self._refused)
            self._refused |= tell
        if tell:
            self._on_problem(
                "The model made vectors that are not finite unit vectors; their snippets can't be found "
                "by meaning. Use another model, or report this one."
            )

    def retire_labels(self, labels: npt.ArrayLike) -> None:
        """`labels` no longer answer; unknown ones are ignored."""
        with self._lock:
            self._snapshot = self._snapshot.retire_labels(np.asarray(labels, np.int64))

    def compact(self) -> None:
        """Let go of retired labels' rows, once there are so many that it is worth a copy of the others."""
        with self._lock:
            if self._snapshot.tombstones() > self._tuning.waste * len(self._snapshot.matrix):
                self._snapshot = self._snapshot.compact()

    def search(
        self, query: npt.ArrayLike, k: int, allowed: npt.ArrayLike | None = None
    ) -> tuple[LabelArray, FloatArray]:
        """The `k` labels nearest to `query` (dim,) by cosine; with `allowed` (n,), of those alone.

        → labels int64 (m,) and cosines float32 (m,), best first, equal cosines by label; m > k where several are as
        near as the last one. Empty for a query without a direction. Raises DimensionError where the query is of another
        dimension.
        """
        units, sound = self._directions(np.asarray(query, np.float32)[None])
        snapshot, k = self._snapshot, k if sound[0] else 0
        if allowed is not None:
            rows = np.unique(snapshot.matrix.find_rows(np.asarray(allowed, np.int64)))
            return snapshot.matrix.find_nearest(units[0], k, rows[rows >= 0])
        return self._by_graph(snapshot, units[0], k) or snapshot.matrix.find_nearest(units[0], k)

    def search_many(self, queries: npt.ArrayLike, k: int) -> tuple[LabelArray, FloatArray]:
        """The exact answers to `queries` (q, dim): labels int64 and cosines float32, both (q, m), m = min(k, len).

        A query without a direction has labels -1 and cosines 0.
        """
        units, sound = self._directions(np.asarray(queries, np.float32))
        labels, cosines = self._snapshot.matrix.find_nearest_many(units, k)
        labels[~sound], cosines[~sound] = -1, 0
        return labels, cosines

    def describe_search(self) -> str:
        """How vectors are searched now, for a person."""
        snapshot = self._snapshot
        if snapshot.graph is not None:
            return f"graph (hnswlib): {len(snapshot):,} vectors"
        because = self._exact_because if len(snapshot) >= self._tuning.least_rows else ""
        return f"exact: {because or f'{len(snapshot):,} vectors'}"

    def maintain_graph(self) -> None:
        """Have the graph loaded, built or built again in the background, where that is due; returns at once.

        To be called when the vectors will stay for a while as they are: after start, after a bulk, when idle.
        """
        with self._lock:
            if not (self._tending and self._tending.is_alive()) and self._next_step() is not None:
                self._tending = threading.Thread(target=self._tend, name="codekin-graph", daemon=True)
                self._tending.start()

    def wait_for_graph(self, timeout_s: float | None = None) -> bool:
        """Wait for what `maintain` began → whether it is done."""
        thread = self._tending
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def interrupt(self) -> None:
        """Have what runs in the background end soon; returns at once."""
        with self._lock:
            self._closed = True
        self._builder.stop()

    def close(self) -> None:
        """Stop what runs in the background. May be called twice; what is in memory still answers."""
        self.interrupt()
        if self._tending is not threading.current_thread():
            self.wait_for_graph()

    def _directions(self, queries: FloatArray) -> tuple[FloatArray, BoolArray]:
        if queries.ndim != 2 or queries.shape[1] != self.dim:
            raise DimensionError(f"The index holds vectors of {self.dim} numbers, the query is {queries.shape}.")
        return normalize_queries(queries)

    def _by_graph(self, snapshot: Snapshot, query: FloatArray, k: int) -> tuple[LabelArray, FloatArray] | None:
        if k <= 0 or snapshot.graph is None:
            return None
        try:
            return snapshot.search_graph(query, k, self._tuning.widest)
        except Exception as error:  # noqa: BLE001 (hnswlib's exceptions are of no kind in particular)
            self._distrust(snapshot, error)
            return None

    def _distrust(self, snapshot: Snapshot, error: Exception) -> None:
        """Search exactly from now on, instead of with the graph that raised `error`, until there is a new one."""
        with self._lock:
            if self._snapshot.graph is not snapshot.graph:
                return  # another thread met the same
            self._snapshot = self._snapshot.with_graph(None)
            self._faults += 1
        if self._faults >= _TRIES:
            self._give_up(f"hnswlib failed again ({error})")
        else:
            self._on_problem(f"hnswlib failed ({error}). The graph is built again; nothing is lost.")
            self.maintain_graph()

    def _tend(self) -> None:
        while True:
            with self._lock:
                step = self._next_step()
                if step is None:
                    self._tending = None
                    return
            step()

    def _next_step(self) -> Callable[[], None] | None:
        """What is to be done in the background now."""
        snapshot = self._snapshot
        if self._closed:
            return None
        if snapshot.graph is not None and len(snapshot) < self._tuning.least_rows // 2:
            return self._drop
        if self._path is None or self._exact_because or len(snapshot) < self._tuning.least_rows:
            return None
        return partial(self._renew, self._path) if snapshot.waste() > self._tuning.waste else None

    def _drop(self) -> None:
        with self._lock:
            self._snapshot = self._snapshot.with_graph(None)

    def _renew(self, path: Path) -> None:
        if why := find_unavailable_reason():
            self._give_up(why)
        elif _identity(path) in (None, self._seen):
            self._build(path)
        else:  # from the last time; or another server of this workspace has just built it
            self._load(path)

    def _load(self, path: Path) -> None:
        self._seen = _identity(path)
        try:
            self._adopt(path)
        except Exception as error:  # noqa: BLE001 (nothing that a file can hold may end the server)
            why = f"is {error}" if isinstance(error, UnsoundGraphError) else f"can't be read: {error}"
            self._on_problem(f"The graph {path} {why}. It is built again; nothing is lost.")

    def _build(self, path: Path) -> None:
        folder = None
        try:
            folder = make_build_folder(path)
            built = self._builder.run_until_built(folder, self._snapshot.matrix, self._order)
            self._adopt(built)
            self._deaths = 0
            publish_graph(built, path)
            self._seen = _identity(path)
        except Exception as error:  # noqa: BLE001 (a full disk, a killed process: whatever it is, exact search goes on)
            self._deaths += 1
            if self._deaths >= _TRIES and not self._closed:
                self._give_up(f"the graph can't be built ({error})")
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _adopt(self, path: Path) -> None:
        graph = load_graph(path, self._order.key, self.dim)
        self._snapshot.check_graph(graph)
        with self._lock:
            self._snapshot = self._snapshot.with_graph(graph)

    def _give_up(self, why: str) -> None:
        self._exact_because = why
        self._on_problem(f"Search by meaning is slower than it could be: {why}. Restart codekin to try again.")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells one file at `path` from the next; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns
