"""PostgreSQL's tables for a shared index, how rows are chosen, and how connections are set up."""

import hashlib
import selectors
from typing import Any, LiteralString

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg_pool import ConnectionPool

from codekin.team.tables import TABLES, ColumnType, Conditions, Table

SQL_TYPES = {ColumnType.KEY: "uuid", ColumnType.INTEGER: "bigint", ColumnType.TEXT: "text"}
INGEST_LOCK = 0x636F64656B696E  # "codekin": the advisory lock of whoever ingests
_EF_SEARCH = 300
_MAX_SCANNED = 40_000  # tuples of the graph that a filtered search may visit


def prepare_database(connection: psycopg.Connection[Any]) -> str:
    """Create extension, tables and indexes where missing; return one text with server's and extension's version.

    Raises psycopg.Error.
    """
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(%s)", [INGEST_LOCK + 1]
        )  # CREATE IF NOT EXISTS alone may collide
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for table in TABLES:
            columns = ", ".join(f"{name} {SQL_TYPES[kind]} NOT NULL" for name, kind in table.columns.items())
            connection.execute(
                to_sql(f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({table.key}))")
            )
            for column in table.lookups:
                index_name = f"{table.name}_{column}"
                connection.execute(to_sql(f"CREATE INDEX IF NOT EXISTS {index_name} ON {table.name} ({column})"))
    ((vector_version,),) = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchall()
    server_version = connection.info.server_version
    return f"{server_version // 10_000}.{server_version % 10_000}, pgvector {vector_version}"


def configure_connection(connection: psycopg.Connection[Any]) -> None:
    """Set a new connection of the pool to autocommit, vector types and the graph search's limits."""
    connection.autocommit = True
    register_vector(connection)
    connection.execute(to_sql(f"SET hnsw.ef_search = {_EF_SEARCH}"))
    connection.execute(to_sql("SET plan_cache_mode = force_custom_plan"))
    connection.execute(to_sql("SET hnsw.iterative_scan = 'relaxed_order'"))
    connection.execute(to_sql(f"SET hnsw.max_scan_tuples = {_MAX_SCANNED}"))


def check_connection(connection: psycopg.Connection[Any]) -> None:
    """Raise psycopg.OperationalError where the server has closed an idle connection, as when it was started again.

    The socket of a closed connection is readable; only then is the server asked, as that takes a round trip. What a
    dead network swallows is not noticed here.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        is_readable = bool(selector.select(0))
    if is_readable:
        ConnectionPool.check_connection(connection)


def to_sql(statement: LiteralString | str) -> sql.SQL:
    """Wrap a statement as psycopg's SQL, unescaped: it must consist of this module's own words, never of values."""
    return sql.SQL(statement)  # type: ignore[arg-type, unused-ignore]


def make_where(table: Table, conditions: Conditions) -> tuple[sql.Composable, list[Any]]:
    """Return (SQL WHERE clause with placeholders, list of their values); an empty clause without conditions."""
    if not conditions:
        return sql.SQL(""), []
    parts = [
        sql.SQL("{} = ANY({}::{})").format(
            sql.Identifier(column),
            sql.Placeholder(),
            to_sql(SQL_TYPES[table.columns[column]] + "[]"),
        )
        for column in conditions
    ]
    return sql.SQL("WHERE ") + sql.SQL(" AND ").join(parts), [list(values) for values in conditions.values()]


def name_contents(space: str) -> str:
    """Return the name of the table of a space's contents, made of a hash of the space's name."""
    return "contents_" + hashlib.blake2b(space.encode(), digest_size=6).hexdigest()
