"""Parse one gitignore file and match names against its patterns.

The rules are those of git's own dir.c and wildmatch.c, oddities included, and tests compare them with git; pathspec
differs in character classes, escapes, trailing spaces, bytes and `**`, and raises for some patterns that git just
never matches. Git matches bytes, so all texts here have one character per byte (`encode_name`).

An ignore file comes with a repository that anybody may have written, so a match must stay cheap however large the file
is: names, paths and endings are looked up, and all other patterns are matched at once (automaton.py).
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from codekin.workspace.automaton import Automaton, Glob
from codekin.workspace.wildmatch import SPECIAL, Star, parse_pattern

MAX_GLOB_BYTES = 1 << 20
_MAX_NAME = 1_024  # characters; no file system has longer names, so no longer ending ever matches
_FOLDS_CASE = sys.platform in ("win32", "darwin")  # git sets core.ignoreCase where the file system ignores case


class IgnoreRule(NamedTuple):
    """One pattern of an ignore file; a later rule (a higher rank) beats an earlier one."""

    rank: int  # the number of its line, from 0
    ignores: bool  # False: the pattern began with "!"
    folders_only: bool
    by_path: bool  # match the path from the ignore file's folder, else the name alone
    pattern: str


class _Endings(NamedTuple):
    """Patterns such as `*.js` and `*-lock.js` that share one extension."""

    rules: dict[str, IgnoreRule]
    lengths: set[int]  # distinct lengths of the endings: few, however many endings there are

    def add_ending(self, ending: str, rule: IgnoreRule) -> None:
        """Add the rule of an ending; it replaces an earlier one. Longer endings than any file name are dropped."""
        if len(ending) > _MAX_NAME:
            return
        self.rules[ending] = rule
        self.lengths.add(len(ending))


class _Literals:
    """The rules that need no pattern matching, for files or for folders, looked up; the last rule of each text wins."""

    __slots__ = ("endings", "names", "paths")

    def __init__(self) -> None:
        self.names: dict[str, IgnoreRule] = {}
        self.paths: dict[str, IgnoreRule] = {}
        self.endings: dict[str, _Endings] = {}  # by extension

    def find_last_match(self, folder: str, name: str) -> IgnoreRule | None:
        """Return the last rule that matches by name, path or ending; None if none does."""
        last_rule = self.names.get(name)
        if self.paths and (rule := self.paths.get(folder + name)) and (last_rule is None or rule > last_rule):
            last_rule = rule
        if self.endings and (endings := self.endings.get(_get_extension(name))):
            for length in endings.lengths:
                if (rule := endings.rules.get(name[-length:])) and (last_rule is None or rule > last_rule):
                    last_rule = rule
        return last_rule


class IgnoreFile:
    """One ignore file's patterns: literals and endings are looked up, all others matched by an automaton."""

    __slots__ = (
        "_file_literals",
        "_folder_literals",
        "_name_globs",
        "_path_globs",
        "dropped_patterns",
        "glob_bytes",
        "size",
    )

    def __init__(self, file_bytes: bytes) -> None:
        self.size = len(file_bytes)  # in memory each byte takes up to 200
        self._file_literals, self._folder_literals = _Literals(), _Literals()
        self.glob_bytes = 0
        self.dropped_patterns = 0  # patterns beyond the limit
        name_globs: list[Glob[IgnoreRule]] = []
        path_globs: list[Glob[IgnoreRule]] = []
        for rule in _parse_rules(file_bytes):
            if self._add_literal(rule):
                continue
            if self.glob_bytes + len(rule.pattern) > MAX_GLOB_BYTES:
                self.dropped_patterns += 1
                continue
            self.glob_bytes += len(rule.pattern)
            pieces = parse_pattern(rule.pattern, rule.by_path)
            if pieces is not None:
                globs = path_globs if rule.by_path else name_globs
                globs.append(Glob([_add_both_cases(piece) for piece in pieces], rule.folders_only, rule))
        self._name_globs = Automaton(name_globs) if name_globs else None
        self._path_globs = Automaton(path_globs) if path_globs else None

    def _add_literal(self, rule: IgnoreRule) -> bool:
        """Add a rule that needs no automaton and return True; return False for one that does."""
        pattern = _fold_case(rule.pattern)
        is_ending = not rule.by_path and pattern[0] == "*" and "." in pattern
        if not SPECIAL.isdisjoint(pattern[1:] if is_ending else pattern):
            return False
        for literals in (self._folder_literals,) if rule.folders_only else (self._folder_literals, self._file_literals):
            if is_ending:
                literals.endings.setdefault(_get_extension(pattern), _Endings({}, set())).add_ending(pattern[1:], rule)
            else:
                (literals.paths if rule.by_path else literals.names)[pattern] = rule
        return True

    def __bool__(self) -> bool:
        """Return whether any pattern can match."""
        literals = self._folder_literals
        return bool(literals.names or literals.endings or literals.paths or self._name_globs or self._path_globs)

    def match_entry(self, folder: str, name: str, is_folder: bool) -> bool | None:
        """Return True if the entry is ignored, False if a `!` pattern re-includes it, None if no pattern matches.

        `folder` is the path from the ignore file's folder to the one that contains `name`, "" or ending in a slash;
        both are encoded (see `encode_name`). Only the entry itself is matched: don't ask about what is inside an
        ignored folder.
        """
        last_rule = self.find_rule(folder, name, is_folder)
        return None if last_rule is None else last_rule.ignores

    def match_path(self, parts: Sequence[str]) -> bool:
        """Return whether a file, named by the parts of its path from the ignore file's folder, is ignored.

        It is, too, where a folder that it is in is ignored.
        """
        folder = ""
        for number, part in enumerate(parts, 1):
            name = encode_name(part)
            if verdict := self.match_entry(folder, name, number < len(parts)):
                return verdict
            folder += f"{name}/"
        return False

    def find_rule(self, folder: str, name: str, is_folder: bool) -> IgnoreRule | None:
        """Return the last rule that matches the entry, which is given as in `match_entry`; None if none does."""
        literals = self._folder_literals if is_folder else self._file_literals
        last_rule = literals.find_last_match(_fold_case(folder) if literals.paths else "", _fold_case(name))
        for automaton, glob_folder in ((self._name_globs, ""), (self._path_globs, folder)):
            glob_rule = automaton and automaton.match_path(glob_folder, name, is_folder)
            if glob_rule and (last_rule is None or glob_rule.rank > last_rule.rank):
                last_rule = glob_rule
        return last_rule


def encode_name(name: str) -> str:
    """Return a name or pattern with one character per byte. Raises UnicodeEncodeError for a lone surrogate.

    Ignore files are matched so. Surrogates that stand for the bytes of a file's name are encoded.
    """
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def _fold_case(text: str) -> str:
    """Return the text in lower case where file systems ignore case; else unchanged."""
    return text.lower() if _FOLDS_CASE else text


@lru_cache(maxsize=4_096)
def _add_both_cases(piece: frozenset[str] | Star) -> frozenset[str] | Star:
    """Return the piece with both cases of its letters where file systems ignore case; else unchanged."""
    if not _FOLDS_CASE or isinstance(piece, Star):
        return piece
    return piece.union(*((letter.lower(), letter.upper()) for letter in piece if letter.isascii()))


def _get_extension(name: str) -> str:
    """Return the part of the name from its last dot on; "" without a dot."""
    return name[name.rfind(".") :] if "." in name else ""


def escape_pattern(path: str) -> str:
    """Return the relative path with escapes, so that "/" and it form the pattern that matches this path alone."""
    return re.sub(r"([\\*?\[ ])", r"\\\1", path)


def _parse_rules(file_bytes: bytes) -> Iterator[IgnoreRule]:
    """Yield the rules of an ignore file, one per line that is neither blank nor a comment."""
    for rank, line in enumerate(file_bytes.removeprefix(b"\xef\xbb\xbf").decode("latin-1").split("\n")):
        if line.startswith("#"):
            continue
        pattern = _strip_trailing_blanks(line.removesuffix("\r").partition("\0")[0])
        ignores = not pattern.startswith("!")
        pattern = pattern if ignores else pattern[1:]
        folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        if pattern:
            yield IgnoreRule(rank, ignores, folders_only, "/" in pattern, pattern.removeprefix("/"))


def _strip_trailing_blanks(line: str) -> str:
    """Return the line without unescaped spaces at its end; like git, keep tabs."""
    if not line.endswith(" "):
        return line
    position = kept_length = 0
    while position < len(line):
        position += 2 if line[position] == "\\" else 1
        if line[position - 1 : position] != " " or line[position - 2 : position - 1] == "\\":
            kept_length = position
    return line[:kept_length]
