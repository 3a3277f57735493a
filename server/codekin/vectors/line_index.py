"""The contents' lines in memory: after which of them does the code go on as it did in the question?

A `Courses` never changes: adding and leaving out give another one. Its parts are merged as they grow, so that there are
few of them and an edit costs little. About 14 bytes a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from codekin.code.line_hashes import unpack_line_hashes
from codekin.vectors.matrix import LabelArray, positions

Keys = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]

_WASTE = 8  # a part is compacted when one in so many of its lines counts no more
_SMALL = 20_000  # lines; a smaller part is compacted at once, within a millisecond
_MOST = 20_000  # places of one line that are looked at: more often it stands in the code, the less it says


@dataclass(frozen=True, slots=True, eq=False)
class LineMatches:
    """Places where the lines before are those of the question; row by row."""

    contents: LabelArray  # (n,)
    lines: Numbers  # (n,): the line of the content that comes next
    depth: Numbers  # (n,): how many lines before it are the question's
    weight: npt.NDArray[np.float64]  # (n,): the sum of what they say: the rarer a line, the more


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some contents' lines that say something, each content's followed by an end (key 0)."""

    keys: Keys  # (m,)
    lines: npt.NDArray[np.uint16]  # (m,): within the content
    order: npt.NDArray[np.int32]  # (m,): by key
    sorted: Keys  # (m,): keys[order], for to search through `order` would copy it
    contents: LabelArray  # (n,), ascending
    starts: Numbers  # (n,): where each begins in keys
    gone: LabelArray = field(default_factory=lambda: np.empty(0, np.int64))  # of `contents`, those that count no more
    gone_keys: Keys = field(default_factory=lambda: np.empty(0, np.uint32))  # theirs, ascending

    def __len__(self) -> int:
        return len(self.contents) - len(self.gone)

    def range(self, key: int) -> tuple[int, int]:
        """From where to where the key stands in `sorted`."""
        first, last = (int(np.searchsorted(self.sorted, np.uint32(key), side)) for side in ("left", "right"))
        return first, last

    def frequency(self, key: int) -> int:
        """How many lines that count have the key."""
        first, last = self.range(key)
        gone = np.searchsorted(self.gone_keys, np.uint32(key), "right") - np.searchsorted(
            self.gone_keys, np.uint32(key), "left"
        )
        return last - first - int(gone)


class LineIndex:
    """Contents by number, each with its course; any number of threads may ask."""

    def __init__(self, parts: Sequence[_Part] = (), newest: int = 0) -> None:
        self._parts = tuple(parts)
        self.newest = newest  # the highest number that was added

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @property
    def nbytes(self) -> int:
        """What they take in memory."""
        arrays = [(part.keys, part.lines, part.order, part.sorted, part.contents, part.starts) for part in self._parts]
        return sum(array.nbytes for part in arrays for array in part)

    def add_rows(self, rows: Sequence[tuple[int, bytes]]) -> "LineIndex":
        """With these (number, packed course), ascending and higher than all that are there."""
        if not rows:
            return self
        part = _part([(number, unpack_line_hashes(packed).keys) for number, packed in rows])
        parts = list(self._parts)
        while parts and len(parts[-1].keys) <= 2 * len(part.keys):
            part = _merged(_compacted(parts.pop()), part)
        return LineIndex([*parts, part], rows[-1][0])

    def without(self, numbers: LabelArray) -> "LineIndex":
        """Without these contents. Large parts keep their lines, uncounted, until an eighth of them is of that kind."""
        parts = [_left(part, numbers) for part in self._parts]
        return LineIndex([part for part in parts if len(part)], self.newest)

    def frequency(self, key: int) -> int:
        """How often the line stands in the code."""
        return sum(part.frequency(key) for part in self._parts)

    def find_following(self, lines: Sequence[int], weights: Sequence[float]) -> LineMatches:
        """Where the last of `lines` (keys) stands; both in order, the last one is the one before the cursor."""
        found = [_following(part, lines, weights) for part in self._parts] if lines else []
        if not found:
            none = np.empty(0, np.int64)
            return LineMatches(none, none, none, np.empty(0))
        return LineMatches(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _following(
    part: _Part, asked: Sequence[int], weights: Sequence[float]
) -> tuple[LabelArray, Numbers, Numbers, npt.NDArray[np.float64]]:
    first, last = part.range(asked[-1])
    at = np.sort(part.order[max(first, last - _MOST) : last].astype(np.int64))
    owner = np.searchsorted(part.starts, at, side="right") - 1
    depth, weight = np.ones(len(at), np.int64), np.full(len(at), float(weights[-1]))
    if len(part.gone):
        counts = ~np.isin(part.contents[owner], part.gone)
        at, owner, depth, weight = at[counts], owner[counts], depth[counts], weight[counts]
    alive = np.ones(len(at), np.bool_)
    for back in range(1, len(asked)):
        before = at - back
        alive &= before >= part.starts[owner]
        alive &= part.keys[np.maximum(before, 0)] == asked[-1 - back]
        if not alive.any():
            break
        depth += alive
        weight += alive * weights[-1 - back]
    goes_on = part.keys[at + 1] != 0  # else the content ends there
    return (
        part.contents[owner][goes_on],
        part.lines[at + 1].astype(np.int64)[goes_on],
        depth[goes_on],
        weight[goes_on],
    )


def _part(courses: Sequence[tuple[int, Sequence[int]]]) -> _Part:
    keys: list[int] = []
    lines: list[int] = []
    starts: list[int] = []
    for _, course in courses:
        starts.append(len(keys))
        said = [(key, line) for line, key in enumerate(course) if key]
        keys += [key for key, _ in said] + [0]
        lines += [line for _, line in said] + [len(course)]
    contents = np.array([number for number, _ in courses], np.int64)
    return _sorted(np.array(keys, np.uint32), np.array(lines, np.uint16), contents, np.array(starts, np.int64))


def _merged(one: _Part, other: _Part) -> _Part:
    keys, lines = np.concatenate([one.keys, other.keys]), np.concatenate([one.lines, other.lines])
    contents = np.concatenate([one.contents, other.contents])
    return _sorted(keys, lines, contents, np.concatenate([one.starts, other.starts + len(one.keys)]))


def _left(part: _Part, numbers: LabelArray) -> _Part:
    """The part without the contents `numbers`."""
    at = positions(part.contents, np.setdiff1d(numbers, part.gone))  # what is told again must not count twice
    if not len(at):
        return part
    ends = np.append(part.starts, len(part.keys))
    keys = [part.keys[ends[i] : ends[i + 1]] for i in at]
    left = replace(
        part,
        gone=np.concatenate([part.gone, part.contents[at]]),
        gone_keys=np.sort(np.concatenate([part.gone_keys, *keys])),
    )
    is_small = len(part.keys) < _SMALL or _WASTE * len(left.gone_keys) > len(part.keys)
    return _compacted(left) if is_small else left


def _compacted(part: _Part) -> _Part:
    """The part without the lines that count no more."""
    if not len(part.gone):
        return part
    keep = np.isin(part.contents, part.gone, invert=True)
    sizes = np.diff(np.append(part.starts, len(part.keys)))
    rows = np.repeat(keep, sizes)
    sizes = sizes[keep]
    order = part.order[rows[part.order]]  # still by key: nothing is sorted anew
    renumbered = (np.cumsum(rows) - 1)[order].astype(np.int32)
    keys = part.keys[rows]
    return _Part(keys, part.lines[rows], renumbered, keys[renumbered], part.contents[keep], np.cumsum(sizes) - sizes)


def _sorted(keys: Keys, lines: npt.NDArray[np.uint16], contents: LabelArray, starts: Numbers) -> _Part:
    order = np.argsort(keys, kind="stable").astype(np.int32)
    return _Part(keys, lines, order, keys[order], contents, starts)
