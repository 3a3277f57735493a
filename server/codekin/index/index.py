"""The index as a reader sees it: the store, and its vectors in memory, in step with each other."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from codekin.errors import StoreClosingError, StoreError
from codekin.index.model_vectors import ModelVectors
from codekin.storage.error_log import ErrorLog
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.types import Filter
from codekin.vectors.continuation_vectors import ROW, ContinuationVectors
from codekin.vectors.dense_index import DenseIndex
from codekin.vectors.fingerprints import FingerprintIndex
from codekin.vectors.line_index import LineIndex
from codekin.vectors.matrix import LabelArray
from codekin.vectors.sort_keys import Keys, SortKeys, keys_of

_CHUNK = 4096  # contents loaded at a time: some 20 ms, so that other threads get their turn
_REMEMBERED = 50_000  # words


class Index:
    """One workspace's index. Any thread may ask; whoever writes the store calls `follow` after."""

    def __init__(
        self, home: IndexPaths, space: str, dim: int, on_problem: Callable[[str], None], continuing: str = ""
    ) -> None:
        """`space` is that of the snippets' vectors by the light model, `continuing` that of their continuations'."""
        self.store = Store(home.store)
        self.error_log = ErrorLog(self.store)
        self._home = home
        self._on_problem = on_problem
        self._vectors = VectorStore(home.vectors)
        self._space, self._continuing = space, continuing
        self._dim = dim
        self._heavy_space: tuple[str, int] | None = None  # the heavy tier's space and dimension
        self._following = threading.Lock()
        self._restored = 0  # times that an older state of the store was put into its file
        self._begin()

    def _begin(self) -> None:
        self._replaced_stores, self._replaced_vectors = self.store.replacements, self._vectors.replacements
        self._identity = self.store.identity()
        self.light = self._tier(self._space, self._dim, self._home.graph)
        self.heavy = self._heavy_tier()
        self._frequencies: dict[str, int] = {}
        self._allowed: tuple[int, Filter, LabelArray] | None = None
        self._generation = -1
        self._removal = self.store.last_removal()
        self._count: tuple[int, int] | None = None  # generation, contents
        self.sort_keys = SortKeys()  # replaced as a whole, never changed; so are these
        self.fingerprints = FingerprintIndex()
        self.line_index = LineIndex()
        self.continuation_vectors = ContinuationVectors()

    def _tier(self, space: str, dim: int, graph: Path) -> ModelVectors:
        dense = DenseIndex(dim, graph, f"{self._identity} {space}", on_problem=self._on_problem)
        return ModelVectors(space, dense, self._vectors)

    def _heavy_tier(self) -> ModelVectors | None:
        if self._heavy_space is None:
            return None
        space, dim = self._heavy_space
        return self._tier(space, dim, self._home.graph_path(space))

    def add_heavy(self, space: str, dim: int) -> None:
        """From now on the contents' vectors by a heavy model, in this space, are kept, too, as they come."""
        with self._following:
            if self.heavy is not None:
                self.heavy.dense.close()
            self._heavy_space = (space, dim)
            heavy = self._heavy_tier()
            assert heavy is not None  # noqa: S101
            heavy.follow_store(self.store)
            self.heavy = heavy
        self.follow_and_compact()

    @property
    def tiers(self) -> tuple[ModelVectors, ...]:
        """The light model's, which is always there, and the heavy one's."""
        return (self.light,) if self.heavy is None else (self.light, self.heavy)

    @property
    def dense(self) -> DenseIndex:
        """The light model's vectors."""
        return self.light.dense

    @property
    def content_count(self) -> int:
        """How many contents there are, also those that are not in memory yet."""
        generation, known = self.store.generation(), self._count
        if known is None or known[0] != generation:
            self._count = known = generation, self.store.count_contents()
        return known[1]

    @property
    def replacements(self) -> int:
        """How often the store's file or that of the vectors was found to be another than before, or gone."""
        return self.store.replacements + self._vectors.replacements + self._restored

    @property
    def problem(self) -> StoreError | None:
        """Why a file that has taken the place of one that is open can't be opened itself."""
        return self.store.problem or self._vectors.problem

    @property
    def loaded_share(self) -> float:
        """The share of the store's contents whose vectors are in memory, 0 … 1."""
        have, to_come = len(self.dense), self.light.to_come + len(self.light.pending)
        return have / (have + to_come) if to_come else 1.0

    def sort_keys_of(self, contents: LabelArray | Sequence[int]) -> Keys:
        """(n,): what breaks ties between these contents, also those that are not in memory yet."""
        keys = self.sort_keys.of(contents)
        unknown = np.flatnonzero(keys == 0)
        if len(unknown):
            numbers = np.asarray(contents, np.int64)[unknown].tolist()
            hashes = self.store.content_hashes(numbers)
            keys[unknown] = keys_of([hashes.get(number, b"") for number in numbers])
        return keys

    def allowed_contents(self, within: Filter) -> LabelArray | None:
        """The contents that stand somewhere the filter allows, ascending; None: all of them."""
        if within == Filter():
            return None
        known = self._allowed
        if known is None or known[:2] != (self._generation, within):
            contents = np.sort(np.array(self.store.contents_within(within), dtype=np.int64))
            self._allowed = known = (self._generation, within, contents)
        return known[2]

    def document_frequency(self, word: str) -> int:
        """In how many contents the word occurs: looked up once, then remembered until something changes."""
        if word not in self._frequencies:
            if len(self._frequencies) > _REMEMBERED:
                self._frequencies.clear()
            self._frequencies[word] = self.store.document_frequency(word)
        return self._frequencies[word]

    def follow(self) -> None:
        """Take in what any process has written since the last call.

        Returns at once while another thread is at it: answers are then given from what is there.
        """
        if not self._following.acquire(blocking=False):
            return
        try:
            self._look_at_files()
            for tier in self.tiers:
                arrived = tier.load_new()
                if tier is self.light:
                    self._load_continuations(arrived)
            generation = self.store.generation()
            if generation == self._generation:
                return
            self._drop_removed()
            self.sort_keys = self.sort_keys.added(self.store.contents_after(self.sort_keys.newest))
            self.fingerprints = self.fingerprints.add_rows(self.store.fingerprints_after(self.fingerprints.newest))
            for tier in self.tiers:
                tier.follow_store(self.store)
            rows = self.store.line_hashes_after(self.line_index.newest)
            self._load_continuations([number for number, _ in rows])
            self.line_index = self.line_index.add_rows(rows)
            self._frequencies = {}
            self._generation = generation
        finally:
            self._following.release()

    def _look_at_files(self) -> None:
        """Let go of what is in memory where it is of files that are no longer there."""
        newest = self._vectors.newest_id()
        is_older = self.store.generation() < self._generation
        self._restored += is_older
        if is_older or (self.store.identity(), self.store.replacements) != (self._identity, self._replaced_stores):
            former = self.tiers
            self._begin()
            for tier in former:
                tier.dense.close()
        elif self._vectors.replacements != self._replaced_vectors:
            self._replaced_vectors = self._vectors.replacements
            for tier in self.tiers:
                tier.look_from_the_beginning()
            if self.heavy is not None and not newest:  # the light model's are soon made again
                self.heavy.save(self.store)

    def follow_and_compact(self) -> None:
        """After a bulk change: take it in, and have the graph renewed where that is due."""
        self.follow()
        for tier in self.tiers:
            tier.dense.maintain_graph()

    def settle_in_background(self) -> None:
        """`settle` on a thread of its own."""

        def settle() -> None:
            with contextlib.suppress(StoreClosingError):
                self.follow_and_compact()

        threading.Thread(target=settle, name="codekin-settle", daemon=True).start()

    def interrupt(self) -> None:
        """Have whatever reads, writes or builds end soon; returns at once. Only `close` may come after."""
        self.store.interrupt()
        self._vectors.interrupt()
        for tier in self.tiers:
            tier.dense.interrupt()

    def close(self) -> None:
        """Let go of files, threads and child processes."""
        for tier in self.tiers:
            tier.dense.close()
        with self._following:
            self._vectors.close()
            self.store.close()

    def _load_continuations(self, numbers: Sequence[int]) -> None:
        """The vectors of these contents' continuations, as far as there are any."""
        hashes = self.store.content_hashes(numbers)
        for i in range(0, len(numbers), _CHUNK):
            chunk = [number for number in numbers[i : i + _CHUNK] if number in hashes]
            found, vectors = self._vectors.get_vectors(self._continuing, [hashes[number] for number in chunk], ROW)
            self.continuation_vectors = self.continuation_vectors.add_rows(
                [chunk[position] for position in found], vectors
            )

    def _drop_removed(self) -> None:
        """Let go of the contents that the store has removed since the last call, in whatever process."""
        position, removed = self.store.removed_after(self._removal)
        if removed is None:
            removed = np.setdiff1d(self.sort_keys.labels, np.array(self.store.content_ids(), np.int64)).tolist()
        self._removal = position
        if not removed:
            return
        gone = np.array(removed, np.int64)
        self.sort_keys, self.fingerprints = self.sort_keys.without(gone), self.fingerprints.without(gone)
        self.line_index, self.continuation_vectors = (
            self.line_index.without(gone),
            self.continuation_vectors.without(gone),
        )
        for tier in self.tiers:
            tier.drop(set(removed))
