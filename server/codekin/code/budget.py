"""Limits of a parse: steps (the same number on every machine), processor time, and the parser's stack.

In faulty text tree-sitter keeps every way to read it on one stack. At the end of the text it unwinds them all, without
asking whether it may go on: quadratic in the tokens on the stack (`a0=>⏎a1=>⏎…` as C, 15 KB: 2.5 s and 1.3 GB). So the
end of the text is tried before, on what was read so far, as soon as the stack seems to grow.
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_SECONDS = 0.3  # of this thread's processor time, where a source takes 0.1 to 1.3 µs a byte
_SECONDS_PER_BYTE = 5e-6
_MOST_SECONDS = 2.0
_STEPS = 200  # a step is a hundred of tree-sitter's operations; source takes one per 42 to 1,000 bytes
_BYTES_PER_STEP = 10
_CHUNK = 65_536  # bytes handed to the parser at a time
_TIME_INTERVAL = 8  # steps; each may take half a millisecond

# Measured on 21,000 files in 17 languages: a step leaves 40 blocks of memory (nodes of the tree), 58 in the worst file.
# Where a stack piles up it leaves 60 to 200, and a KiB of that text, parsed alone, has 140 to 320 faults.
_STACK_INTERVAL = 64  # steps; hostile text has piled up 70 MB by then, and counting blocks takes 15 µs
_BLOCKS_PER_STEP = 48
_SUSPICIOUS_BLOCKS = 2_500  # beyond those; then a window is looked at
_WINDOW = 1_024  # bytes
_WINDOW_STEPS = 250
_WINDOW_FAULTS = 100  # a line in the midst of a table has more, so this alone says little
_PILED_BLOCKS = 2_500  # in faulty windows; then the end is tried
_MOST_PILED_BLOCKS = 8_000  # each time that the end proves harmless, the next trial waits for twice as many
_END_SECONDS = 0.015  # source ends within 0.1 ms, what piles up takes 50 at that size


class ParseBudget:
    """Progress callback of one parse of `source`, which it stops when the budget is spent.

    `make_spare_parser` gives another parser of the same language, for trials during the parse.
    """

    def __init__(self, source: bytes, spare: "Callable[[], Parser]") -> None:
        self._source = source
        self._spare = spare
        self.steps = 0  # so far
        self._most_steps = _STEPS + len(source) // _BYTES_PER_STEP
        self._deadline = time.thread_time() + min(_SECONDS + _SECONDS_PER_BYTE * len(source), _MOST_SECONDS)
        self._blocks = sys.getallocatedblocks()
        self._excess = 0  # blocks beyond what source leaves, since the last look
        self._piled = 0  # those in faulty windows, since the end was tried
        self._most_piled = _PILED_BLOCKS

    def is_spent(self, offset: int, _has_error: bool) -> bool:
        """Return whether to stop; called after each step with the parser's byte offset."""
        self.steps += 1
        if self.steps % _TIME_INTERVAL:
            return False
        if self.steps > self._most_steps or time.thread_time() > self._deadline:
            return True
        return self.steps % _STACK_INTERVAL == 0 and self._piles_up(offset)

    def _piles_up(self, offset: int) -> bool:
        grown = sys.getallocatedblocks() - self._blocks
        self._excess = max(self._excess + grown - _BLOCKS_PER_STEP * _STACK_INTERVAL, 0)
        if self._excess >= _SUSPICIOUS_BLOCKS:
            if self._is_faulty(self._window(offset)):
                self._piled += self._excess
            self._excess = 0
        if self._piled >= self._most_piled:
            if self._ends_late(self._source[:offset]):
                return True
            self._piled, self._most_piled = 0, min(2 * self._most_piled, _MOST_PILED_BLOCKS)
        self._blocks = sys.getallocatedblocks()
        return False

    def _window(self, offset: int) -> bytes:
        """Return the last bytes that were read, in whole lines where lines are short."""
        end = self._source.rfind(b"\n", 0, offset) + 1 or offset
        start = max(end - _WINDOW, 0)
        line_end = self._source.find(b"\n", start, end - _WINDOW // 2)
        return self._source[line_end + 1 if line_end >= 0 else start : end]

    def _is_faulty(self, window: bytes) -> bool:
        parser, steps = self._spare(), 0

        def late(_offset: int, _has_error: bool) -> bool:
            nonlocal steps
            steps += 1
            return steps > _WINDOW_STEPS

        try:
            tree = parser.parse(reader(window), progress_callback=late)
        except ValueError:
            parser.reset()
            return True
        return _faults(tree.root_node) >= _WINDOW_FAULTS

    def _ends_late(self, source: bytes) -> bool:
        """Return whether the end of `source` takes the parser long; it can't be stopped there."""
        parser, end, last = self._spare(), len(source.rstrip()) - 1, time.thread_time()

        def late(offset: int, _has_error: bool) -> bool:
            nonlocal last
            before, last = last, time.thread_time()
            return last > self._deadline or (offset >= end and last - before > _END_SECONDS)

        try:
            parser.parse(reader(source), progress_callback=late)
        except ValueError:
            parser.reset()
            return True
        return time.thread_time() - last > _END_SECONDS


def reader(source: bytes) -> Callable[[int, object], bytes]:
    """Return a read function for `source`: a parser reports its progress only when it reads by a function."""
    return lambda offset, _point: source[offset : offset + _CHUNK]


def _faults(root: "Node") -> int:
    """Count error nodes, the children of those, and missing nodes."""
    count, stack = 0, [root] if root.has_error else []
    while stack:
        node = stack.pop()
        count += node.is_missing + (1 + node.child_count if node.is_error else 0)
        stack += [child for child in node.children if child.has_error]
    return count
