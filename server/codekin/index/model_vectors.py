"""One model's part of the index: which contents have a vector by it, those vectors in memory, and who still waits.

Not locked: the index calls one at a time.
"""

from collections.abc import Collection, Mapping

import numpy as np

from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.vectors.dense_index import DenseIndex

_CHUNK = 4096  # contents loaded at a time: some 20 ms, so that other threads get their turn


class ModelVectors:
    """The contents of one store in one space."""

    def __init__(self, space: str, dense: DenseIndex, vectors: VectorStore) -> None:
        """`dense` is empty yet."""
        self.space = space
        self.dense = dense
        self.last = 0  # the highest content looked at
        self.to_come = 1  # contents that `follow` has found and not yet loaded; before the first: who knows
        self._vectors = vectors
        self._newest = vectors.newest_id()  # what was there before is found by looking for it
        self._awaited: dict[bytes, int] = {}  # contents whose vector has yet to come

    @property
    def pending(self) -> Mapping[bytes, int]:
        """The contents that have no vector yet, by hash; another mapping after each change."""
        return self._awaited

    @property
    def share(self) -> float:
        """The share of the contents looked at that have a vector, 0 … 1; 0 where there are none."""
        have = len(self.dense)
        return have / max(have + len(self._awaited), 1)

    def follow_store(self, store: Store) -> None:
        """Take in the contents that are new in the store."""
        wanted = dict(store.contents_after(self.last))
        numbers = list(wanted)
        self.to_come = len(numbers)
        for i in range(0, len(numbers), _CHUNK):
            chunk = {wanted[number]: number for number in numbers[i : i + _CHUNK]}
            having = self._load(chunk)
            self._awaited = self._awaited | {key: number for key, number in chunk.items() if key not in having}
            self.last = max(self.last, numbers[i : i + _CHUNK][-1])
            self.to_come = len(numbers) - i - len(chunk)
        self.to_come = 0

    def load_new(self) -> list[int]:
        """Take in the vectors that any process has made since the last call; the contents that waited for them."""
        if not self._awaited:
            return []
        newest, arrived = self._vectors.vectors_since(self.space, self._newest)
        found = {key: self._awaited[key] for key in arrived if key in self._awaited}
        keys = list(found)
        for i in range(0, len(keys), _CHUNK):
            having = self._load({key: found[key] for key in keys[i : i + _CHUNK]})
            self._awaited = {key: number for key, number in self._awaited.items() if key not in having}
        self._newest = newest
        return list(found.values())

    def drop(self, contents: Collection[int]) -> None:
        """Let go of contents that the store has removed: their numbers never come back."""
        self.dense.retire_labels(np.array(list(contents), np.int64))
        self.dense.compact()
        if self._awaited:
            self._awaited = {key: number for key, number in self._awaited.items() if number not in contents}

    def look_from_the_beginning(self) -> None:
        """Another file of vectors has taken the place of the one that was open: its numbers begin anew."""
        self._newest = 0

    def save(self, store: Store) -> None:
        """Write the vectors in memory to the file of vectors, which has lost them."""
        labels = self.dense.labels()
        for i in range(0, len(labels), _CHUNK):
            hashes = store.content_hashes(labels[i : i + _CHUNK].tolist())
            _, vectors = self.dense.find_vectors(list(hashes))
            self._vectors.put_vectors(self.space, list(hashes.values()), vectors)

    def _load(self, chunk: Mapping[bytes, int]) -> set[bytes]:
        """Those of `chunk` that have a vector, which is searchable now."""
        keys = list(chunk)
        found, vectors = self._vectors.get_vectors(self.space, keys, self.dense.dim)
        self.dense.add_vectors([chunk[keys[position]] for position in found], vectors)
        return {keys[position] for position in found}
