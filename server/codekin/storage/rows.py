"""Records of files and snippets, and how they are written into the store's tables."""

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
    """A file's size, time and hash as the store has them, to compare with the disk."""

    size: int
    mtime_ns: int
    hash: bytes
    overlay: bool


def to_file_state(size: int, mtime_ns: int, content_hash: bytes, overlay: int) -> FileState:
    """Return a row's columns as a FileState. Raises TypeError or ValueError for impossible values."""
    return FileState(int(size), int(mtime_ns), bytes(memoryview(content_hash)), bool(overlay))


def validate_line_hashes(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """Return the row (content, packed line hashes). Raises ValueError or TypeError if they can't be unpacked."""
    unpack_line_hashes(row[1])
    return row


def validate_fingerprints(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """Return the row (content, packed fingerprints). Raises ValueError or TypeError if their length is wrong."""
    if len(memoryview(row[1])) not in PACKED_LENGTHS:
        raise ValueError("fingerprints of another length")
    return row


@dataclass(frozen=True, slots=True)
class SnippetRecord:
    """A snippet to write into the store."""

    name: str
    qualified_name: str
    kind: SnippetKind
    span: Span
    name_line: int
    part: int
    content_hash: bytes
    words: str | None  # for full-text search; None if the store has the content
    fingerprints: bytes | None = None  # packed; None if there is nothing to compare, or the store has the content
    line_hashes: bytes | None = None  # packed; None if the store has the content


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file to write into the store; `snippets` is None if only its state on the disk has changed."""

    path: Path
    language: str
    state: FileState
    snippets: tuple[SnippetRecord, ...] | None


def file_title(path: Path) -> str:
    """Return a file's name without its last extension: `user.service` of `user.service.ts`; `.env` stays whole."""
    return path.name.rsplit(".", 1)[0] or path.name


def put_file(connection: sqlite3.Connection, record: FileRecord) -> set[int]:
    """Insert or replace a file (unsaved text only by unsaved); return the contents it lost. Raises ContentGoneError.

    Runs in the caller's transaction, and returns the numbers of contents that the file had and has no more. A record
    from the disk changes nothing where unsaved text is stored. One whose `snippets` is None only updates size, time and
    overlay. ContentGoneError means that a content was removed meanwhile.
    """
    path_text = str(record.path)
    row = connection.execute("SELECT id, overlay FROM files WHERE path = ?", (path_text,)).fetchone()
    if row is not None and row[1] and not record.state.overlay:
        return set()
    if record.snippets is None:
        _update_state(connection, record)
        return set()
    released_contents: set[int] = set()
    if row is None:
        file_number = _insert_file(connection, record)
    else:
        file_number = row[0]
        released_contents = contents_of(connection, [path_text])
        _update_file(connection, record, file_number)
        connection.execute("DELETE FROM snippets WHERE file = ?", (file_number,))
    content_numbers = _put_contents(connection, record.snippets)
    snippet_rows = (
        (
            *(file_number, content_numbers[snippet.content_hash], snippet.span.start, snippet.span.end),
            *(snippet.name_line, snippet.part, snippet.kind, snippet.name, snippet.qualified_name),
        )
        for snippet in record.snippets
    )
    connection.executemany("INSERT INTO snippets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", snippet_rows)
    return released_contents.difference(content_numbers.values())


def _update_state(connection: sqlite3.Connection, record: FileRecord) -> None:
    """Update size, time and overlay of a file, if its hash is still the record's; else do nothing."""
    state = record.state
    statement = "UPDATE files SET size = ?, mtime_ns = ?, overlay = ? WHERE path = ? AND hash = ?"
    connection.execute(statement, (state.size, state.mtime_ns, state.overlay, str(record.path), state.hash))


def _insert_file(connection: sqlite3.Connection, record: FileRecord) -> int:
    """Insert a file and the words of its name; return its number."""
    statement = "INSERT INTO files (path, language, size, mtime_ns, hash, overlay) VALUES (?, ?, ?, ?, ?, ?)"
    file_number = int(connection.execute(statement, (str(record.path), *_file_columns(record))).lastrowid or 0)
    title = " ".join(split_words(file_title(record.path)))
    connection.execute("INSERT INTO titles (rowid, title) VALUES (?, ?)", (file_number, title))
    return file_number


def _update_file(connection: sqlite3.Connection, record: FileRecord, file_number: int) -> None:
    """Update a file's row: its language, size, time, hash and overlay, but no snippets."""
    statement = "UPDATE files SET language = ?, size = ?, mtime_ns = ?, hash = ?, overlay = ? WHERE id = ?"
    connection.execute(statement, (*_file_columns(record), file_number))


def _file_columns(record: FileRecord) -> tuple[object, ...]:
    """Return a record's values for the columns of `files` after the path."""
    state = record.state
    return record.language, state.size, state.mtime_ns, state.hash, state.overlay


def _put_contents(connection: sqlite3.Connection, snippets: Sequence[SnippetRecord]) -> dict[bytes, int]:
    """Insert contents that the store lacks, with their words; return hash → number of all. Raises ContentGoneError."""
    snippets_by_hash = {snippet.content_hash: snippet for snippet in snippets}
    statement = "SELECT hash, id FROM contents WHERE hash IN ({})"
    content_numbers: dict[bytes, int] = dict(schema.select_in_chunks(connection, statement, list(snippets_by_hash)))
    for content_hash, snippet in snippets_by_hash.items():
        if content_hash in content_numbers:
            continue
        if snippet.words is None:  # since the record was made, the content's last snippet was removed
            raise ContentGoneError("A content is no longer in the store. Nothing is lost: the file is read again.")
        columns = (content_hash, snippet.fingerprints, snippet.line_hashes)
        insert_statement = "INSERT INTO contents (hash, structure, course) VALUES (?, ?, ?)"
        content_number = int(connection.execute(insert_statement, columns).lastrowid or 0)
        connection.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (content_number, snippet.words))
        content_numbers[content_hash] = content_number
    return content_numbers
