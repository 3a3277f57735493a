"""Parse a gitignore pattern into pieces: sets of characters, and stars. The rules are those of git's own wildmatch.c.

Git matches bytes, so a character here is one byte (see gitignore.encode_name).
"""

import string
from collections.abc import Callable
from enum import Enum
from functools import lru_cache

SPECIAL = frozenset("*?[\\")
_CHARACTER_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, [*range(32), 127])),
    "digit": string.digits,
    "graph": string.ascii_letters + string.digits + string.punctuation,
    "lower": string.ascii_lowercase,
    "print": string.ascii_letters + string.digits + string.punctuation + " ",
    "punct": string.punctuation,
    "space": " \t\n\r",  # as git defines it
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


class Star(Enum):
    """A piece that matches any number of characters."""

    SEGMENT = "*"  # no slash
    FOLDERS = "**/"  # nothing, or anything that ends in a slash
    REST = "**"  # anything


Piece = frozenset[str] | Star  # a set matches one of its characters

_ALL_CHARACTERS = frozenset(map(chr, range(256)))
_SINGLETONS = {character: frozenset(character) for character in _ALL_CHARACTERS}
_ANY_BUT_SLASH = _ALL_CHARACTERS - {"/"}
_NEVER_IN_BRACKET = frozenset("/\0")

# While a bracket is read, its characters are an integer with one bit per code: reading costs no more than its length.
_ALL_CODES = (1 << 256) - 1
_CLASS_CODES = {
    name: sum(1 << ord(character) for character in characters) for name, characters in _CHARACTER_CLASSES.items()
}


class _UnmatchableError(Exception):
    """The pattern is malformed: git matches nothing with it."""


def parse_pattern(pattern: str, by_path: bool) -> list[Piece] | None:
    """Return a pattern's pieces; None if it is malformed and can match nothing.

    `by_path`: the pattern is matched against a whole path, so that `**` has its special meaning.
    """
    try:
        return _PatternParser(pattern, by_path).parse_pieces()
    except _UnmatchableError:
        return None


class _PatternParser:
    """Reads a pattern from left to right. Every method raises _UnmatchableError for a malformed pattern."""

    def __init__(self, pattern: str, by_path: bool) -> None:
        self._pattern = pattern
        self._by_path = by_path
        self._position = 0
        # Git compares the literal prefix by itself, so `**` right after it counts as the start of a segment.
        self._prefix_end = next((index for index, character in enumerate(pattern) if character in SPECIAL), 0)
        self._piece_parsers: dict[str, Callable[[], Piece]] = {
            "?": self._parse_question_mark,
            "*": self._parse_stars,
            "\\": self._parse_escape,
            "[": self._parse_bracket,
        }

    def parse_pieces(self) -> list[Piece]:
        """Return all pieces of the pattern. Raises _UnmatchableError if it is malformed."""
        pieces: list[Piece] = []
        while character := self._peek():
            piece = self._piece_parsers.get(character, self._parse_literal)()
            if piece is not Star.FOLDERS or pieces[-1:] != [piece]:  # `**/**/` means the same as `**/`
                pieces.append(piece)
        return pieces

    def _peek(self, offset: int = 0) -> str:
        """Return the character at an offset from the position; "" beyond the end."""
        return self._pattern[self._position + offset : self._position + offset + 1]

    def _take_character(self) -> str:
        """Return and consume the next character. Raises _UnmatchableError at the end."""
        character = self._peek()
        if not character:
            raise _UnmatchableError
        self._position += 1
        return character

    def _parse_literal(self) -> Piece:
        """Consume one character and return the set of it. Raises _UnmatchableError."""
        return _SINGLETONS[self._take_character()]

    def _parse_question_mark(self) -> Piece:
        """Consume "?" and return the set of all characters but a slash."""
        self._position += 1
        return _ANY_BUT_SLASH

    def _parse_escape(self) -> Piece:
        """Consume a backslash and the next character; return the set of that. Raises _UnmatchableError at the end."""
        self._position += 1
        return _SINGLETONS[self._take_character()]

    def _parse_stars(self) -> Piece:
        """Consume a run of stars and return its kind: two or more span folders if they fill a segment of the path."""
        start = self._position
        while self._peek() == "*":
            self._position += 1
        starts_segment = start == self._prefix_end or self._pattern[start - 1] == "/"
        if not self._by_path or not starts_segment or self._position - start == 1:
            return Star.SEGMENT
        if self._peek() == "/":
            self._position += 1
            return Star.FOLDERS
        ends_segment = not self._peek() or self._pattern.startswith("\\/", self._position)
        return Star.REST if ends_segment else Star.SEGMENT

    def _parse_bracket(self) -> Piece:
        """Consume `[…]` and return the characters it matches; `[]]` matches "]". Raises _UnmatchableError."""
        self._position += 1
        is_negated = self._peek() in ("!", "^")
        self._position += is_negated
        members, range_start = self._parse_member("")
        while self._peek() != "]":
            new_members, range_start = self._parse_member(range_start)
            members |= new_members
        self._position += 1
        return _to_characters(members ^ _ALL_CODES if is_negated else members)

    def _parse_member(self, range_start: str) -> tuple[int, str]:
        """Consume one member; return its codes as bits, and the start of a possible range. Raises _UnmatchableError."""
        if range_start and self._peek() == "-" and self._peek(1) not in ("", "]"):
            return self._parse_range_end(range_start), ""
        if self._peek() == "[" and self._peek(1) == ":" and (name := self._take_class_name()) is not None:
            return _CLASS_CODES[name], ""
        if self._peek() == "\\":
            self._position += 1
        character = self._take_character()
        return 1 << ord(character), character

    def _parse_range_end(self, range_start: str) -> int:
        """Consume "-" and a range's end; return its codes as bits, 0 if empty. Raises _UnmatchableError at the end."""
        self._position += 2 if self._peek(1) == "\\" else 1
        range_end = self._take_character()
        return (2 << ord(range_end)) - (1 << ord(range_start)) if range_start <= range_end else 0

    def _take_class_name(self) -> str | None:
        """Consume `[:name:]` and return the name; None if "[" is a member, as in `[[:]`. Raises _UnmatchableError."""
        name_start = self._position + 2
        bracket_end = self._pattern.find("]", name_start)
        if bracket_end < 0:
            raise _UnmatchableError
        if bracket_end == name_start or self._pattern[bracket_end - 1] != ":":
            return None
        name = self._pattern[name_start : bracket_end - 1]
        if name not in _CHARACTER_CLASSES:
            raise _UnmatchableError
        self._position = bracket_end + 1
        return name


@lru_cache(maxsize=4_096)
def _to_characters(codes: int) -> frozenset[str]:
    """Return the set of characters with these codes, given as bits, without slash and NUL."""
    return frozenset(character for character in _ALL_CHARACTERS if codes >> ord(character) & 1) - _NEVER_IN_BRACKET
