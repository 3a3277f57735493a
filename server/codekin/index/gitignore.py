"""gitignore syntax: the patterns of one ignore file, and what they say about one name.

The rules are those of git's own dir.c and wildmatch.c, oddities included, and compared with git in tests; pathspec
differs in character classes, escapes, trailing blanks, bytes and `**`, and raises at some patterns git just never
matches. Git matches bytes, so everything here is text of one character per byte (`encoded`).
"""

import os
import re
import string
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

_GLOB = frozenset("*?[\\")
_FOLDS_CASE = sys.platform in ("win32", "darwin")  # git sets core.ignoreCase where the file system ignores case
_FLAGS = re.DOTALL | (re.IGNORECASE if _FOLDS_CASE else 0)
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


class Rule(NamedTuple):
    """One pattern; a later rule (a higher rank) beats an earlier one."""

    rank: int
    ignores: bool  # False: the pattern began with "!"
    folders_only: bool
    by_path: bool  # matched against the path from the ignore file's folder, else against the name alone
    pattern: str


Glob = tuple[Rule, Callable[[str], object]]


class Spec:
    """The patterns of one ignore file, ready to ask: literal names and endings are looked up, only the rest matched."""

    __slots__ = ("_endings", "_globs", "_names", "_paths")

    def __init__(self, text: bytes) -> None:
        self._names: dict[str, list[Rule]] = {}
        self._endings: dict[str, list[tuple[Rule, str]]] = {}  # `*…` by extension
        self._paths: dict[str, list[Rule]] = {}
        self._globs: list[Glob] = []  # highest rank first
        for rule in _rules(text):
            self._take(rule)
        self._globs.reverse()

    def _take(self, rule: Rule) -> None:
        pattern = _folded(rule.pattern)
        if not _GLOB.intersection(pattern):
            (self._paths if rule.by_path else self._names).setdefault(pattern, []).append(rule)
        elif not rule.by_path and pattern[0] == "*" and "." in pattern and not _GLOB.intersection(pattern[1:]):
            self._endings.setdefault(_extension(pattern), []).append((rule, pattern[1:]))
        elif (expression := _regex(rule.pattern, rule.by_path)) is not None:
            self._globs.append((rule, re.compile(expression, _FLAGS).fullmatch))

    def __bool__(self) -> bool:
        return bool(self._names or self._endings or self._paths or self._globs)

    def verdict(self, folder: str, name: str, is_folder: bool) -> bool | None:
        """True: ignored; False: a `!` pattern takes it back in; None: nothing is said about it.

        `folder` is the path from the spec's own folder to the one that has `name`, "" or with a slash at its end;
        both are `encoded`. Only the entry itself is judged: in an ignored folder nothing is to be asked any more.
        """
        key = _folded(name)
        literal: Iterable[Rule] = self._names.get(key, ())
        if self._endings and (endings := self._endings.get(_extension(key))):
            literal = (*literal, *(rule for rule, ending in endings if key.endswith(ending)))
        if self._paths and (path := _folded(folder + name)) in self._paths:
            literal = (*literal, *self._paths[path])
        found: Rule | None = None
        for rule in literal:
            if (is_folder or not rule.folders_only) and (found is None or rule.rank > found.rank):
                found = rule
        for rule, matches in self._globs:
            if found is not None and found.rank > rule.rank:
                break
            if (is_folder or not rule.folders_only) and matches(folder + name if rule.by_path else name):
                return rule.ignores
        return None if found is None else found.ignores


def encoded(name: str) -> str:
    """A file's name, or a setting, with one character per byte, as specs want it."""
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def _folded(text: str) -> str:
    return text.lower() if _FOLDS_CASE else text


def _extension(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _rules(text: bytes) -> Iterator[Rule]:
    for rank, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").decode("latin-1").split("\n")):
        if line.startswith("#"):
            continue
        pattern = _without_trailing_blanks(line.removesuffix("\r").partition("\0")[0])
        ignores = not pattern.startswith("!")
        pattern = pattern if ignores else pattern[1:]
        folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        if pattern:
            yield Rule(rank, ignores, folders_only, "/" in pattern, pattern.removeprefix("/"))


def _without_trailing_blanks(line: str) -> str:
    """Blanks at the end mean nothing unless escaped; a tab is no blank to git."""
    at = end = 0
    while at < len(line):
        at += 2 if line[at] == "\\" else 1
        if line[at - 1 : at] != " " or line[at - 2 : at - 1] == "\\":
            end = at
    return line[:end]


def _regex(pattern: str, by_path: bool) -> str | None:
    """A pattern as a regular expression for the whole path or name; None for one that can match nothing.

    Every `*` but the last of its segment, and every `**/` but the last, is content with the first place where what
    follows fits (`(?>…)`): later ones can do no better, and a hostile pattern can't make matching slow.
    """
    tokens = _tokens(pattern, by_path)
    if tokens is None:
        return None
    parts = [""]
    openings: list[str] = []
    for token in tokens:
        if token in _DEEP:
            openings.append(token)
            parts.append("")
        else:
            parts[-1] += token
    expression, *bodies = ("/".join(_stars(segment.split(_STAR)) for segment in part.split("/")) for part in parts)
    for place, (opening, body) in enumerate(zip(openings, bodies, strict=True), 1):
        first, last = _DEEP[opening]
        expression += f"(?>{first}{body})" if place < len(openings) else f"{last}{body}"
    return expression


_STAR = "\0"  # a `*`, until its segment is known; no pattern has this character
_DEEP = {"**/": ("(?:|.*?/)", "(?:.*/)?"), "**": (".*?", ".*")}  # content with the first place; free to go on


def _stars(pieces: list[str]) -> str:
    """One segment: what stands between its stars, joined."""
    head, *rest = pieces
    between = "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1])
    return head + between + (f"[^/]*{rest[-1]}" if rest else "")


def _tokens(pattern: str, by_path: bool) -> list[str] | None:
    """`pattern` in pieces: expressions for one character each, _STAR, "/" and the keys of _DEEP."""
    # Git compares the part before the first special character by itself, and `**` right after it opens a segment.
    opening = next((at for at, letter in enumerate(pattern) if letter in _GLOB), 0)
    tokens: list[str] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        piece, after = re.escape(letter) if letter != "/" else "/", at + 1
        if letter == "?":
            piece = r"[^\x2f]"
        elif letter == "*":
            piece, after = _star(pattern, at, by_path and (at == opening or pattern[at - 1] == "/"))
        elif letter == "\\":
            if after == len(pattern):
                return None
            piece, after = "/" if pattern[after] == "/" else re.escape(pattern[after]), after + 1
        elif letter == "[":
            bracket = _bracket(pattern, after)
            if bracket is None:
                return None
            piece, after = bracket
        tokens.append(piece)
        at = after
    return tokens


def _star(pattern: str, at: int, opens: bool) -> tuple[str, int]:
    """The token of a run of stars, and where what follows begins; `opens`: the run stands at a segment's start."""
    after = at
    while pattern[after : after + 1] == "*":
        after += 1
    if opens and after - at > 1:
        if pattern[after : after + 1] == "/":
            return "**/", after + 1
        if after == len(pattern) or pattern.startswith("\\/", after):
            return "**", after
    return _STAR, after


def _bracket(pattern: str, at: int) -> tuple[str, int] | None:
    """The expression of `[…]` whose inside begins at `at`, and where what follows it begins; None: never matches."""
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
    chosen = set(map(chr, range(256))) - members if negated else members
    chosen -= {"/", _STAR}
    return (f"[{''.join(map(re.escape, sorted(chosen)))}]" if chosen else "(?!)"), at + 1


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
