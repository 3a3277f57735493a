"""Finds the same file in other checkouts of a repository, where a workspace has several of its worktrees as roots."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from codekin.workspace.repository import find_enclosing_folders, find_exclude_file


class _Checkout(NamedTuple):
    """The worktree that a root is, or is in."""

    top: Path  # its topmost folder; the root itself outside of any repository
    repository: Path  # a path that all worktrees of its repository share, and no others


class Worktrees:
    """The roots of a workspace, each with the worktree that it is, or is in; Git's files are read once."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = sorted(roots, key=lambda root: -len(root.parts))  # an inner one before those around it

    @cached_property
    def _checkouts(self) -> dict[Path, _Checkout]:
        """Return root → its checkout, inner roots first; cached. Empty for a single root: nothing is read."""
        return {root: _find_checkout(root) for root in self._roots} if len(self._roots) > 1 else {}

    def find_other_checkouts(self, file_path: Path) -> frozenset[Path]:
        """Return the file's paths in the roots' other worktrees of its repository, existing or not; often none.

        None where no other root is in another worktree, and for a file outside of the roots.
        """
        checkout = next(
            (checkout for root, checkout in self._checkouts.items() if file_path.is_relative_to(root)), None
        )
        if checkout is None:
            return frozenset()
        return frozenset(
            other_top / file_path.relative_to(checkout.top)
            for other_top, repository in self._checkouts.values()
            if other_top != checkout.top and repository == checkout.repository
        )


def _find_checkout(root: Path) -> _Checkout:
    """Return the worktree around the root, by the `.git` files above it."""
    enclosing_folders = find_enclosing_folders(root)
    top = enclosing_folders[0][0] if enclosing_folders else root
    return _Checkout(top, find_exclude_file(top))
