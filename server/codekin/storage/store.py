"""The store of one workspace: GROUND. Files, their snippets, the full text of the distinct contents.

Everything else (graph, vectors in memory) is derived from it. A content is a snippet's text; equal texts are one
content however often and wherever they stand, and keep their number for as long as anything refers to them.
Every change is one transaction: a file is in the store whole or not at all.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.storage import removal, schema
from codekin.storage.database import T, size_of
from codekin.storage.full_text import best_matches
from codekin.storage.queries import (
    FUNCTION_LOCATION_COLUMNS,
    LOCATION_COLUMNS,
    WHOLE_FUNCTIONS,
    FunctionLocation,
    filter_condition,
    path_of,
    prefix_terms,
    to_location,
)
from codekin.storage.rows import FileRecord, FileState, course_row, put_file, state_of, structure_row
from codekin.storage.skipped_files import SkippedFiles
from codekin.types import Candidate, Filter, Location

_LONGEST_NAME = 1_000  # characters; SQLite compares with patterns of 50,000 bytes at most


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the store holds."""

    files: int
    snippets: int
    contents: int
    skipped: int


class Store(SkippedFiles):
    """One workspace's file. May be used from any thread; each thread gets a connection of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, schema.STORE_MIGRATIONS)

    # What is known of files

    def identity(self) -> str:
        """A number that a store made anew does not share: derived files carry it."""
        value = self.get_meta("identity")
        if value is None:
            self.set_meta({"identity": uuid.uuid4().hex})
            value = self.get_meta("identity")
        return str(value)

    def file_states(self) -> dict[Path, FileState]:
        """Every file in the store."""
        rows = self._query("SELECT path, size, mtime_ns, hash, overlay FROM files")
        return dict(self._convert(lambda row: (path_of(row[0]), state_of(*row[1:])), rows))

    def file_state(self, path: Path) -> FileState | None:
        """One file, or None."""
        rows = self._query("SELECT size, mtime_ns, hash, overlay FROM files WHERE path = ?", (str(path),))
        return self._convert(lambda row: state_of(*row), rows)[0] if rows else None

    def known_hashes(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` that are contents of the store."""
        rows = self._in("SELECT hash FROM contents WHERE hash IN ({})", hashes)
        return {row[0] for row in rows}

    def count_rows(self) -> Counts:
        """How much there is."""
        tables = ("files", "snippets", "contents", "skipped")
        return Counts(*(self._query(f"SELECT count(*) FROM {table}")[0][0] for table in tables))

    def check_references(self) -> None:
        """Raise StoreCorruptError where a snippet's content, or the full text of it, is not there."""
        for table in ("contents", "words_content"):
            if self._query(f"SELECT 1 FROM snippets WHERE content NOT IN (SELECT id FROM {table}) LIMIT 1"):
                raise self._corrupt(f"a snippet lacks its row of {table}")

    def has_files(self) -> bool:
        """Whether there are any."""
        return bool(self._query("SELECT 1 FROM files LIMIT 1"))

    def size_bytes(self) -> int:
        """The file on disk, with its write-ahead log."""
        files = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal"))
        return sum(size_of(file) for file in files)

    def generation(self) -> int:
        """A number that grows with every change of files or snippets, in whatever process; costs microseconds."""
        return self.count_of("generation") or 0

    def get_meta(self, key: str) -> str | int | None:
        """A note that a writer left for every other process."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def count_of(self, key: str) -> int | None:
        """A note that is a number."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return self._convert(lambda row: int(row[0]), rows)[0] if rows else None

    # Writing

    def set_meta(self, values: dict[str, str | int]) -> None:
        """Leave notes."""
        self._write(lambda db: db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items()))

    def replace_files(self, records: Sequence[FileRecord], *, collect: bool = True) -> None:
        """Put files in, each in place of what was known of it: one transaction.

        A file that an editor holds open with unsaved text is left as it is, unless the record is of such text, too:
        the scan of the disk must not undo what the user sees. Contents that no file has any more go at once, so that
        answers are those of a new index; without `collect` they wait for the method of that name.
        Raises ContentGoneError where a record has to be made again.
        """

        def put(db: sqlite3.Connection) -> None:
            former = set[int]().union(*(put_file(db, record) for record in records))
            if collect:
                removal.drop_unused(db, former)

        if records:
            self._change(put)

    def clear(self) -> None:
        """Forget all files, so that the next scan takes in everything anew; vectors stay where they are."""

        def empty(db: sqlite3.Connection) -> None:
            for table in ("snippets", "files", "contents", "words", "skipped"):
                db.execute(f"DELETE FROM {table}")
            removal.note_all_removed(db)
            db.execute("DELETE FROM meta WHERE key IN ('files', 'pending')")  # who knows, before they are counted anew
            db.execute("INSERT OR REPLACE INTO meta VALUES ('scanning', 1)")

        self._change(empty)

    def overlay_paths(self) -> set[Path]:
        """The files that stand in the store with unsaved text."""
        return set(self._convert(lambda row: path_of(row[0]), self._query("SELECT path FROM files WHERE overlay = 1")))

    def remove_files(self, paths: Iterable[Path], *, collect: bool = True) -> None:
        """Forget files, and with `collect` what only they had; those with unsaved text stay."""
        names = [str(path) for path in paths]

        def drop(db: sqlite3.Connection) -> None:
            former = removal.contents_of(db, names) if collect else set()
            db.executemany("DELETE FROM files WHERE path = ? AND overlay = 0", [(name,) for name in names])
            removal.drop_unused(db, former)
            db.execute("UPDATE meta SET value = 0 WHERE key = 'files' AND NOT EXISTS (SELECT 1 FROM files)")

        if names:
            self._change(drop)

    def release_overlays(self, paths: Iterable[Path] | None = None) -> None:
        """The unsaved text of these documents (None: of all) no longer counts: the disk's will be read again.

        Also while the index is being closed: then without waiting for other writers.
        """
        statement = "UPDATE files SET overlay = 0, mtime_ns = 0 WHERE overlay = 1"
        if paths is None:
            self._write(lambda db: db.execute(statement), is_last=True)
        elif rows := [(str(path),) for path in paths]:
            self._write(lambda db: db.executemany(statement + " AND path = ?", rows), is_last=True)

    def collect_dead_contents(self) -> int:
        """Drop the contents that no snippet has, after changes that did not; returns how many."""
        if not self._read(removal.has_unused):
            return 0
        dropped = self._change(removal.drop_all_unused)
        self._write(lambda db: db.execute("PRAGMA incremental_vacuum").fetchall())
        return dropped

    # Asking

    def count_contents(self) -> int:
        """How many contents there are; 1 ms for 100,000."""
        return int(self._query("SELECT count(*) FROM contents")[0][0])

    def last_removal(self) -> int:
        """The newest position in the list of removed contents."""
        return int(self._query("SELECT coalesce(max(position), 0) FROM removed")[0][0])

    def removed_after(self, position: int) -> tuple[int, list[int] | None]:
        """The newest position, and the contents removed behind `position`; None where any may have been."""
        return self._read(lambda db: removal.removed_after(db, position))

    def contents_after(self, number: int) -> list[tuple[int, bytes]]:
        """The contents with a higher number than `number`, and their hashes; lowest first."""
        return self._query("SELECT id, hash FROM contents WHERE id > ? ORDER BY id", (number,))

    def fingerprints_after(self, number: int) -> list[tuple[int, bytes]]:
        """The contents with a higher number than `number` that have a structure, and it; lowest first."""
        statement = "SELECT id, structure FROM contents WHERE id > ? AND structure IS NOT NULL ORDER BY id"
        return self._convert(structure_row, self._query(statement, (number,)))

    def line_hashes_after(self, number: int) -> list[tuple[int, bytes]]:
        """The contents with a higher number than `number` and their courses; lowest first."""
        statement = "SELECT id, course FROM contents WHERE id > ? AND course IS NOT NULL ORDER BY id"
        return self._convert(course_row, self._query(statement, (number,)))

    def line_hashes_of(self, contents: Sequence[int]) -> dict[int, bytes]:
        """The courses of contents; unknown numbers are left out."""
        rows = self._in("SELECT id, course FROM contents WHERE course IS NOT NULL AND id IN ({})", contents)
        return dict(self._convert(course_row, rows))

    def content_ids(self) -> list[int]:
        """All contents, lowest first."""
        return [row[0] for row in self._query("SELECT id FROM contents ORDER BY id")]

    def filter_live(self, contents: Sequence[int]) -> list[int]:
        """Those of `contents` that some snippet has."""
        return [row[0] for row in self._in("SELECT DISTINCT content FROM snippets WHERE content IN ({})", contents)]

    def find_content(self, content_hash: bytes) -> int | None:
        """The number of a content, or None."""
        rows = self._query("SELECT id FROM contents WHERE hash = ?", (content_hash,))
        return rows[0][0] if rows else None

    def content_hashes(self, contents: Sequence[int]) -> dict[int, bytes]:
        """The hashes of contents; unknown numbers are left out."""
        return dict(self._in("SELECT id, hash FROM contents WHERE id IN ({})", contents))

    def files_with(self, hashes: Iterable[bytes]) -> set[Path]:
        """The files that have a snippet with one of these contents."""
        rows = self._in(
            "SELECT DISTINCT f.path FROM contents c JOIN snippets s ON s.content = c.id "
            "JOIN files f ON f.id = s.file WHERE c.hash IN ({})",
            list(hashes),
        )
        return set(self._convert(lambda row: path_of(row[0]), rows))

    def locations_of(self, contents: Sequence[int], within: Filter = Filter()) -> dict[int, list[Location]]:
        """Where contents stand now; dead ones are left out."""
        result: dict[int, list[Location]] = {}
        condition, values = filter_condition(within)
        statement = LOCATION_COLUMNS + "WHERE s.content IN ({})" + condition + " ORDER BY f.path, s.start, s.end"
        for place in self._convert(to_location, self._in(statement, contents, values)):
            result.setdefault(place.content, []).append(place)
        return result

    def locations_in(self, path: Path) -> list[Location]:
        """The snippets of a file, in order."""
        rows = self._query(LOCATION_COLUMNS + "WHERE f.path = ? ORDER BY s.start, s.end", (str(path),))
        return self._convert(to_location, rows)

    def find_by_qualified_name(self, part: str, limit: int, within: Filter = Filter()) -> list[Location]:
        """Whole definitions whose qualified name contains `part`, whatever the case; shortest names first."""
        if len(part) > _LONGEST_NAME:
            return []
        pattern = "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        limited, values = filter_condition(within)
        condition = f"WHERE s.name <> '' AND s.part < 2 AND s.qualified_name LIKE ? ESCAPE '\\'{limited} "
        order = "ORDER BY (lower(s.name) = lower(?)) DESC, length(s.qualified_name), s.qualified_name, f.path, s.start"
        rows = self._query(f"{LOCATION_COLUMNS}{condition}{order} LIMIT ?", (pattern, *values, part, limit))
        return self._convert(to_location, rows)

    def find_by_name(self, names: Sequence[str], limit: int, within: Filter = Filter()) -> list[Location]:
        """Whole definitions that have one of these very names, whatever the case."""
        condition, values = filter_condition(within)
        where = f"WHERE s.name COLLATE NOCASE IN ({{}}) AND s.part < 2{condition}"
        statement = f"{LOCATION_COLUMNS}{where} ORDER BY f.path, s.start LIMIT ?"
        return self._convert(to_location, self._in(statement, names, (*values, limit)))

    def find_by_file_name(self, words: Iterable[str], limit: int, within: Filter = Filter()) -> list[Path]:
        """Files whose own names have one of these words, or one that begins like it; by BM25, best first."""
        question = " OR ".join(term for word in words for term in prefix_terms(word))
        condition, values = filter_condition(within)
        statement = (
            "SELECT f.path FROM titles JOIN files f ON f.id = titles.rowid "
            f"WHERE titles MATCH ?{condition} ORDER BY titles.rank, f.path LIMIT ?"
        )
        rows = self._query(statement, (question, *values, limit)) if question else []
        return self._convert(lambda row: path_of(row[0]), rows)

    def list_functions(self) -> list[FunctionLocation]:
        """Every whole function, by path and line."""
        return self._convert(FunctionLocation._make, self._query(FUNCTION_LOCATION_COLUMNS))

    def contents_within(self, within: Filter) -> list[int]:
        """The contents that stand somewhere the filter allows."""
        condition, values = filter_condition(within)
        statement = "SELECT DISTINCT s.content FROM snippets s JOIN files f ON f.id = s.file WHERE 1" + condition
        return [row[0] for row in self._query(statement, values)]

    def count_files_by_language(self) -> dict[str, int]:
        """How many files there are of each language."""
        return dict(self._query("SELECT language, count(*) FROM files GROUP BY language ORDER BY 2 DESC"))

    def count_functions_by_language(self) -> dict[str, int]:
        """How many whole definitions there are of each language: neither remainders nor windows of lines."""
        return dict(self._query(WHOLE_FUNCTIONS))

    def document_frequency(self, term: str) -> int:
        """In how many contents a word occurs."""
        rows = self._query("SELECT doc FROM vocabulary WHERE term = ?", (term,))
        return rows[0][0] if rows else 0

    def match_words(self, terms: Sequence[str], limit: int) -> list[Candidate]:
        """Contents with any of the words, by BM25 (SQLite's FTS5: k1 1.2, b 0.75), best first; limit -1 is none.

        There are more than `limit` where several are as good as the last one, in no order.
        """
        if not terms:
            return []
        question = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        return self._read(lambda db: best_matches(db, question, limit))

    def _change(self, change: Callable[[sqlite3.Connection], T]) -> T:
        def counted(db: sqlite3.Connection) -> T:
            changed = change(db)
            db.execute("INSERT INTO meta VALUES ('generation', 1) ON CONFLICT DO UPDATE SET value = value + 1")
            return changed

        return self._write(counted)
