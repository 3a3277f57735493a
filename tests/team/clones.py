"""Clones to ingest, and an ingest in this process."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from codekin.embed.embedder import Embedder
from codekin.embed.factory import load_light_model
from codekin.settings import IndexSettings, ModelSettings
from codekin.team.catalogue import Catalogue
from codekin.team.cutting import BlobFile, CutBlob, EmbeddedTexts, TextEmbedder, cut_blobs
from codekin.team.git_repository import RepositoryClone, find_repositories
from codekin.team.ingest import ingest_repositories
from codekin.team.keyring import Keyring
from codekin.team.repository_update import IngestContext, IngestSummary
from codekin.team.shared_index import SharedIndex
from codekin.types import Task

KEYRING = Keyring(b"k" * 32)
EMBEDDER: Embedder = load_light_model(ModelSettings())
SPACE = EMBEDDER.space(Task.CODE2CODE)

_GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, and return what it prints."""
    return subprocess.run([*_GIT, "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
    """Write files (None removes) and commit them, making the repository where it is missing; return the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


class LocalWorkers:
    """Workers in this process, which count what they do."""

    def __init__(self) -> None:
        self.cut_paths: list[str] = []
        self.embedded_texts: list[str] = []
        self._embedder = TextEmbedder(ModelSettings(), KEYRING.key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cut(self, repository: RepositoryClone, batches: Iterable[Sequence[BlobFile]]) -> Iterator[list[CutBlob]]:
        for batch in batches:
            self.cut_paths += [file.path for file in batch]
            yield cut_blobs(repository, batch, IndexSettings())

    def embed(self, batches: Iterable[Sequence[str]]) -> Iterator[tuple[int, EmbeddedTexts]]:
        for number, texts in enumerate(batches):
            self.embedded_texts += texts
            yield number, self._embedder.embed_texts(texts)


def ingest(index: SharedIndex, source: Path, workers: LocalWorkers | None = None) -> list[IngestSummary]:
    """Ingest the clones below a folder into an index, in this process."""
    catalogue = Catalogue(index)
    catalogue.check(KEYRING, create=True)
    catalogue.open_space(SPACE, EMBEDDER.dim)
    context = IngestContext(catalogue, KEYRING, SPACE, workers or LocalWorkers(), IndexSettings())
    return list(ingest_repositories(context, find_repositories(source)))
