"""What one search sees: a matrix, and perhaps a graph over some of its rows. Replaced as a whole, never changed."""

from dataclasses import dataclass, field, replace

import numpy as np

from codekin.vectors.hnsw import HnswGraph, UnsoundGraphError, choose_search_width
from codekin.vectors.matrix import BoolArray, FloatArray, LabelArray, Matrix

_SAMPLE = 64
_LOST = 4  # so many of the sample may be beyond reach: HNSW's recall is not 1
_SAME = 0.999  # cosine of a vector with itself, as both went through float16


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Searchable rows. Whatever is in the graph but not among the rows, or a tombstone there, never answers."""

    matrix: Matrix
    graph: HnswGraph | None = None
    graphed: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))  # (n,), by row: is it in the graph

    def __len__(self) -> int:
        """How many rows answer."""
        return int(np.count_nonzero(self.matrix.live))

    def tombstones(self) -> int:
        """How many rows are there in vain."""
        return len(self.matrix) - len(self)

    def add_rows(self, labels: LabelArray, vectors: FloatArray) -> "Snapshot":
        """With unit `vectors` under `labels`, as `Matrix.added`; new rows are outside the graph, or known to it."""
        matrix = self.matrix.add_rows(labels, vectors)
        new = _held(self.graph, matrix.labels[len(self.graphed) :])
        return replace(self, matrix=matrix, graphed=np.concatenate([self.graphed, new]))

    def retire_labels(self, labels: LabelArray) -> "Snapshot":
        """With `labels` made tombstones."""
        return replace(self, matrix=self.matrix.retire_labels(labels))

    def compact(self) -> "Snapshot":
        """Without the tombstones' rows."""
        return replace(self, matrix=self.matrix.compact(), graphed=self.graphed[self.matrix.live])

    def with_graph(self, graph: HnswGraph | None) -> "Snapshot":
        """With that graph over such of its labels as have a row."""
        return replace(self, graph=graph, graphed=_held(graph, self.matrix.labels))

    def waste(self) -> float:
        """Rows that the graph lacks, and labels that it has in vain, as a share of it; 1 without a graph."""
        if self.graph is None:
            return 1.0
        return (len(self) + len(self.graph) - 2 * self._reachable()) / len(self.graph)

    def search_graph(self, query: FloatArray, k: int, widest: float) -> tuple[LabelArray, FloatArray] | None:
        """`Matrix.top` of all rows, by the graph and by exact search of the rows outside it.

        None where exact search of all rows is the better way: no graph, or one so full of tombstones around `query`
        that more than the share `widest` of it would have to be ranked. Raises what hnswlib raises.
        """
        if self.graph is None:
            return None
        reachable = self._reachable()
        wanted = choose_search_width(self.graph.ef, k)
        width = wanted * len(self.graph) // max(1, reachable)
        while width <= widest * len(self.graph):
            rows = self.matrix.find_rows(self.graph.find_nearest(query, width))
            rows = rows[rows >= 0]
            rows = rows[self.matrix.live[rows]]
            if len(rows) >= min(wanted // 2, reachable):
                outside = np.flatnonzero(~self.graphed & self.matrix.live)
                return self.matrix.rank_rows(
                    query, np.concatenate([rows, self.matrix.find_nearest_rows(query, k, outside)]), k
                )
            width *= 4  # tombstones crowd around this query
        return None

    def _reachable(self) -> int:
        """How many rows the graph can answer with."""
        return int(np.count_nonzero(self.graphed & self.matrix.live))

    def check_graph(self, graph: HnswGraph) -> None:
        """Ask `graph` for vectors that we know by its labels.

        Raises UnsoundGraphError where they don't find themselves, or what hnswlib raises.
        """
        known = np.flatnonzero(graph.contains_labels(self.matrix.labels))
        sample = known[np.linspace(0, len(known) - 1, min(_SAMPLE, len(known))).astype(np.int64)]
        lost = 0
        for vector in self.matrix.gather_rows(sample):
            found = self.matrix.find_rows(graph.find_nearest(vector, graph.ef))
            _, cosines = self.matrix.rank_rows(vector, found[found >= 0], 1)
            lost += not (len(cosines) and cosines[0] >= _SAME)
        if lost > _LOST or not len(known):
            raise UnsoundGraphError("of other vectors than ours")


def _held(graph: HnswGraph | None, labels: LabelArray) -> BoolArray:
    return graph.contains_labels(labels) if graph else np.zeros(len(labels), np.bool_)
