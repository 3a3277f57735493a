"""The store of one workspace: GROUND. Files, their snippets, the full text of the distinct contents.

Everything else (graph, vectors in memory) is derived from it. A content is a snippet's text; equal texts are one
content however often and wherever they stand, and keep their number for as long as anything refers to them.
Every change is one transaction: a file is in the store whole or not at all.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.index import schema
from codekin.index.database import Database
from codekin.index.places import FUNCTIONS, PLACE, STANDING, Standing, beginning_alike, condition_of, place_of
from codekin.index.records import FileRecord, FileState, put_file
from codekin.types import Candidate, Filter, Place, Skipped


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the store holds."""

    files: int
    snippets: int
    contents: int  # the dead ones included
    skipped: int


class Store(Database):
    """One workspace's file. May be used from any thread; each thread gets a connection of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, schema.STORE_MIGRATIONS)

    # What is known of files

    def identity(self) -> str:
        """A number that a store made anew does not share: derived files carry it."""
        value = self.meta("identity")
        if value is None:
            self.set_meta({"identity": uuid.uuid4().hex})
            value = self.meta("identity")
        return str(value)

    def states(self) -> dict[Path, FileState]:
        """Every file in the store."""
        rows = self._query("SELECT path, size, mtime_ns, hash, overlay FROM files")
        return {Path(path): FileState(size, mtime, key, bool(over)) for path, size, mtime, key, over in rows}

    def state(self, path: Path) -> FileState | None:
        """One file, or None."""
        rows = self._query("SELECT size, mtime_ns, hash, overlay FROM files WHERE path = ?", (str(path),))
        return FileState(rows[0][0], rows[0][1], rows[0][2], bool(rows[0][3])) if rows else None

    def known(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` that are contents of the store."""
        rows = self._in("SELECT hash FROM contents WHERE hash IN ({})", hashes)
        return {row[0] for row in rows}

    def skipped(self) -> dict[Skipped, tuple[int, int]]:
        """Source files that are left out and why, with their size and mtime_ns."""
        rows = self._query("SELECT path, reason, size, mtime_ns FROM skipped ORDER BY path")
        return {Skipped(Path(path), reason): (size, mtime) for path, reason, size, mtime in rows}

    def counts(self) -> Counts:
        """How much there is."""
        tables = ("files", "snippets", "contents", "skipped")
        return Counts(*(self._query(f"SELECT count(*) FROM {table}")[0][0] for table in tables))

    def has_files(self) -> bool:
        """Whether there are any."""
        return bool(self._query("SELECT 1 FROM files LIMIT 1"))

    def size_bytes(self) -> int:
        """The file on disk, with its write-ahead log."""
        files = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def generation(self) -> int:
        """A number that grows with every change of files or snippets, in whatever process; costs microseconds."""
        return int(self.meta("generation") or 0)

    def meta(self, key: str) -> str | int | None:
        """A note that a writer left for every other process."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    # Writing

    def set_meta(self, values: dict[str, str | int]) -> None:
        """Leave notes."""
        self._write(lambda db: db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items()))

    def replace(self, records: Sequence[FileRecord]) -> None:
        """Put files in, each in place of what was known of it: one transaction.

        A file that an editor holds open with unsaved text is left as it is, unless the record is of such text, too:
        the scan of the disk must not undo what the user sees.
        """

        def put(db: sqlite3.Connection) -> None:
            for record in records:
                put_file(db, record)

        if records:
            self._change(put)

    def clear(self) -> None:
        """Forget all files, so that the next scan takes in everything anew; vectors stay where they are."""

        def empty(db: sqlite3.Connection) -> None:
            for table in ("snippets", "files", "contents", "words", "skipped"):
                db.execute(f"DELETE FROM {table}")
            db.execute("DELETE FROM meta WHERE key IN ('files', 'pending')")  # who knows, before they are counted anew
            db.execute("INSERT OR REPLACE INTO meta VALUES ('scanning', 1)")

        self._change(empty)

    def overlays(self) -> set[Path]:
        """The files that stand in the store with unsaved text."""
        return {Path(row[0]) for row in self._query("SELECT path FROM files WHERE overlay = 1")}

    def remove(self, paths: Iterable[Path]) -> None:
        """Forget files; those with unsaved text stay."""
        rows = [(str(path),) for path in paths]
        if rows:
            self._change(lambda db: db.executemany("DELETE FROM files WHERE path = ? AND overlay = 0", rows))

    def release(self, paths: Iterable[Path] | None = None) -> None:
        """The unsaved text of these documents (None: of all) no longer counts: the disk's will be read again."""
        statement = "UPDATE files SET overlay = 0, mtime_ns = 0 WHERE overlay = 1"
        if paths is None:
            self._write(lambda db: db.execute(statement))
        else:
            rows = [(str(path),) for path in paths]
            self._write(lambda db: db.executemany(statement + " AND path = ?", rows))

    def set_skipped(self, skipped: Mapping[Skipped, tuple[int, int]]) -> None:
        """Remember what is left out, with size and mtime_ns, in place of what was; a path that is no UTF-8, escaped."""
        told = {item: str(item.path).encode(errors="backslashreplace").decode() for item in skipped}
        rows = [(told[item], item.reason, *state) for item, state in skipped.items()]

        def put(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM skipped")
            db.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?)", rows)

        self._write(put)

    def collect(self, dead_share: float) -> int:
        """Drop contents that no snippet has, once they are more than `dead_share` of all; returns how many.

        Until then they stay: a branch that comes back finds its full text where it was.
        """
        ((dead, total),) = self._query(
            "SELECT count(*) FILTER (WHERE id NOT IN (SELECT content FROM snippets)), count(*) FROM contents"
        )
        if dead <= dead_share * total:
            return 0

        def drop(db: sqlite3.Connection) -> None:
            gone = "SELECT id FROM contents WHERE id NOT IN (SELECT content FROM snippets)"
            db.execute(f"DELETE FROM words WHERE rowid IN ({gone})")
            db.execute(f"DELETE FROM contents WHERE id IN ({gone})")

        self._change(drop)
        self._query("PRAGMA incremental_vacuum")
        return int(dead)

    # Asking

    def newest(self) -> int:
        """The highest number of a content: about how many there are."""
        return int(self._query("SELECT coalesce(max(id), 0) FROM contents")[0][0])

    def contents_after(self, number: int) -> list[tuple[int, bytes]]:
        """The contents with a higher number than `number`, and their hashes; lowest first."""
        return self._query("SELECT id, hash FROM contents WHERE id > ? ORDER BY id", (number,))

    def structures_after(self, number: int) -> list[tuple[int, bytes]]:
        """The contents with a higher number than `number` that have a structure, and it; lowest first."""
        statement = "SELECT id, structure FROM contents WHERE id > ? AND structure IS NOT NULL ORDER BY id"
        return self._query(statement, (number,))

    def courses_after(self, number: int) -> list[tuple[int, bytes]]:
        """The contents with a higher number than `number` and their courses; lowest first."""
        statement = "SELECT id, course FROM contents WHERE id > ? AND course IS NOT NULL ORDER BY id"
        return self._query(statement, (number,))

    def courses(self, contents: Sequence[int]) -> dict[int, bytes]:
        """The courses of contents; unknown numbers are left out."""
        return dict(self._in("SELECT id, course FROM contents WHERE course IS NOT NULL AND id IN ({})", contents))

    def numbers(self) -> list[int]:
        """All contents, the dead ones included, lowest first."""
        return [row[0] for row in self._query("SELECT id FROM contents ORDER BY id")]

    def live(self) -> list[int]:
        """The contents that some snippet has, lowest first."""
        return [row[0] for row in self._query("SELECT DISTINCT content FROM snippets ORDER BY content")]

    def alive(self, contents: Sequence[int]) -> list[int]:
        """Those of `contents` that some snippet has."""
        return [row[0] for row in self._in("SELECT DISTINCT content FROM snippets WHERE content IN ({})", contents)]

    def content_of(self, content_hash: bytes) -> int | None:
        """The number of a content, or None."""
        rows = self._query("SELECT id FROM contents WHERE hash = ?", (content_hash,))
        return rows[0][0] if rows else None

    def hash_of(self, contents: Sequence[int]) -> dict[int, bytes]:
        """The hashes of contents; unknown numbers are left out."""
        return dict(self._in("SELECT id, hash FROM contents WHERE id IN ({})", contents))

    def files_with(self, hashes: Iterable[bytes]) -> set[Path]:
        """The files that have a snippet with one of these contents."""
        rows = self._in(
            "SELECT DISTINCT f.path FROM contents c JOIN snippets s ON s.content = c.id "
            "JOIN files f ON f.id = s.file WHERE c.hash IN ({})",
            list(hashes),
        )
        return {Path(row[0]) for row in rows}

    def places(self, contents: Sequence[int], within: Filter = Filter()) -> dict[int, list[Place]]:
        """Where contents stand now; dead ones are left out."""
        result: dict[int, list[Place]] = {}
        condition, values = condition_of(within)
        for row in self._in(
            PLACE + "WHERE s.content IN ({})" + condition + " ORDER BY f.path, s.start", contents, values
        ):
            place = place_of(row)
            result.setdefault(place.content, []).append(place)
        return result

    def places_in(self, path: Path) -> list[Place]:
        """The snippets of a file, in order."""
        return [place_of(row) for row in self._query(PLACE + "WHERE f.path = ? ORDER BY s.start", (str(path),))]

    def named(self, part: str, limit: int, within: Filter = Filter()) -> list[Place]:
        """Whole definitions whose qualified name contains `part`, whatever the case; shortest names first."""
        pattern = "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        limited, values = condition_of(within)
        condition = f"WHERE s.name <> '' AND s.part < 2 AND s.qualified_name LIKE ? ESCAPE '\\'{limited} "
        order = "ORDER BY (lower(s.name) = lower(?)) DESC, length(s.qualified_name), s.qualified_name, f.path LIMIT ?"
        return [place_of(row) for row in self._query(PLACE + condition + order, (pattern, *values, part, limit))]

    def defined(self, names: Sequence[str], limit: int, within: Filter = Filter()) -> list[Place]:
        """Whole definitions that have one of these very names, whatever the case."""
        condition, values = condition_of(within)
        statement = PLACE + "WHERE s.name COLLATE NOCASE IN ({}) AND s.part < 2" + condition + " LIMIT ?"
        return [place_of(row) for row in self._in(statement, names, (*values, limit))]

    def titled(self, words: Iterable[str], limit: int, within: Filter = Filter()) -> list[Path]:
        """Files whose own names have one of these words, or one that begins like it; by BM25, best first."""
        question = " OR ".join(term for word in words for term in beginning_alike(word))
        condition, values = condition_of(within)
        statement = (
            "SELECT f.path FROM titles JOIN files f ON f.id = titles.rowid "
            f"WHERE titles MATCH ?{condition} ORDER BY titles.rank LIMIT ?"
        )
        return [Path(row[0]) for row in self._query(statement, (question, *values, limit))] if question else []

    def standing(self) -> list[Standing]:
        """Every whole function, by path and line."""
        return list(map(Standing._make, self._query(STANDING)))

    def contents_within(self, within: Filter) -> list[int]:
        """The contents that stand somewhere the filter allows."""
        condition, values = condition_of(within)
        statement = "SELECT DISTINCT s.content FROM snippets s JOIN files f ON f.id = s.file WHERE 1" + condition
        return [row[0] for row in self._query(statement, values)]

    def languages(self) -> dict[str, int]:
        """How many files there are of each language."""
        return dict(self._query("SELECT language, count(*) FROM files GROUP BY language ORDER BY 2 DESC"))

    def functions(self) -> dict[str, int]:
        """How many whole definitions there are of each language: neither remainders nor windows of lines."""
        return dict(self._query(FUNCTIONS))

    def document_frequency(self, term: str) -> int:
        """In how many contents a word occurs."""
        rows = self._query("SELECT doc FROM vocabulary WHERE term = ?", (term,))
        return rows[0][0] if rows else 0

    def match(self, terms: Sequence[str], limit: int) -> list[Candidate]:
        """Contents with any of the words, by BM25 (SQLite's FTS5: k1 1.2, b 0.75), best first; limit -1 is none."""
        if not terms:
            return []
        question = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        statement = "SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
        return [Candidate(*row) for row in self._query(statement, (question, limit))]

    def _change(self, change: Callable[[sqlite3.Connection], object]) -> None:
        def counted(db: sqlite3.Connection) -> None:
            change(db)
            db.execute("INSERT INTO meta VALUES ('generation', 1) ON CONFLICT DO UPDATE SET value = value + 1")

        self._write(counted)
