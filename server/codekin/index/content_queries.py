"""What searches ask of the contents of one index, cached until the store changes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from codekin.index.file_names import FileNames
from codekin.index.qualified_names import QualifiedNames
from codekin.storage.store import Store
from codekin.types import Filter
from codekin.vectors.matrix import LabelArray
from codekin.vectors.sort_keys import SortKeyArray, SortKeys, to_sort_keys

_MAX_CACHED_WORDS = 50_000


class ContentQueries:
    """The part of an index that answers questions about contents. `Index` loads what it has in memory."""

    store: Store
    sort_keys: SortKeys
    file_names: FileNames
    qualified_names: QualifiedNames
    _generation: int  # of the store, when it was last loaded
    _document_frequencies: dict[str, int]
    _cached_filter: tuple[int, Filter, LabelArray] | None
    _cached_count: tuple[int, int] | None  # generation, number of contents
    _word_counts: npt.NDArray[np.int32]  # by content, which never changes; 0 where it was never asked for

    @property
    def content_count(self) -> int:
        """Return the number of contents in the store, loaded or not; cached until it changes. Raises StoreError."""
        generation, cached_count = self.store.generation(), self._cached_count
        if cached_count is None or cached_count[0] != generation:
            self._cached_count = cached_count = generation, self.store.count_contents()
        return cached_count[1]

    def sort_keys_of(self, contents: LabelArray | Sequence[int]) -> SortKeyArray:
        """Return the contents' tie-breaking keys, uint64 (n,); reads those not in memory from the store.

        The key of an unknown content is 0. Raises StoreError.
        """
        sort_keys = self.sort_keys.find_keys(contents)
        unloaded_rows = np.flatnonzero(sort_keys == 0)
        if len(unloaded_rows):
            numbers = np.asarray(contents, np.int64)[unloaded_rows].tolist()
            hashes = self.store.content_hashes(numbers)
            sort_keys[unloaded_rows] = to_sort_keys([hashes.get(number, b"") for number in numbers])
        return sort_keys

    def count_words_of(self, contents: LabelArray) -> npt.NDArray[np.int32]:
        """Return how many distinct indexed words each content has, (n,), cached; 0 if it is gone. Raises StoreError."""
        word_counts = known_counts = self._word_counts
        missing_count = int(contents.max(initial=-1)) + 1 - len(word_counts)
        if missing_count > 0:
            word_counts = np.pad(word_counts, (0, missing_count + len(word_counts) // 8))
        unknown_contents = contents[word_counts[contents] == 0].tolist()
        for content, word_count in self.store.count_words_of(unknown_contents).items() if unknown_contents else ():
            word_counts[content] = word_count
        if self._word_counts is known_counts:  # else another thread has emptied the memory for another store
            self._word_counts = word_counts
        return word_counts[contents]

    def allowed_contents(self, hit_filter: Filter) -> LabelArray | None:
        """Return the contents within the filter, ascending, cached; None if it excludes no content of this workspace.

        The last filter's answer is cached until the store changes. Raises StoreError.
        """
        local_filter = replace(hit_filter, team=False)
        if local_filter == Filter():
            return None
        cached_filter = self._cached_filter
        if cached_filter is None or cached_filter[:2] != (self._generation, local_filter):
            contents = np.sort(np.array(self.store.contents_within(local_filter), dtype=np.int64))
            self._cached_filter = cached_filter = (self._generation, local_filter, contents)
        return cached_filter[2]

    def _forget_words(self) -> None:
        """Forget what the store said of the words of contents and of files' names: it has changed."""
        self._document_frequencies = {}
        self.file_names, self.qualified_names = FileNames(self.store), QualifiedNames(self.store)

    def document_frequency(self, word: str) -> int:
        """Return the number of contents that contain the word, cached until the store changes. Raises StoreError."""
        frequency = self._document_frequencies.get(word)
        if frequency is None:
            frequency = self._document_frequencies[word] = self.store.document_frequency(word)
        return frequency

    def load_document_frequencies(self, words: Iterable[str]) -> None:
        """Cache the `document_frequency` of each of these words, by one statement for all. Raises StoreError."""
        known_frequencies = self._document_frequencies
        if len(known_frequencies) > _MAX_CACHED_WORDS:
            known_frequencies.clear()
        new_words = list(dict.fromkeys(word for word in words if word not in known_frequencies))
        new_frequencies = self.store.document_frequencies(new_words) if new_words else {}
        known_frequencies.update((word, new_frequencies.get(word, 0)) for word in new_words)
