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
        """Return each root's suppression file, parsed again only if changed; its `problems` list its errors."""
        return tuple(self._load_file(workspace_root) for workspace_root in self._workspace.roots)

    def find_reference(self, source_path: Path, qualified_name: str) -> FunctionReference | None:
        """Return how a suppression file names the function; None where it has no name or is in no root."""
        workspace_root = next(
            (workspace_root for workspace_root in self._workspace.roots if source_path.is_relative_to(workspace_root)),
            None,
        )
        if workspace_root is None or not qualified_name:
            return None
        return FunctionReference(
            workspace_root, f"{source_path.relative_to(workspace_root).as_posix()}::{qualified_name}"
        )

    def is_suppressed(self, function: FunctionReference | None, duplicate: FunctionReference | None) -> bool:
        """Return whether an entry ignores the two functions as duplicates; False if one is None or the roots differ."""
        if function is None or duplicate is None or function.root != duplicate.root:
            return False
        return self._load_file(function.root).ignores_pair(function.name, duplicate.name)

    def drop_suppressed(self, source_path: Path, snippet: Snippet, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits that are not suppressed as duplicates of the snippet in `source_path`."""
        reference = self.find_reference(source_path, snippet.qualified_name)
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
        suppression_path = functions[0].root / SUPPRESSIONS_FILE
        real_path = self._workspace.resolve_path(suppression_path)
        if not real_path.is_relative_to(functions[0].root):
            return None
        former_text = self._workspace.get_unsaved_text(suppression_path)
        if former_text is None and os.path.lexists(suppression_path):
            try:
                former_text = read_file(suppression_path, _MAX_BYTES).data.decode()
            except (OSError, ValueError):
                return None
        entry_text = format_entry([function.name for function in functions], former_text)
        is_small_enough = _count_bytes(former_text or "") + _count_bytes(entry_text) <= _MAX_BYTES
        return SuppressionEdit(suppression_path, former_text, entry_text) if is_small_enough else None

    def _load_file(self, workspace_root: Path) -> SuppressionFile:
        """Return the root's parsed file, cached while its text or state on the disk is the same. Never raises."""
        suppression_path = self._workspace.resolve_path(workspace_root / SUPPRESSIONS_FILE)
        file_state: object = self._workspace.get_unsaved_text(suppression_path)
        if file_state is None:
            file_state = _read_file_state(suppression_path)
        cached_entry = self._files.get(workspace_root)
        if cached_entry is None or cached_entry[0] != file_state:
            cached_entry = self._files[workspace_root] = (
                file_state,
                _read_suppressions(workspace_root, suppression_path, file_state),
            )
        return cached_entry[1]


def _read_file_state(suppression_path: Path) -> tuple[int, ...]:
    """Return a value that changes when the file on the disk does; () where there is no file. Never raises."""
    try:
        file_status = suppression_path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        return (error.errno or 0,)
    return file_status.st_mtime_ns, file_status.st_size, file_status.st_ino


def _read_suppressions(workspace_root: Path, suppression_path: Path, file_state: object) -> SuppressionFile:
    """Parse the file, or `file_state` where that is its unsaved text. Never raises: errors become problems."""
    if file_state == ():
        return SuppressionFile()
    shown_path = workspace_root / SUPPRESSIONS_FILE
    if not suppression_path.is_relative_to(workspace_root):
        problem = f"{shown_path} is a link that leads out of its folder, so it is not read. Replace it with a file."
        return SuppressionFile(problems=(problem,))
    try:
        file_bytes = (
            file_state.encode("utf-8", "replace")
            if isinstance(file_state, str)
            else read_file(suppression_path, _MAX_BYTES).data
        )
        if len(file_bytes) > _MAX_BYTES:
            raise FileTooLargeError(len(file_bytes), _MAX_BYTES)
        parsed_file = parse_suppressions(file_bytes.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, RefusedFileError) else getattr(error, "strerror", None) or error
        problem = f"{shown_path} can't be read ({reason}); none of its entries apply. Fix or remove it."
        return SuppressionFile(problems=(problem,))
    problems = [f"{shown_path}, {problem}" for problem in parsed_file.problems]
    if len(file_bytes) > _MAX_BYTES - _RESERVED_BYTES:
        size_notice = f"it has {len(file_bytes):,} of at most {_MAX_BYTES:,} bytes"
        problems.append(f"{shown_path} is nearly full: {size_notice}. Delete entries to make room for others.")
    return SuppressionFile(parsed_file.groups, tuple(problems), parsed_file.entries)


def _count_bytes(text: str) -> int:
    """Return the length of the text in bytes of UTF-8, a lone surrogate as one."""
    return len(text.encode("utf-8", "replace"))
