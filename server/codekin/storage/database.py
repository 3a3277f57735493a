"""A SQLite file that any thread may use: a connection for each, errors that name the remedy.

Before each use it is made sure that the open files are those at the path: whoever deletes, moves or replaces them, or
one of them, while codekin runs, finds the new ones used at once.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from codekin.errors import StoreClosingError, StoreCorruptError, StoreError, StoreLostError
from codekin.storage import schema
from codekin.storage.schema import OpenFile
from codekin.storage.store_errors import errors_named
from codekin.storage.store_files import NO_FILE, FileId, file_ids, write_anew

T = TypeVar("T")
Row = tuple[Any, ...]

log = logging.getLogger(__name__)

_AGAIN_S = 0.5  # between two attempts to open what stands at the path, while the former file can be read


class Database:
    """One file, made where there is none."""

    def __init__(self, path: Path, migrations: tuple[str, ...]) -> None:
        self.path = path
        self.replacements = 0  # how often another file has taken the place of the one that was open
        self.problem: StoreError | None = None  # why what stands at the path now can't be opened
        self._migrations = migrations
        self._name = str(path)
        self._local = threading.local()
        self._open: list[OpenFile] = []
        self._lock = threading.Lock()
        self._interrupted = threading.Event()
        self._file = NO_FILE
        self._next_attempt = 0.0
        self._opened()

    def interrupt(self) -> None:
        """Have every call end soon, those under way included, with StoreClosingError."""
        self._interrupted.set()
        with self._lock:
            for opened in self._open:
                opened.connection.interrupt()

    def raise_if_interrupted(self) -> None:
        """Raises StoreClosingError where the index is being closed: for work between two calls that takes long."""
        if self._interrupted.is_set():
            raise StoreClosingError(f"{self.path} is being closed.")

    def close(self) -> None:
        """Close every thread's connection; no call may be under way."""
        with self._lock:
            for opened in self._open:
                opened.close()
            self._open.clear()
        self._local = threading.local()

    @property
    def is_read_only(self) -> bool:
        """Whether the file can be read, but not written."""
        return self._opened().is_read_only

    def _query(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        self.raise_if_interrupted()
        connection = self._connection()
        with self._errors_named():
            return connection.execute(statement, values).fetchall()

    def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        self.raise_if_interrupted()
        connection = self._connection()
        with self._errors_named():
            return ask(connection)

    def _in(self, statement: str, keys: Sequence[object], more: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        """All rows of a statement with `IN ({})`, however many keys there are."""
        self.raise_if_interrupted()
        connection = self._connection()
        with self._errors_named():
            return list(schema.select_in_chunks(connection, statement, keys, more))

    def _convert(self, convert: Callable[[Row], T], rows: Iterable[Row]) -> list[T]:
        """The rows, converted. What can't be converted is nothing that codekin wrote: the file is unsound."""
        try:
            return [convert(row) for row in rows]
        except (ValueError, TypeError, OverflowError) as error:
            raise self._corrupt(f"{type(error).__name__}: {error}") from error

    def _write(self, change: Callable[[sqlite3.Connection], T], *, is_last: bool = False) -> T:
        """The change, whole or not at all; `is_last`: also where the index is being closed, if nobody else writes."""
        if not is_last:
            self.raise_if_interrupted()
        opened = self._opened()
        if not opened.is_current(file_ids(self._name)):
            raise self.problem or StoreLostError(f"{self.path} was removed or replaced just now. It is opened again.")
        with self._errors_named(), schema.transaction(opened.connection, self._interrupted):
            return change(opened.connection)

    def _connection(self) -> sqlite3.Connection:
        return self._opened().connection

    def _errors_named(self) -> AbstractContextManager[None]:
        return errors_named(self.path, self._local.opened.files[0])

    def _corrupt(self, why: str) -> StoreCorruptError:
        return StoreCorruptError(
            f"{self.path} is unsound ({why}). It is set aside and made again.", self.path, self._file
        )

    def _opened(self) -> OpenFile:
        """This thread's connection, to the file that stands at the path now, where that can be opened."""
        opened: OpenFile | None = getattr(self._local, "opened", None)
        files = file_ids(self._name)
        if opened is not None and (self._is_current(opened, files) or time.monotonic() < self._next_attempt):
            return opened
        try:
            if opened is not None and opened.files[0] == files[0] != NO_FILE and not opened.is_read_only:
                write_anew(opened.connection, self.path, files[0])  # its log is gone, or what indexes that
            return self._exchange(opened, schema.open_database(self.path, self._migrations))
        except StoreCorruptError:
            raise
        except StoreError as error:
            if opened is None:
                raise
            if str(error) != str(self.problem):
                log.warning("%s", error)
            self.problem, self._next_attempt = error, time.monotonic() + _AGAIN_S
            return opened  # a removed file can be read for as long as it is open

    def _is_current(self, opened: OpenFile, files: tuple[FileId, FileId, FileId]) -> bool:
        """Whether the open files are those at the path, and are written if they can be."""
        return opened.is_current(files) and not (opened.is_read_only and schema.is_writable(self.path))

    def _exchange(self, former: OpenFile | None, opened: OpenFile) -> OpenFile:
        self._local.opened = opened
        with self._lock:
            self.problem, self._next_attempt = None, 0.0
            self._open.append(opened)
            if former is not None:
                self._open.remove(former)
                former.close()
            if self._file != opened.files[0]:
                self.replacements += self._file != NO_FILE
                self._file = opened.files[0]
        return opened


def size_of(path: Path) -> int:
    """How many bytes the file has; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
