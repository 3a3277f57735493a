"""A SQLite file that any thread may use: one connection per living thread, errors that name the remedy.

Each use first checks that the open files are those at the path. If one of them is deleted or moved while codekin runs,
a copy of what the open connection still sees takes its place; if the database is replaced, the new one is used at once.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from codekin.errors import StoreClosingError, StoreCorruptError, StoreError, StoreLostError
from codekin.storage import removal, schema
from codekin.storage.schema import OpenFile
from codekin.storage.store_errors import translate_errors
from codekin.storage.store_files import NO_FILE, FileId, file_ids, is_set_aside, write_copy

T = TypeVar("T")
Row = tuple[Any, ...]

logger = logging.getLogger(__name__)

_REOPEN_INTERVAL_S = 0.5  # between two attempts to open the file at the path, while the former file can be read


class Database:
    """One SQLite file, created if it does not exist; each thread has its own connection while it lives."""

    def __init__(self, path: Path, migrations: tuple[str, ...]) -> None:
        """Open the file in this thread: create it, migrate it, or replace it if it is corrupt. Raises StoreError."""
        self.path = path
        self.replacements = 0  # how often another file has replaced the open one
        self.restorations = 0  # how often the open one was removed, and a copy took its place
        self.problem: StoreError | None = None  # why the file now at the path can't be opened
        self._migrations = migrations
        self._path_text = str(path)
        self._local = threading.local()
        self._open_files: dict[threading.Thread, OpenFile] = {}
        self._keeper: OpenFile | None = None  # open as long as a thread's is, and used only to restore removed files
        self._lock = threading.Lock()
        self._keeper_lock = threading.Lock()  # held while the keeper is used; before `_lock`
        self._interrupted = threading.Event()
        self._file_id = NO_FILE
        self._next_attempt = 0.0
        self._ensure_open()

    def interrupt(self) -> None:
        """Make every call, under way or later, end soon with StoreClosingError; returns at once and can't be undone."""
        self._interrupted.set()
        with self._lock:
            for open_file in self._list_open_files():
                open_file.connection.interrupt()

    def raise_if_interrupted(self) -> None:
        """Raise StoreClosingError if the index is being closed; for long work between two calls."""
        if self._interrupted.is_set():
            raise StoreClosingError(f"{self.path} is being closed.")

    def close(self) -> None:
        """Close all threads' connections; no call may be under way, and a later one would open the file again."""
        with self._lock:
            for open_file in self._list_open_files():
                open_file.close()
            self._open_files.clear()
            self._keeper = None
        self._local = threading.local()

    @property
    def is_read_only(self) -> bool:
        """Open or reopen the file if needed; return whether it can be read, but not written. Raises StoreError."""
        return self._ensure_open().is_read_only

    def _query(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        """Run a statement on this thread's connection and return all its rows. Raises StoreError."""
        self.raise_if_interrupted()
        connection = self._connect()
        with self._translate_errors():
            return connection.execute(statement, values).fetchall()

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Call `read` with this thread's connection and return its result. Raises StoreError."""
        self.raise_if_interrupted()
        connection = self._connect()
        with self._translate_errors():
            return read(connection)

    def _query_in(self, statement: str, keys: Sequence[object], values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        """Return all rows of a statement whose `IN ({})` is filled with `keys`, 500 at a time. Raises StoreError."""
        self.raise_if_interrupted()
        connection = self._connect()
        with self._translate_errors():
            return list(schema.select_in_chunks(connection, statement, keys, values))

    def _convert(self, convert: Callable[[Row], T], rows: Iterable[Row]) -> list[T]:
        """Return a list of `convert`'s results for the rows. Raises StoreCorruptError for an impossible row."""
        try:
            return [convert(row) for row in rows]
        except (ValueError, TypeError, OverflowError) as error:
            raise self._make_corrupt_error(f"{type(error).__name__}: {error}") from error

    def _write(self, change: Callable[[sqlite3.Connection], T], *, is_last: bool = False) -> T:
        """Run `change` in one transaction, rolled back if it raises; return its result. Raises StoreError.

        It raises StoreLostError if the file at the path is another, or gone. With `is_last` the change is made even
        while the index is being closed, unless another process is writing.
        """
        if not is_last:
            self.raise_if_interrupted()
        open_file = self._ensure_open()
        if not open_file.is_current(file_ids(self._path_text)):
            raise self.problem or StoreLostError(f"{self.path} was removed or replaced just now. It is reopened.")
        with self._translate_errors(), schema.transaction(open_file.connection, self._interrupted):
            return change(open_file.connection)

    @contextlib.contextmanager
    def read_steadily(self) -> Iterator[None]:
        """Context in which this thread goes on reading the open file, without looking whether another replaced it.

        An answer reads dozens of times: looking each time takes longer than it does to find some of its rows.
        """
        self._ensure_open()
        previous_values = self._get_steady_values()
        self._local.steady_values = {} if previous_values is None else previous_values
        try:
            yield
        finally:
            self._local.steady_values = previous_values

    def _get_steady_values(self) -> dict[str, int] | None:
        """Return the live dict of what was read once within the `read_steadily` block, by name; None outside of one."""
        steady_values: dict[str, int] | None = getattr(self._local, "steady_values", None)
        return steady_values

    def free_space(self) -> None:
        """Cut all free pages off the file, in several short transactions. Raises StoreError."""
        left_count = self._write(removal.free_pages)
        previous_count = left_count + 1
        while 0 < left_count < previous_count:
            previous_count, left_count = left_count, self._write(removal.free_pages)

    def free_large_space(self) -> None:
        """Cut free pages off the file if they are over a quarter of it and it can be written. Raises StoreError."""
        if self._read(removal.has_many_free_pages) and not self.is_read_only:
            self.free_space()

    def _list_open_files(self) -> list[OpenFile]:
        """Return one list of all threads' open files and the spare one (`_keeper`); the caller holds `_lock`."""
        return [*self._open_files.values(), *([self._keeper] if self._keeper else [])]

    def _connect(self) -> sqlite3.Connection:
        """Return this thread's connection, (re)opened if needed, after restoring a removed file. Raises StoreError."""
        return self._ensure_open().connection

    def _translate_errors(self) -> AbstractContextManager[None]:
        """Return a context that raises errors of SQLite and the system as StoreError."""
        return translate_errors(self.path, self._local.open_file.file_ids[0])

    def _make_corrupt_error(self, reason: str) -> StoreCorruptError:
        """Return (don't raise) the error that the open file is corrupt, for this reason."""
        return StoreCorruptError(
            f"{self.path} is corrupt ({reason}). It is set aside and rebuilt.", self.path, self._file_id
        )

    def _ensure_open(self) -> OpenFile:
        """Return this thread's file, restored if removed, reopened if replaced; else as it was. Raises StoreError.

        A file that can't be opened is reported by `problem`, and the former one serves on. StoreError is raised only if
        there is no former one, or the new one is corrupt.
        """
        open_file: OpenFile | None = getattr(self._local, "open_file", None)
        if open_file is not None and self._get_steady_values() is not None:
            return open_file
        current_ids = file_ids(self._path_text)
        if open_file is not None and (
            self._is_current(open_file, current_ids) or time.monotonic() < self._next_attempt
        ):
            return open_file
        try:
            is_restored = self._restore(current_ids)
            new_file = schema.open_database(self.path, self._migrations)
            self._replace_open_file(open_file, new_file, is_restored=is_restored)
            return new_file
        except StoreCorruptError:
            raise
        except StoreError as error:
            if open_file is None:
                raise
            if str(error) != str(self.problem):
                logger.warning("%s", error)
            self.problem, self._next_attempt = error, time.monotonic() + _REOPEN_INTERVAL_S
            return open_file  # a removed file can be read as long as it is open

    def _is_current(self, open_file: OpenFile, current_ids: tuple[FileId, FileId, FileId]) -> bool:
        """Return whether the open files are those at the path, and open for writing if that is possible."""
        return open_file.is_current(current_ids) and not (open_file.is_read_only and schema.is_writable(self.path))

    def _restore(self, current_ids: tuple[FileId, FileId, FileId]) -> bool:
        """If the database or its log was removed, write a copy to its path; return whether it did. Raises StoreError.

        The copy is of what `_keeper` sees. A database that another file has replaced is not restored.
        """
        with self._keeper_lock:
            keeper, is_removed = self._keeper, current_ids[0] == NO_FILE
            if keeper is None or keeper.is_current(current_ids) or self._is_replaced(keeper, current_ids[0]):
                return False
            self._next_attempt = time.monotonic() + _REOPEN_INTERVAL_S  # meanwhile other threads read the removed files
            try:
                return write_copy(keeper.connection, self.path, current_ids[0])
            except StoreCorruptError:
                if is_removed:  # then a new file is filled from the sources
                    return False
                raise

    def _is_replaced(self, open_file: OpenFile, current_id: FileId) -> bool:
        """Return whether the file was replaced or set aside as unsound, and not just removed."""
        if current_id == NO_FILE:
            return is_set_aside(self.path, open_file.file_ids[0])
        return current_id != open_file.file_ids[0]

    def _replace_open_file(self, previous_file: OpenFile | None, open_file: OpenFile, *, is_restored: bool) -> None:
        """Make `open_file` this thread's, close the previous one, count the replacement or restoration.

        Closes what threads that have ended left open.
        """
        self._local.open_file = open_file
        with self._lock:
            self.problem, self._next_attempt = None, 0.0
            for thread in [thread for thread in self._open_files if not thread.is_alive()]:
                self._open_files.pop(thread).close()
            self._open_files[threading.current_thread()] = open_file
            if previous_file is not None:
                previous_file.close()
            if self._file_id != open_file.file_ids[0]:
                self.restorations += is_restored
                self.replacements += self._file_id != NO_FILE and not is_restored
                self._file_id = open_file.file_ids[0]
        if not open_file.is_read_only:
            self._renew_keeper(open_file.file_ids)

    def _renew_keeper(self, file_ids: tuple[FileId, FileId, FileId]) -> None:
        """Open a spare connection for restoring removed files, unless the present one has `file_ids`; close the former.

        Without a keeper, removed files are filled anew from the sources.
        """
        if self._keeper is not None and self._keeper.file_ids == file_ids:
            return
        with self._keeper_lock:
            keeper = None
            with contextlib.suppress(StoreError):
                keeper = schema.open_database(self.path, self._migrations)
            with self._lock:
                previous_keeper, self._keeper = self._keeper, keeper
            if previous_keeper is not None:
                previous_keeper.close()


def get_file_size(path: Path) -> int:
    """Return a file's size in bytes; 0 if it is gone or can't be read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
