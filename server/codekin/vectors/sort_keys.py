"""What breaks ties between contents: their hashes, which are the same in every index.

A content's number says when it came into this index, so two that are equally good would stand in another order in an
index made anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.vectors.matrix import LabelArray, positions

Keys = npt.NDArray[np.uint64]

_BYTES = 8  # of a hash: of a million contents hardly two have these in common


@dataclass(frozen=True, slots=True, eq=False)
class SortKeys:
    """Contents by number, each with the start of its hash; never changes, adding gives another one."""

    labels: LabelArray = field(default_factory=lambda: np.empty(0, np.int64))  # (n,), ascending
    keys: Keys = field(default_factory=lambda: np.empty(0, np.uint64))  # (n,)
    newest: int = 0  # the highest number that was added

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, contents: LabelArray | Sequence[int]) -> Keys:
        """(n,): what these contents are sorted by; 0 for those that are not known yet."""
        asked = np.asarray(contents, np.int64)
        if not len(self.labels):
            return np.zeros(len(asked), np.uint64)
        at = np.minimum(np.searchsorted(self.labels, asked), len(self.labels) - 1)
        return np.where(self.labels[at] == asked, self.keys[at], np.uint64(0))

    def added(self, rows: Sequence[tuple[int, bytes]]) -> "SortKeys":
        """With these (number, hash), ascending and higher than all that are there."""
        if not rows:
            return self
        labels = np.array([number for number, _ in rows], np.int64)
        keys = keys_of([key for _, key in rows])
        joined = np.concatenate([self.labels, labels]), np.concatenate([self.keys, keys])
        return SortKeys(*joined, newest=rows[-1][0])

    def without(self, contents: LabelArray) -> "SortKeys":
        """Without these contents."""
        gone = positions(self.labels, contents)
        return SortKeys(np.delete(self.labels, gone), np.delete(self.keys, gone), self.newest) if len(gone) else self


def keys_of(hashes: Sequence[bytes]) -> Keys:
    """(n,): what contents of these hashes are sorted by."""
    return np.frombuffer(b"".join(key[:_BYTES].ljust(_BYTES, b"\0") for key in hashes), ">u8").astype(np.uint64)
