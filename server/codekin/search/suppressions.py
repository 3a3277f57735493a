"""Which duplicates are meant to be: what the workspace's `.codekin.toml` files say.

    [[ignored]]
    functions = ["shop/orders.py::total_price", "shop/invoices.py::invoice_total"]
    reason = "The tax office wants two."  # for whoever reads it; codekin does not

A function is named by its file, seen from the folder that `.codekin.toml` stands in, and by what it is called in it.
That is what a reviewer can read, and it stays true while lines move, functions are edited, and other files come and go.
It does not outlive a rename of the function or of its file: then the duplicate is told again, and whoever renamed it
looks once more. A hash of the text would say nothing to a reader, and end with the first edit.

An entry is a group of two or more: no two of it are told to be duplicates of each other. Nothing else may stand in such
a file: it comes with a repository, whoever wrote that, so it names no setting, no model and no path outside its folder.
"""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from codekin.files import FileTooLargeError, RefusedFileError, read_file
from codekin.types import Hit, Snippet
from codekin.workspace.workspace import SUPPRESSIONS_FILE, Workspace

_HEADER = re.compile(r"""\s*\[\[\s*(["']?)ignored\1\s*\]\]""")
_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
_MAX_BYTES = 1 << 18
_ROOM_BYTES = 4_096  # left at the end of a file, for a quick fix to put an entry there
_MOST = 200  # functions of a group
_MAX_DOTS = 200  # of a line's keys: tomllib takes 2 s for one key of 16,000 parts
_MAX_PROBLEMS = 10  # told of a file
_MAX_SHOWN = 120  # characters of a message's part that comes from the file
_OUTSIDE_KEYS = re.compile(r"""(["'])(?:(?!\1)[^\\\n]|\\.)*+\1?|\#[^\n]*""")  # strings and comments
_REMEDY = "Mend it or delete it; all other entries hold."
_HEAD = """\
# Duplicates that are meant to be: codekin does not tell them.
# Delete an entry to have it told again. An entry whose functions are gone does no harm.
"""


@dataclass(frozen=True, slots=True)
class SuppressionFile:
    """What one file says."""

    groups: frozenset[tuple[str, ...]] = frozenset()  # of names, sorted
    problems: tuple[str, ...] = ()  # each names a line and the remedy
    entries: int = 0  # the sound ones
    _members: Mapping[str, frozenset[int]] = field(init=False, repr=False, compare=False)  # name → its groups
    _twice: frozenset[str] = field(init=False, repr=False, compare=False)  # two functions of a file, one name

    def __post_init__(self) -> None:
        members: dict[str, set[int]] = {}
        twice: set[str] = set()
        for number, group in enumerate(self.groups):
            for name, count in Counter(group).items():
                members.setdefault(name, set()).add(number)
                twice |= {name} if count > 1 else set()
        object.__setattr__(self, "_members", {name: frozenset(numbers) for name, numbers in members.items()})
        object.__setattr__(self, "_twice", frozenset(twice))

    def hides(self, one: str, other: str) -> bool:
        """Whether the two names are in a group together."""
        if one == other:
            return one in self._twice
        return not self._members.get(one, frozenset()).isdisjoint(self._members.get(other, frozenset()))


@dataclass(frozen=True, slots=True)
class SuppressionEdit:
    """An entry that is to be put at the end of a file, which leaves all that is there as it is."""

    path: Path
    before: str | None  # what the file says now; None: there is none
    text: str


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function as such a file names it."""

    root: Path
    name: str  # "shop/orders.py::total_price"


class Suppressions:
    """What the files at the workspace's roots say now, unsaved text included. May be asked from any thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[
            Path, tuple[object, SuppressionFile]
        ] = {}  # root → what tells one state of its file from another

    def load_files(self) -> tuple[SuppressionFile, ...]:
        """By root; equal to what it was before where nothing has changed. Costs a look at each file's time."""
        return tuple(self._of(root) for root in self._workspace.roots)

    def find_reference(self, path: Path, qualified_name: str) -> FunctionReference | None:
        """What the function is called in such a file; None where it has no name, or is in no root."""
        root = next((root for root in self._workspace.roots if path.is_relative_to(root)), None)
        if root is None or not qualified_name:
            return None
        return FunctionReference(root, f"{path.relative_to(root).as_posix()}::{qualified_name}")

    def is_suppressed(self, one: FunctionReference | None, other: FunctionReference | None) -> bool:
        """Whether the two are meant to be alike. Those of two roots never are: a root's file speaks of it alone."""
        if one is None or other is None or one.root != other.root:
            return False
        return self._of(one.root).hides(one.name, other.name)

    def drop_suppressed(self, path: Path, snippet: Snippet, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits that are not suppressed as duplicates of the snippet in `path`."""
        reference = self.find_reference(path, snippet.qualified_name)
        return [
            hit
            for hit in hits
            if not self.is_suppressed(reference, self.find_reference(hit.place.path, hit.place.qualified_name))
        ]

    def make_edit(self, functions: Sequence[FunctionReference]) -> SuppressionEdit | None:
        """The entry by which these, two or more, are meant to be alike.

        None where they are not of one root, or where the file can't take it; `now` says what is wrong with it then.
        """
        if not 2 <= len(functions) <= _MOST or len({function.root for function in functions}) > 1:
            return None
        path = functions[0].root / SUPPRESSIONS_FILE
        real = self._workspace.resolve_path(path)
        if not real.is_relative_to(functions[0].root):
            return None
        before = self._workspace.get_unsaved_text(path)
        if before is None and os.path.lexists(path):
            try:
                before = read_file(path, _MAX_BYTES).data.decode()
            except (OSError, ValueError):
                return None
        text = format_entry([function.name for function in functions], before)
        return SuppressionEdit(path, before, text) if _size(before or "") + _size(text) <= _MAX_BYTES else None

    def _of(self, root: Path) -> SuppressionFile:
        path = self._workspace.resolve_path(root / SUPPRESSIONS_FILE)
        state: object = self._workspace.get_unsaved_text(path)
        if state is None:
            try:
                status = path.stat()
                state = (status.st_mtime_ns, status.st_size, status.st_ino)
            except (FileNotFoundError, NotADirectoryError):
                state = ()
            except OSError as error:
                state = (error.errno,)
        known = self._known.get(root)
        if known is None or known[0] != state:
            known = self._known[root] = state, _meant(root, path, state)
        return known[1]


def _meant(root: Path, path: Path, state: object) -> SuppressionFile:
    if state == ():
        return SuppressionFile()
    shown = root / SUPPRESSIONS_FILE
    if not path.is_relative_to(root):
        return SuppressionFile(
            problems=(f"{shown} is a link that leads out of its folder; it is not read. Put a file there.",)
        )
    try:
        data = state.encode("utf-8", "replace") if isinstance(state, str) else read_file(path, _MAX_BYTES).data
        if len(data) > _MAX_BYTES:
            raise FileTooLargeError(len(data), _MAX_BYTES)
        meant = parse_suppressions(data.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, RefusedFileError) else getattr(error, "strerror", None) or error
        return SuppressionFile(
            problems=(f"{shown} can't be read ({reason}); nothing in it counts. Mend or remove it.",)
        )
    problems = [f"{shown}, {problem}" for problem in meant.problems]
    if len(data) > _MAX_BYTES - _ROOM_BYTES:
        full = f"it has {len(data):,} bytes, and {_MAX_BYTES:,} are read"
        problems.append(f"{shown} is nearly full: {full}. Delete entries to have room for others.")
    return SuppressionFile(meant.groups, tuple(problems), meant.entries)


def parse_suppressions(text: str) -> SuppressionFile:
    """What the text of such a file says. Never raises: what is wrong costs itself only."""
    lines = [f"{line}\n" for line in text.split("\n")]
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    bounds = [0, *starts, len(lines)]
    groups: set[tuple[str, ...]] = set()
    problems: list[str] = []
    entries = 0
    for first, end in pairwise(bounds):
        try:
            found = _parsed(lines[first:end])
            problems += [f"line {first + 1 + line}: {complaint}" for line, complaint in found.problems]
            groups |= {tuple(sorted(group)) for group in found.groups}
            entries += len(found.groups)
        except _WrongError as error:
            problems.append(f"line {first + 1 + error.line}: {error}")
    if len(problems) > _MAX_PROBLEMS:
        problems[_MAX_PROBLEMS:] = [f"and {len(problems) - _MAX_PROBLEMS:,} more problems like these."]
    return SuppressionFile(frozenset(groups), tuple(problems), entries)


def format_entry(names: Sequence[str], before: str | None = None) -> str:
    """What is to be put behind `before`, the text of a file or None, for these functions to be meant to be alike."""
    listed = ", ".join(map(_quoted, names))
    body = f"[[ignored]]\nfunctions = [{listed}]\n"
    if len(listed) > 100:
        body = "[[ignored]]\nfunctions = [\n" + "".join(f"    {_quoted(name)},\n" for name in names) + "]\n"
    lead = _HEAD + "\n" if not before else "\n" if before.endswith("\n") else "\n\n"
    newline = "\r\n" if before and "\r\n" in before else "\n"
    return (lead + body).replace("\n", newline)


class _WrongError(Exception):
    """A part of the file is not as it must be; `line` counts from the part's first."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class _Part:
    groups: list[list[str]]
    problems: list[tuple[int, str]]


def _parsed(lines: Sequence[str]) -> _Part:
    """One entry's lines, or those before the first."""
    text = "".join(lines)
    for number, code in enumerate(lines):
        if code.count(".") > _MAX_DOTS and _OUTSIDE_KEYS.sub("", code).count(".") > _MAX_DOTS:
            raise _WrongError(f"a key has more than {_MAX_DOTS} dots. {_REMEDY}", number)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no TOML; a number too long; brackets too deep
        at = _AT.search(str(error))
        line = int(at[1]) - 1 if at and at[1] else max(len(text.rstrip().splitlines()) - 1, 0)
        raise _WrongError(f"{_shortened(_AT.sub('', str(error)))}. {_REMEDY}", line) from error
    part = _Part([], [])
    for key, value in table.items():
        if key != "ignored":
            complaint = (
                f"there is no '{_shortened(key)}' here, only [[ignored]]; settings are the user's own. Delete it."
            )
            part.problems.append((_line_of(key, lines) if len(part.problems) < _MAX_PROBLEMS else 0, complaint))
        elif not isinstance(value, list):
            raise _WrongError(f"ignored is a list of entries: write [[ignored]]. {_REMEDY}")
        else:
            part.groups += [_group(item, lines) for item in value]
    return part


def _group(item: Any, lines: Sequence[str]) -> list[str]:
    names = item.get("functions") if isinstance(item, dict) else None
    try:
        return _checked(names)
    except ValueError as error:
        raise _WrongError(f"{error} {_REMEDY}", _line_of("functions", lines)) from error


def _checked(names: Any) -> list[str]:
    if not isinstance(names, list) or not 2 <= len(names) <= _MOST or not all(isinstance(n, str) for n in names):
        raise ValueError(
            f'an entry names two functions or more, {_MOST} at most, as in functions = ["a.py::one", "b.py::other"].'
        )
    for name in names:
        path, separator, function = name.partition("::")
        if not separator or not path or not function:
            raise ValueError(f'{_shortened(name)!r} is not like "folder/file.py::function".')
        if path[0] in "/~" or "\\" in path or ":" in path or ".." in path.split("/"):
            raise ValueError(f"{_shortened(path)!r} must be seen from this file's folder, with /, and in it.")
    return names


def _line_of(key: str, lines: Sequence[str]) -> int:
    mentions = re.compile(rf"""[\s\[]*["']?{re.escape(key)}\b""")
    return next((number for number, line in enumerate(lines) if mentions.match(line)), 0)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _quoted(text: str) -> str:
    """As TOML has a string."""
    escapes = {code: f"\\u{code:04x}" for code in (*range(32), 127)} | {ord("\\"): "\\\\", ord('"'): '\\"'}
    return '"' + text.translate(escapes) + '"'
