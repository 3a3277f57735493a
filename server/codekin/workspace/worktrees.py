"""Finds the same file in other checkouts of a repository, where a workspace has several of its worktrees as roots."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from codekin.workspace.repository import find_exclude_file


class Worktrees:
    """The roots of a workspace, grouped by the repository that they are checkouts of; Git's files are read once."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = sorted(roots, key=lambda root: -len(root.parts))  # an inner one before those around it

    @cached_property
    def _repositories(self) -> dict[Path, Path]:
        """Return root → a path that all worktrees of its repository, and no other roots, share; cached."""
        return {root: find_exclude_file(root) for root in self._roots} if len(self._roots) > 1 else {}

    def find_other_checkouts(self, file_path: Path) -> frozenset[Path]:
        """Return the file's paths in other worktrees of its repository, existing or not; empty outside of any root."""
        root = next((root for root in self._repositories if file_path.is_relative_to(root)), None)
        if root is None:
            return frozenset()
        return frozenset(
            other_root / file_path.relative_to(root)
            for other_root, repository in self._repositories.items()
            if other_root != root and repository == self._repositories[root]
        )
