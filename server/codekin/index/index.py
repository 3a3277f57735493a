"""The index as readers see it: the store, and what is loaded of it into memory, in step with each other."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from codekin.errors import StoreClosingError, StoreError
from codekin.index.content_queries import ContentQueries
from codekin.index.memory_image import (
    CompletionData,
    LoadedContents,
    SavedImage,
    load_continuations,
    remove_images,
    restore_completion_data,
    restore_contents,
    save_completion_data,
    save_contents,
)
from codekin.index.model_vectors import ModelVectors
from codekin.storage.error_log import ErrorLog
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.types import Filter
from codekin.vectors.continuation_vectors import ContinuationVectors
from codekin.vectors.dense_index import DenseIndex
from codekin.vectors.fingerprints import FingerprintIndex
from codekin.vectors.line_index import LineIndex
from codekin.vectors.matrix import LabelArray
from codekin.vectors.sort_keys import SortKeys

_FIRST_LOAD_TIMEOUT_S = 2.0  # that the first question waits: 100,000 contents are loaded in a second or less


class Index(ContentQueries):
    """One workspace's index: store, and vectors in memory. Any thread may read; writers call `follow` afterwards."""

    def __init__(
        self,
        index_paths: IndexPaths,
        space: str,
        dim: int,
        on_problem: Callable[[str], None],
        continuation_space: str = "",
    ) -> None:
        """Open the store and the file of vectors, created if missing; load nothing before `follow`. Raises StoreError.

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
        self._forget_words()
        self._word_counts = np.zeros(0, np.int32)
        self._cached_filter: tuple[int, Filter, LabelArray] | None = None
        self._generation = -1
        self._saved = self._saved_completions = SavedImage()
        self._completion_generation = -1  # of the store, when lines and continuations were loaded
        self._removal_position = self.store.last_removal()
        self._cached_count: tuple[int, int] | None = None  # generation, number of contents
        self.sort_keys = SortKeys()  # immutable, like the following: replaced as a whole
        self.fingerprints = FingerprintIndex()
        self.line_index = LineIndex()
        self.continuation_vectors = ContinuationVectors()

    def _make_model_vectors(self, space: str, dim: int, graph_path: Path) -> ModelVectors:
        """Return an empty set of vectors of one space; the file of its graph is at `graph_path`."""
        dense = DenseIndex(dim, graph_path, f"{self._identity} {space}", on_problem=self._on_problem)
        return ModelVectors(space, dense, self._vectors)

    def _make_heavy_vectors(self) -> ModelVectors | None:
        """Return an empty set of the heavy model's vectors; None if there is no heavy model."""
        if self._heavy_space is None:
            return None
        space, dim = self._heavy_space
        return self._make_model_vectors(space, dim, self._index_paths.graph_path(space))

    def add_heavy(self, space: str, dim: int) -> None:
        """Load the heavy model's vectors of this space, replacing others, now and in each `follow`; start its graph.

        A thread builds the graph. Raises StoreError.
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
        """Return the search index, in memory, of the light model's vectors."""
        return self.light.dense

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
        """Return the share of the store's contents whose light-model vectors are in memory, 0 … 1."""
        loaded_count, missing_count = len(self.dense), self.light.unloaded_count + len(self.light.pending)
        return loaded_count / (loaded_count + missing_count) if missing_count else 1.0

    def follow(self) -> None:
        """Load what any process has written since; return at once if another thread is loading. Raises StoreError.

        Answers then come from what is in memory; while nothing is, wait two seconds at most. If the store's file was
        replaced, memory is emptied first.
        """
        if not self._follow_lock.acquire(timeout=_FIRST_LOAD_TIMEOUT_S if self._generation < 0 else 0):
            return
        try:
            self._check_files()
            if self._generation < 0 and self._vectors.newest_id():  # a lost file of vectors is to be filled again
                self._restore_image()
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

    def save_image(self) -> None:
        """Save the arrays in memory to files that new processes map, if due; else drop old files. Raises StoreError."""
        with self._follow_lock:
            images = self._index_paths.image, self._index_paths.completion_image
            if self._saved.is_mostly_gone(self.sort_keys) and remove_images(*images):
                self._saved = self._saved_completions = SavedImage()
            if self._saved.is_due(self.sort_keys):
                self._saved = SavedImage.of(self.sort_keys)
                loaded = LoadedContents(self.sort_keys, self.fingerprints, self._removal_position)
                save_contents(self._index_paths.image, self.store, self.light, loaded)
            is_loaded = self._completion_generation == self._generation and not self.light.pending
            if is_loaded and self._saved_completions.is_due(self.sort_keys):
                self._saved_completions = SavedImage(self.line_index.newest)
                data = CompletionData(self.line_index, self.continuation_vectors)
                save_completion_data(self._index_paths.completion_image, self.store, self._continuation_space, data)

    def _restore_image(self) -> None:
        """Map the contents' arrays that some process has saved to a file, if it is of this store. Raises StoreError."""
        loaded = restore_contents(self._index_paths.image, self.store, self.light)
        if loaded is not None:
            self.sort_keys, self.fingerprints = loaded.sort_keys, loaded.fingerprints
            self._removal_position, self._saved = loaded.removal_position, SavedImage.of(loaded.sort_keys)

    def defer_completions(self) -> None:
        """Make `follow` skip what only completions need, half the memory, until `follow_for_completions` is called."""
        self._loads_completions = False

    def follow_for_completions(self) -> None:
        """Load what completions need, now and with each later `follow`. Raises StoreError."""
        self._loads_completions = True
        self.follow()

    def _load_changes(self, generation: int) -> None:
        """Drop removed contents from memory, load new ones, and note the store's generation. Raises StoreError."""
        self._drop_removed()
        self.sort_keys = self.sort_keys.add_rows(self.store.contents_after(self.sort_keys.newest))
        self.fingerprints = self.fingerprints.add_rows(self.store.fingerprints_after(self.fingerprints.newest))
        for model_vectors in self.all_vectors:
            model_vectors.follow_store(self.store)
        self._forget_words()
        self._generation = generation

    def _load_completions(self, generation: int) -> None:
        """Load line hashes and continuation vectors of new contents, and note the generation. Raises StoreError."""
        if self._completion_generation < 0:
            self._restore_completion_image()
        rows = self.store.line_hashes_after(self.line_index.newest)
        self._load_continuations([number for number, _ in rows])
        self.line_index = self.line_index.add_rows(rows)
        self._completion_generation = generation

    def _restore_completion_image(self) -> None:
        """Map the completions' arrays that some process has saved to a file, if of this store. Raises StoreError."""
        path, labels = self._index_paths.completion_image, self.sort_keys.labels
        restored = restore_completion_data(path, self.store, self._continuation_space, labels)
        if restored is not None:
            self.line_index, self.continuation_vectors = restored.line_index, restored.continuation_vectors
            self._saved_completions = SavedImage(self.line_index.newest)

    def _check_files(self) -> None:
        """Empty memory if the store's file was replaced; search a replaced file of vectors anew, fill an empty one."""
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
        """Load what any process has written; start renewing the graphs on threads if that is due. Raises StoreError."""
        self.follow()
        for model_vectors in self.all_vectors:
            model_vectors.dense.maintain_graph()

    def settle_in_background(self) -> None:
        """On a new thread, load all that was written, renew graphs and save the image; returns at once."""

        def follow_until_closed() -> None:
            """Load, compact and save the image once; record any error but the index's closing."""
            try:
                self.follow_and_compact()
                self.save_image()
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
        loaded, space = self.continuation_vectors, self._continuation_space
        self.continuation_vectors = load_continuations(self.store, self._vectors, space, numbers, loaded)

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
        self.sort_keys = self.sort_keys.remove_contents(removed_labels)
        self.fingerprints = self.fingerprints.remove_contents(removed_labels)
        self.line_index = self.line_index.remove_contents(removed_labels)
        self.continuation_vectors = self.continuation_vectors.remove_contents(removed_labels)
        for model_vectors in self.all_vectors:
            model_vectors.drop_contents(set(removed_contents))
