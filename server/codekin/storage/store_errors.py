"""Translates errors of SQLite and the system to codekin's, each with its remedy. Only a corrupt file is replaced."""

import contextlib
import errno
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from codekin.errors import (
    StoreBusyError,
    StoreClosingError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLostError,
    StoreReadOnlyError,
)

_PERMISSION_ERRORS = (errno.EACCES, errno.EPERM, errno.EROFS)
# A sound file never causes these: the statements are fixed, and only codekin wrote the rows.
_CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
MALFORMED = "malformed database schema"  # as SQLite says it
_CORRUPT_MESSAGES: tuple[str, ...] = (
    *("no such table", "no such column", "no such index", MALFORMED, "file is not a database"),
    *("vtable constructor failed", "fts5: corrupt", "invalid fts5 file format", "Could not decode to UTF-8"),
)

_ErrorFactory = Callable[[Path, str], StoreError]


def _make_busy_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that another process has been writing for too long."""
    return StoreBusyError(
        f"Another process has been writing {store_path} for too long ({reason}). Stop it, or try again."
    )


def _make_read_only_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that the file can't be written."""
    remedy = "Make it and its folder writable, or set cache.directory to a folder that is."
    return StoreReadOnlyError(f"{store_path} can't be written ({reason}). {remedy}")


def _make_full_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that the disk is full."""
    del reason
    return StoreFullError(f"The disk that holds {store_path.parent} is full. Free some space; indexing then continues.")


def _make_open_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that the file can't be opened, or is a folder."""
    if store_path.is_dir():
        return StoreError(f"{store_path} is a folder, but codekin keeps a file there. Rename or remove the folder.")
    return StoreError(f"{store_path} can't be opened ({reason}). Make it and its folder readable and writable for you.")


def _make_disk_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the StoreError, with its remedy, that reading or writing failed."""
    return StoreError(
        f"Reading or writing {store_path} failed ({reason}). Check the disk, or set cache.directory to another one."
    )


def _make_lock_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that the file system lacks what SQLite needs."""
    remedy = "Set cache.directory to a folder on a disk of this machine."
    return StoreError(f"The file system of {store_path.parent} does not do what SQLite needs ({reason}). {remedy}")


def _make_memory_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that there is too little memory."""
    return StoreError(
        f"There is not enough memory to read {store_path} ({reason}). Close other programs, and try again."
    )


def _make_length_error(store_path: Path, reason: str) -> StoreError:
    """Return (don't raise) the error that a value is too long for SQLite."""
    return StoreError(f"A value is too long for {store_path} ({reason}). Ask with less text.")


def _make_closing_error(store_path: Path, _reason: str) -> StoreError:
    """Return (don't raise) the error that the store is being closed."""
    return StoreClosingError(f"{store_path} is being closed.")


_ERROR_FACTORIES: dict[int, _ErrorFactory] = {
    sqlite3.SQLITE_INTERRUPT: _make_closing_error,
    sqlite3.SQLITE_FULL: _make_full_error,
    sqlite3.SQLITE_BUSY: _make_busy_error,
    sqlite3.SQLITE_LOCKED: _make_busy_error,
    sqlite3.SQLITE_READONLY: _make_read_only_error,
    sqlite3.SQLITE_CANTOPEN: _make_open_error,
    sqlite3.SQLITE_PERM: _make_open_error,
    sqlite3.SQLITE_AUTH: _make_open_error,
    sqlite3.SQLITE_IOERR: _make_disk_error,
    sqlite3.SQLITE_PROTOCOL: _make_lock_error,
    sqlite3.SQLITE_NOLFS: _make_lock_error,
    sqlite3.SQLITE_NOMEM: _make_memory_error,
    sqlite3.SQLITE_TOOBIG: _make_length_error,
}


def is_corrupt(error: sqlite3.Error) -> bool:
    """Return whether SQLite's error shows that the file itself is corrupt."""
    return _read_code(error) & 0xFF in _CORRUPT_CODES or str(error).startswith(_CORRUPT_MESSAGES)


def _read_code(error: sqlite3.Error) -> int:
    """Return SQLite's extended error code; 0 if the error has none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0)


@contextlib.contextmanager
def translate_errors(store_path: Path, file_id: tuple[int, int] = (0, 0)) -> Iterator[None]:
    """Context that raises errors of SQLite and the system as StoreError with a remedy; `file_id`: the open file's."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate_sqlite_error(error, store_path, file_id) from error
    except OSError as error:
        raise _translate_system_error(error, store_path) from error


def _translate_sqlite_error(error: sqlite3.Error, store_path: Path, file_id: tuple[int, int]) -> StoreError:
    """Return the StoreError, with its remedy, for an error of SQLite."""
    if is_corrupt(error):
        return StoreCorruptError(
            f"{store_path} is corrupt ({error}). It is set aside and rebuilt.", store_path, file_id
        )
    if _read_code(error) == sqlite3.SQLITE_READONLY_DBMOVED:
        return StoreLostError(f"{store_path} was moved or removed while it was being written. It is rebuilt.")
    make_error = _ERROR_FACTORIES.get(_read_code(error) & 0xFF)
    if make_error is not None:
        return make_error(store_path, str(error))
    return StoreError(
        f"SQLite refused a statement on {store_path} ({error}). This is a bug in codekin: please report it."
    )


def _translate_system_error(error: OSError, store_path: Path) -> StoreError:
    """Return the StoreError, with its remedy, for an error of the system."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        return _make_full_error(store_path, reason)
    message = f"{store_path.parent} can't be written ({reason}). Set cache.directory to a folder that can."
    return StoreReadOnlyError(message) if error.errno in _PERMISSION_ERRORS else StoreError(message)
