"""Which contents may a retriever return? Prose is kept apart from code, so that it takes none of code's places."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.code.prose import PROSE_LANGUAGES
from codekin.index.index import Index
from codekin.types import Filter
from codekin.vectors.matrix import LabelArray

_NONE: LabelArray = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class CandidatePool:
    """The contents that a retriever may return: the allowed ones (None: all) without the excluded ones."""

    allowed: LabelArray | None = None  # ascending
    excluded: LabelArray = field(default_factory=lambda: _NONE)  # ascending; empty where `allowed` says it all

    def count_to_retrieve(self, k: int) -> int:
        """Return how many contents to retrieve, so that `k` are most probably left without the excluded ones."""
        return k + min(k, len(self.excluded))

    def keeps(self, contents: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return for each content number whether it is not among the excluded ones; `allowed` is not looked at."""
        return ~np.isin(contents, self.excluded)


class CandidatePools:
    """The pools of one index: its code, and its prose."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._cached: tuple[int, LabelArray] = -1, _NONE

    def find_code(self, hit_filter: Filter) -> CandidatePool:
        """Return the contents within the filter, documentation pages left out, as a pool. Raises StoreError."""
        allowed, prose = self._index.allowed_contents(hit_filter), self._list_prose()
        if allowed is None:
            return CandidatePool(excluded=prose)
        return CandidatePool(np.setdiff1d(allowed, prose, assume_unique=True))

    def find_prose(self, hit_filter: Filter) -> CandidatePool | None:
        """Return the contents of documentation pages within the filter as a pool; None for none. Raises StoreError."""
        allowed, prose = self._index.allowed_contents(hit_filter), self._list_prose()
        contents = prose if allowed is None else np.intersect1d(allowed, prose, assume_unique=True)
        return CandidatePool(contents) if len(contents) else None

    def _list_prose(self) -> LabelArray:
        """Return the documentation's content numbers as an ascending array, cached until the store changes.

        Raises StoreError.
        """
        store = self._index.store
        generation = store.generation()
        if self._cached[0] != generation:
            contents = store.contents_within(Filter(languages=PROSE_LANGUAGES))
            self._cached = generation, np.sort(np.array(contents, np.int64))
        return self._cached[1]
