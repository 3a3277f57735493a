"""Breaks ties between contents by their hashes, which are the same in every index.

A content's number depends on when it was indexed: sorted by numbers, equally good contents would be in another order
in a new index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.vectors.matrix import LabelArray, find_positions

SortKeyArray = npt.NDArray[np.uint64]

_KEY_BYTES = 8  # of a hash: two of a million contents hardly ever have equal keys


@dataclass(frozen=True, slots=True, eq=False)
class SortKeys:
    """The sort keys of contents (first bytes of their hashes), by number. Immutable; changes return a new object."""

    labels: LabelArray = field(default_factory=lambda: np.empty(0, np.int64))  # (n,), ascending
    keys: SortKeyArray = field(default_factory=lambda: np.empty(0, np.uint64))  # (n,)
    newest: int = 0  # the highest number that was added

    def __len__(self) -> int:
        return len(self.labels)

    def find_keys(self, contents: LabelArray | Sequence[int]) -> SortKeyArray:
        """Return the contents' sort keys, uint64 (n,); 0 for contents that are not loaded."""
        numbers = np.asarray(contents, np.int64)
        if not len(self.labels):
            return np.zeros(len(numbers), np.uint64)
        candidate_rows = np.minimum(np.searchsorted(self.labels, numbers), len(self.labels) - 1)
        return np.where(self.labels[candidate_rows] == numbers, self.keys[candidate_rows], np.uint64(0))

    def add_rows(self, rows: Sequence[tuple[int, bytes]]) -> "SortKeys":
        """Return the present rows and these (number, hash), which must ascend and be above the present numbers."""
        if not rows:
            return self
        labels = np.array([content for content, _ in rows], np.int64)
        keys = to_sort_keys([content_hash for _, content_hash in rows])
        all_labels, all_keys = np.concatenate([self.labels, labels]), np.concatenate([self.keys, keys])
        return SortKeys(all_labels, all_keys, newest=rows[-1][0])

    def remove_contents(self, contents: LabelArray) -> "SortKeys":
        """Return the keys without these contents; itself if it has none of them."""
        removed_rows = find_positions(self.labels, contents)
        if not len(removed_rows):
            return self
        return SortKeys(np.delete(self.labels, removed_rows), np.delete(self.keys, removed_rows), self.newest)


def to_sort_keys(hashes: Sequence[bytes]) -> SortKeyArray:
    """Return the sort keys of content hashes: their first 8 bytes as uint64 (n,)."""
    return np.frombuffer(
        b"".join(content_hash[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0") for content_hash in hashes), ">u8"
    ).astype(np.uint64)
