"""Vectors of all workspaces of this user, keyed by (space, content hash).

Since the key is the content, a rename, a move, a branch switch, an undo or a second worktree embeds nothing.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codekin.errors import StoreReadOnlyError
from codekin.storage import schema
from codekin.storage.database import Database

Vectors = npt.NDArray[np.float32]
StoredVectors = npt.NDArray[Any]  # of float32, kept as float16, or of int8

_MIN_SAME_COSINE = 0.99  # of a text's vectors by one model, which may compute slightly differently each time
_MAX_LENGTH_ERROR = 0.02  # of a sound unit vector; float16 causes 0.001
_IN_SPACE = "space = (SELECT id FROM spaces WHERE key = ?)"
_HASHES_IN_SPACE = f"WHERE hash IN ({{}}) AND {_IN_SPACE}"


class VectorStore(Database):
    """The file of vectors that all workspaces share. Thread-safe; several processes may have it open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, schema.VECTOR_MIGRATIONS)

    def hashes_with_vector(self, space: str, hashes: Sequence[bytes]) -> set[bytes]:
        """Return the set of those of `hashes` that have a vector in `space`, of any dimension. Raises StoreError."""
        return {row[0] for row in self._query_in(f"SELECT hash FROM vectors {_HASHES_IN_SPACE}", hashes, (space,))}

    def put_vectors(self, space: str, hashes: Sequence[bytes], vectors: StoredVectors) -> None:
        """Store unit vectors (n, d) as float16 in one transaction; existing vectors are kept. Raises StoreError.

        Rows of int8 are stored as they are, for callers that read them by their scale.
        """
        rows = np.ascontiguousarray(vectors, dtype="|i1" if vectors.dtype == np.int8 else "<f2")

        def insert(connection: sqlite3.Connection) -> None:
            """Insert the space if it is new, and the vectors that it lacks."""
            connection.execute("INSERT OR IGNORE INTO spaces (key) VALUES (?)", (space,))
            (space_number,) = connection.execute("SELECT id FROM spaces WHERE key = ?", (space,)).fetchone()
            connection.executemany(
                "INSERT OR IGNORE INTO vectors (space, hash, vector) VALUES (?, ?, ?)",
                ((space_number, content_hash, row.tobytes()) for content_hash, row in zip(hashes, rows, strict=True)),
            )

        self._write(insert)

    def get_vectors(
        self, space: str, hashes: Sequence[bytes], dim: int, byte_scale: float | None = None
    ) -> tuple[list[int], Vectors]:
        """Return positions in `hashes` that have a vector, and unit rows (n, dim); delete damaged ones from the store.

        A stored vector that is no unit vector (the disk has damaged it) is deleted, to be embedded again; one of
        another dimension is left out. Rows of int8 count where `byte_scale` says what they were multiplied by.
        """
        stored_vectors = dict(self._query_in(f"SELECT hash, vector FROM vectors {_HASHES_IN_SPACE}", hashes, (space,)))
        damaged_hashes = [
            content_hash for content_hash, vector in stored_vectors.items() if not isinstance(vector, bytes)
        ]
        positions = [
            position
            for position, content_hash in enumerate(hashes)
            if content_hash not in damaged_hashes
            and len(stored_vectors.get(content_hash, b"")) in ((2 * dim, dim) if byte_scale else (2 * dim,))
        ]
        vectors = _decode_vectors([stored_vectors[hashes[position]] for position in positions], dim, byte_scale)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        is_sound = np.abs(norms[:, 0] - 1) < _MAX_LENGTH_ERROR
        if damaged_hashes or not is_sound.all():
            damaged_hashes += [hashes[positions[row]] for row in np.flatnonzero(~is_sound)]
            self._delete_vectors(space, damaged_hashes)
            positions = [positions[row] for row in np.flatnonzero(is_sound)]
        return positions, vectors[is_sound] / norms[is_sound]

    def find_or_create_space(self, space: str, content_hash: bytes, vector: Vectors) -> str:
        """Return the first of `space`, `space/2`, … where `content_hash` has `vector` (d,), or none yet: then store it.

        Vectors of a model that answers under another model's name are thus never compared with that model's. Raises
        StoreError.
        """
        for number in itertools.count(1):
            candidate = space if number == 1 else f"{space}/{number}"
            positions, stored_vectors = self.get_vectors(candidate, [content_hash], len(vector))
            if not positions:
                self.put_vectors(candidate, [content_hash], vector[None])
            if not positions or float(stored_vectors[0] @ vector) > _MIN_SAME_COSINE:
                return candidate
        raise AssertionError

    def newest_id(self) -> int:
        """Return the highest number of a vector, 0 if there is none; it grows with every new one. Raises StoreError.

        It counts the vectors of all spaces and processes.
        """
        return int(self._query("SELECT ifnull(max(id), 0) FROM vectors")[0][0])

    def vectors_since(self, space: str, since: int) -> tuple[int, list[bytes]]:
        """Return the newest number, and a list of hashes: vectors in `space` above `since`. Raises StoreError."""
        newest = self.newest_id()
        if newest <= since:
            return newest, []
        rows = self._query(f"SELECT hash FROM vectors WHERE id > ? AND id <= ? AND {_IN_SPACE}", (since, newest, space))
        return newest, [row[0] for row in rows]

    def size_bytes(self) -> int:
        """Return the size of the file of vectors in bytes, without its free pages. Raises StoreError."""
        pragmas = ("page_count", "freelist_count", "page_size")
        page_count, free_count, page_bytes = (int(self._query(f"PRAGMA {pragma}")[0][0]) for pragma in pragmas)
        return (page_count - free_count) * page_bytes

    def evict_unreferenced(self, referenced_hashes: Iterable[bytes], quota_bytes: int) -> int:
        """If the file exceeds `quota_bytes`, delete unreferenced vectors, oldest first, and shrink it; return how many.

        Vectors that a workspace refers to always stay: they would have to be embedded again. Raises StoreError.
        """
        excess_bytes = self.size_bytes() - quota_bytes
        if excess_bytes <= 0:
            return 0

        def delete_oldest(connection: sqlite3.Connection) -> int:
            """Delete the oldest unreferenced vectors and return their number."""
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS referenced (hash BLOB PRIMARY KEY) WITHOUT ROWID")
            connection.execute("DELETE FROM referenced")
            connection.executemany(
                "INSERT OR IGNORE INTO referenced VALUES (?)", ((content_hash,) for content_hash in referenced_hashes)
            )
            evicted_ids = list(_select_oldest_unused(connection, excess_bytes))
            connection.executemany("DELETE FROM vectors WHERE id = ?", evicted_ids)
            connection.execute("DELETE FROM referenced")
            return len(evicted_ids)

        evicted_count = self._write(delete_oldest)
        self.free_space()
        return evicted_count

    def _delete_vectors(self, space: str, hashes: Sequence[bytes]) -> None:
        """Delete vectors by hash; does nothing if the file is read-only. Raises StoreError."""

        def delete_by_hash(connection: sqlite3.Connection) -> None:
            """Delete the space's vectors with these hashes."""
            list(schema.select_in_chunks(connection, f"DELETE FROM vectors {_HASHES_IN_SPACE}", hashes, (space,)))

        with contextlib.suppress(StoreReadOnlyError):  # if read-only, every read leaves the damaged vectors out
            self._write(delete_by_hash)


def _decode_vectors(rows: Sequence[bytes], dim: int, byte_scale: float | None) -> Vectors:
    """Return vectors (n, dim) of float16 rows, and of int8 rows, which are divided by `byte_scale`."""
    vectors = np.empty((len(rows), dim), np.float32)
    is_short = np.array([len(row) == dim for row in rows], np.bool_)
    for type_name, scale, is_chosen in (("<f2", 1.0, ~is_short), ("|i1", byte_scale or 1.0, is_short)):
        joined_rows = b"".join(row for row, chosen in zip(rows, is_chosen.tolist(), strict=True) if chosen)
        vectors[is_chosen] = np.frombuffer(joined_rows, type_name).reshape(-1, dim) / np.float32(scale)
    return vectors


def _select_oldest_unused(connection: sqlite3.Connection, excess_bytes: int) -> Iterator[tuple[int]]:
    """Yield rows (id,) of vectors not in the table `referenced`, oldest first, until they take `excess_bytes`."""
    statement = "SELECT id, length(vector) + 64 FROM vectors WHERE hash NOT IN referenced ORDER BY id"
    for vector_id, vector_bytes in connection.execute(statement):
        if excess_bytes <= 0:
            return
        yield (vector_id,)
        excess_bytes -= vector_bytes
