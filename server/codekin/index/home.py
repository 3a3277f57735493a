"""Where the index of a workspace lives, and all that another process needs to work on it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.settings import Settings


@dataclass(frozen=True, slots=True)
class Home:
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

    @property
    def lock(self) -> Path:
        """Held by the one process that keeps the store like the disk."""
        return self._named(".lock")

    @property
    def vectors(self) -> Path:
        """The SQLite file shared by all workspaces of this user."""
        return self.settings.cache_directory / "vectors.sqlite"

    def _named(self, suffix: str) -> Path:
        # The folder's name is for a person who looks into the cache; the digest tells two of that name apart.
        digest = hashlib.blake2b("\n".join(map(str, self.roots)).encode("utf-8", "surrogateescape"), digest_size=8)
        name = re.sub(r"[^\w.-]", "_", self.roots[0].name)[:40] if self.roots else "empty"
        return self.settings.cache_directory / "workspaces" / f"{name}-{digest.hexdigest()}{suffix}"


def home(roots: Sequence[Path], settings: Settings) -> Home:
    """The home of the workspace with these roots, in whatever order they come."""
    return Home(tuple(sorted({root.resolve() for root in roots})), settings)
