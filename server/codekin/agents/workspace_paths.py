"""Paths as agents write and read them: relative to the workspace, and never outside it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from codekin.errors import QueryError

_MAX_PATH_CHARACTERS = 4_096


@dataclass(frozen=True, slots=True)
class WorkspaceChoice:
    """Which folder is the workspace."""

    fixed_root: Path | None  # whatever clients say
    default_root: Path | None  # where the client names none


class WorkspacePaths:
    """Converts between a client's paths and those of the disk."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """`roots` are absolute, with their links resolved."""
        self._roots = tuple(roots)

    def resolve(self, path_text: str) -> Path:
        """Return the absolute path, links resolved, of a client's path, no URI. Raises QueryError outside the roots."""
        if not path_text.strip() or len(path_text) > _MAX_PATH_CHARACTERS or "\0" in path_text:
            raise QueryError(
                "The path is empty, too long or not valid. Name a file of the workspace, as in src/app.py."
            )
        inside_paths = [
            candidate for candidate in map(_real_path, self._list_candidates(path_text)) if self._is_inside(candidate)
        ]
        if not inside_paths:
            raise QueryError(
                f"{path_text} is outside the workspace ({', '.join(map(str, self._roots))}). Name a path inside it."
            )
        return next((candidate for candidate in inside_paths if os.path.lexists(candidate)), inside_paths[0])

    def to_text(self, absolute_path: Path) -> str:
        """Return the path as clients see it: relative to its root, with /; of several roots, after the root's name."""
        workspace_root = self._find_root(absolute_path)
        if workspace_root is None:
            return str(absolute_path)
        relative_path = absolute_path.relative_to(workspace_root).as_posix()
        return relative_path if len(self._roots) == 1 else f"{workspace_root.name}/{relative_path}"

    def to_root_text(self, absolute_path: Path) -> str:
        """Return the path relative to its root, with /; the absolute path where it is outside."""
        workspace_root = self._find_root(absolute_path)
        return absolute_path.relative_to(workspace_root).as_posix() if workspace_root else str(absolute_path)

    def _find_root(self, absolute_path: Path) -> Path | None:
        """Return the root that the path is in; None where it is outside."""
        return next((root for root in self._roots if absolute_path.is_relative_to(root)), None)

    def _list_candidates(self, path_text: str) -> list[Path]:
        """Return the absolute paths that a client's path may mean, below a named root first."""
        client_path = Path(path_text)
        if client_path.is_absolute():
            return [client_path]
        named_roots = [root for root in self._roots if len(self._roots) > 1 and client_path.parts[:1] == (root.name,)]
        return [
            *(root.joinpath(*client_path.parts[1:]) for root in named_roots),
            *(root / client_path for root in self._roots),
        ]

    def _is_inside(self, absolute_path: Path) -> bool:
        """Return whether the path is below a root, or is one."""
        return any(absolute_path.is_relative_to(root) for root in self._roots)


def to_folder(root_uri: str) -> Path | None:
    """Return the folder of a root's `file:` URI; None if it is no existing folder on this machine."""
    uri_parts = urlsplit(root_uri)
    if uri_parts.scheme != "file" or uri_parts.netloc not in ("", "localhost") or "\0" in unquote(uri_parts.path):
        return None
    root_folder = _real_path(Path(url2pathname(uri_parts.path)))
    return root_folder if root_folder.is_absolute() and root_folder.is_dir() else None


def _real_path(path: Path) -> Path:
    """Return the path with its links resolved."""
    return Path(os.path.realpath(path))
