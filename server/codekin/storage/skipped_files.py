"""Skipped source files of a workspace, with reasons, as the store keeps them."""

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from codekin.storage.database import Database
from codekin.storage.queries import LOCATION_COLUMNS, to_location, to_path
from codekin.types import Location, Retry, Skipped

_PUT_STATEMENT = "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?)"

# Stored as size and mtime_ns of a skipped file that the next scan tries again: no file has these.
TRY_AGAIN, TRY_ALONE = (0, 0), (-1, -1)

Stamps = Mapping[Skipped, tuple[int, int]]  # size and mtime_ns


def stamp_of(item: Skipped, files: Mapping[Path, tuple[int, int]]) -> tuple[int, int]:
    """Return (size, mtime_ns) to store for a skipped file: those in `files`, or a mark for the next scan to retry."""
    if item.retry is Retry.WHEN_CHANGED:
        return files.get(item.path, TRY_AGAIN)
    return TRY_ALONE if item.retry is Retry.ALONE else TRY_AGAIN


class SkippedFiles(Database):
    """The part of the store that knows which files are skipped, or could not be parsed."""

    def skipped(self) -> dict[Skipped, tuple[int, int]]:
        """Return skipped source file → its stored (size, mtime_ns), in the order of paths. Raises StoreError."""
        rows = self._query("SELECT path, reason, size, mtime_ns FROM skipped ORDER BY path")
        return dict(self._convert(lambda row: (Skipped(to_path(row[0]), str(row[1])), row[2:]), rows))

    def set_skipped(self, skipped: Stamps) -> None:
        """Replace the workspace's whole list of skipped files in one transaction. Raises StoreError."""

        def replace_all(connection: sqlite3.Connection) -> None:
            """Replace all rows."""
            connection.execute("DELETE FROM skipped")
            connection.executemany(_PUT_STATEMENT, _to_rows(skipped))

        self._write(replace_all)

    def update_skipped(self, paths: Collection[Path], skipped: Stamps) -> None:
        """Replace the entries of these `paths` by `skipped`, in one transaction, unless equal. Raises StoreError."""
        path_texts = [_to_text(path) for path in paths]
        stored_rows = self._query_in("SELECT path, reason, size, mtime_ns FROM skipped WHERE path IN ({})", path_texts)
        rows = _to_rows(skipped)
        if set(stored_rows) == set(rows):  # as for nearly every edit, which then costs no transaction
            return

        def replace_paths(connection: sqlite3.Connection) -> None:
            """Replace the rows of these paths."""
            connection.executemany("DELETE FROM skipped WHERE path = ?", [(text,) for text in path_texts])
            connection.executemany(_PUT_STATEMENT, rows)

        self._write(replace_paths)

    def list_windows(self, languages: Collection[str]) -> list[Location]:
        """Return the locations of snippets that are mere runs of lines, in these languages, by path and line."""
        statement = LOCATION_COLUMNS + "WHERE s.kind = 'lines' AND f.language IN ({}) ORDER BY f.path, s.start"
        return self._convert(to_location, self._query_in(statement, list(languages)))


def _to_rows(skipped: Stamps) -> list[tuple[str, str, int, int]]:
    """Return `skipped` as rows of the table of that name: (path, reason, size, mtime_ns)."""
    return [(_to_text(item.path), item.reason, *stamp) for item, stamp in skipped.items()]


def _to_text(path: Path) -> str:
    """Return a path as text, with escapes where it is not UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()
