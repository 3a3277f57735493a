"""Is a file of the index sound? Read from its beginning to its end, which takes about a second for 100 MB."""

import contextlib
import sqlite3
from pathlib import Path

from codekin.errors import StoreCorruptError
from codekin.storage.schema import connect_to_read
from codekin.storage.store_errors import errors_named, is_corrupt
from codekin.storage.store_files import file_id

_FULL_TEXTS = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5 (%'"


def find_damage(path: Path) -> StoreCorruptError | None:
    """What is unsound in the file; None where nothing is, or there is no file. Raises StoreError."""
    known = file_id(path)
    if not path.exists():
        return None
    with errors_named(path, known):
        try:
            with contextlib.closing(connect_to_read(path)) as connection:
                why = _damage(connection)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            why = str(error)
    return StoreCorruptError(f"{path} is unsound: {why}.", path, known) if why else None


def _damage(connection: sqlite3.Connection) -> str:
    """The first thing that is unsound, in SQLite's words; empty where nothing is."""
    for (found,) in connection.execute("PRAGMA integrity_check(1)").fetchall():
        if found != "ok":
            return str(found)
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        return f"row {row} of {table} refers to a row of {parent} that is not there"
    for (table,) in connection.execute(_FULL_TEXTS).fetchall():
        with contextlib.suppress(sqlite3.OperationalError):  # it is read-only; what is unsound is a DatabaseError
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
    return ""
