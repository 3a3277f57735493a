"""The pieces of one gitignore pattern: sets of characters and stars. The rules are those of git's own wildmatch.c.

Git matches bytes, so a character here is one byte (see gitignore.encoded).
"""

import string
from enum import Enum

SPECIAL = frozenset("*?[\\")
_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, [*range(32), 127])),
    "digit": string.digits,
    "graph": string.ascii_letters + string.digits + string.punctuation,
    "lower": string.ascii_lowercase,
    "print": string.ascii_letters + string.digits + string.punctuation + " ",
    "punct": string.punctuation,
    "space": " \t\n\r",  # git's own idea of it
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


class Star(Enum):
    """A piece that matches any number of characters."""

    SEGMENT = "*"  # no slash
    FOLDERS = "**/"  # nothing, or anything that ends in a slash
    REST = "**"  # anything


Piece = frozenset[str] | Star  # a set matches one character of it

_ALL = frozenset(map(chr, range(256)))
_SINGLE = {letter: frozenset(letter) for letter in _ALL}
_ANY = _ALL - {"/"}


def pieces_of(pattern: str, by_path: bool) -> list[Piece] | None:
    """The pattern's pieces; None for one that can match nothing.

    `by_path`: it is matched against a whole path, so that `**` has its meaning.
    """
    # Git compares the part before the first special character by itself, and `**` right after it opens a segment.
    opening = next((at for at, letter in enumerate(pattern) if letter in SPECIAL), 0)
    pieces: list[Piece] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        piece: Piece = _SINGLE[letter]
        after = at + 1
        if letter == "?":
            piece = _ANY
        elif letter == "*":
            piece, after = _star(pattern, at, by_path and (at == opening or pattern[at - 1] == "/"))
        elif letter == "\\":
            if after == len(pattern):
                return None
            piece, after = _SINGLE[pattern[after]], after + 1
        elif letter == "[":
            bracket = _bracket(pattern, after)
            if bracket is None:
                return None
            piece, after = bracket
        if piece is not Star.FOLDERS or pieces[-1:] != [piece]:  # twice says no more than once
            pieces.append(piece)
        at = after
    return pieces


def _star(pattern: str, at: int, opens: bool) -> tuple[Star, int]:
    """The piece of a run of stars, and where what follows begins; `opens`: the run stands at a segment's start."""
    after = at
    while pattern[after : after + 1] == "*":
        after += 1
    if opens and after - at > 1:
        if pattern[after : after + 1] == "/":
            return Star.FOLDERS, after + 1
        if after == len(pattern) or pattern.startswith("\\/", after):
            return Star.REST, after
    return Star.SEGMENT, after


def _bracket(pattern: str, at: int) -> tuple[frozenset[str], int] | None:
    """The set of `[…]` whose inside begins at `at`, and where what follows it begins; None: never matches."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    members: set[str] = set()
    before = ""  # what a "-" would make a range from
    first = True
    while first or pattern[at : at + 1] != "]":
        first = False
        item = _member(pattern, at, before)
        if item is None:
            return None
        found, before, at = item
        members |= found
    return frozenset((_ALL - members if negated else members) - {"/", "\0"}), at + 1


def _member(pattern: str, at: int, before: str) -> tuple[set[str], str, int] | None:
    """One member of a bracket: its characters, what a range could begin with, and where the next member begins."""
    letter = pattern[at : at + 1]
    if letter == "\\":
        at, letter = at + 1, pattern[at + 1 : at + 2]
    elif letter == "-" and before and pattern[at + 1 : at + 2] not in ("", "]"):
        at += 1 + (pattern[at + 1] == "\\")
        last = pattern[at : at + 1]
        return ({chr(code) for code in range(ord(before), ord(last) + 1)}, "", at + 1) if last else None
    elif letter == "[" and pattern[at + 1 : at + 2] == ":":
        end = pattern.find("]", at + 2)
        if end < 0:
            return None
        if end > at + 2 and pattern[end - 1] == ":":
            named = _CLASSES.get(pattern[at + 2 : end - 1])
            return (set(named), "", end + 1) if named else None
    return ({letter}, letter, at + 1) if letter else None
