"""Removes contents that no snippet has any more, and lists them for processes that have them in memory.

They are removed by the change that makes them unused: words of unused contents would count in full-text search (BM25
uses the number of contents and each word's frequency), and an updated index would answer differently from a new one.
"""

import sqlite3
from collections.abc import Sequence

from codekin.storage import schema

_ANY_CONTENT = 0  # an entry that means: any content may have been removed
_MAX_LISTED = 2048  # removed contents that are listed; comparing all of 100,000 instead takes 0.1 s
_MAX_FREED = 2000  # pages a transaction: meanwhile no other process can write

_SELECT_UNUSED = "SELECT id FROM contents WHERE id NOT IN (SELECT content FROM snippets)"


def contents_of(connection: sqlite3.Connection, paths: Sequence[str]) -> set[int]:
    """Return the set of numbers of the contents that these files have; unknown paths are ignored."""
    statement = "SELECT DISTINCT s.content FROM files f JOIN snippets s ON s.file = f.id WHERE f.path IN ({})"
    return {row[0] for row in schema.select_in_chunks(connection, statement, paths)}


def drop_unused(connection: sqlite3.Connection, contents: set[int]) -> None:
    """Delete those of `contents` that no snippet has any more, with their words; append them to the table `removed`."""
    statement = "SELECT id FROM contents WHERE id IN ({}) AND NOT EXISTS (SELECT 1 FROM snippets WHERE content = id)"
    _delete_contents(connection, [row[0] for row in schema.select_in_chunks(connection, statement, sorted(contents))])


def drop_all_unused(connection: sqlite3.Connection) -> int:
    """Delete all contents that no snippet has, and their words; append them to the table `removed`; return how many."""
    unused_contents = [row[0] for row in connection.execute(_SELECT_UNUSED)]
    _delete_contents(connection, unused_contents)
    return len(unused_contents)


def has_unused(connection: sqlite3.Connection) -> bool:
    """Return whether there is a content that no snippet has; takes 20 ms for 100,000 contents if there is none."""
    return connection.execute(_SELECT_UNUSED + " LIMIT 1").fetchone() is not None


def record_all_removed(connection: sqlite3.Connection) -> None:
    """Append "any content may be gone" to the table `removed`, so that other processes compare all they have."""
    _append_removed(connection, [_ANY_CONTENT])


def removed_after(connection: sqlite3.Connection, position: int) -> tuple[int, list[int] | None]:
    """Return (newest position in `removed`, contents removed after `position`); None for these if any may be gone."""
    statement = "SELECT position, content FROM removed WHERE position > ? ORDER BY position"
    rows = connection.execute(statement, (position,)).fetchall()
    if not rows:
        return position, []
    contents = [content for _, content in rows]
    is_complete = rows[0][0] == position + 1 and _ANY_CONTENT not in contents
    return rows[-1][0], contents if is_complete else None


def _delete_contents(connection: sqlite3.Connection, contents: Sequence[int]) -> None:
    """Delete contents and their words; append them to the table `removed` (more than 2,048 as "any content")."""
    if not contents:
        return
    rows = [(content,) for content in contents]
    connection.executemany("DELETE FROM words WHERE rowid = ?", rows)
    connection.executemany("DELETE FROM contents WHERE id = ?", rows)
    _append_removed(connection, contents if len(contents) <= _MAX_LISTED else [_ANY_CONTENT])


def compact_words(connection: sqlite3.Connection) -> None:
    """Rewrite the full-text index without what was deleted (FTS5's "optimize"); for when that is most of it."""
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")


def free_pages(connection: sqlite3.Connection) -> int:
    """Cut up to 2,000 free pages off the file, in the caller's transaction; return how many are left.

    SQLite frees one page a step, and Python's `execute` takes a single step of a statement without columns.
    """
    for _ in range(min(_count_pages(connection, "freelist_count"), _MAX_FREED)):
        connection.execute("PRAGMA incremental_vacuum")
    return _count_pages(connection, "freelist_count")


def has_many_free_pages(connection: sqlite3.Connection) -> bool:
    """Return whether more than a quarter of the file is free."""
    return _count_pages(connection, "freelist_count") > _count_pages(connection, "page_count") / 4


def _count_pages(connection: sqlite3.Connection, pragma: str) -> int:
    """Return the file's number of free pages or of all pages: `pragma` is `freelist_count` or `page_count`."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _append_removed(connection: sqlite3.Connection, contents: Sequence[int]) -> None:
    """Append to the table `removed`, and cut it to its newest 2,048 rows."""
    connection.executemany("INSERT INTO removed (content) VALUES (?)", [(content,) for content in contents])
    connection.execute("DELETE FROM removed WHERE position <= (SELECT max(position) FROM removed) - ?", (_MAX_LISTED,))
