"""gitignore syntax: the patterns of one ignore file, and what they say about one name.

The rules are those of git's own dir.c and wildmatch.c, oddities included, and compared with git in tests; pathspec
differs in character classes, escapes, trailing blanks, bytes and `**`, and raises at some patterns git just never
matches. Git matches bytes, so everything here is text of one character per byte (`encoded`).

An ignore file comes with a repository, whoever wrote that: what asking it costs does not grow with its size where
patterns are names, paths and endings, which are looked up, and stays small for all others together (automaton.py).
"""

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from codekin.workspace.automaton import Automaton, Glob
from codekin.workspace.wildmatch import SPECIAL, Star, pieces_of

MAX_GLOB_BYTES = 1 << 20
_FOLDS_CASE = sys.platform in ("win32", "darwin")  # git sets core.ignoreCase where the file system ignores case


class IgnoreRule(NamedTuple):
    """One pattern; a later rule (a higher rank) beats an earlier one."""

    rank: int
    ignores: bool  # False: the pattern began with "!"
    folders_only: bool
    by_path: bool  # matched against the path from the ignore file's folder, else against the name alone
    pattern: str


class _Endings(NamedTuple):
    """Patterns like `*.js` and `*-lock.js`, of one extension."""

    rules: dict[str, IgnoreRule]
    lengths: set[int]  # of the endings: few, whatever a file has

    def add(self, ending: str, rule: IgnoreRule) -> None:
        self.rules[ending] = rule
        self.lengths.add(len(ending))


class _Literals:
    """The rules that need no matching, for files or for folders: the last of each text is the one that counts."""

    __slots__ = ("endings", "names", "paths")

    def __init__(self) -> None:
        self.names: dict[str, IgnoreRule] = {}
        self.paths: dict[str, IgnoreRule] = {}
        self.endings: dict[str, _Endings] = {}  # by extension

    def best(self, folder: str, name: str) -> IgnoreRule | None:
        """The last rule that names it."""
        best = self.names.get(name)
        if self.paths and (rule := self.paths.get(folder + name)) and (best is None or rule > best):
            best = rule
        if self.endings and (endings := self.endings.get(_extension(name))):
            for length in endings.lengths:
                if (rule := endings.rules.get(name[-length:])) and (best is None or rule > best):
                    best = rule
        return best


class IgnoreFile:
    """The patterns of one ignore file, ready to ask: literal names and endings are looked up, only the rest matched."""

    __slots__ = ("_files", "_folders", "_name_globs", "_path_globs", "glob_bytes", "left_out")

    def __init__(self, text: bytes) -> None:
        self._files, self._folders = _Literals(), _Literals()
        self.glob_bytes = 0
        self.left_out = 0  # patterns beyond the limit
        name_globs: list[Glob[IgnoreRule]] = []
        path_globs: list[Glob[IgnoreRule]] = []
        for rule in _rules(text):
            if self._take_literal(rule):
                continue
            if self.glob_bytes + len(rule.pattern) > MAX_GLOB_BYTES:
                self.left_out += 1
                continue
            self.glob_bytes += len(rule.pattern)
            pieces = pieces_of(rule.pattern, rule.by_path)
            if pieces is not None:
                globs = path_globs if rule.by_path else name_globs
                globs.append(Glob([_both_cases(piece) for piece in pieces], rule.folders_only, rule))
        self._name_globs = Automaton(name_globs) if name_globs else None
        self._path_globs = Automaton(path_globs) if path_globs else None

    def _take_literal(self, rule: IgnoreRule) -> bool:
        pattern = _folded(rule.pattern)
        is_ending = not rule.by_path and pattern[0] == "*" and "." in pattern
        if not SPECIAL.isdisjoint(pattern[1:] if is_ending else pattern):
            return False
        for literals in (self._folders,) if rule.folders_only else (self._folders, self._files):
            if is_ending:
                literals.endings.setdefault(_extension(pattern), _Endings({}, set())).add(pattern[1:], rule)
            else:
                (literals.paths if rule.by_path else literals.names)[pattern] = rule
        return True

    def __bool__(self) -> bool:
        literals = self._folders
        return bool(literals.names or literals.endings or literals.paths or self._name_globs or self._path_globs)

    def verdict(self, folder: str, name: str, is_folder: bool) -> bool | None:
        """True: ignored; False: a `!` pattern takes it back in; None: nothing is said about it.

        `folder` is the path from the spec's own folder to the one that has `name`, "" or with a slash at its end;
        both are `encoded`. Only the entry itself is judged: in an ignored folder nothing is to be asked any more.
        """
        literals = self._folders if is_folder else self._files
        rule = literals.best(_folded(folder) if literals.paths else "", _folded(name))
        for globs, path in ((self._name_globs, ""), (self._path_globs, folder)):
            matching = globs and globs.match(path, name, is_folder)
            if matching and (rule is None or matching.rank > rule.rank):
                rule = matching
        return None if rule is None else rule.ignores


def encode_name(name: str) -> str:
    """A file's name, or a setting, with one character per byte, as specs want it."""
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def _folded(text: str) -> str:
    return text.lower() if _FOLDS_CASE else text


def _both_cases(piece: frozenset[str] | Star) -> frozenset[str] | Star:
    if not _FOLDS_CASE or isinstance(piece, Star):
        return piece
    return piece.union(*((letter.lower(), letter.upper()) for letter in piece if letter.isascii()))


def _extension(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _rules(text: bytes) -> Iterator[IgnoreRule]:
    for rank, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").decode("latin-1").split("\n")):
        if line.startswith("#"):
            continue
        pattern = _without_trailing_blanks(line.removesuffix("\r").partition("\0")[0])
        ignores = not pattern.startswith("!")
        pattern = pattern if ignores else pattern[1:]
        folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        if pattern:
            yield IgnoreRule(rank, ignores, folders_only, "/" in pattern, pattern.removeprefix("/"))


def _without_trailing_blanks(line: str) -> str:
    """Blanks at the end mean nothing unless escaped; a tab is no blank to git."""
    if not line.endswith(" "):
        return line
    at = end = 0
    while at < len(line):
        at += 2 if line[at] == "\\" else 1
        if line[at - 1 : at] != " " or line[at - 2 : at - 1] == "\\":
            end = at
    return line[:end]
