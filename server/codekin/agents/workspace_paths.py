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

    def resolve(self, text: str) -> Path:
        """Return the absolute path, links resolved, that a client's path means. Raises QueryError outside the roots."""
        if not text.strip() or len(text) > _MAX_PATH_CHARACTERS or "\0" in text:
            raise QueryError(
                "The path is empty, too long or not valid. Name a file of the workspace, as in src/app.py."
            )
        inside = [path for path in map(_real_path, self._list_candidates(text)) if self._is_inside(path)]
        if not inside:
            raise QueryError(
                f"{text} is outside the workspace ({', '.join(map(str, self._roots))}). Name a path inside it."
            )
        return next((path for path in inside if os.path.lexists(path)), inside[0])

    def to_text(self, path: Path) -> str:
        """Return the path as clients see it: relative to its root, with /; of several roots, after the root's name."""
        root = self._find_root(path)
        if root is None:
            return str(path)
        relative_path = path.relative_to(root).as_posix()
        return relative_path if len(self._roots) == 1 else f"{root.name}/{relative_path}"

    def to_root_text(self, path: Path) -> str:
        """Return the path relative to its root, with /; the absolute path where it is outside."""
        root = self._find_root(path)
        return path.relative_to(root).as_posix() if root else str(path)

    def _find_root(self, path: Path) -> Path | None:
        """Return the root that the path is in; None where it is outside."""
        return next((root for root in self._roots if path.is_relative_to(root)), None)

    def _list_candidates(self, text: str) -> list[Path]:
        """Return the absolute paths that a client's path may mean, below a named root first."""
        path = Path(text)
        if path.is_absolute():
            return [path]
        named_roots = [root for root in self._roots if len(self._roots) > 1 and path.parts[:1] == (root.name,)]
        return [*(root.joinpath(*path.parts[1:]) for root in named_roots), *(root / path for root in self._roots)]

    def _is_inside(self, path: Path) -> bool:
        """Return whether the path is below a root, or is one."""
        return any(path.is_relative_to(root) for root in self._roots)


def to_folder(uri: str) -> Path | None:
    """Return the folder of a root's `file:` URI; None if it is no existing folder on this machine."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or "\0" in unquote(parts.path):
        return None
    folder = _real_path(Path(url2pathname(parts.path)))
    return folder if folder.is_absolute() and folder.is_dir() else None


def _real_path(path: Path) -> Path:
    """Return the path with its links resolved."""
    return Path(os.path.realpath(path))
