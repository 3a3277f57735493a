"""Where the index of a workspace lives, and all that another process needs to work on it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codekin.isolation import distrust
from codekin.settings import Settings


@dataclass(frozen=True, slots=True)
class IndexPaths:
    """The files of one workspace's index; the vectors are every workspace's."""

    roots: tuple[Path, ...]  # resolved
    settings: Settings

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self._named(".sqlite")

    @property
    def graph(self) -> Path:
        """The HNSW file; its side-car stands beside it."""
        return self._named(".hnsw")

    def graph_path(self, space: str) -> Path:
        """The HNSW file of a space other than the embedded model's."""
        return self._named(f".{_digest(space)}.hnsw")

    def embedding_lock(self, space: str) -> Path:
        """The lock held by the one process that makes the vectors of such a space."""
        return self._named(f".{_digest(space)}.lock")

    @property
    def lock(self) -> Path:
        """Held by the one process that keeps the store like the disk."""
        return self._named(".lock")

    @property
    def models(self) -> Path:
        """What the processes that hold heavy models leave for those who ask them."""
        return self.settings.cache_directory / "models"

    @property
    def vectors(self) -> Path:
        """The SQLite file shared by all workspaces of this user."""
        return self.settings.cache_directory / "vectors.sqlite"

    def _named(self, suffix: str) -> Path:
        # The folder's name is for a person who looks into the cache; the digest tells two of that name apart.
        digest = hashlib.blake2b("\n".join(map(str, self.roots)).encode("utf-8", "surrogateescape"), digest_size=8)
        name = re.sub(r"[^\w.-]", "_", self.roots[0].name)[:40] if self.roots else "empty"
        return self.settings.cache_directory / "workspaces" / f"{name}-{digest.hexdigest()}{suffix}"


def _digest(space: str) -> str:
    return hashlib.blake2b(space.encode(), digest_size=6).hexdigest()


def locate_index(roots: Sequence[Path], settings: Settings) -> IndexPaths:
    """The home of the workspace with these roots, in whatever order they come.

    Its settings name the cache directory in full, for other processes run in another folder.
    """
    directory = str(settings.cache_directory.absolute())
    settings = replace(settings, cache=replace(settings.cache, directory=directory))
    resolved = tuple(sorted({root.resolve() for root in roots}))
    distrust([str(root) for root in resolved])
    return IndexPaths(resolved, settings)
