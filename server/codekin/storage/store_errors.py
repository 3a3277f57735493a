"""SQLite's and the system's errors as codekin's: what is wrong, and what helps. Only an unsound file is replaced."""

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

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
# What a sound file never gives to statements that are always the same, and to rows that only codekin wrote.
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
MALFORMED = "malformed database schema"  # as SQLite says it
_CORRUPT_SAYING: tuple[str, ...] = (
    *("no such table", "no such column", "no such index", MALFORMED, "file is not a database"),
    *("vtable constructor failed", "fts5: corrupt", "invalid fts5 file format", "Could not decode to UTF-8"),
)

_Named = Callable[[Path, str], StoreError]


def _busy(path: Path, why: str) -> StoreError:
    return StoreBusyError(f"Another process has been writing {path} for too long ({why}). Stop it, or try again.")


def _read_only(path: Path, why: str) -> StoreError:
    remedy = "Make it and its folder writable, or set cache.directory to a folder that is."
    return StoreReadOnlyError(f"{path} can't be written ({why}). {remedy}")


def _full(path: Path, why: str) -> StoreError:
    del why
    return StoreFullError(f"The disk that holds {path.parent} is full. Free some room; indexing then goes on.")


def _can_not_open(path: Path, why: str) -> StoreError:
    if path.is_dir():
        return StoreError(f"{path} is a folder, where codekin keeps a file. Rename or remove the folder.")
    return StoreError(f"{path} can't be opened ({why}). Make it and its folder yours to read and write.")


def _unreadable_disk(path: Path, why: str) -> StoreError:
    return StoreError(
        f"Reading or writing {path} failed ({why}). Check the disk, or set cache.directory to another one."
    )


def _no_locks(path: Path, why: str) -> StoreError:
    remedy = "Set cache.directory to a folder on a disk of this machine."
    return StoreError(f"The file system of {path.parent} does not do what SQLite needs ({why}). {remedy}")


def _no_memory(path: Path, why: str) -> StoreError:
    return StoreError(f"There is not enough memory to read {path} ({why}). Close other programs, and try again.")


def _too_big(path: Path, why: str) -> StoreError:
    return StoreError(f"A value is too long for {path} ({why}). Ask with less text.")


def _closing(path: Path, _why: str) -> StoreError:
    return StoreClosingError(f"{path} is being closed.")


_NAMED: dict[int, _Named] = {
    sqlite3.SQLITE_INTERRUPT: _closing,
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_BUSY: _busy,
    sqlite3.SQLITE_LOCKED: _busy,
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_CANTOPEN: _can_not_open,
    sqlite3.SQLITE_PERM: _can_not_open,
    sqlite3.SQLITE_AUTH: _can_not_open,
    sqlite3.SQLITE_IOERR: _unreadable_disk,
    sqlite3.SQLITE_PROTOCOL: _no_locks,
    sqlite3.SQLITE_NOLFS: _no_locks,
    sqlite3.SQLITE_NOMEM: _no_memory,
    sqlite3.SQLITE_TOOBIG: _too_big,
}


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the error shows that the file itself is unsound."""
    return _code(error) & 0xFF in _CORRUPT or str(error).startswith(_CORRUPT_SAYING)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0)


@contextlib.contextmanager
def errors_named(path: Path, file_id: tuple[int, int] = (0, 0)) -> Iterator[None]:
    """SQLite's and the system's errors as ours, each with its remedy; `file_id` is the open file's."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(error, path, file_id) from error
    except OSError as error:
        raise _named_of_system(error, path) from error


def _named(error: sqlite3.Error, path: Path, file_id: tuple[int, int]) -> StoreError:
    if is_corrupt(error):
        return StoreCorruptError(f"{path} is unsound ({error}). It is set aside and made again.", path, file_id)
    if _code(error) == sqlite3.SQLITE_READONLY_DBMOVED:
        return StoreLostError(f"{path} was moved or removed while it was being written. It is made again.")
    name = _NAMED.get(_code(error) & 0xFF)
    if name is not None:
        return name(path, str(error))
    return StoreError(
        f"{path} was asked for what SQLite refuses ({error}). This is a fault of codekin: please report it."
    )


def _named_of_system(error: OSError, path: Path) -> StoreError:
    why = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        return _full(path, why)
    message = f"{path.parent} can't be written ({why}). Set cache.directory to a folder that can."
    return StoreReadOnlyError(message) if error.errno in _DENIED else StoreError(message)
