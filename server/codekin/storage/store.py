"""The store of one workspace: its files, their snippets, and the full text of the distinct contents.

Everything else (graph, vectors in memory) is derived from it. A content is a snippet's text; equal texts are one
content however often and wherever they occur, and keep their number as long as a snippet refers to them.
Every change is one transaction: a file is in the store completely or not at all.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.storage import removal, schema
from codekin.storage.database import T, get_file_size
from codekin.storage.queries import to_path
from codekin.storage.rows import FileRecord, FileState, put_file, to_file_state
from codekin.storage.snippet_queries import SnippetQueries


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of rows in the store."""

    files: int
    snippets: int
    contents: int
    skipped: int


class Store(SnippetQueries):
    """One workspace's store. Thread-safe; each thread gets its own connection."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, schema.STORE_MIGRATIONS)

    def identity(self) -> str:
        """Return the store's random identity, written on first use; a rebuilt store has another. Raises StoreError."""
        identity = self.get_meta("identity")
        if identity is None:
            self.set_meta({"identity": uuid.uuid4().hex})
            identity = self.get_meta("identity")
        return str(identity)

    def file_states(self) -> dict[Path, FileState]:
        """Return path → stored size, time, hash and overlay flag, of every file. Raises StoreError."""
        rows = self._query("SELECT path, size, mtime_ns, hash, overlay FROM files")
        return dict(self._convert(lambda row: (to_path(row[0]), to_file_state(*row[1:])), rows))

    def file_state(self, path: Path) -> FileState | None:
        """Return the stored size, time, hash and overlay flag of a file; None if there is none. Raises StoreError."""
        rows = self._query("SELECT size, mtime_ns, hash, overlay FROM files WHERE path = ?", (str(path),))
        return self._convert(lambda row: to_file_state(*row), rows)[0] if rows else None

    def filter_known_hashes(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Return the set of those of `hashes` that are contents of the store. Raises StoreError."""
        rows = self._query_in("SELECT hash FROM contents WHERE hash IN ({})", hashes)
        return {row[0] for row in rows}

    def count_rows(self) -> Counts:
        """Return the numbers of files, snippets, contents and skipped files. Raises StoreError."""
        tables = ("files", "snippets", "contents", "skipped")
        return Counts(*(self._query(f"SELECT count(*) FROM {table}")[0][0] for table in tables))

    def check_references(self) -> None:
        """Raise StoreCorruptError if a snippet's content, or its full text, is missing."""
        for table in ("contents", "words_content"):
            if self._query(f"SELECT 1 FROM snippets WHERE content NOT IN (SELECT id FROM {table}) LIMIT 1"):
                raise self._make_corrupt_error(f"a snippet lacks its row of {table}")

    def has_files(self) -> bool:
        """Return whether the store has any file, unsaved documents included. Raises StoreError."""
        return bool(self._query("SELECT 1 FROM files LIMIT 1"))

    def has_unread_files(self) -> bool:
        """Return whether a file has unsaved text in the store, or is to be read by the next scan. Raises StoreError."""
        return bool(self._query("SELECT 1 FROM files WHERE overlay = 1 OR mtime_ns = 0 LIMIT 1"))

    def size_bytes(self) -> int:
        """Return the size of the file on the disk in bytes, with its write-ahead log; 0 if it is gone. Never raises."""
        database_paths = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal"))
        return sum(get_file_size(database_path) for database_path in database_paths)

    def generation(self) -> int:
        """Return a number that grows with every change of files or snippets, in any process. Raises StoreError.

        It is 0 in a new store, and stays the same within `read_steadily`. Costs microseconds.
        """
        steady_values = self._get_steady_values()
        if steady_values is None:
            return self.get_number("generation") or 0
        if "generation" not in steady_values:
            steady_values["generation"] = self.get_number("generation") or 0
        return steady_values["generation"]

    def get_meta(self, key: str) -> str | int | bytes | None:
        """Return a value that some process set by set_meta; None if there is none. Raises StoreError."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def get_number(self, key: str) -> int | None:
        """Return an int set by set_meta; None if there is none. Raises StoreCorruptError if the value is no number."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return self._convert(lambda row: int(row[0]), rows)[0] if rows else None

    def set_meta(self, values: Mapping[str, str | int | bytes]) -> None:
        """Store values by key in one transaction; the generation doesn't grow. Raises StoreError."""
        self._write(
            lambda connection: connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())
        )

    def replace_files(self, records: Sequence[FileRecord], *, collect: bool = True) -> None:
        """Insert or replace files in one transaction, but unsaved text only by unsaved text. Raises ContentGoneError.

        ContentGoneError means that a record must be made again. A scan of the disk must not undo what the user sees.
        Contents that no file has any more are removed at once, so that answers are those of a new index; without
        `collect`, collect_dead_contents() removes them later.
        """

        def put_records(connection: sqlite3.Connection) -> None:
            """Put the records; delete contents that no snippet has any more, if `collect`."""
            released_contents = set[int]().union(*(put_file(connection, record) for record in records))
            if collect:
                removal.drop_unused(connection, released_contents)

        if records:
            self._write_generation(put_records)

    def clear(self) -> None:
        """Delete all files (unsaved ones too), contents and notes of skipped files, but no vectors; mark a scan as due.

        The next scan then indexes everything anew. Raises StoreError.
        """

        def delete_all(connection: sqlite3.Connection) -> None:
            """Delete all rows and the counts, and mark the store as being scanned."""
            for table in ("snippets", "files", "contents", "words", "skipped"):
                connection.execute(f"DELETE FROM {table}")
            removal.record_all_removed(connection)
            connection.execute(
                "DELETE FROM meta WHERE key IN ('files', 'pending')"
            )  # unknown until the next scan counts
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('scanning', 1)")

        self._write_generation(delete_all)

    def overlay_paths(self) -> set[Path]:
        """Return the set of paths of files that are stored with unsaved text. Raises StoreError."""
        rows = self._query("SELECT path FROM files WHERE overlay = 1")
        return set(self._convert(lambda row: to_path(row[0]), rows))

    def remove_files(self, paths: Iterable[Path], *, collect: bool = True) -> None:
        """Remove files without unsaved text and, with `collect`, contents that only they had. Raises StoreError."""
        path_texts = [str(path) for path in paths]

        def delete_files(connection: sqlite3.Connection) -> None:
            """Delete files without unsaved text; delete contents that only they had, if `collect`."""
            released_contents = removal.contents_of(connection, path_texts) if collect else set()
            connection.executemany("DELETE FROM files WHERE path = ? AND overlay = 0", [(text,) for text in path_texts])
            removal.drop_unused(connection, released_contents)
            connection.execute("UPDATE meta SET value = 0 WHERE key = 'files' AND NOT EXISTS (SELECT 1 FROM files)")

        if path_texts:
            self._write_generation(delete_files)

    def release_overlays(self, paths: Iterable[Path] | None = None) -> None:
        """Unmark files (None: all) as unsaved and reset their time, so the next scan reads them. Raises StoreError.

        This also works while the index is being closed, but then does not wait for other writers.
        """
        statement = "UPDATE files SET overlay = 0, mtime_ns = 0 WHERE overlay = 1"
        if paths is None:
            self._write(lambda connection: connection.execute(statement), is_last=True)
        elif rows := [(str(path),) for path in paths]:
            self._write(lambda connection: connection.executemany(statement + " AND path = ?", rows), is_last=True)

    def collect_dead_contents(self) -> int:
        """Remove contents that no snippet has, free their space on the disk, and return how many. Raises StoreError.

        For use after changes without `collect`.
        """
        if not self._read(removal.has_unused):
            self.free_large_space()
            return 0
        removed_count = self._write_generation(removal.drop_all_unused)
        if removed_count > self.count_contents():
            self._write(removal.compact_words)
        self.free_space()
        return removed_count

    def _write_generation(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run `change` in one transaction that also raises the generation; return its result. Raises StoreError."""

        def change_and_count(connection: sqlite3.Connection) -> T:
            """Run `change`, raise the generation by 1, and return the result."""
            result = change(connection)
            connection.execute("INSERT INTO meta VALUES ('generation', 1) ON CONFLICT DO UPDATE SET value = value + 1")
            return result

        return self._write(change_and_count)
