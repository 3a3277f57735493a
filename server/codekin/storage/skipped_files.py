"""The source files of a workspace that are left out, and why, as the store remembers them."""

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from codekin.storage.database import Database
from codekin.storage.queries import LOCATION_COLUMNS, path_of, to_location
from codekin.types import Location, Retry, Skipped

_PUT = "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?)"

# What is stored as size and mtime_ns of a skipped file that the next scan tries again: no file has these.
TRY_AGAIN, TRY_ALONE = (0, 0), (-1, -1)

Stamps = Mapping[Skipped, tuple[int, int]]  # size and mtime_ns


def stamp_of(item: Skipped, files: Mapping[Path, tuple[int, int]]) -> tuple[int, int]:
    """What is stored as the size and mtime_ns of a skipped file: while they stay the same, it is not tried again."""
    if item.retry is Retry.WHEN_CHANGED:
        return files.get(item.path, TRY_AGAIN)
    return TRY_ALONE if item.retry is Retry.ALONE else TRY_AGAIN


class SkippedFiles(Database):
    """The part of the store that knows which files are left out, or could not be parsed."""

    def skipped(self) -> dict[Skipped, tuple[int, int]]:
        """Source files that are left out and why, with their size and mtime_ns."""
        rows = self._query("SELECT path, reason, size, mtime_ns FROM skipped ORDER BY path")
        return dict(self._convert(lambda row: (Skipped(path_of(row[0]), str(row[1])), row[2:]), rows))

    def set_skipped(self, skipped: Stamps) -> None:
        """Remember what is left out of the workspace, in place of all that was."""

        def put(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM skipped")
            db.executemany(_PUT, _rows(skipped))

        self._write(put)

    def update_skipped(self, paths: Collection[Path], skipped: Stamps) -> None:
        """Remember what is left out of these `paths`, in place of what was known of them."""
        names = [_name(path) for path in paths]
        known = self._in("SELECT path, reason, size, mtime_ns FROM skipped WHERE path IN ({})", names)
        rows = _rows(skipped)
        if set(known) == set(rows):  # as nearly always: an edit costs no transaction for this
            return

        def put(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM skipped WHERE path = ?", [(name,) for name in names])
            db.executemany(_PUT, rows)

        self._write(put)

    def list_windows(self, languages: Collection[str]) -> list[Location]:
        """List the windows of lines in files of these languages, by path and line."""
        statement = LOCATION_COLUMNS + "WHERE s.kind = 'lines' AND f.language IN ({}) ORDER BY f.path, s.start"
        return self._convert(to_location, self._in(statement, list(languages)))


def _rows(skipped: Stamps) -> list[tuple[str, str, int, int]]:
    return [(_name(item.path), item.reason, *stamp) for item, stamp in skipped.items()]


def _name(path: Path) -> str:
    """The path as text; escaped where it is no UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()
