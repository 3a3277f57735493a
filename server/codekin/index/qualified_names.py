"""Find definitions by a part of their qualified names, as a name is typed: from memory once it is asked for again.

SQLite reads every row for it, 14 ms of 100,000; in memory, the names are one text that is searched in 2 ms.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.storage.store import Store
from codekin.types import Filter, Location

_MAX_CONTENTS = 150_000  # whose names are kept in memory, some 40 bytes each
_MAX_ROWS = 2_000  # that are looked up one by one


class _Names(NamedTuple):
    """The qualified names of a store's definitions."""

    text: bytes  # one a line, ASCII letters in lower case
    line_ends: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]  # by line


class QualifiedNames:
    """The qualified names of one store's definitions, as they were when they were read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked_generation = -1  # of the store, when it was last asked
        self._loaded: tuple[int, _Names] | None = None  # generation, names

    def find_definitions(self, fragment: str, limit: int, hit_filter: Filter = Filter()) -> list[Location]:
        """Return up to `limit` definitions whose qualified name contains `fragment`; from memory when asked again."""
        generation, loaded = self._store.generation(), self._loaded
        if loaded is None or loaded[0] != generation:  # a `follow` may be due that waits for another thread
            loaded = None
            if self._asked_generation == generation and self._store.count_contents() <= _MAX_CONTENTS:
                self._loaded = loaded = generation, self._load_names()
        self._asked_generation = generation
        rows = self._find_rows(loaded[1], fragment) if loaded else None
        return self._store.find_by_qualified_name(fragment, limit, hit_filter, rows)

    def _load_names(self) -> _Names:
        """Read the qualified names of all definitions from the store into one text; return it. Raises StoreError."""
        row_list, name_lines = self._store.list_qualified_names()
        text = name_lines.encode("utf-8", "surrogatepass").lower()
        line_ends = np.flatnonzero(np.frombuffer(text + b"\n", np.uint8) == ord("\n"))
        return _Names(text, line_ends, np.fromstring(row_list, np.int64, sep=","))

    def _find_rows(self, names: _Names, fragment: str) -> list[int] | None:
        """Return the row numbers of the names that contain the fragment; None where SQLite must search instead.

        That is where there are thousands, where a name or the fragment has several lines, or it a null character.
        """
        pattern = fragment.encode("utf-8", "surrogatepass").lower()
        if not pattern or b"\n" in pattern or b"\0" in pattern or len(names.rows) != len(names.line_ends):
            return None
        lines: list[int] = []
        position = names.text.find(pattern)
        while position >= 0 and len(lines) <= _MAX_ROWS:
            lines.append(int(np.searchsorted(names.line_ends, position)))
            position = names.text.find(pattern, int(names.line_ends[lines[-1]]))
        return names.rows[lines].tolist() if len(lines) <= _MAX_ROWS else None
