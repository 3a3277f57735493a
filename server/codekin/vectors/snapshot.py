"""The immutable state that one search uses: a matrix, and perhaps a graph over some of its rows."""

from dataclasses import dataclass, field, replace

import numpy as np

from codekin.vectors.hnsw import HnswGraph, UnsoundGraphError, choose_search_width
from codekin.vectors.matrix import BoolArray, FloatArray, LabelArray, Matrix

_SAMPLE_ROWS = 64
_MAX_LOST_ROWS = 4  # of the sample that may not find themselves: HNSW's recall is below 1
_MIN_SAME_COSINE = 0.999  # of a vector with itself after rounding to float16


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Immutable searchable rows. A label of the graph that has no row, or a tombstone, is never returned."""

    matrix: Matrix
    graph: HnswGraph | None = None
    is_in_graph: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))  # (n,), by row

    def __len__(self) -> int:
        """Return the number of live rows."""
        return int(np.count_nonzero(self.matrix.live))

    def count_tombstones(self) -> int:
        """Return the number of rows that are tombstones."""
        return len(self.matrix) - len(self)

    def add_rows(self, labels: LabelArray, vectors: FloatArray) -> "Snapshot":
        """Return a snapshot with unit `vectors` (n, dim) added under `labels`; known labels stay, and become live."""
        matrix = self.matrix.add_rows(labels, vectors)
        is_added_in_graph = _find_graphed(self.graph, matrix.labels[len(self.is_in_graph) :])
        return replace(self, matrix=matrix, is_in_graph=np.concatenate([self.is_in_graph, is_added_in_graph]))

    def retire_labels(self, labels: LabelArray) -> "Snapshot":
        """Return a snapshot in which the rows of `labels` are tombstones."""
        return replace(self, matrix=self.matrix.retire_labels(labels))

    def compact(self) -> "Snapshot":
        """Return a snapshot without the tombstones' rows."""
        return replace(self, matrix=self.matrix.compact(), is_in_graph=self.is_in_graph[self.matrix.live])

    def with_graph(self, graph: HnswGraph | None) -> "Snapshot":
        """Return a snapshot with this graph (None: without one), for those of its labels that have a row."""
        return replace(self, graph=graph, is_in_graph=_find_graphed(graph, self.matrix.labels))

    def compute_waste(self) -> float:
        """Return rows that the graph lacks plus its labels without a row, as a share of the graph; 1 without one."""
        if self.graph is None:
            return 1.0
        return (len(self) + len(self.graph) - 2 * self._count_reachable()) / len(self.graph)

    def search_graph(self, query: FloatArray, k: int, max_width_share: float) -> tuple[LabelArray, FloatArray] | None:
        """Return labels and cosines of the `k` nearest rows, by the graph; None if exact search is better.

        Rows outside the graph are searched exactly. Exact search of all rows is better without a graph, or if there are
        so many tombstones around `query` that more than `max_width_share` of the graph would have to be ranked. It
        raises what hnswlib raises.
        """
        if self.graph is None:
            return None
        reachable_count = self._count_reachable()
        min_width = choose_search_width(self.graph.ef, k)
        search_width = min_width * len(self.graph) // max(1, reachable_count)
        while search_width <= max_width_share * len(self.graph):
            row_numbers = self.matrix.find_rows(self.graph.find_nearest(query, search_width))
            row_numbers = row_numbers[row_numbers >= 0]
            row_numbers = row_numbers[self.matrix.live[row_numbers]]
            if len(row_numbers) >= min(min_width // 2, reachable_count):
                outside_graph = np.flatnonzero(~self.is_in_graph & self.matrix.live)
                outside_rows = self.matrix.find_nearest_rows(query, k, outside_graph)
                return self.matrix.rank_rows(query, np.concatenate([row_numbers, outside_rows]), k)
            search_width *= 4  # there are many tombstones around this query
        return None

    def _count_reachable(self) -> int:
        """Return the number of live rows in the graph."""
        return int(np.count_nonzero(self.is_in_graph & self.matrix.live))

    def check_graph(self, graph: HnswGraph) -> None:
        """Search `graph` for up to 64 rows. Raises UnsoundGraphError if more than 4 don't find themselves.

        It also raises what hnswlib raises.
        """
        shared_rows = np.flatnonzero(graph.contains_labels(self.matrix.labels))
        sample = shared_rows[np.linspace(0, len(shared_rows) - 1, min(_SAMPLE_ROWS, len(shared_rows))).astype(np.int64)]
        lost_count = 0
        for vector in self.matrix.gather_rows(sample):
            found_rows = self.matrix.find_rows(graph.find_nearest(vector, graph.ef))
            _, cosines = self.matrix.rank_rows(vector, found_rows[found_rows >= 0], 1)
            lost_count += not (len(cosines) and cosines[0] >= _MIN_SAME_COSINE)
        if lost_count > _MAX_LOST_ROWS or not len(shared_rows):
            raise UnsoundGraphError("of other vectors than the index has")


def _find_graphed(graph: HnswGraph | None, labels: LabelArray) -> BoolArray:
    """Return which of `labels` are in the graph: bool (n,)."""
    return graph.contains_labels(labels) if graph else np.zeros(len(labels), np.bool_)
