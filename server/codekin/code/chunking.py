"""Split points: where a run of lines that exceeds one snippet's bound is cut."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING
from zlib import crc32

from codekin.code.definitions import find_last_row

if TYPE_CHECKING:
    from tree_sitter import Node

_DEPTH_COST = 0.12  # a level of nesting weighs as much as being an eighth of a piece off balance
_LINE_COST = 1.0  # a cut inside a statement: worse than any border of one
_BLANK_GAIN = 0.1
_LOT = 0.1  # less than a level of nesting: decides between borders that are as good as each other
_FEW = 4.0  # bounds: as much as an edit may move all borders of
_MANY_TARGET = 0.5


@dataclass(frozen=True, slots=True)
class SnippetBound:
    """The most that one snippet may hold."""

    lines: int
    chars: int  # without indentation


class SizeMeasure:
    """Measures any run of lines in multiples of the bound."""

    def __init__(self, lines: Sequence[str], bound: SnippetBound) -> None:
        self._chars = list(accumulate(map(len, map(str.strip, lines)), initial=0))
        self._lines = lines
        self._bound = bound

    def relative_size(self, start: int, end: int) -> float:
        """Return the size of the lines; 1 is exactly the bound."""
        chars = self._chars[end] - self._chars[start]
        return max((end - start) / self._bound.lines, chars / self._bound.chars)

    def fits_bound(self, start: int, end: int) -> bool:
        """Return whether the lines fit one snippet; a single line always does, because it can't be cut."""
        return end - start <= 1 or self.relative_size(start, end) <= 1.0

    def line_hash(self, line: int) -> float:
        """Return a number in [0, _LOT) that depends on the line's content alone."""
        return crc32(self._lines[line].strip().encode("utf-8", "replace")) / 2**32 * _LOT

    def is_blank(self, line: int) -> bool:
        return self._chars[line] == self._chars[line + 1]


def find_split_points(node: "Node", start: int, end: int, measure: SizeMeasure) -> dict[int, float]:
    """Map lines in (start, end) on which a statement starts to the cost of a cut there; long statements are entered.

    Depth counts what starts on a line of its own, as a reader does: `run(() => {` is one level, not five nodes.
    """
    borders: dict[int, float] = {}
    stack = [(node, 0)]
    while stack:
        parent, depth = stack.pop()
        children, parent_row = parent.children, parent.start_point[0]
        previous_last, after_comment = -1, False
        for index in range(_first_at(children, start), len(children)):
            child = children[index]
            first = child.start_point[0]
            if first >= end:
                break
            last = find_last_row(child)
            if start < first and first != previous_last and not (after_comment and first == previous_last + 1):
                borders.setdefault(first, depth * _DEPTH_COST)
            after_comment = "comment" in child.type
            previous_last = last
            whole = start <= first and last < end
            if first != last and not (whole and measure.fits_bound(first, last + 1)):
                stack.append((child, depth + (first > parent_row)))
    return borders


def _first_at(children: "Sequence[Node]", row: int) -> int:
    """Return the index of the first child that reaches `row`."""
    index = bisect_left(children, row, key=lambda child: child.start_point[0])
    while index and children[index - 1].end_point[0] >= row:
        index -= 1
    return index


def split_lines_at(start: int, end: int, borders: dict[int, float], measure: SizeMeasure) -> list[tuple[int, int]]:
    """Split [start, end) at the cheapest split points, into pieces within the bound where lines allow.

    A few pieces are balanced. Of many, each is more than half full and its end chosen by what stands there, so that an
    edit moves the borders next to it and no others.
    """
    rows = sorted(borders)
    pieces = []
    while not measure.fits_bound(start, end):
        middle = _next(start, end, rows, borders, measure)
        pieces.append((start, middle))
        start = middle
    pieces.append((start, end))
    return pieces


def _next(start: int, end: int, rows: list[int], borders: dict[int, float], measure: SizeMeasure) -> int:
    """Return the row on which the piece that begins at `start` ends."""
    weight = measure.relative_size(start, end)
    few = weight <= _FEW
    target = weight / max(2, ceil(weight)) if few else _MANY_TARGET
    best, best_cost = 0, _LINE_COST
    for index in range(bisect_left(rows, start + 1), len(rows)):
        row = rows[index]
        size = measure.relative_size(start, row)
        if row >= end or size > 1.0:
            break
        off_balance = abs(size - target) / target if few or size < target else measure.line_hash(row)
        cost = off_balance + borders[row] - (_BLANK_GAIN if measure.is_blank(row - 1) else 0)
        if cost < best_cost:
            best, best_cost = row, cost
    return best or _next_line(start, end, target, few, measure)


def _next_line(start: int, end: int, target: float, few: bool, measure: SizeMeasure) -> int:
    """Choose a row where no statement starts: the nearest to the target, or one chosen by its content."""
    row = start + 1
    while row + 1 < end and measure.relative_size(start, row + 1) <= target:
        row += 1
    if few:
        return row
    last = row
    while last + 1 < end and measure.relative_size(start, last + 1) <= 1.0:
        last += 1
    return min(range(row, last + 1), key=measure.line_hash)
