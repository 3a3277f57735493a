"""Ignored duplicates: read the `.codekin.toml` files at the workspace's roots, and make entries for them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.duplicates.suppression_file import MAX_FUNCTIONS, SuppressionFile, format_entry, parse_suppressions
from codekin.files import FileTooLargeError, RefusedFileError, read_file
from codekin.types import Hit, Snippet
from codekin.workspace.workspace import SUPPRESSIONS_FILE, Workspace

_MAX_BYTES = 1 << 18
_RESERVED_BYTES = 4_096  # for the entry that a quick fix adds


@dataclass(frozen=True, slots=True)
class SuppressionEdit:
    """An entry to append to a file; the text before it stays as it is."""

    path: Path
    before: str | None  # the file's text; None where there is no file
    text: str


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function as a suppression file names it."""

    root: Path
    name: str  # "shop/orders.py::total_price"


class Suppressions:
    """Reads the roots' suppression files as they are now, unsaved text included. Safe on any thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[Path, tuple[object, SuppressionFile]] = {}  # root → the state it was read in, and its content

    def load_files(self) -> tuple[SuppressionFile, ...]:
        """Return one file per root, parsed again only if changed: a stat call each. Errors are its `problems`."""
        return tuple(self._load_file(root) for root in self._workspace.roots)

    def find_reference(self, path: Path, qualified_name: str) -> FunctionReference | None:
        """Return how a suppression file names the function; None where it has no name or is in no root."""
        root = next((root for root in self._workspace.roots if path.is_relative_to(root)), None)
        if root is None or not qualified_name:
            return None
        return FunctionReference(root, f"{path.relative_to(root).as_posix()}::{qualified_name}")

    def is_suppressed(self, function: FunctionReference | None, duplicate: FunctionReference | None) -> bool:
        """Return whether an entry ignores the two as duplicates; False where either is None or the roots differ."""
        if function is None or duplicate is None or function.root != duplicate.root:
            return False
        return self._load_file(function.root).ignores_pair(function.name, duplicate.name)

    def drop_suppressed(self, path: Path, snippet: Snippet, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits that are not suppressed as duplicates of the snippet in `path`."""
        reference = self.find_reference(path, snippet.qualified_name)
        return [
            hit
            for hit in hits
            if not self.is_suppressed(reference, self.find_reference(hit.place.path, hit.place.qualified_name))
        ]

    def make_edit(self, functions: Sequence[FunctionReference]) -> SuppressionEdit | None:
        """Return, unapplied, the edit that adds an entry for 2 to 200 functions; None where that is impossible.

        That is where they are not of one root, the file is a link out of it, or the file is full or unreadable; its
        `problems` then say why.
        """
        if not 2 <= len(functions) <= MAX_FUNCTIONS or len({function.root for function in functions}) > 1:
            return None
        path = functions[0].root / SUPPRESSIONS_FILE
        real_path = self._workspace.resolve_path(path)
        if not real_path.is_relative_to(functions[0].root):
            return None
        before = self._workspace.get_unsaved_text(path)
        if before is None and os.path.lexists(path):
            try:
                before = read_file(path, _MAX_BYTES).data.decode()
            except (OSError, ValueError):
                return None
        text = format_entry([function.name for function in functions], before)
        is_small_enough = _count_bytes(before or "") + _count_bytes(text) <= _MAX_BYTES
        return SuppressionEdit(path, before, text) if is_small_enough else None

    def _load_file(self, root: Path) -> SuppressionFile:
        """Return the root's parsed file, cached while its text or state on the disk is the same. Never raises."""
        path = self._workspace.resolve_path(root / SUPPRESSIONS_FILE)
        state: object = self._workspace.get_unsaved_text(path)
        if state is None:
            state = _read_file_state(path)
        cached = self._files.get(root)
        if cached is None or cached[0] != state:
            cached = self._files[root] = state, _read_suppressions(root, path, state)
        return cached[1]


def _read_file_state(path: Path) -> tuple[int, ...]:
    """Return a value that changes when the file on the disk does; () where there is no file. Never raises."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        return (error.errno or 0,)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read_suppressions(root: Path, path: Path, state: object) -> SuppressionFile:
    """Parse the file at `path`, or `state` where that is its unsaved text. Never raises: errors become problems."""
    if state == ():
        return SuppressionFile()
    shown_path = root / SUPPRESSIONS_FILE
    if not path.is_relative_to(root):
        problem = f"{shown_path} is a link that leads out of its folder, so it is not read. Replace it with a file."
        return SuppressionFile(problems=(problem,))
    try:
        data = state.encode("utf-8", "replace") if isinstance(state, str) else read_file(path, _MAX_BYTES).data
        if len(data) > _MAX_BYTES:
            raise FileTooLargeError(len(data), _MAX_BYTES)
        parsed = parse_suppressions(data.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, RefusedFileError) else getattr(error, "strerror", None) or error
        problem = f"{shown_path} can't be read ({reason}); none of its entries apply. Fix or remove it."
        return SuppressionFile(problems=(problem,))
    problems = [f"{shown_path}, {problem}" for problem in parsed.problems]
    if len(data) > _MAX_BYTES - _RESERVED_BYTES:
        size = f"it has {len(data):,} of at most {_MAX_BYTES:,} bytes"
        problems.append(f"{shown_path} is nearly full: {size}. Delete entries to make room for others.")
    return SuppressionFile(parsed.groups, tuple(problems), parsed.entries)


def _count_bytes(text: str) -> int:
    """Return the length of the text in bytes of UTF-8, a lone surrogate as one."""
    return len(text.encode("utf-8", "replace"))
