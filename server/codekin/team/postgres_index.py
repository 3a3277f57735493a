"""A shared index in PostgreSQL with pgvector: halfvec, HNSW, and a GIN index over arrays of hashed words."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from codekin.errors import TeamError
from codekin.team.postgres_graphs import (
    ContentCounts,
    allow,
    build_graph,
    find_open_segment,
    has_many_open,
    list_graphs,
    make_nearest,
)
from codekin.team.postgres_schema import (
    INGEST_LOCK,
    SQL_TYPES,
    check_connection,
    configure_connection,
    make_where,
    name_contents,
    prepare_database,
    to_sql,
)
from codekin.team.shared_index import INGEST_RUNS, SetFilter, SharedCandidate, SharedContent
from codekin.team.tables import TABLES, ColumnType, Conditions, Row, Table

_MAX_CONNECTIONS = 8
_CONNECT_TIMEOUT_S = 10.0
_REMEDY = "Is the server running, and are address, user and password right?"


class PostgresIndex:
    """The shared index in one PostgreSQL database. Safe on any thread."""

    def __init__(self, uri: str) -> None:
        """Open a pool of connections; create extension and tables where they are missing. Raises TeamError."""
        parts = urlsplit(uri)
        self._counts = ContentCounts()
        self._address = f"{parts.hostname or 'local socket'}{parts.path}"
        try:
            with psycopg.connect(uri, connect_timeout=int(_CONNECT_TIMEOUT_S), autocommit=True) as connection:
                self._version = prepare_database(connection)
            self._pool = ConnectionPool(
                uri,
                open=True,
                min_size=1,
                max_size=_MAX_CONNECTIONS,
                timeout=_CONNECT_TIMEOUT_S,
                configure=configure_connection,
                check=check_connection,  # a server that was started again costs no question
            )
        except psycopg.Error as error:
            raise TeamError(f"PostgreSQL at {self._address}: {_to_line(error)}. {_REMEDY}") from error

    @property
    def description(self) -> str:
        """Return engine, version and address, without credentials."""
        return f"PostgreSQL {self._version} at {self._address}"

    def upsert(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows to a table, replacing those with the same key."""
        if not rows:
            return
        columns = [sql.Identifier(name) for name in table.columns]
        types = [SQL_TYPES[column_type] for column_type in table.columns.values()]
        kinds = list(table.columns.items())
        values = {
            row[table.key]: tuple(UUID(str(row[name])) if kind is ColumnType.KEY else row[name] for name, kind in kinds)
            for row in rows
        }
        self._copy_and_merge(table.name, columns, types, list(values.values()))

    def select(self, table: Table, conditions: Conditions | None = None, limit: int | None = None) -> list[Row]:
        """Return a table's rows that meet all conditions, at most `limit`, in no particular order."""
        where, values = make_where(table, conditions or {})
        statement = sql.SQL("SELECT {} FROM {} {} {}").format(
            sql.SQL(", ").join(map(sql.Identifier, table.columns)),
            sql.Identifier(table.name),
            where,
            sql.SQL("" if limit is None else f"LIMIT {int(limit)}"),
        )
        keys = [column_type is ColumnType.KEY for column_type in table.columns.values()]
        return [
            {
                name: value.hex if is_key else value
                for name, value, is_key in zip(table.columns, record, keys, strict=True)
            }
            for record in self._fetch(statement, values)
        ]

    def delete(self, table: Table, conditions: Conditions) -> None:
        """Delete a table's rows that meet all conditions."""
        where, values = make_where(table, conditions)
        self._execute(sql.SQL("DELETE FROM {} {}").format(sql.Identifier(table.name), where), values)

    def open_space(self, space: str, dim: int) -> None:
        """Create the table of the space's contents where it is missing. Raises TeamError for another dimension."""
        name = name_contents(space)
        create = f"""CREATE TABLE IF NOT EXISTS {name} (id uuid PRIMARY KEY, set_id bigint NOT NULL,
            vector halfvec({int(dim)}) NOT NULL, words int[] NOT NULL, weight real NOT NULL,
            segment int NOT NULL)"""
        self._execute(to_sql(create))
        for column in ("set_id", "segment"):
            self._execute(to_sql(f"CREATE INDEX IF NOT EXISTS {name}_{column} ON {name} ({column})"))
        statement = "SELECT atttypmod FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'vector'"
        ((stored_dim,),) = self._fetch(to_sql(statement), [name])
        if stored_dim != dim:
            raise TeamError(f"The shared index has vectors of {stored_dim} numbers, the model {dim}. Use its model.")

    def drop_space(self, space: str) -> None:
        """Delete the table of the space's contents, if there is one."""
        self._execute(to_sql(f"DROP TABLE IF EXISTS {name_contents(space)}"))

    def put_contents(self, space: str, contents: Sequence[SharedContent]) -> None:
        """Write contents into the space, replacing those with the same id."""
        columns = [sql.Identifier(name) for name in ("id", "set_id", "vector", "words", "weight", "segment")]
        segment = self._find_open_segment(space)
        values = {
            content.id: (
                UUID(content.id),
                content.set_id,
                HalfVector(content.vector),
                list(content.words),
                content.weight,
                segment,
            )
            for content in contents
        }
        types = ["uuid", "int8", "halfvec", "int4[]", "float4", "int4"]
        self._copy_and_merge(name_contents(space), columns, types, list(values.values()))

    def filter_known(self, space: str, ids: Collection[str]) -> set[str]:
        """Return which of these content ids the space has."""
        statement = f"SELECT id FROM {name_contents(space)} WHERE id = ANY(%s::uuid[])"
        return {record[0].hex for record in self._fetch(to_sql(statement), [list(ids)])}

    def get_vectors(self, space: str, ids: Collection[str], allowed: SetFilter) -> dict[str, NDArray[np.floating]]:
        """Return content id → stored vector, of those of these contents that are in allowed sets."""
        statement = f"SELECT id, vector FROM {name_contents(space)} WHERE id = ANY(%s::uuid[]) AND {allow(allowed)}"
        records = self._fetch(to_sql(statement), [list(ids), list(allowed.ids)])
        return {record[0].hex: record[1].to_numpy() for record in records}

    def list_contents(self, space: str, set_ids: Collection[int]) -> set[str]:
        """Return the ids of the space's contents that have one of these repository sets."""
        statement = f"SELECT id FROM {name_contents(space)} WHERE set_id = ANY(%s::bigint[])"
        return {record[0].hex for record in self._fetch(to_sql(statement), [list(set_ids)])}

    def assign_sets(self, space: str, set_ids: Mapping[str, int]) -> None:
        """Store the repository set of each of these contents; those that the space lacks are ignored."""
        segment = self._find_open_segment(space)  # else a graph would have to take it in again
        statement = f"""UPDATE {name_contents(space)} AS contents SET set_id = given.set_id, segment = {segment}
            FROM unnest(%s::uuid[], %s::bigint[]) AS given(id, set_id)
            WHERE contents.id = given.id AND contents.set_id <> given.set_id"""
        self._execute(to_sql(statement), [list(set_ids.keys()), list(set_ids.values())])

    def delete_contents(self, space: str, ids: Collection[str]) -> None:
        """Delete these contents from the space."""
        self._execute(to_sql(f"DELETE FROM {name_contents(space)} WHERE id = ANY(%s::uuid[])"), [list(ids)])

    def count_contents(self, space: str) -> int:
        """Return the number of contents in the space: counted, or above 100,000 the planner's estimate."""
        name = name_contents(space)
        ((estimate,),) = self._fetch(to_sql("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"), [name])
        if estimate > 100_000:
            return int(estimate)
        return int(self._fetch(to_sql(f"SELECT count(*) FROM {name}"))[0][0])

    def sample_words(self, space: str, count: int) -> list[tuple[int, ...]]:
        """Return a tuple of hashed words for each of at most `count` contents, from random table blocks."""
        share = min(100.0, 130.0 * count / max(self.count_contents(space), 1))
        statement = f"SELECT words FROM {name_contents(space)} TABLESAMPLE SYSTEM ({share:f}) LIMIT {int(count)}"
        return [tuple(record[0]) for record in self._fetch(to_sql(statement))]

    def search_vectors(
        self, space: str, vector: NDArray[np.floating], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` nearest contents of allowed sets by cosine, best first; approximate unless few are allowed."""
        table = name_contents(space)
        with self._connect() as connection:
            graphs = list_graphs(connection, table)
            if self._counts.has_few(connection, table, allowed):
                parts, nearest = 1, f"SELECT id, vector <#> %s AS distance FROM {table} WHERE {allow(allowed)}"
            else:
                parts, nearest = len(graphs) + 1, make_nearest(table, graphs, allow(allowed), k)
            statement = f"""WITH near AS MATERIALIZED ({nearest}) SELECT id, -distance FROM near
                ORDER BY distance, id LIMIT {int(k)}"""
            values = [HalfVector(vector), list(allowed.ids)] * parts
            records = connection.execute(to_sql(statement), values, binary=True).fetchall()
        return [SharedCandidate(record[0].hex, float(record[1])) for record in records]

    def search_words(
        self, space: str, weights: Mapping[int, float], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` best of allowed sets' contents by BM25: summed `weights` of words it has × its own weight."""
        statement = f"""SELECT id, words, weight * (
                SELECT sum(given.weight) FROM unnest(%s::int[], %s::real[]) AS given(word, weight)
                WHERE given.word = ANY(words)) AS score
            FROM {name_contents(space)} WHERE words && %s::int[] AND {allow(allowed)}
            ORDER BY score DESC, id LIMIT {int(k)}"""
        words = list(weights)
        records = self._fetch(to_sql(statement), [words, list(weights.values()), words, list(allowed.ids)])
        return [SharedCandidate(record[0].hex, float(record[2]), tuple(record[1])) for record in records]

    def needs_optimizing(self, space: str) -> bool:
        """Return whether over 5,000 of the space's contents are in no graph, as after an ingest that was killed."""
        table = name_contents(space)
        with self._connect() as connection:
            return has_many_open(connection, table, list_graphs(connection, table))

    def optimize(self, space: str) -> None:
        """Build the space's word index if missing, and a graph of over 5,000 contents in none; ANALYZE all tables."""
        name = name_contents(space)
        with self._connect() as connection, connection.transaction():
            connection.execute(to_sql(f"CREATE INDEX IF NOT EXISTS {name}_words ON {name} USING gin (words)"))
            build_graph(connection, name)
        for table_name in (name, *(table.name for table in TABLES)):
            self._execute(to_sql(f"ANALYZE {table_name}"))

    @contextmanager
    def lock_ingest(self) -> Iterator[None]:
        """Context that holds an advisory lock of the database. Raises TeamError if it is held already."""
        with self._connect() as connection:
            ((is_locked,),) = connection.execute(to_sql("SELECT pg_try_advisory_lock(%s)"), [INGEST_LOCK]).fetchall()
            if not is_locked:
                raise TeamError(INGEST_RUNS)
            try:
                yield
            finally:
                with suppress(psycopg.Error):  # the connection's end releases it, too
                    connection.execute(to_sql("SELECT pg_advisory_unlock(%s)"), [INGEST_LOCK])

    def close(self) -> None:
        """Close the pool with all its connections."""
        self._pool.close()

    @contextmanager
    def _connect(self) -> Iterator[psycopg.Connection[Any]]:
        """Context with a connection of the pool; PostgreSQL's errors become TeamError with a remedy."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise TeamError(f"PostgreSQL at {self._address} can't be reached. {_REMEDY}") from error
        except psycopg.Error as error:
            raise TeamError(f"PostgreSQL at {self._address}: {_to_line(error)}. {_REMEDY}") from error

    def _find_open_segment(self, space: str) -> int:
        """Return the segment that new contents belong to."""
        with self._connect() as connection:
            return find_open_segment(list_graphs(connection, name_contents(space)))

    def _fetch(self, statement: sql.Composable, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return all its rows."""
        with self._connect() as connection:
            rows: list[tuple[Any, ...]] = connection.execute(statement, values or None, binary=True).fetchall()
            return rows

    def _execute(self, statement: sql.Composable, values: Sequence[Any] = ()) -> None:
        """Run a statement that returns nothing."""
        with self._connect() as connection:
            connection.execute(statement, values or None)

    def _copy_and_merge(
        self, table_name: str, columns: Sequence[sql.Identifier], types: Sequence[str], values: Sequence[Any]
    ) -> None:
        """Write rows by way of a temporary table, in one transaction; rows with the same key are replaced."""
        names = sql.SQL(", ").join(columns)
        updates = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in columns[1:])
        format_sql = partial(sql.SQL.format, table=sql.Identifier(table_name), names=names, updates=updates)
        create = "CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0"
        merge = """INSERT INTO {table} ({names}) SELECT {names} FROM incoming
            ON CONFLICT ({key}) DO UPDATE SET {updates}"""
        with self._connect() as connection, connection.transaction():
            connection.execute(format_sql(sql.SQL(create)))
            with connection.cursor().copy(sql.SQL("COPY incoming FROM STDIN (FORMAT BINARY)")) as copy:
                copy.set_types(list(types))
                for row in values:
                    copy.write_row(row)
            connection.execute(format_sql(sql.SQL(merge), key=columns[0]))


def _to_line(error: Exception) -> str:
    """Return the first line of an error's text, without a full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
