"""What is in the workspace, and what does it say now?

A file is in the workspace when it stands below a root, in a language codekin knows, and no rule leaves it out (see
ignore.py). Links are never followed: what they point to is found where it really stands, or lies outside the roots.
"""

import os
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codekin.code.languages import detect_language
from codekin.code.notebooks import is_notebook
from codekin.settings import IndexSettings
from codekin.types import Cancel, Cell, OpenNotebook, Retry, Skipped
from codekin.workspace.documents import Document as Document
from codekin.workspace.documents import (
    find_generated_reason,
    has_too_much_code,
    limit_of,
    read_document_file,
    read_first_line,
    skip_too_large,
    skip_unreadable,
)
from codekin.workspace.documents import snippets_of as snippets_of
from codekin.workspace.ignore import GIT_FILE, OWN_FILE, IgnoreRules, IgnoreScope, Verdict, list_entries
from codekin.workspace.listing import folders_and_files, is_utf8, list_folder
from codekin.workspace.notebook_cache import NotebookCache
from codekin.workspace.repository import POINTER
from codekin.workspace.secret_files import REASON as SECRET_REASON
from codekin.workspace.secret_files import has_secret_name, holds_secrets

_OURS = (Verdict.CHOSEN, Verdict.KEPT)
SUPPRESSIONS_FILE = ".codekin.toml"  # at a root: which duplicates are meant to be
_REMEDY = "index.include brings it in"
_WORKTREE = "a linked Git worktree; open it as its own folder"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is to be indexed, as the disk lists it."""

    path: Path  # absolute
    language: str
    size: int  # bytes
    mtime_ns: int


class Workspace:
    """The folders that are indexed, seen through the rules and the open documents. May be asked from any thread."""

    def __init__(self, roots: Sequence[Path], settings: IndexSettings) -> None:
        self._rules = IgnoreRules(settings)
        self._max_bytes = settings.max_file_bytes
        self._notebooks = NotebookCache(self._max_bytes)
        self._overlays: dict[Path, str | OpenNotebook] = {}
        self._lock = threading.Lock()
        self.roots: tuple[Path, ...] = ()
        for root in sorted({Path(os.path.realpath(root)) for root in roots}):
            if self._scope(root, {}) is None:  # else another root reaches it
                self.roots += (root,)

    def walk(self, cancel: Cancel | None = None) -> Iterator[SourceFile | Skipped]:
        """Every file of the workspace, and those that are left out for a reason worth telling; in a fixed order.

        A root or a folder that can't be read is told as skipped too: what was known of it is not to be forgotten.
        """
        for root in self.roots:
            for visited in self._visit(self._rules.root_scope(root), cancel):
                if isinstance(visited, Skipped):
                    yield visited
                    continue
                scope, files = visited
                for entry in files:
                    if found := self._judged(scope, entry):
                        yield found

    def entries(self, cancel: Cancel | None = None) -> Iterator["os.DirEntry[str] | Skipped"]:
        """What the walk looks at, by names alone: what may be source files, and files that say what is left out.

        A folder that can't be read is told as skipped.
        """
        for root in self.roots:
            for visited in self._visit(self._rules.root_scope(root), cancel):
                if isinstance(visited, Skipped):
                    yield visited
                    continue
                scope, files = visited
                for entry in files:
                    path = scope.path / entry.name
                    if (
                        self.is_ignore_file(path)
                        or self.is_suppressions_file(path)
                        or self._is_ours_by_name(scope, path)
                    ):
                        yield entry

    def walk_folders(self, under: Path, cancel: Cancel | None = None) -> Iterator[Path]:
        """`under` and every folder below it that the walk enters; none when the rules leave it out."""
        start = self._bare(under)
        for visited in self._visit(start, cancel) if start else ():
            if not isinstance(visited, Skipped):
                yield visited[0].path

    def check_file(self, path: Path) -> SourceFile | Skipped | None:
        """The same verdict for one path; None: not in the workspace, or not there any more.

        An open document that was never saved is in the workspace too; its `mtime_ns` is 0.
        """
        path = self.resolve_path(path.parent) / path.name
        scope = self._scope(path.parent, {})
        if scope is None:
            return None
        is_open = self.is_open(path)
        found = self._judged(scope, path, is_open=is_open)
        if found is None and is_open and not os.path.lexists(path):
            overlay = self.read_document(path)
            is_kept = self._rules.verdict(scope, path.name, is_folder=False) in _OURS
            if is_kept and isinstance(overlay, Document):
                return SourceFile(path, overlay.language, overlay.size, 0)
            return None
        return found

    def read_document(self, path: Path) -> Document | Skipped | None:
        """The text of now, of any file, in the workspace or not. None: it is gone, or in no language codekin knows."""
        if has_secret_name(path):
            return Skipped(path, SECRET_REASON)
        text = self._overlay(path)
        if text is None:
            found = self._notebooks.read(path) if is_notebook(path) else read_document_file(path, self._max_bytes)
        elif isinstance(text, str) and (refused := self.refuses_size(path, text)):
            return refused
        else:
            found = self._notebooks.open_document(path, text)
            found = has_too_much_code(found, self._max_bytes) or found
        # What an editor has open is told of as long as that is so: the next scan looks at the disk.
        retry = Retry.WHEN_CHANGED if text is None else Retry.NEXT_SCAN
        if isinstance(found, Document) and holds_secrets(path, found.text):
            return Skipped(path, SECRET_REASON, retry=retry)
        if isinstance(found, Document) and (reason := find_generated_reason(found.text)) and not self._chosen(path):
            return Skipped(path, f"{reason}; {_REMEDY}", retry=retry)
        return found

    def refuses_size(self, path: Path, text: str) -> Skipped | None:
        """The reason to leave out `path` with this unsaved text, where that is too large."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size <= limit_of(path, self._max_bytes):
            return None
        return replace(skip_too_large(path, size, self._max_bytes), retry=Retry.NEXT_SCAN)

    def cells(self, path: Path) -> tuple[Cell, ...]:
        """The cells of a notebook that hold code, as it is now; none of any other file."""
        document = self.read_document(path) if is_notebook(path) else None
        return document.cells if isinstance(document, Document) else ()

    def open_overlay(self, path: Path, text: str | OpenNotebook) -> None:
        """From now on `text` is what `path` says, whatever is on the disk."""
        path = self.resolve_path(path)
        with self._lock:
            self._overlays[path] = text

    def close_overlay(self, path: Path) -> None:
        """From now on the disk says again what is in `path`."""
        path = self.resolve_path(path)
        with self._lock:
            self._overlays.pop(path, None)

    def is_open(self, path: Path) -> bool:
        """Whether the editor has the file open."""
        path = self.resolve_path(path)
        with self._lock:
            return path in self._overlays

    def overlays(self) -> Mapping[Path, str | OpenNotebook]:
        """The texts of all open documents, as they are at this moment."""
        with self._lock:
            return dict(self._overlays)

    def unsaved(self, path: Path) -> str | None:
        """The text of an open document that is no notebook."""
        text = self._overlay(path)
        return text if isinstance(text, str) else None

    def resolve_path(self, path: Path) -> Path:
        """Where the file really stands: one file has one path, whatever links lead to it."""
        try:
            return Path(os.path.realpath(path))
        except (OSError, ValueError):
            return path

    def select_covered(self, paths: Iterable[Path]) -> set[Path]:
        """Those of `paths`, links resolved, that could be in the workspace by their names, be they there or not; and
        the files that say which duplicates are meant to be.
        """
        known: dict[Path, IgnoreScope | None] = {}
        found: set[Path] = set()
        for path in paths:
            scope = self._scope(path.parent, known) if _has_source_name(path) else None
            if self.is_suppressions_file(path) or (scope and self._is_ours_by_name(scope, path)):
                found.add(path)
        return found

    def enters_folder(self, folder: Path) -> bool:
        """Whether the walk enters, or would enter, a folder of this path, links resolved."""
        return self._bare(folder) is not None

    @property
    def external_ignore_files(self) -> frozenset[Path]:
        """The ignore files that were asked for and don't stand beside sources: a repository's, the user's own."""
        return frozenset(self._rules.outside)

    @property
    def problems(self) -> tuple[str, ...]:
        """Rules that don't count, as far as they were asked for; each names its remedy."""
        return self._rules.problems

    def is_ignore_file(self, path: Path) -> bool:
        """Whether a change of this file changes what is in the workspace."""
        return path.name in (GIT_FILE, OWN_FILE, POINTER) or path in self._rules.outside

    def is_suppressions_file(self, path: Path) -> bool:
        """Whether a change of this file changes which duplicates are told."""
        return path.name == SUPPRESSIONS_FILE and path.parent in self.roots

    def _visit(
        self, start: IgnoreScope, cancel: Cancel | None
    ) -> Iterator[tuple[IgnoreScope, list[os.DirEntry[str]]] | Skipped]:
        """Each folder from `start` down that is not left out, with its files."""
        pending = [start]
        while pending and not (cancel is not None and cancel.is_set()):
            bare = pending.pop()
            try:
                found = list_folder(bare.path)
            except OSError as error:
                if bare is start or not isinstance(error, FileNotFoundError | NotADirectoryError):
                    yield skip_unreadable(bare.path, error)
                continue
            names = {entry.name for entry in found}
            scope = self._rules.enter_scope(bare, names)
            if scope is None:
                if POINTER in names and self._rules.is_other_worktree(bare):
                    yield Skipped(bare.path, _WORKTREE)
                continue
            folders, files = folders_and_files(found)
            yield scope, files
            for folder in reversed(folders):
                below = self._rules.child_scope(scope, folder.name)
                if below is not None and below.path not in self.roots:
                    pending.append(below)

    def _judged(
        self, scope: IgnoreScope, entry: "os.DirEntry[str] | Path", *, is_open: bool = False
    ) -> SourceFile | Skipped | None:
        """The verdict on one entry of the scope's folder; of an open one the size on the disk does not count."""
        name, path = entry.name, scope.path / entry.name
        language, is_secret = detect_language(path), has_secret_name(path)
        if language is None and "." in name and not is_secret:
            return None
        verdict = self._rules.verdict(scope, name, is_folder=False)
        if verdict in (Verdict.IGNORED, Verdict.THROUGH):
            return None
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                return None
            if is_secret:
                return Skipped(path, SECRET_REASON)
            language = language or detect_language(path, read_first_line(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return skip_unreadable(path, error)
        if language is None:
            return None
        if verdict is Verdict.GENERATED:
            return Skipped(path, f"generated, as its name says; {_REMEDY}")
        if status.st_size > limit_of(path, self._max_bytes) and not is_open:
            return skip_too_large(path, status.st_size, self._max_bytes)
        if not is_utf8(path):
            return Skipped(path, "its path is not valid UTF-8; rename it to have it indexed")
        return SourceFile(path, language, status.st_size, status.st_mtime_ns)

    def _scope(self, folder: Path, known: dict[Path, IgnoreScope | None]) -> IgnoreScope | None:
        """The scope of a folder as it is now; None when it is in no root or left out. `known` is filled on the way."""
        pending: list[Path] = []
        while folder not in known and folder not in self.roots and folder.parent != folder:
            pending.append(folder)
            folder = folder.parent
        if folder in known:
            scope = known[folder]
        else:
            scope = (
                self._rules.enter_scope(self._rules.root_scope(folder), list_entries(folder))
                if folder in self.roots
                else None
            )
            known[folder] = scope
        for below in reversed(pending):
            bare = scope and self._rules.child_scope(scope, below.name)
            known[below] = scope = bare and self._rules.enter_scope(bare, list_entries(below))
        return scope

    def _bare(self, folder: Path) -> IgnoreScope | None:
        """The scope of a folder before it is entered."""
        if folder in self.roots:
            return self._rules.root_scope(folder)
        scope = self._scope(folder.parent, {})
        return None if scope is None or folder.is_symlink() else self._rules.child_scope(scope, folder.name)

    def _is_ours_by_name(self, scope: IgnoreScope, path: Path) -> bool:
        """Whether `path`, in the scope's folder, could be a source file that no rule leaves out."""
        return _has_source_name(path) and self._rules.verdict(scope, path.name, is_folder=False) in _OURS

    def _chosen(self, path: Path) -> bool:
        scope = self._scope(path.parent, {})
        return scope is not None and self._rules.verdict(scope, path.name, is_folder=False) is Verdict.CHOSEN

    def _overlay(self, path: Path) -> str | OpenNotebook | None:
        if not self._overlays:  # as in bulk, where finding out about links would cost as much as reading
            return None
        path = self.resolve_path(path)
        with self._lock:
            return self._overlays.get(path)


def _has_source_name(path: Path) -> bool:
    return (detect_language(path) is not None or "." not in path.name) and is_utf8(path)
