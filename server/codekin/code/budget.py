"""Limits of a parse: steps (the same number on every machine), processor time, and the parser's stack.

In text whose constructs stay open tree-sitter keeps all readings on one stack. At the end of the text it unwinds them
all without calling the progress callback: quadratic in the tokens on the stack (`a0=>⏎a1=>⏎…` as C, 15 KB: 2.5 s and
1.3 GB; `a0<a1<a2<…` as C#, 100 KB: 2.1 GB). So as soon as the stack seems to grow, the end is tried beforehand, on the
text read so far.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_BASE_SECONDS = 0.3  # of this thread's processor time, where a source takes 0.1 to 1.3 µs a byte
_SECONDS_PER_BYTE = 5e-6
_MAX_SECONDS = 2.0
_BASE_STEPS = 200  # a step is a hundred of tree-sitter's operations; source takes one per 42 to 1,000 bytes
_BYTES_PER_STEP = 10
_CHUNK_BYTES = 65_536  # bytes handed to the parser at a time
_TIME_CHECK_STEPS = 8  # steps; each may take half a millisecond

# Measured on 21,000 files in 17 languages: a step leaves 40 blocks of memory (nodes of the tree), 58 in the worst file.
# Where the stack grows it leaves 60 to 200, and a KiB of that text, parsed alone, has 140 to 320 faults.
_STACK_CHECK_STEPS = 64  # hostile text uses 70 MB by then, and counting blocks takes 15 µs
_BLOCKS_PER_STEP = 48
_SUSPICIOUS_BLOCKS = 2_500  # in excess of those: the last window is checked
_WINDOW_BYTES = 1_024  # bytes
_WINDOW_STEPS = 250
_WINDOW_FAULTS = 100  # the middle of a table has more, so this alone proves nothing
_WINDOW_LEVELS = 40  # of the tree; `a0<a1<a2<…` is sound as comparisons, while the stack has it as generic types, too
_PILED_BLOCKS = 2_500  # excess blocks in suspicious windows, at which the end is tried
_MAX_PILED_BLOCKS = 8_000  # each time that the end proves harmless, the next trial waits for twice as many
_JUNK = b" \x01"  # in no grammar; where the text so far is sound, its end alone would prove nothing
_MAX_END_SECONDS = 0.015  # ordinary source ends within 0.1 ms, a grown stack of that size takes 50 ms


class ParseBudget:
    """Progress callback of one parse of `source_bytes`, which it stops when the budget is spent.

    `make_spare_parser` gives another parser of the same language, for trials during the parse.
    """

    def __init__(self, source_bytes: bytes, make_spare_parser: "Callable[[], Parser]") -> None:
        self._source = source_bytes
        self._make_spare_parser = make_spare_parser
        self.steps = 0  # so far
        self._max_steps = _BASE_STEPS + len(source_bytes) // _BYTES_PER_STEP
        self._deadline = time.thread_time() + min(_BASE_SECONDS + _SECONDS_PER_BYTE * len(source_bytes), _MAX_SECONDS)
        self._allocated_blocks = sys.getallocatedblocks()
        self._excess_blocks = 0  # blocks beyond what ordinary source leaves, since the last check
        self._piled_blocks = 0  # those in suspicious windows, since the end was tried
        self._max_piled_blocks = _PILED_BLOCKS

    def is_spent(self, offset: int, _has_error: bool) -> bool:
        """Count a step of the parser and return whether the parse must stop; tree-sitter calls it after each."""
        self.steps += 1
        if self.steps % _TIME_CHECK_STEPS:
            return False
        if self.steps > self._max_steps or time.thread_time() > self._deadline:
            return True
        return self.steps % _STACK_CHECK_STEPS == 0 and self._piles_up(offset)

    def _piles_up(self, end_offset: int) -> bool:
        """Estimate the parser's stack, parsing parts on trial; return whether ending the parse would take long."""
        new_blocks = sys.getallocatedblocks() - self._allocated_blocks
        self._excess_blocks = max(self._excess_blocks + new_blocks - _BLOCKS_PER_STEP * _STACK_CHECK_STEPS, 0)
        if self._excess_blocks >= _SUSPICIOUS_BLOCKS:
            if self._is_suspicious(self._last_window(end_offset)):
                self._piled_blocks += self._excess_blocks
            self._excess_blocks = 0
        if self._piled_blocks >= self._max_piled_blocks:
            if self._ends_late(self._source[:end_offset]):
                return True
            self._piled_blocks, self._max_piled_blocks = 0, min(2 * self._max_piled_blocks, _MAX_PILED_BLOCKS)
        self._allocated_blocks = sys.getallocatedblocks()
        return False

    def _last_window(self, end_offset: int) -> bytes:
        """Return the last kilobyte that was read, in whole lines where lines are short."""
        end = self._source.rfind(b"\n", 0, end_offset) + 1 or end_offset
        start = max(end - _WINDOW_BYTES, 0)
        line_end = self._source.find(b"\n", start, end - _WINDOW_BYTES // 2)
        return self._source[line_end + 1 if line_end >= 0 else start : end]

    def _is_suspicious(self, window: bytes) -> bool:
        """Return whether the window, parsed alone, has at least 100 faults or 40 levels, or takes too many steps."""
        parser, step_count = self._make_spare_parser(), 0

        def is_over_limit(_offset: int, _has_error: bool) -> bool:
            """Count a step and return whether there were too many."""
            nonlocal step_count
            step_count += 1
            return step_count > _WINDOW_STEPS

        try:
            with open_reader(window) as read:
                tree = parser.parse(read, progress_callback=is_over_limit)
        except ValueError:
            parser.reset()
            return True
        return _count_faults(tree.root_node) >= _WINDOW_FAULTS or _count_levels(tree.root_node) >= _WINDOW_LEVELS

    def _ends_late(self, source_bytes: bytes) -> bool:
        """Return whether a spare parser takes over 15 ms at the end of source and fault, or passes the deadline."""
        parser, last_offset, last_step_time = (
            self._make_spare_parser(),
            len(source_bytes.rstrip()) - 1,
            time.thread_time(),
        )

        def is_over_limit(offset: int, _has_error: bool) -> bool:
            """Note the time; return whether the deadline has passed, or the step at the text's end took too long."""
            nonlocal last_step_time
            previous_step_time, last_step_time = last_step_time, time.thread_time()
            return last_step_time > self._deadline or (
                offset >= last_offset and last_step_time - previous_step_time > _MAX_END_SECONDS
            )

        try:
            with open_reader(source_bytes + _JUNK) as read:
                parser.parse(read, progress_callback=is_over_limit)
        except ValueError:
            parser.reset()
            return True
        return time.thread_time() - last_step_time > _MAX_END_SECONDS


@contextlib.contextmanager
def open_reader(source_bytes: bytes) -> Iterator[Callable[[int, object], bytearray]]:
    """Yield a read function for `source_bytes`: a parser reports progress only when it reads through a function.

    tree-sitter 0.26 never releases what that returns, so it is one and the same chunk each time, emptied at the end.
    """
    chunk = bytearray()

    def read(offset: int, _point: object) -> bytearray:
        """Return the chunk of the source at that byte offset."""
        chunk[:] = source_bytes[offset : offset + _CHUNK_BYTES]
        return chunk

    try:
        yield read
    finally:
        chunk.clear()


def count_open_brackets(source_bytes: bytes) -> int:
    """Return the most brackets that are open at the end of any kilobyte; those in strings and comments count."""
    open_count = max_count = 0
    for start in range(0, len(source_bytes), _WINDOW_BYTES):
        end = start + _WINDOW_BYTES
        for opening, closing in (b"()", b"[]", b"{}"):
            open_count += source_bytes.count(opening, start, end) - source_bytes.count(closing, start, end)
        max_count = max(max_count, open_count)
    return max_count


def _count_faults(root: "Node") -> int:
    """Return how suspicious a parse is, for its time budget: its error nodes, their children and missing nodes."""
    fault_count, nodes = 0, [root] if root.has_error else []
    while nodes:
        node = nodes.pop()
        fault_count += node.is_missing + (1 + node.child_count if node.is_error else 0)
        nodes += [child_node for child_node in node.children if child_node.has_error]
    return fault_count


def _count_levels(root: "Node") -> int:
    """Return the number of levels of a tree."""
    level_count, nodes = 0, [root]
    while nodes:
        level_count += 1
        nodes = [child_node for node in nodes for child_node in node.children]
    return level_count
