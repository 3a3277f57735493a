"""The files of a SQLite database on the disk: which ones stand at a path, made private, set aside, written anew.

A descriptor of a database file must never be opened and closed here: that would drop the POSIX locks that this
process's connections hold on it, and corrupt it (https://sqlite.org/howtocorrupt.html, 2.2). A path's stat is harmless.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from codekin.errors import StoreBusyError, StoreCorruptError
from codekin.storage.store_errors import errors_named

FileId = tuple[int, int]  # device and inode; while a file is open, no other file has them

NO_FILE: FileId = (0, 0)

_GUARD_S = 30.0
_BESIDE = ("-wal", "-shm")


def file_id(path: str | Path) -> FileId:
    """Which file stands at the path."""
    try:
        status = os.stat(path)  # noqa: PTH116 (before each use of a database; a Path costs three times as much)
    except (OSError, ValueError):
        return NO_FILE
    return status.st_dev, status.st_ino


def file_ids(path: str) -> tuple[FileId, FileId, FileId]:
    """Which files stand at the path of a database and beside it: its write-ahead log, and what indexes that."""
    return file_id(path), file_id(path + "-wal"), file_id(path + "-shm")


@contextlib.contextmanager
def guard(path: Path) -> Iterator[None]:
    """Keep all other processes from opening the database, setting it aside or writing it anew. Raises OSError."""
    make_folder(path.parent)
    try:
        with FileLock(path.with_name(path.name + "-guard"), timeout=_GUARD_S, mode=0o600):
            yield
    except Timeout:
        message = f"Another process has been opening {path} for {_GUARD_S:.0f} s. Stop it, or try again."
        raise StoreBusyError(message) from None


def make_folder(folder: Path) -> None:
    """Make the folder, and those above it, readable by the user alone. Raises OSError."""
    for missing in (*reversed(folder.parents), folder):
        if not missing.exists():
            missing.mkdir(mode=0o700, exist_ok=True)


def make_private(path: Path) -> None:
    """Make an empty file that only the user can read, if there is none. The caller has the guard."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _remove_beside(path)  # a log that a deleted file left behind would be played into the new one


def set_aside(error: StoreCorruptError) -> None:
    """Move the unsound file out of the way, unless another process has; the newest is kept to look into (`*.corrupt`).

    Raises StoreError.
    """
    with errors_named(error.path), guard(error.path):
        if file_id(error.path) == error.file_id:
            move_aside(error.path)


def move_aside(path: Path) -> None:
    """Move the file out of the way, with what belongs to it. The caller has the guard."""
    path.replace(path.with_suffix(".corrupt"))
    _remove_beside(path)


def write_anew(connection: sqlite3.Connection, path: Path, known: FileId) -> None:
    """Put a whole copy of what an open connection sees in the place of the file `known`.

    Needed where somebody removed the write-ahead log of an open database: those who have it open still see all of it,
    nobody else does. Raises StoreError.
    """
    copy = path.with_suffix(".copy")
    with errors_named(path, known), guard(path):
        if file_id(path) != known:
            return  # another process has done it, or removed the file, too
        copy.unlink(missing_ok=True)
        try:
            make_private(copy)
            connection.execute("VACUUM INTO ?", (str(copy),))
            _remove_beside(path)
            copy.replace(path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_IOERR:
                raise
            raise StoreCorruptError(
                f"The log of {path} is lost. It is set aside and made again.", path, known
            ) from error
        finally:
            copy.unlink(missing_ok=True)


def _remove_beside(path: Path) -> None:
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
