"""Dense search: the vectors of one space in this process, derived from the store. Losing them costs a rebuild."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.errors import DimensionError
from codekin.vectors.hnsw import UnsoundGraphError, find_unavailable_reason, load_graph, publish_graph
from codekin.vectors.hnsw_builder import GraphBuilder, GraphOrder, open_build_folder, remove_abandoned_builds
from codekin.vectors.matrix import BoolArray, FloatArray, LabelArray, Matrix, normalize_queries, normalize_rows
from codekin.vectors.row_blocks import PackedRows, round_rows
from codekin.vectors.snapshot import Snapshot

_MAX_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class GraphTuning:
    """Limits that decide when a graph is built and used."""

    min_rows: int = 100_000  # exact search of fewer takes 8 ms at most (384 numbers each), no further memory
    max_waste: float = 0.3  # rows that a graph lacks, and labels without a row, as a share of it, before it is rebuilt
    max_width_share: float = 1 / 32  # candidates as a share of the graph; beyond it, exact search is as fast


class DenseIndex:
    """Searchable unit vectors of one space, in memory. Thread-safe."""

    def __init__(
        self,
        dim: int,
        graph_path: Path | None,
        key: str,
        *,
        on_problem: Callable[[str], None],
        tuning: GraphTuning | None = None,
    ) -> None:
        """Make an empty index, removing abandoned builds of its graph; `graph_path` None: exact search only.

        What killed builds have left beside the file is removed.
        `on_problem` is called with each problem, as a sentence that names the remedy, from any thread.
        """
        self.dim = dim
        self._graph_path = graph_path
        self._order = GraphOrder(key, dim)
        self._on_problem = on_problem
        self._tuning = tuning or GraphTuning()
        self._lock = threading.RLock()  # held while the snapshot is replaced; searches need no lock
        self._snapshot = Snapshot(Matrix(dim))
        self._builder = GraphBuilder()
        self._maintenance: threading.Thread | None = None
        self._handled_file: tuple[int, int] | None = None  # the file that was last loaded, rejected or written
        self._build_failures = 0  # in a row
        self._search_failures = 0  # of graphs
        self._no_graph_reason = ""
        self._has_rejected_vectors = False
        self._is_closed = False
        if graph_path is not None:
            remove_abandoned_builds(graph_path)

    def __len__(self) -> int:
        return len(self._snapshot)

    def labels(self) -> LabelArray:
        """Return the live labels in ascending order: int64 (n,)."""
        matrix = self._snapshot.matrix
        return np.sort(matrix.labels[matrix.live])

    def find_vectors(self, labels: npt.ArrayLike) -> tuple[BoolArray, FloatArray]:
        """Return which of `labels` (n,) have a vector, live or not: bool (n,), and those vectors (m, dim)."""
        matrix = self._snapshot.matrix
        row_numbers = matrix.find_rows(np.asarray(labels, np.int64))
        return row_numbers >= 0, matrix.gather_rows(row_numbers[row_numbers >= 0])

    def has_labels(self, labels: npt.ArrayLike) -> BoolArray:
        """Return which of `labels` (n,) are live: bool (n,)."""
        matrix = self._snapshot.matrix
        row_numbers = matrix.find_rows(np.asarray(labels, np.int64))
        is_live = row_numbers >= 0
        is_live[is_live] = matrix.live[row_numbers[is_live]]
        return is_live

    def add_vectors(self, labels: npt.ArrayLike, vectors: npt.ArrayLike, *, rounded: bool = False) -> None:
        """Add unit `vectors` (n, dim) under `labels` (n,), leaving unsound rows out. Raises DimensionError.

        If `rounded`, to 16 bits a number, they take half the memory. Known labels keep their vectors; a retired one
        becomes live again. Rows that are not finite unit vectors are reported once.
        """
        numbers, unit_rows = np.asarray(labels, np.int64), np.asarray(vectors, np.float32)
        if not len(numbers):
            return
        if unit_rows.shape != (len(numbers), self.dim):
            raise DimensionError(f"The index holds vectors of {self.dim} numbers, not {unit_rows.shape}; index again.")
        unit_rows, is_sound = normalize_rows(unit_rows)
        with self._lock:
            self._snapshot = self._snapshot.add_rows(numbers[is_sound], round_rows(unit_rows) if rounded else unit_rows)
            must_report = not (is_sound.all() or self._has_rejected_vectors)
            self._has_rejected_vectors |= must_report
        if must_report:
            self._on_problem(
                "The model made vectors that are not finite unit vectors; their snippets can't be found "
                "by meaning. Use another model, or report this one."
            )

    def restore_rows(self, labels: LabelArray, rows: PackedRows) -> None:
        """Fill the empty index with unit rows (n, dim), shared, not copied, under ascending `labels` (n,)."""
        with self._lock:
            matrix = Matrix.from_packed_rows(labels, rows)
            self._snapshot = Snapshot(matrix, is_in_graph=np.zeros(len(labels), np.bool_))

    def retire_labels(self, labels: npt.ArrayLike) -> None:
        """Make `labels` tombstones, which no search returns; unknown labels are ignored."""
        with self._lock:
            self._snapshot = self._snapshot.retire_labels(np.asarray(labels, np.int64))

    def compact(self) -> None:
        """Drop the tombstones' rows, if they are a large enough share (30%) to be worth copying the others."""
        with self._lock:
            if self._snapshot.count_tombstones() > self._tuning.max_waste * len(self._snapshot.matrix):
                self._snapshot = self._snapshot.compact()

    def search(
        self, query: npt.ArrayLike, k: int, allowed: npt.ArrayLike | None = None
    ) -> tuple[LabelArray, FloatArray]:
        """Return the `k` live labels nearest to `query` (dim,), more if some tie, and cosines. Raises DimensionError.

        Best first, by the graph if there is one. The search is among `allowed` (n,) if given, then exactly. → labels
        int64 (m,) and cosines float32 (m,), equal cosines by label. Empty for a query without a direction.
        """
        unit_queries, has_direction = self._normalize(np.asarray(query, np.float32)[None])
        snapshot, k = self._snapshot, k if has_direction[0] else 0
        if allowed is not None:
            row_numbers = np.unique(snapshot.matrix.find_rows(np.asarray(allowed, np.int64)))
            return snapshot.matrix.find_nearest(unit_queries[0], k, row_numbers[row_numbers >= 0])
        graph_result = self._search_graph(snapshot, unit_queries[0], k)
        return graph_result or snapshot.matrix.find_nearest(unit_queries[0], k)

    def search_many(self, queries: npt.ArrayLike, k: int) -> tuple[LabelArray, FloatArray]:
        """Return the exact nearest of `queries` (q, dim), best first: labels and cosines (q, m). Raises DimensionError.

        m = min(k, number of live labels). A query without a direction has labels -1 and cosines 0.
        """
        unit_queries, has_direction = self._normalize(np.asarray(queries, np.float32))
        labels, cosines = self._snapshot.matrix.find_nearest_many(unit_queries, k)
        labels[~has_direction], cosines[~has_direction] = -1, 0
        return labels, cosines

    def describe_search(self) -> str:
        """Return how vectors are searched now, for display: "graph (hnswlib): …" or "exact: …"."""
        snapshot = self._snapshot
        if snapshot.graph is not None:
            return f"graph (hnswlib): {len(snapshot):,} vectors"
        reason = self._no_graph_reason if len(snapshot) >= self._tuning.min_rows else ""
        return f"exact: {reason or f'{len(snapshot):,} vectors'}"

    def maintain_graph(self) -> None:
        """Start loading, building or rebuilding the graph on a thread, if that is due; returns at once.

        Call it when the vectors will not change for a while: after the start, after bulk changes, when idle.
        """
        with self._lock:
            if not (self._maintenance and self._maintenance.is_alive()) and self._next_step() is not None:
                self._maintenance = threading.Thread(target=self._run_maintenance, name="codekin-graph", daemon=True)
                self._maintenance.start()

    def wait_for_graph(self, timeout_s: float | None = None) -> bool:
        """Wait for what `maintain_graph` began; return False if it isn't done within `timeout_s` (None: no limit)."""
        thread = self._maintenance
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def interrupt(self) -> None:
        """Kill a graph's building process and end other background work soon; none starts again. Returns at once."""
        with self._lock:
            self._is_closed = True
        self._builder.stop()

    def close(self) -> None:
        """Stop background work and wait for its end. May be called twice; vectors can still be searched."""
        self.interrupt()
        if self._maintenance is not threading.current_thread():
            self.wait_for_graph()

    def _normalize(self, queries: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return the queries at unit length, and a mask; those without a direction become 0. Raises DimensionError."""
        if queries.ndim != 2 or queries.shape[1] != self.dim:
            raise DimensionError(f"The index holds vectors of {self.dim} numbers, the query is {queries.shape}.")
        return normalize_queries(queries)

    def _search_graph(self, snapshot: Snapshot, query: FloatArray, k: int) -> tuple[LabelArray, FloatArray] | None:
        """Return the nearest by the graph; None if search must be exact. Discards and reports a graph that fails."""
        if k <= 0 or snapshot.graph is None:
            return None
        try:
            return snapshot.search_graph(query, k, self._tuning.max_width_share)
        except Exception as error:  # noqa: BLE001 (hnswlib's exceptions have no common class)
            self._discard_failed_graph(snapshot, error)
            return None

    def _discard_failed_graph(self, snapshot: Snapshot, error: Exception) -> None:
        """Drop the graph, report it and start a rebuild; after a second failure search exactly for good."""
        with self._lock:
            if self._snapshot.graph is not snapshot.graph:
                return  # another thread has discarded it
            self._snapshot = self._snapshot.with_graph(None)
            self._search_failures += 1
        if self._search_failures >= _MAX_ATTEMPTS:
            self._give_up(f"hnswlib failed again ({error})")
        else:
            self._on_problem(f"hnswlib failed ({error}). The graph is rebuilt; nothing is lost.")
            self.maintain_graph()

    def _run_maintenance(self) -> None:
        """Run maintenance steps on this thread until none is due."""
        while True:
            with self._lock:
                step = self._next_step()
                if step is None:
                    self._maintenance = None
                    return
            step()

    def _next_step(self) -> Callable[[], None] | None:
        """Return (don't run) the maintenance step that is due: drop or renew the graph; None if none is."""
        snapshot = self._snapshot
        if self._is_closed:
            return None
        if snapshot.graph is not None and len(snapshot) < self._tuning.min_rows // 2:
            return self._drop_graph
        if self._graph_path is None or self._no_graph_reason or len(snapshot) < self._tuning.min_rows:
            return None
        return (
            partial(self._renew_graph, self._graph_path) if snapshot.compute_waste() > self._tuning.max_waste else None
        )

    def _drop_graph(self) -> None:
        """Search exactly from now on: too few vectors are left for a graph."""
        with self._lock:
            self._snapshot = self._snapshot.with_graph(None)

    def _renew_graph(self, graph_path: Path) -> None:
        """Load the graph's file if it is new to this process, else build one; give up if hnswlib can't be used."""
        if reason := find_unavailable_reason():
            self._give_up(reason)
        elif _identify_file(graph_path) in (None, self._handled_file):
            self._build_graph(graph_path)
        else:  # left by an earlier run, or just built by another server of this workspace
            self._load_graph(graph_path)

    def _load_graph(self, graph_path: Path) -> None:
        """Load the graph's file and use it; an unsound or unreadable one is reported, to be rebuilt. Never raises."""
        self._handled_file = _identify_file(graph_path)
        try:
            self._use_graph(graph_path)
        except Exception as error:  # noqa: BLE001 (no content of a file may end the server)
            reason = f"is {error}" if isinstance(error, UnsoundGraphError) else f"can't be read: {error}"
            self._on_problem(f"The graph {graph_path} {reason}. It is rebuilt; nothing is lost.")

    def _build_graph(self, graph_path: Path) -> None:
        """Build a graph in another process, use and publish it; give up after two failures in a row. Never raises."""
        try:
            with open_build_folder(graph_path) as build_folder:
                built_path = self._builder.run_until_built(build_folder, self._snapshot.matrix, self._order)
                self._use_graph(built_path)
                self._build_failures = 0
                publish_graph(built_path, graph_path)
                self._handled_file = _identify_file(graph_path)
        except Exception as error:  # noqa: BLE001 (a full disk, a killed process: whatever it is, exact search continues)
            self._build_failures += 1
            if self._build_failures >= _MAX_ATTEMPTS and not self._is_closed:
                self._give_up(f"the graph can't be built ({error})")

    def _use_graph(self, graph_path: Path) -> None:
        """Load a graph, check it against the vectors in memory, and search by it. Raises UnsoundGraphError, others."""
        graph = load_graph(graph_path, self._order.key, self.dim)
        self._snapshot.check_graph(graph)
        with self._lock:
            self._snapshot = self._snapshot.with_graph(graph)

    def _give_up(self, reason: str) -> None:
        """Search exactly for the rest of this process's life, and report why to `on_problem`."""
        self._no_graph_reason = reason
        self._on_problem(f"Search by meaning is slower than it could be: {reason}. Restart codekin to try again.")


def _identify_file(graph_path: Path) -> tuple[int, int] | None:
    """Return (inode, time of change in ns), by which successive files at the path differ; None if there is none."""
    try:
        status = graph_path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
