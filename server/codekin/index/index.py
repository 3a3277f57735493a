"""The index as a reader sees it: the store, and its vectors in memory, in step with each other."""

import threading
from collections.abc import Callable

import numpy as np

from codekin.index.courses import Courses
from codekin.index.graph import DenseIndex
from codekin.index.home import Home
from codekin.index.passages import ROW, Passages
from codekin.index.store import Store
from codekin.index.structures import Structures
from codekin.index.vector_store import VectorStore
from codekin.index.vectors import Labels
from codekin.types import Filter

_CHUNK = 4096  # contents loaded at a time: some 20 ms, so that other threads get their turn
_REMEMBERED = 50_000  # words


class Index:
    """One workspace's index. Any thread may ask; whoever writes the store calls `follow` after."""

    def __init__(
        self, home: Home, space: str, dim: int, on_problem: Callable[[str], None], continuing: str = ""
    ) -> None:
        """`space` is that of the snippets' vectors, `continuing` that of their continuations'."""
        self.store = Store(home.store)
        self._home = home
        self._on_problem = on_problem
        self._vectors = VectorStore(home.vectors)
        self._space, self._continuing = space, continuing
        self._dim = dim
        self._following = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._identity = self.store.identity()
        key = f"{self._identity} {self._space}"
        self.dense = DenseIndex(self._dim, self._home.graph, key, on_problem=self._on_problem)
        self._frequencies: dict[str, int] = {}
        self._allowed: tuple[int, Filter, Labels] | None = None
        self._generation = -1
        self._last = 0  # the highest content looked at
        self.structures = Structures()  # replaced as a whole, never changed; so are these
        self.courses = Courses()
        self.passages = Passages()
        self._to_come = 1  # contents that a `follow` has found and not yet loaded; before the first: who knows
        self._missing: dict[int, bytes] = {}  # contents whose vector has yet to come
        self._retired: set[int] = set()

    @property
    def contents(self) -> int:
        """About how many contents there are: the highest number given."""
        return self._last

    @property
    def loaded(self) -> float:
        """The share of the store's contents whose vectors are in memory, 0 … 1."""
        have = len(self.dense)
        return have / (have + self._to_come) if self._to_come else 1.0

    def allowed(self, within: Filter) -> Labels | None:
        """The contents that stand somewhere the filter allows, ascending; None: all of them."""
        if within == Filter():
            return None
        known = self._allowed
        if known is None or known[:2] != (self._generation, within):
            contents = np.sort(np.array(self.store.contents_within(within), dtype=np.int64))
            self._allowed = known = (self._generation, within, contents)
        return known[2]

    def frequency(self, word: str) -> int:
        """In about how many contents the word occurs: looked up once, then remembered; it drifts slowly."""
        if word not in self._frequencies:
            if len(self._frequencies) > _REMEMBERED:
                self._frequencies.clear()
            frequency = self.store.document_frequency(word)
            if not frequency:
                return 0  # it may be about to come
            self._frequencies[word] = frequency
        return self._frequencies[word]

    def follow(self) -> None:
        """Take in what any process has written since the last call.

        Returns at once while another thread is at it: answers are then given from what is there.
        """
        if not self._following.acquire(blocking=False):
            return
        try:
            if self.store.identity() != self._identity:  # the store was unsound and has been made again
                self.dense.close()
                self._begin()
            generation = self.store.generation()
            if generation == self._generation:
                return
            first = self._generation < 0
            wanted = self._missing | dict(self.store.contents_after(self._last))
            wanted |= self.store.hash_of(self.store.alive(list(self._retired)))
            self.structures = self.structures.added(self.store.structures_after(self.structures.newest))
            self._load(wanted)
            self._load_continuations()
            self._generation = generation
            if first:
                self._retire()
        finally:
            self._following.release()

    def settle(self) -> None:
        """After a bulk change: take it in, and let go of the vectors of contents that are no more."""
        self.follow()
        with self._following:
            self._retire()
            self._frequencies = {}
        self.dense.maintain()

    def close(self) -> None:
        """Let go of files, threads and child processes."""
        self.dense.close()
        with self._following:
            self._vectors.close()
            self.store.close()

    def _load(self, wanted: dict[int, bytes]) -> None:
        numbers = sorted(wanted)
        self._to_come = len(numbers)
        for i in range(0, len(numbers), _CHUNK):
            chunk = numbers[i : i + _CHUNK]
            found, vectors = self._vectors.get(self._space, [wanted[number] for number in chunk], self._dim)
            self.dense.add([chunk[position] for position in found], vectors)
            having = {chunk[position] for position in found}
            self._retired -= having
            self._missing = {n: key for n, key in self._missing.items() if n not in having}
            self._missing |= {number: wanted[number] for number in chunk if number not in having}
            self._last = max(self._last, chunk[-1])
            self._to_come = len(numbers) - i - len(chunk)
        self._to_come = 0

    def _load_continuations(self) -> None:
        rows = self.store.courses_after(self.courses.newest)
        hashes = self.store.hash_of([number for number, _ in rows])
        for i in range(0, len(rows), _CHUNK):
            chunk = [number for number, _ in rows[i : i + _CHUNK] if number in hashes]
            found, vectors = self._vectors.get(self._continuing, [hashes[number] for number in chunk], ROW)
            self.passages = self.passages.added([chunk[position] for position in found], vectors)
        self.courses = self.courses.added(rows)

    def _retire(self) -> None:
        live = set(self.store.live())
        known = np.array(self.store.numbers(), np.int64)
        self.structures = self.structures.only(known)
        self.courses, self.passages = self.courses.only(known), self.passages.only(known)
        dead = set(self.dense.labels().tolist()) - live
        self.dense.retire(list(dead))
        self._retired |= dead
        self._missing = {number: key for number, key in self._missing.items() if number in live}
