"""Split points: where a run of lines that exceeds one snippet's bound is cut."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING
from zlib import crc32

from codekin.code.parsing import find_last_row

if TYPE_CHECKING:
    from tree_sitter import Node

_DEPTH_COST = 0.12  # per level of nesting: as much as a piece that is an eighth off its target size
_LINE_COST = 1.0  # of a cut inside a statement: worse than any between statements
_BLANK_GAIN = 0.1
_CONTENT_TIE_BREAK = 0.1  # less than a level of nesting: decides between equally good cuts
_MAX_BALANCED_SIZE = 4.0  # bounds: in a longer run, an edit must not move all cuts
_MIN_PIECE_SIZE = 0.5


@dataclass(frozen=True, slots=True)
class SnippetBound:
    """The most that one snippet may hold."""

    lines: int
    chars: int  # without indentation


class SizeMeasure:
    """Measures runs of lines in multiples of the bound."""

    def __init__(self, lines: Sequence[str], bound: SnippetBound) -> None:
        self._chars = list(accumulate(map(len, map(str.strip, lines)), initial=0))
        self._lines = lines
        self._bound = bound

    def relative_size(self, start: int, end: int) -> float:
        """Return the size of lines [start, end) relative to the bound: at 1.0 they just fit."""
        chars = self._chars[end] - self._chars[start]
        return max((end - start) / self._bound.lines, chars / self._bound.chars)

    def fits_bound(self, start: int, end: int) -> bool:
        """Return whether lines [start, end) fit one snippet; a single line always does, as it can't be cut."""
        chars = self._chars[end] - self._chars[start]
        return end - start <= 1 or (end - start <= self._bound.lines and chars <= self._bound.chars)

    def line_hash(self, line: int) -> float:
        """Return a number in [0, 0.1) that depends on the line's content alone, to break ties between cuts."""
        return crc32(self._lines[line].strip().encode("utf-8", "replace")) / 2**32 * _CONTENT_TIE_BREAK

    def is_blank(self, line: int) -> bool:
        """Return whether the line has no visible character."""
        return self._chars[line] == self._chars[line + 1]


def find_split_points(node: "Node", start: int, end: int, measure: SizeMeasure) -> dict[int, float]:
    """Map rows in (start, end) on which a statement starts to the cost of a cut above it; enters long statements.

    Depth counts what starts on a line of its own, as a reader does: `run(() => {` is one level, not five nodes.
    """
    split_costs: dict[int, float] = {}
    pending_nodes = [(node, 0)]
    while pending_nodes:
        parent, depth = pending_nodes.pop()
        children, parent_row = parent.children, parent.start_point[0]
        previous_last_row, after_comment = -1, False
        for index in range(_find_first_child(children, start), len(children)):
            child_node = children[index]
            first_row = child_node.start_point[0]
            if first_row >= end:
                break
            last_row = find_last_row(child_node)
            if (
                start < first_row
                and first_row != previous_last_row
                and not (after_comment and first_row == previous_last_row + 1)
            ):
                split_costs.setdefault(first_row, depth * _DEPTH_COST)
            after_comment = "comment" in child_node.type
            previous_last_row = last_row
            is_inside = start <= first_row and last_row < end
            if first_row != last_row and not (is_inside and measure.fits_bound(first_row, last_row + 1)):
                pending_nodes.append((child_node, depth + (first_row > parent_row)))
    return split_costs


def _find_first_child(children: "Sequence[Node]", first_row: int) -> int:
    """Return the index of the first child that reaches `first_row` or a row below it."""
    index = bisect_left(children, first_row, key=lambda child_node: child_node.start_point[0])
    while index and children[index - 1].end_point[0] >= first_row:
        index -= 1
    return index


def split_lines_at(
    start_row: int, end_row: int, split_costs: dict[int, float], size_measure: SizeMeasure
) -> list[tuple[int, int]]:
    """Return pieces of [start_row, end_row), cut at the cheapest split points, each within the bound if lines allow.

    Up to four pieces are balanced. In a longer run each piece is more than half full and its end is chosen by the
    content there, so that an edit moves only the cuts next to it.
    """
    rows = sorted(split_costs)
    pieces = []
    while not size_measure.fits_bound(start_row, end_row):
        split_row = _choose_next_split(start_row, end_row, rows, split_costs, size_measure)
        pieces.append((start_row, split_row))
        start_row = split_row
    pieces.append((start_row, end_row))
    return pieces


def _choose_next_split(
    start_row: int, end_row: int, candidate_rows: list[int], split_costs: dict[int, float], size_measure: SizeMeasure
) -> int:
    """Return the row, in (start_row, end_row), at which the piece that begins at `start_row` ends."""
    total_size = size_measure.relative_size(start_row, end_row)
    is_balanced = total_size <= _MAX_BALANCED_SIZE
    target_size = total_size / max(2, ceil(total_size)) if is_balanced else _MIN_PIECE_SIZE
    best_row, best_cost = 0, _LINE_COST
    for index in range(bisect_left(candidate_rows, start_row + 1), len(candidate_rows)):
        row = candidate_rows[index]
        piece_size = size_measure.relative_size(start_row, row)
        if row >= end_row or piece_size > 1.0:
            break
        off_balance = (
            abs(piece_size - target_size) / target_size
            if is_balanced or piece_size < target_size
            else size_measure.line_hash(row)
        )
        split_cost = off_balance + split_costs[row] - (_BLANK_GAIN if size_measure.is_blank(row - 1) else 0)
        if split_cost < best_cost:
            best_row, best_cost = row, split_cost
    return best_row or _choose_split_line(start_row, end_row, target_size, is_balanced, size_measure)


def _choose_split_line(
    start_row: int, end_row: int, target_size: float, is_balanced: bool, size_measure: SizeMeasure
) -> int:
    """Return a row to cut at where no statement starts: nearest to the target size, or chosen by its content."""
    row = start_row + 1
    while row + 1 < end_row and size_measure.relative_size(start_row, row + 1) <= target_size:
        row += 1
    if is_balanced:
        return row
    last_row = row
    while last_row + 1 < end_row and size_measure.relative_size(start_row, last_row + 1) <= 1.0:
        last_row += 1
    return min(range(row, last_row + 1), key=size_measure.line_hash)
