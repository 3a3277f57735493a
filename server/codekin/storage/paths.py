"""Paths of a workspace's index, and all that another process needs to work on it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codekin.isolation import distrust_folders
from codekin.settings import Settings


@dataclass(frozen=True, slots=True)
class IndexPaths:
    """Paths of one workspace's index; the file of vectors is shared by all workspaces."""

    roots: tuple[Path, ...]  # resolved
    settings: Settings

    @property
    def store(self) -> Path:
        """Return the path of the workspace's SQLite file; nothing is created."""
        return self._path_with(".sqlite")

    @property
    def graph(self) -> Path:
        """Return the path of the light model's HNSW file; its side-car is beside it."""
        return self._path_with(".hnsw")

    def graph_path(self, space: str) -> Path:
        """Return the path of the HNSW file of a space other than the light model's."""
        return self._path_with(f".{_space_digest(space)}.hnsw")

    def embedding_lock(self, space: str) -> Path:
        """Return the path of the lock that the one process holds which embeds into this space."""
        return self._path_with(f".{_space_digest(space)}.lock")

    @property
    def image(self) -> Path:
        """Return the path of the file of the index's arrays, which processes map instead of reading the store."""
        return self._path_with(".image")

    @property
    def completion_image(self) -> Path:
        """Return the path of the file of completion's arrays (line hashes, continuations), which processes map."""
        return self._path_with(".completion.image")

    @property
    def lock(self) -> Path:
        """Return the path of the lock that the store's owner holds: it keeps the store in sync with the disk."""
        return self._path_with(".lock")

    @property
    def models(self) -> Path:
        """Return the folder in which heavy models' servers leave their addresses and logs."""
        return self.settings.cache_directory / "models"

    @property
    def vectors(self) -> Path:
        """Return the path of the SQLite file of vectors, which all workspaces of this user share."""
        return self.settings.cache_directory / "vectors.sqlite"

    def _path_with(self, suffix: str) -> Path:
        """Return the path of the workspace's file with this suffix, named by the first root and a digest of all."""
        # The name helps a person who looks into the cache; the digest distinguishes folders of the same name.
        digest = hashlib.blake2b("\n".join(map(str, self.roots)).encode("utf-8", "surrogateescape"), digest_size=8)
        name = re.sub(r"[^\w.-]", "_", self.roots[0].name)[:40] if self.roots else "empty"
        return self.settings.cache_directory / "workspaces" / f"{name}-{digest.hexdigest()}{suffix}"


def _space_digest(space: str) -> str:
    """Return 12 hexadecimal digits that identify a space in file names."""
    return hashlib.blake2b(space.encode(), digest_size=6).hexdigest()


def locate_index(roots: Sequence[Path], settings: Settings) -> IndexPaths:
    """Return the index paths of these roots, in any order; from now on, distrust PYTHONPATH entries inside them.

    The settings hold the absolute cache directory, because other processes run in another folder. Nothing is created.
    """
    cache_directory = str(settings.cache_directory.absolute())
    settings = replace(settings, cache=replace(settings.cache, directory=cache_directory))
    resolved_roots = tuple(sorted({root.resolve() for root in roots}))
    distrust_folders([str(root) for root in resolved_roots])
    return IndexPaths(resolved_roots, settings)
