"""One model's part of the index: its vectors in memory, and the contents that have none yet.

Not locked: the index makes one call at a time.
"""

from collections.abc import Collection, Mapping

import numpy as np

from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.vectors.dense_index import DenseIndex

_CONTENTS_PER_LOAD = 4096  # some 20 ms, so that other threads get their turn


class ModelVectors:
    """The vectors of one store's contents in one space, in memory, and the contents that lack one."""

    def __init__(self, space: str, dense: DenseIndex, vectors: VectorStore) -> None:
        """Start with nothing loaded; `dense` must be empty. Raises StoreError."""
        self.space = space
        self.dense = dense
        self.last_content = 0  # the highest number that was looked up
        self.unloaded_count = 1  # contents that `follow_store` has yet to load; 1 before the first call
        self._vectors = vectors
        self._newest_vector = vectors.newest_id()  # older vectors are found by content
        self._pending: dict[bytes, int] = {}  # numbers of contents without a vector, by hash

    @property
    def pending(self) -> Mapping[bytes, int]:
        """Return hash → number of the contents known to have no vector yet; another mapping after each change."""
        return self._pending

    @property
    def share(self) -> float:
        """Return the share of the loaded contents that have a vector, 0 … 1; 0 without contents."""
        loaded_count = len(self.dense)
        return loaded_count / max(loaded_count + len(self._pending), 1)

    def follow_store(self, store: Store) -> None:
        """Load vectors of contents new in the store; those without one become pending; none are dropped.

        Raises StoreError.
        """
        hashes = dict(store.contents_after(self.last_content))
        numbers = list(hashes)
        self.unloaded_count = len(numbers)
        for start in range(0, len(numbers), _CONTENTS_PER_LOAD):
            chunk = {hashes[number]: number for number in numbers[start : start + _CONTENTS_PER_LOAD]}
            loaded_hashes = self._load_vectors(chunk)
            self._pending = self._pending | _without_hashes(chunk, loaded_hashes)
            self.last_content = max(self.last_content, numbers[start : start + _CONTENTS_PER_LOAD][-1])
            self.unloaded_count = len(numbers) - start - len(chunk)
        self.unloaded_count = 0

    def load_new(self) -> list[int]:
        """Load pending vectors that any process has written since; return the contents' numbers. Raises StoreError."""
        if not self._pending:
            return []
        newest_vector, new_hashes = self._vectors.vectors_since(self.space, self._newest_vector)
        contents = {
            content_hash: self._pending[content_hash] for content_hash in new_hashes if content_hash in self._pending
        }
        hashes = list(contents)
        for start in range(0, len(hashes), _CONTENTS_PER_LOAD):
            chunk = {
                content_hash: contents[content_hash] for content_hash in hashes[start : start + _CONTENTS_PER_LOAD]
            }
            self._pending = _without_hashes(self._pending, self._load_vectors(chunk))
        self._newest_vector = newest_vector
        return list(contents.values())

    def drop_contents(self, contents: Collection[int]) -> None:
        """Drop from memory contents that the store has removed; their numbers are never used again."""
        self.dense.retire_labels(np.array(list(contents), np.int64))
        self.dense.compact()
        if self._pending:
            self._pending = {
                content_hash: number for content_hash, number in self._pending.items() if number not in contents
            }

    def restart_search(self) -> None:
        """Make `load_new` search the whole file of vectors again, because another file replaced it."""
        self._newest_vector = 0

    def save(self, store: Store) -> None:
        """Write all vectors in memory into the file of vectors, where that was lost. Raises StoreError."""
        labels = self.dense.labels()
        for start in range(0, len(labels), _CONTENTS_PER_LOAD):
            hashes = store.content_hashes(labels[start : start + _CONTENTS_PER_LOAD].tolist())
            _, vectors = self.dense.find_vectors(list(hashes))
            self._vectors.put_vectors(self.space, list(hashes.values()), vectors)

    def _load_vectors(self, chunk: Mapping[bytes, int]) -> set[bytes]:
        """Make the vectors of `chunk` (numbers by hash) searchable; return hashes that have one. Raises StoreError."""
        hashes = list(chunk)
        positions, vectors = self._vectors.get_vectors(self.space, hashes, self.dense.dim)
        self.dense.add_vectors([chunk[hashes[position]] for position in positions], vectors, rounded=True)
        return {hashes[position] for position in positions}


def _without_hashes(contents: Mapping[bytes, int], removed_hashes: set[bytes]) -> dict[bytes, int]:
    """Return a copy of `contents` (numbers by hash) without these hashes."""
    return {content_hash: number for content_hash, number in contents.items() if content_hash not in removed_hashes}
