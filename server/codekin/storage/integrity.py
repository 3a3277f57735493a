"""Checks whether a file of the index is sound. Reads all of it, which takes about a second for 100 MB."""

import contextlib
import sqlite3
from pathlib import Path

from codekin.errors import StoreCorruptError
from codekin.storage.schema import connect_to_read
from codekin.storage.store_errors import is_corrupt, translate_errors
from codekin.storage.store_files import file_id

_FULL_TEXT_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5 (%'"


def find_damage(path: Path) -> StoreCorruptError | None:
    """Read a whole file; return the error that describes its damage, None if sound or missing. Raises StoreError."""
    checked_id = file_id(path)
    if not path.exists():
        return None
    with translate_errors(path, checked_id):
        try:
            with contextlib.closing(connect_to_read(path)) as connection:
                damage = _describe_damage(connection)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            damage = str(error)
    return StoreCorruptError(f"{path} is corrupt: {damage}.", path, checked_id) if damage else None


def _describe_damage(connection: sqlite3.Connection) -> str:
    """Check the whole database; return the first damage in words, "" if none. Raises sqlite3.DatabaseError for some."""
    for (check_result,) in connection.execute("PRAGMA integrity_check(1)").fetchall():
        if check_result != "ok":
            return str(check_result)
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        return f"row {row} of {table} refers to a row of {parent} that does not exist"
    for (table,) in connection.execute(_FULL_TEXT_TABLES).fetchall():
        with contextlib.suppress(sqlite3.OperationalError):  # the file is read-only; damage raises a DatabaseError
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
    return ""
