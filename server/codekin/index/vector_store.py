"""The vectors of all workspaces of this user, keyed by (space, content hash).

Because the key is the content, a rename, a move, a branch switch, an undo or a second worktree embeds nothing.
"""

import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.index import schema

Vectors = npt.NDArray[np.float32]

_SAME = 0.99  # cosine of a text with itself, by a model that computes a little otherwise today


class VectorStore:
    """The shared file. One object per thread or process; any number of them may be open at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = schema.connect(path, schema.VECTOR_MIGRATIONS)
        self._spaces: dict[str, int] = {}

    def close(self) -> None:
        self._connection.close()

    def having(self, space: str, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` that have a vector in `space`."""
        return {row[0] for row in self._in("SELECT hash FROM vectors WHERE hash IN ({}) AND space = ?", hashes, space)}

    def put(self, space: str, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep unit `vectors` (n, d) for `hashes`; one transaction. What is there already stays."""
        rows = np.ascontiguousarray(vectors, dtype="<f2")
        with schema.errors_named(self.path), schema.transaction(self._connection):
            self._connection.execute("INSERT OR IGNORE INTO spaces (key) VALUES (?)", (space,))
            (number,) = self._connection.execute("SELECT id FROM spaces WHERE key = ?", (space,)).fetchone()
            self._connection.executemany(
                "INSERT OR IGNORE INTO vectors (space, hash, vector) VALUES (?, ?, ?)",
                ((number, key, row.tobytes()) for key, row in zip(hashes, rows, strict=True)),
            )

    def get(self, space: str, hashes: Sequence[bytes], dim: int) -> tuple[list[int], Vectors]:
        """The positions in `hashes` that have a vector, and those vectors: float32 (n, dim), unit rows."""
        found = dict(self._in("SELECT hash, vector FROM vectors WHERE hash IN ({}) AND space = ?", hashes, space))
        positions = [i for i, key in enumerate(hashes) if len(found.get(key, b"")) == 2 * dim]
        raw = b"".join(found[hashes[i]] for i in positions)
        vectors = np.frombuffer(raw, dtype="<f2").reshape(len(positions), dim).astype(np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return positions, vectors / np.maximum(norms, np.float32(1e-12))

    def proven(self, space: str, key: bytes, vector: Vectors) -> str:
        """The space of that name in which `key` has this `vector` (d,); a new one where it has another in each.

        So the vectors of a model that answers under another one's name are never compared with that one's.
        """
        for number in itertools.count(1):
            named = space if number == 1 else f"{space}/{number}"
            found, known = self.get(named, [key], len(vector))
            if not found:
                self.put(named, [key], vector[None])
            if not found or float(known[0] @ vector) > _SAME:
                return named
        raise AssertionError

    def newest(self) -> int:
        """A number that grows with every vector, in whatever space and process."""
        return int(self._execute("SELECT ifnull(max(id), 0) FROM vectors").fetchone()[0])

    def arrived(self, space: str, since: int) -> tuple[int, list[bytes]]:
        """The newest number, and the hashes of the vectors in `space` that came after the number `since`."""
        newest, number = self.newest(), self._space(space)
        if number is None or newest <= since:
            return newest, []
        rows = self._execute("SELECT hash FROM vectors WHERE id > ? AND id <= ? AND space = ?", (since, newest, number))
        return newest, [row[0] for row in rows]

    def size_bytes(self) -> int:
        """What the vectors take on disk, room for new ones included."""
        return _used_bytes(self._connection)

    def collect(self, referenced: Iterable[bytes], quota_bytes: int) -> int:
        """Drop vectors of contents that no workspace has, oldest first, until the file is within `quota_bytes`.

        What a workspace still refers to always stays: dropping it would only have it embedded again.
        Returns how many were dropped.
        """
        excess = self.size_bytes() - quota_bytes
        if excess <= 0:
            return 0
        connection = self._connection
        with schema.errors_named(self.path):
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS referenced (hash BLOB PRIMARY KEY) WITHOUT ROWID")
            connection.execute("DELETE FROM referenced")
            connection.executemany("INSERT OR IGNORE INTO referenced VALUES (?)", ((key,) for key in referenced))
            unused = "SELECT id, length(vector) + 64 FROM vectors WHERE hash NOT IN referenced ORDER BY id"
            doomed = []
            for number, size in connection.execute(unused):
                if excess <= 0:
                    break
                doomed.append((number,))
                excess -= size
            with schema.transaction(connection):
                connection.executemany("DELETE FROM vectors WHERE id = ?", doomed)
            connection.execute("DELETE FROM referenced")
            connection.execute("PRAGMA incremental_vacuum").fetchall()
        return len(doomed)

    def _space(self, key: str) -> int | None:
        if key not in self._spaces:
            row = self._execute("SELECT id FROM spaces WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            self._spaces[key] = row[0]
        return self._spaces[key]

    def _in(self, statement: str, hashes: Sequence[bytes], space: str) -> list[tuple]:  # type: ignore[type-arg]
        """The rows of a statement with `IN ({})` and the space behind it; none where there is no such space."""
        number = self._space(space)
        if number is None:
            return []
        with schema.errors_named(self.path):
            return list(schema.rows_in(self._connection, statement, hashes, (number,)))

    def _execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with schema.errors_named(self.path):
            return self._connection.execute(statement, values)


def _used_bytes(connection: sqlite3.Connection) -> int:
    (pages,), (free,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
