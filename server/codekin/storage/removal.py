"""Removing contents that no snippet has any more, and telling processes that have them in memory.

What is dead goes with the change that killed it: words of dead contents would count in full text (BM25 knows how many
contents there are and how often a word occurs), so that an index kept up to date would answer otherwise than a new one.
"""

import sqlite3
from collections.abc import Sequence

from codekin.storage import schema

_ANY = 0  # in the list of removed contents: it may be any of them
_LISTED = 4096  # removed contents that are remembered; to compare all of 100,000 takes 0.1 s

_UNUSED = "SELECT id FROM contents WHERE id NOT IN (SELECT content FROM snippets)"


def contents_of(db: sqlite3.Connection, paths: Sequence[str]) -> set[int]:
    """The contents that stand in these files."""
    statement = "SELECT DISTINCT s.content FROM files f JOIN snippets s ON s.file = f.id WHERE f.path IN ({})"
    return {row[0] for row in schema.select_in_chunks(db, statement, paths)}


def drop_unused(db: sqlite3.Connection, contents: set[int]) -> None:
    """Remove those of `contents` that no snippet has any more."""
    statement = "SELECT id FROM contents WHERE id IN ({}) AND NOT EXISTS (SELECT 1 FROM snippets WHERE content = id)"
    _drop(db, [row[0] for row in schema.select_in_chunks(db, statement, sorted(contents))])


def drop_all_unused(db: sqlite3.Connection) -> int:
    """Remove all contents that no snippet has; returns how many."""
    unused = [row[0] for row in db.execute(_UNUSED)]
    _drop(db, unused)
    return len(unused)


def has_unused(db: sqlite3.Connection) -> bool:
    """Whether there is a content that no snippet has; 20 ms for 100,000 contents without one."""
    return db.execute(_UNUSED + " LIMIT 1").fetchone() is not None


def note_all_removed(db: sqlite3.Connection) -> None:
    """Tell other processes to compare all that they have in memory."""
    _note(db, [_ANY])


def removed_after(db: sqlite3.Connection, position: int) -> tuple[int, list[int] | None]:
    """The newest position in the list, and the contents removed behind `position`; None where any may have been."""
    statement = "SELECT position, content FROM removed WHERE position > ? ORDER BY position"
    rows = db.execute(statement, (position,)).fetchall()
    if not rows:
        return position, []
    contents = [content for _, content in rows]
    is_complete = rows[0][0] == position + 1 and _ANY not in contents
    return rows[-1][0], contents if is_complete else None


def _drop(db: sqlite3.Connection, contents: Sequence[int]) -> None:
    if not contents:
        return
    rows = [(content,) for content in contents]
    db.executemany("DELETE FROM words WHERE rowid = ?", rows)
    db.executemany("DELETE FROM contents WHERE id = ?", rows)
    _note(db, contents if len(contents) <= _LISTED else [_ANY])


def _note(db: sqlite3.Connection, contents: Sequence[int]) -> None:
    db.executemany("INSERT INTO removed (content) VALUES (?)", [(content,) for content in contents])
    db.execute("DELETE FROM removed WHERE position <= (SELECT max(position) FROM removed) - ?", (_LISTED,))
