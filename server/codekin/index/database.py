"""A SQLite file that any thread may use: a connection for each, errors that name the remedy."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from codekin.index import schema

T = TypeVar("T")


class Database:
    """One file, made where there is none."""

    def __init__(self, path: Path, migrations: tuple[str, ...]) -> None:
        self.path = path
        self._migrations = migrations
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._connection()

    def close(self) -> None:
        """Close every thread's connection; no call may be under way."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()

    def _query(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        with schema.errors_named(self.path):
            return self._connection().execute(statement, values).fetchall()

    def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with schema.errors_named(self.path):
            return ask(self._connection())

    def _in(self, statement: str, keys: Sequence[object], more: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        """All rows of a statement with `IN ({})`, however many keys there are."""
        with schema.errors_named(self.path):
            return list(schema.rows_in(self._connection(), statement, keys, more))

    def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """The change, whole or not at all."""
        connection = self._connection()
        with schema.errors_named(self.path), schema.transaction(connection):
            return change(connection)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None or self._local.inode != _inode(self.path):  # set aside, or deleted, by someone
            former, connection = connection, schema.connect(self.path, self._migrations)
            self._local.connection = connection
            self._local.inode = _inode(self.path)
            with self._lock:
                self._open.append(connection)
                if former is not None:
                    self._open.remove(former)
                    former.close()
        return connection


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
