"""The tables of a workspace's store and of the shared vectors, how they are opened, and how old ones are brought up.

Two kinds of SQLite file, both in WAL mode, both private to the user (0600 in a 0700 folder):

- one store per workspace: its files, their snippets, the full text of the distinct contents;
- one file of vectors per user, shared by all workspaces and keyed by (space, content hash).
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
from codekin.storage.store_errors import MALFORMED, errors_named, is_corrupt
from codekin.storage.store_files import NO_FILE, FileId, file_ids, guard, make_private, move_aside

log = logging.getLogger(__name__)

_BUSY_S = 30.0
_BUSY_STEP_S = 0.5  # how soon who waits for the write lock notices that nobody waits for it any more
_NEVER = threading.Event()
_NO_VERSION = 1_000  # above it, the number is not a version but a damaged header
_CHUNK = 500  # bound variables per statement; old SQLite builds allow 999

# Each entry brings a file from version i to i + 1. Never edit one that was released: append.
STORE_MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,      -- absolute
        language TEXT NOT NULL,
        size INTEGER NOT NULL,          -- bytes
        mtime_ns INTEGER NOT NULL,      -- 0: unknown, read again at the next scan
        hash BLOB NOT NULL,             -- of the document's text
        overlay INTEGER NOT NULL        -- 1: unsaved text of a document that an editor holds open
    );
    -- AUTOINCREMENT: a number is never used twice, so the graph may keep dead ones as labels.
    CREATE TABLE contents (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE);
    CREATE TABLE snippets (
        file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        content INTEGER NOT NULL REFERENCES contents (id),
        start INTEGER NOT NULL,         -- lines, 0-based, half-open
        end INTEGER NOT NULL,
        name_line INTEGER NOT NULL,
        part INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        qualified_name TEXT NOT NULL
    );
    CREATE INDEX snippets_file ON snippets (file);
    CREATE INDEX snippets_content ON snippets (content);
    CREATE TABLE skipped (
        path TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        size INTEGER NOT NULL,          -- as in files: unchanged, it need not be read again
        mtime_ns INTEGER NOT NULL
    ) WITHOUT ROWID;
    -- Words are split before they come here; the tokenizer only finds the blanks between them.
    CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = "ascii tokenchars '_'");
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
    """,
    """
    CREATE INDEX snippets_name ON snippets (name COLLATE NOCASE);
    -- The words of the files' own names; a row has its file's number.
    CREATE VIRTUAL TABLE titles USING fts5 (title, tokenize = "ascii");
    CREATE TRIGGER files_deleted AFTER DELETE ON files BEGIN DELETE FROM titles WHERE rowid = old.id; END;
    DELETE FROM snippets;  -- what was indexed before is taken in again; its vectors are kept
    DELETE FROM files;
    """,
    """
    ALTER TABLE contents ADD COLUMN structure BLOB;  -- Structure.packed(); NULL where there is nothing to compare
    DELETE FROM snippets;
    DELETE FROM files;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    ALTER TABLE contents ADD COLUMN course BLOB;  -- Course.packed(); NULL where nothing goes on
    DELETE FROM snippets;
    DELETE FROM files;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    DELETE FROM snippets;  -- courses know more local names
    DELETE FROM files;
    DELETE FROM contents;
    DELETE FROM words;
    """,
    """
    -- Which contents were removed last, for processes that have them in memory; content 0 says that any may have been.
    CREATE TABLE removed (position INTEGER PRIMARY KEY AUTOINCREMENT, content INTEGER NOT NULL);
    """,
)

VECTOR_MIGRATIONS = (
    """
    CREATE TABLE spaces (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
    CREATE TABLE vectors (
        id INTEGER PRIMARY KEY,
        space INTEGER NOT NULL REFERENCES spaces (id),
        hash BLOB NOT NULL,             -- of the content
        vector BLOB NOT NULL,           -- float16, little-endian
        UNIQUE (space, hash)
    );
    """,
)


@dataclass(frozen=True, slots=True, eq=False)
class OpenFile:
    """An open connection, and which files it is to; usable from one thread at a time."""

    connection: sqlite3.Connection
    files: tuple[FileId, FileId, FileId]  # the database, its write-ahead log, what indexes that
    is_read_only: bool

    def is_current(self, files: tuple[FileId, FileId, FileId]) -> bool:
        """Whether the open files are those that stand at the path now."""
        if self.is_read_only:
            return self.files[0] == files[0] != NO_FILE
        return self.files == files and NO_FILE not in files

    def close(self) -> None:
        """Close the connection, which writes the log back into the database if no other connection is open."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("SELECT 1")  # an interrupt that hit no statement would stop that
        self.connection.close()


def open_database(path: Path, migrations: tuple[str, ...]) -> OpenFile:
    """Open a database with its tables at the newest version; read-only where the file, or its folder, is.

    A file that is not a sound store is moved aside (`*.corrupt`) and a new one begun: everything in it can be
    derived again. Raises StoreError where the folder can't be written or a newer codekin wrote the file.
    """
    with errors_named(path):
        if path.is_file() and not is_writable(path):
            return _open_read_only(path, migrations)
        with guard(path):
            make_private(path)
            try:
                connection = _open(path, migrations)
            except sqlite3.Error as error:
                if not is_corrupt(error):
                    raise
                log.warning("%s is unsound (%s). It is set aside and made again.", path, error)
                move_aside(path)
                make_private(path)
                connection = _open(path, migrations)
            return OpenFile(connection, file_ids(str(path)), is_read_only=False)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a database as it is, whatever its version. Raises SQLite's own errors."""
    address = path.absolute().as_uri()
    if is_writable(path):
        return _opened_by_address(f"{address}?mode=rw")
    try:
        return _opened_by_address(f"{address}?mode=ro")
    except sqlite3.OperationalError:  # the index of its log is not there, and can't be made: as what never changes
        return _opened_by_address(f"{address}?mode=ro&immutable=1")


def is_writable(path: Path) -> bool:
    """Whether this process may write the file, and what SQLite puts beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _open_read_only(path: Path, migrations: tuple[str, ...]) -> OpenFile:
    connection = connect_to_read(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != len(migrations):
        connection.close()
        message = f"{path} was written by another version of codekin, and can't be brought up to date: it is read-only."
        raise StoreReadOnlyError(f"{message} Make it writable, or set cache.directory to a folder that is.")
    return OpenFile(connection, file_ids(str(path)), is_read_only=True)


def _opened_by_address(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, _BUSY_S, isolation_level=None, check_same_thread=False, uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # reads the file
    except BaseException:
        connection.close()
        raise
    return connection


def _open(path: Path, migrations: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_STEP_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect on a new file only
        _write_ahead(connection)
        # NORMAL loses at most the last transactions when the power fails, never the file's soundness.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL, which needs it alone: SQLite itself does not wait for one who is about to write."""
    _await_others(connection, "PRAGMA journal_mode = WAL", _NEVER)


def _await_others(connection: sqlite3.Connection, statement: str, interrupted: threading.Event) -> None:
    """Execute what must wait for other writers; once `interrupted`, without waiting."""
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or interrupted.is_set() or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[str, ...]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == len(migrations):
        return
    if not 0 <= version <= _NO_VERSION:
        raise sqlite3.DatabaseError(f"{MALFORMED}: version {version}")
    if version > len(migrations):
        raise StoreError(f"{path} was written by a newer codekin. Upgrade codekin, or remove the file.")
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()  # another process may have been first
        for number in range(version, len(migrations)):
            for statement in _statements(migrations[number]):
                _change_schema(connection, statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")


def _change_schema(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement of a migration. It can only be refused where the file is not what its version says."""
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        raise sqlite3.DatabaseError(f"{MALFORMED}: {error}") from error


def _statements(script: str) -> Iterator[str]:
    """A script's statements one by one: `executescript` would commit the transaction we are in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, interrupted: threading.Event = _NEVER) -> Iterator[None]:
    """All of the block, or nothing of it. Takes the write lock at once: it can't fail half-way for want of it.

    Waits for other writers, but not once `interrupted`.
    """
    _await_others(connection, "BEGIN IMMEDIATE", interrupted)
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on a full disk
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def select_in_chunks(
    connection: sqlite3.Connection, statement: str, keys: Sequence[object], more: Sequence[object] = ()
) -> Iterator[tuple]:  # type: ignore[type-arg]
    """All rows of a statement with `IN ({})`, however many keys there are; `more` is bound behind them."""
    for i in range(0, len(keys), _CHUNK):
        chunk = keys[i : i + _CHUNK]
        yield from connection.execute(statement.format(",".join("?" * len(chunk))), (*chunk, *more))
