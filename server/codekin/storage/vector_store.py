"""The vectors of all workspaces of this user, keyed by (space, content hash).

Because the key is the content, a rename, a move, a branch switch, an undo or a second worktree embeds nothing.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.errors import StoreReadOnlyError
from codekin.storage import schema
from codekin.storage.database import Database

Vectors = npt.NDArray[np.float32]

_SAME = 0.99  # cosine of a text with itself, by a model that computes a little otherwise today
_ROUNDING = 0.02  # by which a sound vector's length may differ from 1; float16 makes it .001
_IN_SPACE = "space = (SELECT id FROM spaces WHERE key = ?)"
_HASHES_IN_SPACE = f"WHERE hash IN ({{}}) AND {_IN_SPACE}"


class VectorStore(Database):
    """The shared file. May be used from any thread; any number of them may be open at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, schema.VECTOR_MIGRATIONS)

    def hashes_with_vector(self, space: str, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` that have a vector in `space`."""
        return {row[0] for row in self._in(f"SELECT hash FROM vectors {_HASHES_IN_SPACE}", hashes, (space,))}

    def put_vectors(self, space: str, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep unit `vectors` (n, d) for `hashes`; one transaction. What is there already stays."""
        rows = np.ascontiguousarray(vectors, dtype="<f2")

        def insert(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR IGNORE INTO spaces (key) VALUES (?)", (space,))
            (number,) = db.execute("SELECT id FROM spaces WHERE key = ?", (space,)).fetchone()
            db.executemany(
                "INSERT OR IGNORE INTO vectors (space, hash, vector) VALUES (?, ?, ?)",
                ((number, key, row.tobytes()) for key, row in zip(hashes, rows, strict=True)),
            )

        self._write(insert)

    def get_vectors(self, space: str, hashes: Sequence[bytes], dim: int) -> tuple[list[int], Vectors]:
        """The positions in `hashes` that have a vector, and those vectors: float32 (n, dim), unit rows.

        What is no unit vector any more (the disk changed a bit of it) is dropped, to be made again.
        """
        found = dict(self._in(f"SELECT hash, vector FROM vectors {_HASHES_IN_SPACE}", hashes, (space,)))
        damaged = [key for key, row in found.items() if not isinstance(row, bytes)]
        positions = [i for i, key in enumerate(hashes) if key not in damaged and len(found.get(key, b"")) == 2 * dim]
        raw = b"".join(found[hashes[i]] for i in positions)
        vectors = np.frombuffer(raw, dtype="<f2").reshape(len(positions), dim).astype(np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        sound = np.abs(norms[:, 0] - 1) < _ROUNDING
        if damaged or not sound.all():
            damaged += [hashes[positions[i]] for i in np.flatnonzero(~sound)]
            self._drop(space, damaged)
            positions = [position for position, is_sound in zip(positions, sound, strict=True) if is_sound]
        return positions, vectors[sound] / norms[sound]

    def find_or_create_space(self, space: str, key: bytes, vector: Vectors) -> str:
        """The space of that name in which `key` has this `vector` (d,); a new one where it has another in each.

        So the vectors of a model that answers under another one's name are never compared with that one's.
        """
        for number in itertools.count(1):
            named = space if number == 1 else f"{space}/{number}"
            found, known = self.get_vectors(named, [key], len(vector))
            if not found:
                self.put_vectors(named, [key], vector[None])
            if not found or float(known[0] @ vector) > _SAME:
                return named
        raise AssertionError

    def newest_id(self) -> int:
        """A number that grows with every vector, in whatever space and process."""
        return int(self._query("SELECT ifnull(max(id), 0) FROM vectors")[0][0])

    def vectors_since(self, space: str, since: int) -> tuple[int, list[bytes]]:
        """The newest number, and the hashes of the vectors in `space` that came after the number `since`."""
        newest = self.newest_id()
        if newest <= since:
            return newest, []
        rows = self._query(f"SELECT hash FROM vectors WHERE id > ? AND id <= ? AND {_IN_SPACE}", (since, newest, space))
        return newest, [row[0] for row in rows]

    def size_bytes(self) -> int:
        """What the vectors take on disk, room for new ones included."""
        names = ("page_count", "freelist_count", "page_size")
        pages, free, size = (int(self._query(f"PRAGMA {name}")[0][0]) for name in names)
        return (pages - free) * size

    def evict_unreferenced(self, referenced: Iterable[bytes], quota_bytes: int) -> int:
        """Drop vectors of contents that no workspace has, oldest first, until the file is within `quota_bytes`.

        What a workspace still refers to always stays: dropping it would only have it embedded again.
        Returns how many were dropped.
        """
        excess = self.size_bytes() - quota_bytes
        if excess <= 0:
            return 0

        def drop(db: sqlite3.Connection) -> int:
            db.execute("CREATE TEMP TABLE IF NOT EXISTS referenced (hash BLOB PRIMARY KEY) WITHOUT ROWID")
            db.execute("DELETE FROM referenced")
            db.executemany("INSERT OR IGNORE INTO referenced VALUES (?)", ((key,) for key in referenced))
            doomed = list(_oldest_unused(db, excess))
            db.executemany("DELETE FROM vectors WHERE id = ?", doomed)
            db.execute("DELETE FROM referenced")
            return len(doomed)

        count = self._write(drop)
        self._write(lambda db: db.execute("PRAGMA incremental_vacuum").fetchall())
        return count

    def _drop(self, space: str, hashes: Sequence[bytes]) -> None:
        def drop(db: sqlite3.Connection) -> None:
            list(schema.select_in_chunks(db, f"DELETE FROM vectors {_HASHES_IN_SPACE}", hashes, (space,)))

        with contextlib.suppress(StoreReadOnlyError):  # then it is left out, whenever it is read
            self._write(drop)


def _oldest_unused(db: sqlite3.Connection, excess_bytes: int) -> Iterator[tuple[int]]:
    """The numbers of vectors that are not `referenced`, oldest first, until they take so many bytes."""
    unused = "SELECT id, length(vector) + 64 FROM vectors WHERE hash NOT IN referenced ORDER BY id"
    for number, size in db.execute(unused):
        if excess_bytes <= 0:
            return
        yield (number,)
        excess_bytes -= size
