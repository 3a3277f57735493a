"""The files of a workspace's store and of the shared vectors: how they are opened and migrated.

Two kinds of SQLite file, in WAL mode and private to the user (0600 in a 0700 folder): one store per workspace (files,
snippets, full text of the distinct contents), and one file of vectors per user, keyed by (space, content hash).
"""

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.errors import StoreError, StoreReadOnlyError
from codekin.storage.migrations import STORE_MIGRATIONS as STORE_MIGRATIONS
from codekin.storage.migrations import VECTOR_MIGRATIONS as VECTOR_MIGRATIONS
from codekin.storage.store_errors import MALFORMED, is_corrupt, translate_errors
from codekin.storage.store_files import NO_FILE, FileId, file_ids, guard_database, make_private, move_aside

logger = logging.getLogger(__name__)

_BUSY_TIMEOUT_S = 30.0
_BUSY_STEP_S = 0.5  # how soon a call that waits for the write lock notices an interrupt
CACHE_BYTES = 8 << 20  # of all connections of a process together; one that reads alone may take all of it
_NEVER_INTERRUPTED = threading.Event()
_MAX_VERSION = 1_000  # a higher number is not a version but a damaged header
_KEYS_PER_STATEMENT = 500  # bound variables; old SQLite builds allow 999


@dataclass(frozen=True, slots=True, eq=False)
class OpenFile:
    """An open connection and the identities of its files; for one thread at a time."""

    connection: sqlite3.Connection
    file_ids: tuple[FileId, FileId, FileId]  # of the database, its write-ahead log and the log's index
    is_read_only: bool

    def is_current(self, current_ids: tuple[FileId, FileId, FileId]) -> bool:
        """Return whether the open files are those now at the path; of a read-only one, only the database counts."""
        if self.is_read_only:
            return self.file_ids[0] == current_ids[0] != NO_FILE
        return self.file_ids == current_ids and NO_FILE not in current_ids

    def close(self) -> None:
        """Close the connection; SQLite writes the log back into the database if no other connection is open."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("SELECT 1")  # takes a pending interrupt, which would stop the write-back
        self.connection.close()


def open_database(database_path: Path, migrations: tuple[str, ...]) -> OpenFile:
    """Open a database, created, migrated or (corrupt) replaced; read-only if it can't be written. Raises StoreError.

    It is opened read-only if the file or its folder is. A corrupt file is moved aside (`*.corrupt`) and a new one is
    created: everything in it can be derived again. StoreError means that the folder can't be written, or that a newer
    codekin wrote the file.
    """
    with translate_errors(database_path):
        if database_path.is_file() and not is_writable(database_path):
            return _connect_read_only(database_path, migrations)
        with guard_database(database_path):
            make_private(database_path)
            try:
                connection = _connect_and_migrate(database_path, migrations)
            except sqlite3.Error as error:
                if not is_corrupt(error):
                    raise
                logger.warning("%s is corrupt (%s). It is set aside and rebuilt.", database_path, error)
                move_aside(database_path)
                make_private(database_path)
                connection = _connect_and_migrate(database_path, migrations)
            return OpenFile(connection, file_ids(str(database_path)), is_read_only=False)


def connect_to_read(database_path: Path) -> sqlite3.Connection:
    """Open an existing database of any version without changing it. Raises sqlite3.Error."""
    database_uri = database_path.absolute().as_uri()
    if is_writable(database_path):
        return _connect_by_uri(f"{database_uri}?mode=rw")
    try:
        return _connect_by_uri(f"{database_uri}?mode=ro")
    except sqlite3.OperationalError:  # the log's index is missing and can't be created: open it as an immutable file
        return _connect_by_uri(f"{database_uri}?mode=ro&immutable=1")


def is_writable(database_path: Path) -> bool:
    """Return whether this process may write the database file and its folder, where SQLite creates further files."""
    return os.access(database_path, os.W_OK) and os.access(database_path.parent, os.W_OK)


def _connect_read_only(database_path: Path, migrations: tuple[str, ...]) -> OpenFile:
    """Open a database read-only. Raises StoreReadOnlyError if it has another version, sqlite3.Error."""
    connection = connect_to_read(database_path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != len(migrations):
        connection.close()
        message = (
            f"{database_path} was written by another version of codekin and can't be migrated, because it is read-only."
        )
        raise StoreReadOnlyError(f"{message} Make it writable, or set cache.directory to a folder that is.")
    return OpenFile(connection, file_ids(str(database_path)), is_read_only=True)


def _connect_by_uri(database_uri: str) -> sqlite3.Connection:
    """Open a database by its URI and read from it once. Raises SQLite's own errors."""
    connection = sqlite3.connect(database_uri, _BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # reads the file
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_and_migrate(database_path: Path, migrations: tuple[str, ...]) -> sqlite3.Connection:
    """Open a database for writing, set its modes and migrate it. Raises SQLite's own errors, StoreError."""
    connection = sqlite3.connect(database_path, timeout=_BUSY_STEP_S, isolation_level=None, check_same_thread=False)
    try:
        if not connection.execute("PRAGMA page_count").fetchone()[0]:  # on others it would wait for a writer
            _execute_when_free(connection, "PRAGMA auto_vacuum = INCREMENTAL", _NEVER_INTERRUPTED)
        # WAL needs exclusive access to a new file, and SQLite itself does not wait for another writer here.
        _execute_when_free(connection, "PRAGMA journal_mode = WAL", _NEVER_INTERRUPTED)
        # NORMAL loses at most the last transactions when the power fails, never the file's soundness.
        cache = f"soft_heap_limit = {CACHE_BYTES}", f"cache_size = -{CACHE_BYTES >> 10}"
        for setting in ("synchronous = NORMAL", "foreign_keys = ON", *cache):
            connection.execute(f"PRAGMA {setting}")
        _migrate(connection, database_path, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _execute_when_free(connection: sqlite3.Connection, statement: str, interrupted: threading.Event) -> None:
    """Execute a statement, waiting up to 30 s for other writers, less if `interrupted`. Raises sqlite3.Error."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or interrupted.is_set() or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(connection: sqlite3.Connection, database_path: Path, migrations: tuple[str, ...]) -> None:
    """Migrate the tables in one transaction. Raises StoreError for a newer codekin's file, sqlite3.DatabaseError."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == len(migrations):
        return
    if not 0 <= version <= _MAX_VERSION:
        raise sqlite3.DatabaseError(f"{MALFORMED}: version {version}")
    if version > len(migrations):
        raise StoreError(f"{database_path} was written by a newer codekin. Upgrade codekin, or remove the file.")
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()  # another process may have migrated it
        for migration_number in range(version, len(migrations)):
            for statement in _split_statements(migrations[migration_number]):
                _change_schema(connection, statement)
            connection.execute(f"PRAGMA user_version = {migration_number + 1}")


def _change_schema(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement of a migration. Raises DatabaseError (malformed) if the file does not match its version."""
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        raise sqlite3.DatabaseError(f"{MALFORMED}: {error}") from error


def _split_statements(script: str) -> Iterator[str]:
    """Yield a script's statements one by one: `executescript` would commit the transaction under way."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, interrupted: threading.Event = _NEVER_INTERRUPTED) -> Iterator[None]:
    """Run the block as one transaction, rolled back on any exception; wait up to 30 s for other writers.

    It takes the write lock first, so that the block can't fail for lack of it. Once `interrupted`, it doesn't wait.
    """
    _execute_when_free(connection, "BEGIN IMMEDIATE", interrupted)
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on a full disk
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def select_in_chunks(
    connection: sqlite3.Connection, statement: str, keys: Sequence[object], values: Sequence[object] = ()
) -> Iterator[tuple]:  # type: ignore[type-arg]
    """Yield a statement's rows for any number of keys in `IN ({})`; ORDER BY and LIMIT hold for each 500 keys."""
    for start in range(0, len(keys), _KEYS_PER_STATEMENT):
        chunk = keys[start : start + _KEYS_PER_STATEMENT]
        yield from connection.execute(statement.format(",".join("?" * len(chunk))), (*chunk, *values))
