"""Inverted index of contents' line hashes: finds the lines that follow the same lines as the cursor.

A `LineIndex` is immutable: changes return another first. Its parts are merged as they grow, so that they are few and an
edit costs little. It takes about 14 bytes a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from codekin.code.line_hashes import unpack_line_hashes
from codekin.vectors.matrix import LabelArray, find_positions

LineKeys = npt.NDArray[np.uint32]
IntArray = npt.NDArray[np.int64]

ARRAY_NAMES = ("keys", "lines", "order", "sorted", "contents", "starts")  # of a part, but for what is removed
_WASTE_DIVISOR = 8  # a part is compacted if more than one in so many of its lines is removed
_MIN_LAZY_LINES = 20_000  # a smaller part is compacted at once, within a millisecond
_MAX_OCCURRENCES = 20_000  # of a line that are examined, the newest: a line that occurs more often says little


@dataclass(frozen=True, slots=True, eq=False)
class LineMatches:
    """Occurrences of the query's last lines, one per row."""

    contents: LabelArray  # (n,)
    lines: IntArray  # (n,): the content's line that follows
    depth: IntArray  # (n,): how many lines before it match the query's
    weight: npt.NDArray[np.float64]  # (n,): the sum of the matching lines' weights


@dataclass(frozen=True, slots=True, eq=False)
class _IndexPart:
    """Significant lines of some contents; an end mark (key 0) follows each content's lines."""

    keys: LineKeys  # (m,)
    lines: npt.NDArray[np.uint16]  # (m,): within the content
    order: npt.NDArray[np.int32]  # (m,): by key
    sorted: LineKeys  # (m,): keys[order]; searching through `order` would copy it
    contents: LabelArray  # (n,), ascending
    starts: IntArray  # (n,): positions of the contents' first lines in keys
    removed: LabelArray = field(default_factory=lambda: np.empty(0, np.int64))  # contents that no longer count
    removed_keys: LineKeys = field(default_factory=lambda: np.empty(0, np.uint32))  # of their lines, ascending

    def __len__(self) -> int:
        return len(self.contents) - len(self.removed)

    def find_range(self, line_key: int) -> tuple[int, int]:
        """Return start and end (half-open) of the key in `sorted`; equal if it does not occur."""
        return _find_key_range(self.sorted, line_key)

    def frequency(self, line_key: int) -> int:
        """Return the number of lines with the key, without those of removed contents."""
        start, end = self.find_range(line_key)
        removed_start, removed_end = _find_key_range(self.removed_keys, line_key)
        return end - start - (removed_end - removed_start)


class LineIndex:
    """Contents' line hashes, by number. Immutable, so any number of threads may search it."""

    def __init__(self, index_parts: Sequence[_IndexPart] = (), newest: int = 0) -> None:
        self._index_parts = tuple(index_parts)
        self.newest = newest  # the highest number that was added

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], newest: int) -> "LineIndex":
        """Return the index of which `to_arrays` returned these; they are shared, not copied."""
        return cls([_IndexPart(**arrays)] if len(arrays["contents"]) else (), newest)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all of the index as arrays by name, in one part without removed contents."""
        index_part = _make_part([])
        for other_part in self._index_parts:
            index_part = _merge_parts(index_part, _compact_part(other_part))
        return {name: getattr(index_part, name) for name in ARRAY_NAMES}

    def __len__(self) -> int:
        return sum(map(len, self._index_parts))

    @property
    def nbytes(self) -> int:
        """Return the memory that the arrays take, in bytes."""
        return sum(getattr(index_part, name).nbytes for index_part in self._index_parts for name in ARRAY_NAMES)

    def add_rows(self, rows: Sequence[tuple[int, bytes]]) -> "LineIndex":
        """Return an index with further rows (number, packed line hashes), ascending, above all present ones."""
        if not rows:
            return self
        index_part = _make_part([(content_number, unpack_line_hashes(packed).keys) for content_number, packed in rows])
        index_parts = list(self._index_parts)
        while index_parts and len(index_parts[-1].keys) <= 2 * len(index_part.keys):
            index_part = _merge_parts(_compact_part(index_parts.pop()), index_part)
        return LineIndex([*index_parts, index_part], rows[-1][0])

    def remove_contents(self, numbers: LabelArray) -> "LineIndex":
        """Return an index without these contents; large parts keep the removed lines until they are an eighth."""
        index_parts = [_remove_from_part(index_part, numbers) for index_part in self._index_parts]
        return LineIndex([index_part for index_part in index_parts if len(index_part)], self.newest)

    def frequency(self, line_key: int) -> int:
        """Return the number of lines with the key in all contents that are not removed."""
        return sum(index_part.frequency(line_key) for index_part in self._index_parts)

    def find_following(self, lines: Sequence[int], weights: Sequence[float]) -> LineMatches:
        """Return LineMatches: the places (newest 20,000 a part) after the last of `lines`, and how many before match.

        `lines` (keys) and `weights` are in the code's order; the last one is the line above the cursor. Empty without
        lines.
        """
        matches = [_find_in_part(index_part, lines, weights) for index_part in self._index_parts] if lines else []
        if not matches:
            empty = np.empty(0, np.int64)
            return LineMatches(empty, empty, empty, np.empty(0))
        return LineMatches(*(np.concatenate(column) for column in zip(*matches, strict=True)))


def _find_in_part(
    index_part: _IndexPart, query_lines: Sequence[int], weights: Sequence[float]
) -> tuple[LabelArray, IntArray, IntArray, npt.NDArray[np.float64]]:
    """Return one part's matches as the columns of LineMatches; only the newest 20,000 occurrences are examined."""
    start, end = index_part.find_range(query_lines[-1])
    positions = np.sort(index_part.order[max(start, end - _MAX_OCCURRENCES) : end].astype(np.int64))
    owners = np.searchsorted(index_part.starts, positions, side="right") - 1
    depth, weight = np.ones(len(positions), np.int64), np.full(len(positions), float(weights[-1]))
    if len(index_part.removed):
        counts = ~np.isin(index_part.contents[owners], index_part.removed)
        positions, owners, depth, weight = positions[counts], owners[counts], depth[counts], weight[counts]
    is_matching = np.ones(len(positions), np.bool_)
    for lines_back in range(1, len(query_lines)):
        previous_positions = positions - lines_back
        is_matching &= previous_positions >= index_part.starts[owners]
        is_matching &= index_part.keys[np.maximum(previous_positions, 0)] == query_lines[-1 - lines_back]
        if not is_matching.any():
            break
        depth += is_matching
        weight += is_matching * weights[-1 - lines_back]
    has_next_line = index_part.keys[positions + 1] != 0  # key 0 ends the content
    return (
        index_part.contents[owners][has_next_line],
        index_part.lines[positions + 1].astype(np.int64)[has_next_line],
        depth[has_next_line],
        weight[has_next_line],
    )


def _find_key_range(ascending_keys: LineKeys, line_key: int) -> tuple[int, int]:
    """Return start and end (half-open) of the key's run in ascending keys; equal if it does not occur."""
    start, end = (int(np.searchsorted(ascending_keys, np.uint32(line_key), side)) for side in ("left", "right"))
    return start, end


def _make_part(keys_by_content: Sequence[tuple[int, Sequence[int]]]) -> _IndexPart:
    """Make an index part of contents, ascending, and their lines' keys; lines with key 0 are left out."""
    keys: list[int] = []
    lines: list[int] = []
    starts: list[int] = []
    for _, content_keys in keys_by_content:
        starts.append(len(keys))
        significant_lines = [(line_key, line) for line, line_key in enumerate(content_keys) if line_key]
        keys += [line_key for line_key, _ in significant_lines] + [0]
        lines += [line for _, line in significant_lines] + [len(content_keys)]
    contents = np.array([content_number for content_number, _ in keys_by_content], np.int64)
    return _sort_part(np.array(keys, np.uint32), np.array(lines, np.uint16), contents, np.array(starts, np.int64))


def _merge_parts(first: _IndexPart, second: _IndexPart) -> _IndexPart:
    """Return one part with the lines of both, which have no removed contents."""
    keys, lines = np.concatenate([first.keys, second.keys]), np.concatenate([first.lines, second.lines])
    contents = np.concatenate([first.contents, second.contents])
    return _sort_part(keys, lines, contents, np.concatenate([first.starts, second.starts + len(first.keys)]))


def _remove_from_part(index_part: _IndexPart, numbers: LabelArray) -> _IndexPart:
    """Return the part with these contents marked as removed, compacted if that is worth it; itself if it has none."""
    new_numbers = np.setdiff1d(numbers, index_part.removed)  # a content may be removed twice, but must not count twice
    removed_positions = find_positions(index_part.contents, new_numbers)
    if not len(removed_positions):
        return index_part
    ends = np.append(index_part.starts, len(index_part.keys))
    keys = [index_part.keys[ends[position] : ends[position + 1]] for position in removed_positions]
    reduced_part = replace(
        index_part,
        removed=np.concatenate([index_part.removed, index_part.contents[removed_positions]]),
        removed_keys=np.sort(np.concatenate([index_part.removed_keys, *keys])),
    )
    must_compact = len(index_part.keys) < _MIN_LAZY_LINES or _WASTE_DIVISOR * len(reduced_part.removed_keys) > len(
        index_part.keys
    )
    return _compact_part(reduced_part) if must_compact else reduced_part


def _compact_part(index_part: _IndexPart) -> _IndexPart:
    """Return the part without the lines of removed contents; itself if none is removed."""
    if not len(index_part.removed):
        return index_part
    is_kept = np.isin(index_part.contents, index_part.removed, invert=True)
    sizes = np.diff(np.append(index_part.starts, len(index_part.keys)))
    is_kept_line = np.repeat(is_kept, sizes)
    kept_sizes = sizes[is_kept]
    kept_order = index_part.order[is_kept_line[index_part.order]]  # still by key: nothing is sorted again
    order = (np.cumsum(is_kept_line) - 1)[kept_order].astype(np.int32)
    keys, lines = index_part.keys[is_kept_line], index_part.lines[is_kept_line]
    starts = np.cumsum(kept_sizes) - kept_sizes
    return _IndexPart(keys, lines, order, keys[order], index_part.contents[is_kept], starts)


def _sort_part(keys: LineKeys, lines: npt.NDArray[np.uint16], contents: LabelArray, starts: IntArray) -> _IndexPart:
    """Make an index part of these arrays, adding their order by key."""
    order = np.argsort(keys, kind="stable").astype(np.int32)
    return _IndexPart(keys, lines, order, keys[order], contents, starts)
