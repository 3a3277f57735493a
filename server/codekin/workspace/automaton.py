"""Match any number of glob patterns at once, in time that grows with the length of the text alone.

All patterns form one nondeterministic automaton. A set of its states is an integer with one bit per state, so that
reading a character is a few operations on integers, however many patterns and stars there are (Baeza-Yates
and Gonnet, "A new approach to text searching", 1992). Reached sets are cached with their successors: names have much in
common, so that most characters cost one dictionary look-up (Aho, Sethi, Ullman, "Compilers", 3.9: lazy construction of
a deterministic automaton).
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

from codekin.workspace.wildmatch import Piece, Star

_MAX_CACHE_BYTES = 8_000_000  # approximate size of the cached sets; beyond it the cache is cleared
_NODE_OVERHEAD_BYTES = 500  # of a cached set, beside its bits
_SLASH = frozenset("/")
_NO_CHARACTERS: frozenset[str] = frozenset()
_MAX_NEEDLES = 8  # searching for more literals than this takes longer than matching

Value = TypeVar("Value")


class Glob(NamedTuple, Generic[Value]):
    """A pattern, and the value that a match returns."""

    pieces: Sequence[Piece]
    folders_only: bool
    value: Value


class _Node(Generic[Value]):
    """A set of states, and the sets that follow it, by character."""

    __slots__ = ("bits", "file_value", "folder_value", "successors")

    def __init__(self, state_bits: int, file_value: Value | None, folder_value: Value | None) -> None:
        self.bits = state_bits
        self.file_value = file_value
        self.folder_value = folder_value
        self.successors: dict[str, _Node[Value]] = {}


class Automaton(Generic[Value]):
    """Finds the last of many globs that matches a path. Thread-safe."""

    def __init__(self, globs: Sequence[Glob[Value]]) -> None:
        states = _States()
        globs_by_final: dict[int, Glob[Value]] = {states.add_pattern(glob.pieces): glob for glob in globs}
        self._needles = _find_needles(globs)
        self._values = {position: glob.value for position, glob in globs_by_final.items()}
        self._set_letters = states.set_letters[::-1]
        self._character_sets = states.character_sets
        self._masks: dict[str, int] = {}
        state_count = len(states.set_letters)
        self._start_states, self._folder_states = (
            _to_bit_set(states.starts, state_count),
            _to_bit_set(states.folders, state_count),
        )
        self._any_loops = _to_bit_set(states.loops, state_count)  # on any character
        self._segment_loops = self._any_loops | _to_bit_set(states.segment_loops, state_count)  # on any but a slash
        self._final_states = _to_bit_set(globs_by_final, state_count)
        self._file_final_states = _to_bit_set(
            (position for position, glob in globs_by_final.items() if not glob.folders_only), state_count
        )
        self._max_nodes = max(_MAX_CACHE_BYTES // (state_count // 8 + _NODE_OVERHEAD_BYTES), 64)
        self._nodes: dict[int, _Node[Value]] = {}
        self._start = self._get_node(self._start_states | (self._start_states & self._folder_states) << 1)
        self._cached_folder = ("", self._start)

    def match_path(self, folder: str, name: str, is_folder: bool) -> Value | None:
        """Return the value of the last glob that matches `folder` + `name`; None if none does."""
        cached_folder, node = self._cached_folder
        if not folder and self._needles and not self._has_needle(name):
            return None
        if cached_folder != folder:
            node = self._advance_text(self._start, folder)
            self._cached_folder = (folder, node)
        node = self._advance_text(node, name)
        return node.folder_value if is_folder else node.file_value

    def _has_needle(self, name: str) -> bool:
        """Return whether the name contains one of the literals that every match needs."""
        for needle in self._needles:  # noqa: SIM110 -- `any` takes twice as long, and this runs for every name
            if needle in name:
                return True
        return False

    def _advance_text(self, node: _Node[Value], text: str) -> _Node[Value]:
        """Return the node that the text leads to from `node`."""
        for letter in text:
            successor = node.successors.get(letter)
            if successor is None:
                if not node.bits:  # no pattern can match any more
                    return node
                successor = self._advance_letter(node, letter)
            node = successor
        return node

    def _advance_letter(self, node: _Node[Value], letter: str) -> _Node[Value]:
        """Compute and cache the node that follows `node` by this character."""
        letter_mask = self._masks.get(letter)
        if letter_mask is None:
            letter_mask = self._masks[letter] = self._compute_mask(letter)
        moved_states = (node.bits & letter_mask) << 1
        moved_states |= (moved_states & self._folder_states) << 1  # `**/` also matches the empty text
        looping_states = node.bits & (self._any_loops if letter == "/" else self._segment_loops)
        successor = node.successors[letter] = self._get_node(moved_states | looping_states)
        return successor

    def _compute_mask(self, letter: str) -> int:
        """Return, as bits, the states that this character leads on from."""
        digit_by_number = {
            number: "1" if letter in characters else "0" for number, characters in enumerate(self._character_sets)
        }
        return int(self._set_letters.translate(digit_by_number) or "0", 2)

    def _get_node(self, state_bits: int) -> _Node[Value]:
        """Return the node of a set of states, made on first use; a full cache is cleared before."""
        node = self._nodes.get(state_bits)
        if node is None:
            if len(self._nodes) >= self._max_nodes:
                self._nodes = {}
                self._start = self._get_node(self._start_states | (self._start_states & self._folder_states) << 1)
                self._cached_folder = ("", self._start)
            file_finals, folder_finals = state_bits & self._file_final_states, state_bits & self._final_states
            values = (
                self._values[final_bits.bit_length() - 1] if final_bits else None
                for final_bits in (file_finals, folder_finals)
            )
            node = self._nodes[state_bits] = _Node(state_bits, *values)
        return node


def _find_needles(globs: Sequence[Glob[Value]]) -> tuple[str, ...]:
    """Return literals of which every matching name contains at least one; () if there are no such.

    There are none if one glob has no literal, or if there are more than eight.
    """
    literals = {_find_longest_literal(glob.pieces) for glob in globs} if len(globs) <= _MAX_NEEDLES else {""}
    return () if "" in literals else tuple(literals)


def _find_longest_literal(pieces: Sequence[Piece]) -> str:
    """Return the pattern's longest run of pieces that each match exactly one character; "" if there is none."""
    runs = groupby(pieces, key=lambda piece: not isinstance(piece, Star) and len(piece) == 1)
    literals = (
        "".join(character for piece in run if not isinstance(piece, Star) for character in piece)
        for is_literal, run in runs
        if is_literal
    )
    return max(literals, key=len, default="")


class _States:
    """Numbers the states of all patterns: one before each piece of a pattern, and one after its last."""

    def __init__(self) -> None:
        self._letter_by_set: dict[frozenset[str], str] = {}
        self._state_letters: list[str] = []  # per state: the number, as a character, of the set that leads on
        self.starts: list[int] = []
        self.folders: list[int] = []  # states within a `**/`
        self.loops: list[int] = []
        self.segment_loops: list[int] = []

    def add_pattern(self, pieces: Sequence[Piece]) -> int:
        """Append the states of a pattern, which is given in pieces; return the number of its final state."""
        self.starts.append(len(self._state_letters))
        for piece in pieces:
            position = len(self._state_letters)
            if piece is Star.SEGMENT:
                self.segment_loops.append(position)
                continue
            if isinstance(piece, Star):
                self.loops.append(position)
            if piece is Star.FOLDERS:
                self.folders.append(position)
            if piece is not Star.REST:
                characters = _SLASH if isinstance(piece, Star) else piece
                self._state_letters.append(self._number_set(characters))
        self._state_letters.append(self._number_set(_NO_CHARACTERS))
        return len(self._state_letters) - 1

    @property
    def set_letters(self) -> str:
        """Return one character per state: the number of the character set that leads on from it."""
        return "".join(self._state_letters)

    @property
    def character_sets(self) -> list[frozenset[str]]:
        """Return the distinct character sets, in the order of their numbers."""
        return list(self._letter_by_set)

    def _number_set(self, characters: frozenset[str]) -> str:
        """Return the number of a character set, given to it on first use, as a character."""
        return self._letter_by_set.setdefault(characters, chr(len(self._letter_by_set)))


def _to_bit_set(positions: Iterable[int], bit_count: int) -> int:
    """Return an integer with the bits at these positions set."""
    digits = bytearray(b"0" * max(bit_count, 1))
    for position in positions:
        digits[-1 - position] = ord("1")
    return int(digits, 2)
