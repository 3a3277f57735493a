"""Walk the folders of a workspace, and find the rules in force in any one of them.

Links are never followed: their target is visited at its real path, or is outside the roots.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from codekin.types import Cancel, Skipped
from codekin.workspace.documents import skip_unreadable
from codekin.workspace.ignore import IgnoreRules, IgnoreScope, list_entries
from codekin.workspace.listing import list_folder, separate_entries
from codekin.workspace.repository import GIT_ENTRY

_WORKTREE_REASON = "a linked Git worktree; open it as its own folder"


class VisitedFolder(NamedTuple):
    """A folder's rules and its files."""

    scope: IgnoreScope
    files: list[os.DirEntry[str]]


class FolderWalker:
    """Visits the folders below the roots that no rule excludes. Thread-safe."""

    def __init__(self, roots: Sequence[Path], rules: IgnoreRules) -> None:
        """Take these roots, without those that the walk of another root reaches."""
        self._rules = rules
        self.roots: tuple[Path, ...] = ()
        for root in sorted({Path(os.path.realpath(root)) for root in roots}):
            if self.find_scope(root) is None:  # else the walk of another root reaches it
                self.roots += (root,)

    def visit_roots(
        self, cancel_event: Cancel | None, on_folder: Callable[[str], None] = lambda _: None
    ) -> Iterator[VisitedFolder | Skipped]:
        """Yield each folder of all roots that is not excluded, with its files; Skipped for unreadable ones, worktrees.

        Links are left out. It ends early when cancelled. `on_folder` is called before a folder is listed.
        """
        for root in self.roots:
            yield from self._visit_folders(self._rules.make_root_scope(root), cancel_event, on_folder)

    def visit_tree(self, top_folder: Path, cancel_event: Cancel | None) -> Iterator[VisitedFolder | Skipped]:
        """Yield `top_folder` and each folder below it that no rule excludes, with its files; Skipped if unreadable."""
        start = self.find_unentered_scope(top_folder)
        if start is not None:
            yield from self._visit_folders(start, cancel_event)

    def visit_again(
        self, folders: Iterable[Path], is_known: Callable[[str], bool], on_folder: Callable[[str], None]
    ) -> Iterator[VisitedFolder | Skipped]:
        """Yield these folders, and those below them that are not `is_known`, with their files; no excluded ones."""
        for folder in folders:
            start = self.find_unentered_scope(folder)
            if start is not None:
                yield from self._visit_folders(start, None, on_folder, is_known)

    def find_scope(self, folder: Path, scopes: dict[Path, IgnoreScope | None] | None = None) -> IgnoreScope | None:
        """Return the rules in force in a folder, cached in `scopes`; None if it is in no root or excluded.

        Several calls may share `scopes`.
        """
        scopes = {} if scopes is None else scopes
        pending_folders: list[Path] = []
        while folder not in scopes and folder not in self.roots and folder.parent != folder:
            pending_folders.append(folder)
            folder = folder.parent
        if folder not in scopes:
            root_scope = self._rules.make_root_scope(folder) if folder in self.roots else None
            scopes[folder] = root_scope and self._rules.enter_scope(root_scope, list_entries(folder))
        scope = scopes[folder]
        for subfolder in reversed(pending_folders):
            unentered = scope and self._rules.make_child_scope(scope, subfolder.name)
            scopes[subfolder] = scope = unentered and self._rules.enter_scope(unentered, list_entries(subfolder))
        return scope

    def find_unentered_scope(self, folder: Path) -> IgnoreScope | None:
        """Return a folder's rules without its own ignore files; None if the walk doesn't reach it, as by a link."""
        if folder in self.roots:
            return self._rules.make_root_scope(folder)
        scope = self.find_scope(folder.parent)
        return None if scope is None or folder.is_symlink() else self._rules.make_child_scope(scope, folder.name)

    def _visit_folders(
        self,
        start: IgnoreScope,
        cancel_event: Cancel | None,
        on_folder: Callable[[str], None] = lambda _: None,
        is_known: Callable[[str], bool] = lambda _: False,
    ) -> Iterator[VisitedFolder | Skipped]:
        """Yield the folders from `start` on, until cancelled; Skipped for unreadable ones and linked worktrees.

        Below `start`, folders that are known are left out, with all below them.
        """
        pending_scopes = [start]
        while pending_scopes and not (cancel_event is not None and cancel_event.is_set()):
            unentered = pending_scopes.pop()
            on_folder(str(unentered.path))
            try:
                entries = list_folder(unentered.path)
            except OSError as error:
                if unentered is start or not isinstance(error, FileNotFoundError | NotADirectoryError):
                    yield skip_unreadable(unentered.path, error)
                continue
            entry_names = {entry.name for entry in entries}
            scope = self._rules.enter_scope(unentered, entry_names)
            if scope is None:
                if GIT_ENTRY in entry_names and self._rules.is_other_worktree(unentered):
                    yield Skipped(unentered.path, _WORKTREE_REASON)
                continue
            folders, files = separate_entries(entries)
            yield VisitedFolder(scope, files)
            for folder in reversed(folders):
                child_scope = self._rules.make_child_scope(scope, folder.name)
                is_left_out = child_scope is None or child_scope.path in self.roots or is_known(str(child_scope.path))
                if child_scope is not None and not is_left_out:
                    pending_scopes.append(child_scope)
