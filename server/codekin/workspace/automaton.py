"""Any number of glob patterns matched at once, in time that grows with the length of the text alone.

All patterns make one nondeterministic automaton. A set of its states is an integer of one bit a state, so that reading
a character is a few operations on integers, however many patterns there are and whatever stars they have (Baeza-Yates
and Gonnet, "A new approach to text searching", 1992). Sets that were reached before are kept, with what follows
them: names have much in common, so that most characters cost one look into a dictionary (Aho, Sethi, Ullman,
"Compilers", 3.9: lazy construction of a deterministic automaton).
"""

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from codekin.workspace.wildmatch import Piece, Star

_KEPT_BYTES = 8_000_000  # of reached sets, about; then they are forgotten
_NODE_BYTES = 500  # of one, beside its bits
_SLASH = frozenset("/")
_NOTHING: frozenset[str] = frozenset()
_NEEDLES = 8  # texts looked for before anything is matched; more would take longer than matching

Value = TypeVar("Value")


class Glob(NamedTuple, Generic[Value]):
    """A pattern, and what it stands for."""

    pieces: Sequence[Piece]
    folders_only: bool
    value: Value


class _Node(Generic[Value]):
    """A set of states, and what follows it."""

    __slots__ = ("bits", "file_value", "folder_value", "following")

    def __init__(self, bits: int, file_value: Value | None, folder_value: Value | None) -> None:
        self.bits = bits
        self.file_value = file_value
        self.folder_value = folder_value
        self.following: dict[str, _Node[Value]] = {}


class Automaton(Generic[Value]):
    """Which of the globs match; of several, the last one counts. May be asked from any thread."""

    def __init__(self, globs: Sequence[Glob[Value]]) -> None:
        states = _States()
        finals: dict[int, Glob[Value]] = {states.add(glob.pieces): glob for glob in globs}
        self._needles = _needles(globs)
        self._values = {position: glob.value for position, glob in finals.items()}
        self._letters = states.letters[::-1]
        self._sets = states.sets
        self._masks: dict[str, int] = {}
        count = len(states.letters)
        self._starts, self._folders = _bits(states.starts, count), _bits(states.folders, count)
        self._loops = _bits(states.loops, count)  # on any character
        self._loops_within = self._loops | _bits(states.segment_loops, count)  # on any but a slash
        self._ends_all = _bits(finals, count)
        self._ends_files = _bits((position for position, glob in finals.items() if not glob.folders_only), count)
        self._capacity = max(_KEPT_BYTES // (count // 8 + _NODE_BYTES), 64)
        self._nodes: dict[int, _Node[Value]] = {}
        self._start = self._node(self._starts | (self._starts & self._folders) << 1)
        self._last_folder = ("", self._start)

    def match(self, folder: str, name: str, is_folder: bool) -> Value | None:
        """The value of the last glob that matches `folder` and `name` together."""
        known, node = self._last_folder
        if not folder and self._needles and not self._has_needle(name):
            return None
        if known != folder:
            node = self._run(self._start, folder)
            self._last_folder = (folder, node)
        node = self._run(node, name)
        return node.folder_value if is_folder else node.file_value

    def _has_needle(self, name: str) -> bool:
        for needle in self._needles:  # noqa: SIM110 -- `any` takes twice as long, and this is asked of every name
            if needle in name:
                return True
        return False

    def _run(self, node: _Node[Value], text: str) -> _Node[Value]:
        for letter in text:
            following = node.following.get(letter)
            if following is None:
                if not node.bits:  # nothing can match any more
                    return node
                following = self._step(node, letter)
            node = following
        return node

    def _step(self, node: _Node[Value], letter: str) -> _Node[Value]:
        mask = self._masks.get(letter)
        if mask is None:
            mask = self._masks[letter] = self._mask(letter)
        moved = (node.bits & mask) << 1
        moved |= (moved & self._folders) << 1  # `**/` may be nothing
        stayed = node.bits & (self._loops if letter == "/" else self._loops_within)
        following = node.following[letter] = self._node(moved | stayed)
        return following

    def _mask(self, letter: str) -> int:
        """The states from which the character leads on."""
        digits = {number: "1" if letter in chars else "0" for number, chars in enumerate(self._sets)}
        return int(self._letters.translate(digits) or "0", 2)

    def _node(self, bits: int) -> _Node[Value]:
        node = self._nodes.get(bits)
        if node is None:
            if len(self._nodes) >= self._capacity:
                self._nodes = {}
                self._start = self._node(self._starts | (self._starts & self._folders) << 1)
                self._last_folder = ("", self._start)
            files, folders = bits & self._ends_files, bits & self._ends_all
            values = (self._values[ends.bit_length() - 1] if ends else None for ends in (files, folders))
            node = self._nodes[bits] = _Node(bits, *values)
        return node


def _needles(globs: Sequence[Glob[Value]]) -> tuple[str, ...]:
    """Texts of which every name has one that any glob matches; none where there are too many, or none such."""
    needles = {_longest_text(glob.pieces) for glob in globs} if len(globs) <= _NEEDLES else {""}
    return () if "" in needles else tuple(needles)


def _longest_text(pieces: Sequence[Piece]) -> str:
    """The longest run of pieces that match one character only."""
    runs = [""]
    for piece in pieces:
        if isinstance(piece, Star) or len(piece) != 1:
            runs.append("")
        else:
            runs[-1] += next(iter(piece))
    return max(runs, key=len)


class _States:
    """The states of all patterns, one behind the other: before each piece of a pattern, and behind its last."""

    def __init__(self) -> None:
        self._numbers: dict[frozenset[str], str] = {}
        self._letters: list[str] = []  # for each state the number, as a character, of the set that leads on from it
        self.starts: list[int] = []
        self.folders: list[int] = []  # states within a `**/`
        self.loops: list[int] = []
        self.segment_loops: list[int] = []

    def add(self, pieces: Sequence[Piece]) -> int:
        """The states of one more pattern; which of them is its last."""
        self.starts.append(len(self._letters))
        for piece in pieces:
            at = len(self._letters)
            if piece is Star.SEGMENT:
                self.segment_loops.append(at)
            elif piece is Star.REST:
                self.loops.append(at)
            elif piece is Star.FOLDERS:
                self.folders.append(at)
                self.loops.append(at)
                self._letters.append(self._number(_SLASH))
            elif not isinstance(piece, Star):
                self._letters.append(self._number(piece))
        self._letters.append(self._number(_NOTHING))
        return len(self._letters) - 1

    @property
    def letters(self) -> str:
        return "".join(self._letters)

    @property
    def sets(self) -> list[frozenset[str]]:
        """By number."""
        return list(self._numbers)

    def _number(self, chars: frozenset[str]) -> str:
        return self._numbers.setdefault(chars, chr(len(self._numbers)))


def _bits(positions: Iterable[int], count: int) -> int:
    digits = bytearray(b"0" * max(count, 1))
    for position in positions:
        digits[-1 - position] = ord("1")
    return int(digits, 2)
