"""HNSW graphs of a table in PostgreSQL, each over a range of its segments, so that an ingest extends no graph.

Contents are written into the open segment, which no graph covers: to take in one content costs a graph some ms. A
search compares all contents of the open segment with the query, and follows each graph. At the end of an ingest one
more graph is built, in place of the last ones that together are not much larger: each content is built O(log n) times.
Nothing but the graphs' names says which segments are closed, so that a kill at any moment leaves what is true.
"""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from codekin.team.postgres_schema import to_sql
from codekin.team.shared_index import SetFilter

MAX_OPEN_CONTENTS = 5_000  # up to as many, no graph is built: they are compared in some ms
MAX_COMPARED_CONTENTS = 40_000  # of a question's sets: of more, the graphs find the nearest sooner
_COUNT_LIFETIME_S = 60.0
_MAX_COUNTS = 1_000
_MAX_GROWTH = 2  # a graph is built again with new contents where it has at most so many times theirs
_BUILD_MEMORY = "1GB"
_GRAPH_OPTIONS = "m = 16, ef_construction = 100"


@dataclass(frozen=True, slots=True, order=True)
class Graph:
    """A graph over all contents of the segments `first` to `last`."""

    first: int
    last: int

    @property
    def condition(self) -> str:
        """Return the SQL condition for its contents, by which PostgreSQL knows that the graph has them."""
        return f"segment BETWEEN {int(self.first)} AND {int(self.last)}"

    def name(self, table: str) -> str:
        """Return the name of the graph's index."""
        return f"{table}_graph_{self.first}_{self.last}"


def list_graphs(connection: psycopg.Connection[Any], table: str) -> list[Graph]:
    """Return the table's graphs in order; their ranges have no gap."""
    statement = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND indisvalid"
    names = [name for (name,) in connection.execute(to_sql(statement), [table]).fetchall()]
    matches = (re.fullmatch(rf"{table}_graph_(\d+)_(\d+)", name) for name in names)
    return sorted(Graph(int(match[1]), int(match[2])) for match in matches if match)


def find_open_segment(graphs: Sequence[Graph]) -> int:
    """Return the number of the first segment that no graph has: new contents are written there."""
    return graphs[-1].last + 1 if graphs else 0


def has_many_open(connection: psycopg.Connection[Any], table: str, graphs: Sequence[Graph]) -> bool:
    """Return whether over 5,000 contents are in none of the table's graphs."""
    segment = find_open_segment(graphs)
    counted = f"SELECT 1 FROM {table} WHERE segment >= {segment} LIMIT {MAX_OPEN_CONTENTS + 1}"
    ((count,),) = connection.execute(to_sql(f"SELECT count(*) FROM ({counted}) AS counted")).fetchall()
    return int(count) > MAX_OPEN_CONTENTS


def build_graph(connection: psycopg.Connection[Any], table: str) -> None:
    """Build a graph of what is in none, with the last graphs' contents where these are few; run in a transaction.

    It does nothing where at most 5,000 contents are in no graph.
    """
    graphs = list_graphs(connection, table)
    if not has_many_open(connection, table, graphs):
        return
    segment = find_open_segment(graphs)
    counts = _count_segments(connection, table)
    size = sum(count for number, count in counts.items() if number >= segment)
    absorbed: list[Graph] = []
    while graphs:
        last_size = sum(counts.get(number, 0) for number in range(graphs[-1].first, graphs[-1].last + 1))
        if last_size > _MAX_GROWTH * size:
            break
        absorbed.append(graphs.pop())
        size += last_size
    graph = Graph(absorbed[-1].first if absorbed else segment, segment)
    connection.execute(to_sql(f"SET LOCAL maintenance_work_mem = '{_BUILD_MEMORY}'"))
    connection.execute(
        to_sql(
            f"CREATE INDEX {graph.name(table)} ON {table} USING hnsw (vector halfvec_ip_ops)"
            f" WITH ({_GRAPH_OPTIONS}) WHERE {graph.condition}"
        )
    )
    for former in absorbed:
        connection.execute(to_sql(f"DROP INDEX {former.name(table)}"))


class ContentCounts:
    """Knows which filters few contents meet: to count them takes a third of a question's time. Safe on any thread."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, SetFilter], tuple[float, bool]] = {}  # when, and whether they are few

    def has_few(self, connection: psycopg.Connection[Any], table: str, allowed: SetFilter) -> bool:
        """Return whether a filter had at most 40,000 contents some time in the last minute: all are compared then."""
        if allowed == SetFilter():
            return False
        counted_at, has_few = self._counted.get((table, allowed), (float("-inf"), False))
        now = time.monotonic()
        if now - counted_at < _COUNT_LIFETIME_S:
            return has_few
        statement = f"SELECT 1 FROM {table} WHERE {allow(allowed)} LIMIT {MAX_COMPARED_CONTENTS + 1}"
        counted = connection.execute(to_sql(f"SELECT count(*) FROM ({statement}) AS counted"), [list(allowed.ids)])
        has_few = int(counted.fetchall()[0][0]) <= MAX_COMPARED_CONTENTS
        if len(self._counted) >= _MAX_COUNTS:
            self._counted.clear()
        self._counted[table, allowed] = now, has_few
        return has_few


def allow(allowed: SetFilter) -> str:
    """Return the SQL condition that set_id is allowed; its one placeholder takes the filter's ids."""
    return "set_id <> ALL(%s::bigint[])" if allowed.is_excluded else "set_id = ANY(%s::bigint[])"


def make_nearest(table: str, graphs: Iterable[Graph], condition: str, k: int) -> str:
    """Return a SELECT of id and distance of candidates for the `k` nearest: `k` by each graph, and `k` in none.

    Each of its parts has two placeholders: the query's vector, and those of `condition`. The parts are as many as the
    graphs and one.
    """
    ordered = sorted(graphs)
    select = f"SELECT id, vector <#> %s AS distance FROM {table} WHERE"
    by_graph = [f"({select} {graph.condition} AND {condition} ORDER BY distance LIMIT {int(k)})" for graph in ordered]
    open_segment = find_open_segment(ordered)
    compared = f"({select} segment >= {open_segment} AND {condition} ORDER BY distance LIMIT {int(k)})"
    return " UNION ALL ".join([*by_graph, compared])


def _count_segments(connection: psycopg.Connection[Any], table: str) -> dict[int, int]:
    """Return segment → number of its contents."""
    rows = connection.execute(to_sql(f"SELECT segment, count(*) FROM {table} GROUP BY segment")).fetchall()
    return {int(segment): int(count) for segment, count in rows}
