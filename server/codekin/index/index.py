"""The index as readers see it: the store, and what is loaded of it into memory, in step with each other."""

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
from codekin.vectors.sort_keys import SortKeyArray, SortKeys, to_sort_keys

_CONTENTS_PER_LOAD = 4096  # some 20 ms, so that other threads get their turn
_MAX_CACHED_WORDS = 50_000


class Index:
    """One workspace's index: store, and vectors in memory. Any thread may read; writers call `follow` afterwards."""

    def __init__(
        self,
        index_paths: IndexPaths,
        space: str,
        dim: int,
        on_problem: Callable[[str], None],
        continuation_space: str = "",
    ) -> None:
        """Open the files; nothing is loaded before `follow`. Raises StoreError.

        `space` has the light model's vectors of snippets, `continuation_space` those of continuations.
        """
        self.store = Store(index_paths.store)
        self.error_log = ErrorLog(self.store)
        self._index_paths = index_paths
        self._on_problem = on_problem
        self._vectors = VectorStore(index_paths.vectors)
        self._space, self._continuation_space = space, continuation_space
        self._dim = dim
        self._heavy_space: tuple[str, int] | None = None  # the heavy model's space and dimension
        self._follow_lock = threading.Lock()
        self._loads_completions = True
        self._older_count = 0  # how often the store's file was replaced by an older state of it
        self._reset_memory()

    def _reset_memory(self) -> None:
        """Replace everything in memory by empty objects, to be loaded again by `follow`. Raises StoreError."""
        self._handled_store_replacements = self.store.replacements
        self._handled_vector_replacements = self._vectors.replacements
        self._identity = self.store.identity()
        self.light = self._make_model_vectors(self._space, self._dim, self._index_paths.graph)
        self.heavy = self._make_heavy_vectors()
        self._document_frequencies: dict[str, int] = {}
        self._cached_filter: tuple[int, Filter, LabelArray] | None = None
        self._generation = -1
        self._completion_generation = -1  # of the store, when lines and continuations were loaded
        self._removal_position = self.store.last_removal()
        self._cached_count: tuple[int, int] | None = None  # generation, number of contents
        self.sort_keys = SortKeys()  # immutable, like the following: replaced as a whole
        self.fingerprints = FingerprintIndex()
        self.line_index = LineIndex()
        self.continuation_vectors = ContinuationVectors()

    def _make_model_vectors(self, space: str, dim: int, graph_path: Path) -> ModelVectors:
        """Return the empty vectors of one space."""
        dense = DenseIndex(dim, graph_path, f"{self._identity} {space}", on_problem=self._on_problem)
        return ModelVectors(space, dense, self._vectors)

    def _make_heavy_vectors(self) -> ModelVectors | None:
        """Return the empty vectors of the heavy model; None if there is none."""
        if self._heavy_space is None:
            return None
        space, dim = self._heavy_space
        return self._make_model_vectors(space, dim, self._index_paths.graph_path(space))

    def add_heavy(self, space: str, dim: int) -> None:
        """Load the heavy model's vectors of this space, now and in each later `follow`. Raises StoreError.

        They replace a former heavy model's. May start a thread that builds graphs.
        """
        with self._follow_lock:
            if self.heavy is not None:
                self.heavy.dense.close()
            self._heavy_space = (space, dim)
            heavy = self._make_heavy_vectors()
            assert heavy is not None  # noqa: S101
            heavy.follow_store(self.store)
            self.heavy = heavy
        self.follow_and_compact()

    @property
    def all_vectors(self) -> tuple[ModelVectors, ...]:
        """Return the light model's vectors, and the heavy one's if there is one."""
        return (self.light,) if self.heavy is None else (self.light, self.heavy)

    @property
    def dense(self) -> DenseIndex:
        """Return the light model's dense index."""
        return self.light.dense

    @property
    def content_count(self) -> int:
        """Return the number of contents in the store, including those not in memory yet. Raises StoreError."""
        generation, cached_count = self.store.generation(), self._cached_count
        if cached_count is None or cached_count[0] != generation:
            self._cached_count = cached_count = generation, self.store.count_contents()
        return cached_count[1]

    @property
    def replacements(self) -> int:
        """Return how often the store's or the vectors' file was replaced, removed or restored to an older state."""
        databases = (self.store, self._vectors)
        changes = sum(database.replacements + database.restorations for database in databases)
        return changes + self._older_count

    @property
    def problem(self) -> StoreError | None:
        """Return why a file that has replaced an open one can't be opened; None if all is well."""
        return self.store.problem or self._vectors.problem

    @property
    def loaded_share(self) -> float:
        """Return the share of the store's contents whose vectors are in memory, 0 … 1."""
        loaded_count, missing_count = len(self.dense), self.light.unloaded_count + len(self.light.pending)
        return loaded_count / (loaded_count + missing_count) if missing_count else 1.0

    def sort_keys_of(self, contents: LabelArray | Sequence[int]) -> SortKeyArray:
        """Return (n,): the keys that break ties, read from the store if not in memory. Raises StoreError.

        The key of an unknown content is 0.
        """
        sort_keys = self.sort_keys.find_keys(contents)
        unloaded_rows = np.flatnonzero(sort_keys == 0)
        if len(unloaded_rows):
            numbers = np.asarray(contents, np.int64)[unloaded_rows].tolist()
            hashes = self.store.content_hashes(numbers)
            sort_keys[unloaded_rows] = to_sort_keys([hashes.get(number, b"") for number in numbers])
        return sort_keys

    def allowed_contents(self, within: Filter) -> LabelArray | None:
        """Return the contents with a location in the filter, ascending; None (all) if it is empty. Raises StoreError.

        The last filter's answer is cached until the store changes.
        """
        if within == Filter():
            return None
        cached_filter = self._cached_filter
        if cached_filter is None or cached_filter[:2] != (self._generation, within):
            contents = np.sort(np.array(self.store.contents_within(within), dtype=np.int64))
            self._cached_filter = cached_filter = (self._generation, within, contents)
        return cached_filter[2]

    def document_frequency(self, word: str) -> int:
        """Return the number of contents that contain the word, cached until the store changes. Raises StoreError."""
        if word not in self._document_frequencies:
            if len(self._document_frequencies) > _MAX_CACHED_WORDS:
                self._document_frequencies.clear()
            self._document_frequencies[word] = self.store.document_frequency(word)
        return self._document_frequencies[word]

    def follow(self) -> None:
        """Load what any process has written since; return at once if another thread is loading. Raises StoreError.

        Answers then come from what is in memory. If the store's file was replaced, memory is emptied first.
        """
        if not self._follow_lock.acquire(blocking=False):
            return
        try:
            self._check_files()
            for model_vectors in self.all_vectors:
                loaded_contents = model_vectors.load_new()
                if model_vectors is self.light and self._completion_generation >= 0:
                    self._load_continuations(loaded_contents)
            generation = self.store.generation()
            if generation != self._generation:
                self._load_changes(generation)
            if self._loads_completions and generation != self._completion_generation:
                self._load_completions(generation)
        finally:
            self._follow_lock.release()

    def defer_completions(self) -> None:
        """Leave out what only completions need, half of what is loaded, until `follow_for_completions` is called."""
        self._loads_completions = False

    def follow_for_completions(self) -> None:
        """Load what completions need, now and with each later `follow`. Raises StoreError."""
        self._loads_completions = True
        self.follow()

    def _load_changes(self, generation: int) -> None:
        """Drop removed contents, load new ones, and note the store's generation. Raises StoreError."""
        self._drop_removed()
        self.sort_keys = self.sort_keys.add_rows(self.store.contents_after(self.sort_keys.newest))
        self.fingerprints = self.fingerprints.add_rows(self.store.fingerprints_after(self.fingerprints.newest))
        for model_vectors in self.all_vectors:
            model_vectors.follow_store(self.store)
        self._document_frequencies = {}
        self._generation = generation

    def _load_completions(self, generation: int) -> None:
        """Load line hashes and continuation vectors of new contents, and note the generation. Raises StoreError."""
        rows = self.store.line_hashes_after(self.line_index.newest)
        self._load_continuations([number for number, _ in rows])
        self.line_index = self.line_index.add_rows(rows)
        self._completion_generation = generation

    def _check_files(self) -> None:
        """Empty the memory if the store's file was replaced; if the vectors' was, search it anew. Raises StoreError."""
        newest_vector = self._vectors.newest_id()
        is_older = self.store.generation() < self._generation
        self._older_count += is_older
        current_store = self.store.identity(), self.store.replacements
        if is_older or current_store != (self._identity, self._handled_store_replacements):
            previous_vectors = self.all_vectors
            self._reset_memory()
            for model_vectors in previous_vectors:
                model_vectors.dense.close()
        elif self._vectors.replacements != self._handled_vector_replacements:
            self._handled_vector_replacements = self._vectors.replacements
            for model_vectors in self.all_vectors:
                model_vectors.restart_search()
            if self.heavy is not None and not newest_vector:  # the light model's are soon embedded again
                self.heavy.save(self.store)

    def follow_and_compact(self) -> None:
        """Load what was written, and start renewing the graphs on threads if that is due. Raises StoreError."""
        self.follow()
        for model_vectors in self.all_vectors:
            model_vectors.dense.maintain_graph()

    def settle_in_background(self) -> None:
        """Call `follow_and_compact` on a new thread, whose error is recorded; returns at once."""

        def follow_until_closed() -> None:
            try:
                self.follow_and_compact()
            except StoreError as error:  # the next question follows the store again
                if not isinstance(error, StoreClosingError):
                    self.error_log.record(str(error))

        self._loads_completions = True
        threading.Thread(target=follow_until_closed, name="codekin-settle", daemon=True).start()

    def interrupt(self) -> None:
        """Make all reading, writing and building end soon; returns at once. Afterwards only `close` may be called."""
        self.store.interrupt()
        self._vectors.interrupt()
        for model_vectors in self.all_vectors:
            model_vectors.dense.interrupt()

    def close(self) -> None:
        """Close files, threads and child processes, waiting for their end."""
        for model_vectors in self.all_vectors:
            model_vectors.dense.close()
        with self._follow_lock:
            self._vectors.close()
            self.store.close()

    def _load_continuations(self, numbers: Sequence[int]) -> None:
        """Load the continuation vectors of these contents, as far as there are any. Raises StoreError."""
        hashes = self.store.content_hashes(numbers)
        for start in range(0, len(numbers), _CONTENTS_PER_LOAD):
            chunk = [number for number in numbers[start : start + _CONTENTS_PER_LOAD] if number in hashes]
            chunk_hashes = [hashes[number] for number in chunk]
            positions, vectors = self._vectors.get_vectors(self._continuation_space, chunk_hashes, ROW)
            self.continuation_vectors = self.continuation_vectors.add_rows(
                [chunk[position] for position in positions], vectors
            )

    def _drop_removed(self) -> None:
        """Drop from memory the contents that any process has removed from the store since. Raises StoreError."""
        position, removed_contents = self.store.removed_after(self._removal_position)
        if removed_contents is None:
            removed_contents = np.setdiff1d(
                self.sort_keys.labels, np.array(self.store.content_ids(), np.int64)
            ).tolist()
        self._removal_position = position
        if not removed_contents:
            return
        removed_labels = np.array(removed_contents, np.int64)
        self.sort_keys, self.fingerprints = (
            self.sort_keys.remove_contents(removed_labels),
            self.fingerprints.remove_contents(removed_labels),
        )
        self.line_index, self.continuation_vectors = (
            self.line_index.remove_contents(removed_labels),
            self.continuation_vectors.remove_contents(removed_labels),
        )
        for model_vectors in self.all_vectors:
            model_vectors.drop_contents(set(removed_contents))
