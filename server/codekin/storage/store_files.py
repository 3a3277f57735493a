"""Files of a SQLite database on the disk: identifies them, makes them private, sets them aside, rewrites them.

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
from codekin.storage.store_errors import translate_errors

FileId = tuple[int, int]  # device and inode; no other file has them while the file is open

NO_FILE: FileId = (0, 0)

_GUARD_TIMEOUT_S = 30.0
_COMPANION_SUFFIXES = ("-wal", "-shm")


def file_id(database_path: str | Path) -> FileId:
    """Return the identity (device, inode) of the file at the path; NO_FILE if none is accessible. Never raises."""
    try:
        status = os.stat(database_path)  # noqa: PTH116 (before each use of a database; a Path costs three times as much)
    except (OSError, ValueError):
        return NO_FILE
    return status.st_dev, status.st_ino


def file_ids(database_path: str) -> tuple[FileId, FileId, FileId]:
    """Return the identities of a database, its write-ahead log and the log's index; NO_FILE where there is none."""
    return file_id(database_path), file_id(database_path + "-wal"), file_id(database_path + "-shm")


@contextlib.contextmanager
def guard_database(database_path: Path) -> Iterator[None]:
    """Context that keeps other processes from opening or replacing the database; waits up to 30 s for them.

    Creates the folder, and a lock file that stays. Raises OSError, StoreBusyError.
    """
    make_folder(database_path.parent)
    try:
        with FileLock(database_path.with_name(database_path.name + "-guard"), timeout=_GUARD_TIMEOUT_S, mode=0o600):
            yield
    except Timeout:
        message = (
            f"Another process has been opening {database_path} for {_GUARD_TIMEOUT_S:.0f} s. Stop it, or try again."
        )
        raise StoreBusyError(message) from None


def make_folder(folder: Path) -> None:
    """Create the folder and its missing parents, accessible to the user only. Raises OSError."""
    for missing_folder in (*reversed(folder.parents), folder):
        if not missing_folder.exists():
            missing_folder.mkdir(mode=0o700, exist_ok=True)


def make_private(database_path: Path) -> None:
    """Create an empty database file, for the user only, and delete a former one's log; do nothing if the file exists.

    The caller holds the guard. Raises OSError.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(database_path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _remove_companions(database_path)  # SQLite would replay a deleted file's log into the new one


def set_aside(error: StoreCorruptError) -> None:
    """Move the error's corrupt file to `*.corrupt` and delete its log, unless the path has another file by now.

    Raises StoreError.
    """
    with translate_errors(error.path), guard_database(error.path):
        if file_id(error.path) == error.file_id:
            move_aside(error.path)


def move_aside(database_path: Path) -> None:
    """Move the file to `*.corrupt`, replacing an earlier one, and remove its log. Raises OSError.

    The caller holds the guard.
    """
    database_path.replace(_path_aside(database_path))
    _remove_companions(database_path)


def is_set_aside(database_path: Path, database_id: FileId) -> bool:
    """Return whether the file with this identity was set aside last: it is unsound, and not just removed."""
    return file_id(_path_aside(database_path)) == database_id


def _path_aside(database_path: Path) -> Path:
    """Return the path to which an unsound file is moved."""
    return database_path.with_suffix(".corrupt")


def write_copy(connection: sqlite3.Connection, database_path: Path, expected_id: FileId) -> bool:
    """Replace the file `expected_id` by a copy of what `connection` sees; return False if the path has another file.

    Needed if the database of an open connection, or its write-ahead log, was removed: open connections still see all
    of it, new ones do not. With NO_FILE there must be no file. Where there is another, another process was faster.
    """
    copy_path = database_path.with_suffix(".copy")
    with translate_errors(database_path, expected_id), guard_database(database_path):
        if file_id(database_path) != expected_id:
            return False
        copy_path.unlink(missing_ok=True)
        try:
            make_private(copy_path)
            connection.execute("VACUUM INTO ?", (str(copy_path),))
            _remove_companions(database_path)
            copy_path.replace(database_path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_IOERR:
                raise
            raise StoreCorruptError(
                f"The log of {database_path} is lost. It is set aside and rebuilt.", database_path, expected_id
            ) from error
        finally:
            copy_path.unlink(missing_ok=True)
    return True


def _remove_companions(database_path: Path) -> None:
    """Delete the database's write-ahead log and the log's index, if they exist. Raises OSError."""
    for suffix in _COMPANION_SUFFIXES:
        database_path.with_name(database_path.name + suffix).unlink(missing_ok=True)
