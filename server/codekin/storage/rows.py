"""What goes into the store, and how one file gets there."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.code.fingerprints import PACKED_LENGTHS
from codekin.code.line_hashes import unpack_line_hashes
from codekin.code.words import split_words
from codekin.errors import ContentGoneError
from codekin.storage import schema
from codekin.storage.removal import contents_of
from codekin.types import SnippetKind, Span


@dataclass(frozen=True, slots=True)
class FileState:
    """What the store knows of a file, to compare with the disk."""

    size: int
    mtime_ns: int
    hash: bytes
    overlay: bool


def state_of(size: int, mtime_ns: int, content_hash: bytes, overlay: int) -> FileState:
    """The state that a row of the store has. Raises TypeError where it is none."""
    return FileState(int(size), int(mtime_ns), bytes(memoryview(content_hash)), bool(overlay))


def course_row(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """The row of a content and its packed course. Raises ValueError or TypeError where that can't be unpacked."""
    unpack_line_hashes(row[1])
    return row


def structure_row(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """The row of a content and its packed structure. Raises ValueError or TypeError where that has another length."""
    if len(memoryview(row[1])) not in PACKED_LENGTHS:
        raise ValueError("a structure of another length")
    return row


@dataclass(frozen=True, slots=True)
class SnippetRecord:
    """A snippet on its way into the store."""

    name: str
    qualified_name: str
    kind: SnippetKind
    span: Span
    name_line: int
    part: int
    content: bytes  # the hash of its text
    words: str | None  # what full text finds its content by; None where the store has the content
    structure: bytes | None = None  # Structure.packed(); None where there is nothing to compare, or the store has it
    course: bytes | None = None  # Course.packed(); None where the store has it


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file on its way into the store; `snippets` is None where only its state on the disk has changed."""

    path: Path
    language: str
    state: FileState
    snippets: tuple[SnippetRecord, ...] | None


def file_title(path: Path) -> str:
    """What a file is called, without what says its language: `user.service` of `user.service.ts`."""
    return path.name.rsplit(".", 1)[0] or path.name


def put_file(db: sqlite3.Connection, record: FileRecord) -> set[int]:
    """Put the record in place of what was known of the file, within a transaction of the caller's.

    Unsaved text gives way to unsaved text only. Returns the contents that the file had and has no more.
    """
    state, path = record.state, str(record.path)
    row = db.execute("SELECT id, overlay FROM files WHERE path = ?", (path,)).fetchone()
    if row is not None and row[1] and not state.overlay:
        return set()
    values = (record.language, state.size, state.mtime_ns, state.hash, state.overlay)
    if record.snippets is None:
        update = "UPDATE files SET size = ?, mtime_ns = ?, overlay = ? WHERE path = ? AND hash = ?"
        db.execute(update, (state.size, state.mtime_ns, state.overlay, path, state.hash))
        return set()
    former: set[int] = set()
    if row is None:
        insert = "INSERT INTO files (path, language, size, mtime_ns, hash, overlay) VALUES (?, ?, ?, ?, ?, ?)"
        file = db.execute(insert, (path, *values)).lastrowid
        db.execute(
            "INSERT INTO titles (rowid, title) VALUES (?, ?)", (file, " ".join(split_words(file_title(record.path))))
        )
    else:
        file = row[0]
        former = contents_of(db, [path])
        db.execute(
            "UPDATE files SET language = ?, size = ?, mtime_ns = ?, hash = ?, overlay = ? WHERE id = ?", (*values, file)
        )
        db.execute("DELETE FROM snippets WHERE file = ?", (file,))
    numbers = _numbers(db, record.snippets)
    rows = (
        (file, numbers[s.content], s.span.start, s.span.end, s.name_line, s.part, s.kind, s.name, s.qualified_name)
        for s in record.snippets
    )
    db.executemany("INSERT INTO snippets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return former.difference(numbers.values())


def _numbers(db: sqlite3.Connection, snippets: Sequence[SnippetRecord]) -> dict[bytes, int]:
    """The contents' numbers by their hashes; new ones are put in."""
    contents = {snippet.content: snippet for snippet in snippets}
    numbers: dict[bytes, int] = dict(
        schema.select_in_chunks(db, "SELECT hash, id FROM contents WHERE hash IN ({})", list(contents))
    )
    for content, record in contents.items():
        if content in numbers:
            continue
        body, matter = record.words, (content, record.structure, record.course)
        if body is None:  # its last snippet went, and it was collected, since the record was made
            raise ContentGoneError("A content is no longer in the store. Nothing is lost: the file is read again.")
        number = db.execute("INSERT INTO contents (hash, structure, course) VALUES (?, ?, ?)", matter).lastrowid
        db.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (number, body))
        numbers[content] = int(number or 0)
    return numbers
