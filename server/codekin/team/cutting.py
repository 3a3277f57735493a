"""What workers do: cut blobs into snippets, and embed texts. Plain functions, for any kind of worker process."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from codekin.code.lines import hash_content
from codekin.embed.embedder import Embedder
from codekin.embed.factory import connect_heavy_model, has_heavy_model, load_light_model
from codekin.settings import IndexSettings, ModelSettings
from codekin.team.git_repository import RepositoryClone, TreeFile
from codekin.team.keyring import Keyring, make_key
from codekin.types import Role, Snippet, Task
from codekin.workspace.documents import (
    Document,
    check_code_size,
    decode_text,
    find_generated_reason,
    get_size_limit,
    make_document,
    snippets_of,
)
from codekin.workspace.ignore import IgnoreRules, IgnoreScope, Verdict
from codekin.workspace.language_rules import LanguageRules
from codekin.workspace.secret_files import REASON as SECRET_REASON
from codekin.workspace.secret_files import has_secret_name, holds_secrets

logger = logging.getLogger(__name__)

CUTTING_VERSION = 1  # of the snippets that a blob has; a higher one has all blobs cut again
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_TEXTS_PER_CALL = 256


@dataclass(frozen=True, slots=True)
class BlobFile:
    """A blob to cut, at one of its paths."""

    key: str
    blob: str
    path: str


@dataclass(frozen=True, slots=True)
class CutBlob:
    """A blob's snippets, or why it has none."""

    key: str
    snippets: tuple[tuple[bytes, Snippet], ...]  # with the hash of their texts
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """What is stored of texts."""

    vectors: NDArray[np.float16]
    words: list[tuple[tuple[int, ...], float]]  # hashed, with their weight


class TreeFilter:
    """Chooses the files of a tree that codekin would index on a disk, by names alone."""

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings
        self._rules = IgnoreRules(settings)
        self._language_rules = LanguageRules(settings.languages)
        self._scopes: dict[PurePosixPath, IgnoreScope | None] = {
            PurePosixPath("."): IgnoreScope(Path("/"), "", Verdict.KEPT, (), ())
        }

    def keeps(self, file: TreeFile) -> bool:
        """Return whether codekin would index the file, by name, size and default ignore rules; secrets are left out."""
        path = PurePosixPath(file.path)
        if not self._language_rules.may_be_source(Path(file.path)) or has_secret_name(Path("/", file.path)):
            return False
        if file.size > get_size_limit(Path(file.path), self._settings.max_file_bytes):
            return False
        scope = self._find_scope(path.parent)
        return scope is not None and self._rules.classify_entry(scope, path.name, is_folder=False) in (
            Verdict.KEPT,
            Verdict.INCLUDED,
        )

    def _find_scope(self, folder: PurePosixPath) -> IgnoreScope | None:
        """Return the ignore rules that hold in a folder, cached; None where the folder is ignored."""
        if folder not in self._scopes:
            parent = self._find_scope(folder.parent)
            self._scopes[folder] = self._rules.make_child_scope(parent, folder.name) if parent else None
        return self._scopes[folder]


def make_blob_key(file: TreeFile) -> str:
    """Return the key of a blob's snippets: a hash of its object id, the file's extension and the cutting's version."""
    path = PurePosixPath(file.path)
    return make_key(file.blob, path.suffix.lower() or path.name, CUTTING_VERSION)


def cut_blobs(repository: RepositoryClone, files: Sequence[BlobFile], settings: IndexSettings) -> list[CutBlob]:
    """Read these blobs in the clone and cut each into snippets, or say why it has none. Raises QueryError."""
    contents = repository.read_blobs([file.blob for file in files])
    rules = LanguageRules(settings.languages)
    return [_cut_blob(file, contents.get(file.blob), settings, rules) for file in files]


def _cut_blob(file: BlobFile, content: bytes | None, settings: IndexSettings, rules: LanguageRules) -> CutBlob:
    """Cut a blob's bytes into snippets, or give the reason why it has none; unexpected errors are logged."""
    if content is None:
        return CutBlob(file.key, (), "missing in this clone")
    try:
        document = _make_document(Path("/", file.path), content, settings, rules)
        if isinstance(document, str):
            return CutBlob(file.key, (), document)
        return CutBlob(file.key, tuple((hash_content(snippet.text), snippet) for snippet in snippets_of(document)))
    except Exception:  # a bug in codekin or in a grammar must cost one file, not the ingest
        logger.exception("A file can't be cut into snippets; please report it")
        return CutBlob(file.key, (), "codekin failed on it")


def _make_document(path: Path, content: bytes, settings: IndexSettings, rules: LanguageRules) -> Document | str:
    """Decode a blob into a document, or return the reason why it is skipped, by the rules of local files."""
    if content.startswith(_LFS_POINTER):
        return "a pointer to Git LFS"
    text = decode_text(content)
    if text is None:
        return "binary"
    document = make_document(path, text, None, rules)
    if document is None:
        return "no source code"
    document = check_code_size(document, settings.max_file_bytes) or document
    if not isinstance(document, Document):
        return document.reason
    if holds_secrets(path, document.text):
        return SECRET_REASON
    return find_generated_reason(document.text, document.language) or document


def load_team_embedder(settings: ModelSettings) -> Embedder:
    """Return a shared index's embedder: a connection to the large model that settings name, else the built-in one.

    Raises ModelError.
    """
    if not has_heavy_model(settings):
        return load_light_model(settings)
    from codekin.settings import Settings

    return connect_heavy_model(settings, Settings().cache_directory / "models", None).bulk


class TextEmbedder:
    """Turns texts into what is stored of them. Made once in each worker."""

    def __init__(self, settings: ModelSettings, key: bytes) -> None:
        """Load the model of the settings; `key` is the team's, for hashing words. Raises ModelError."""
        self._embedder = load_team_embedder(settings)
        self._keyring = Keyring(key)

    def embed_texts(self, texts: Sequence[str]) -> EmbeddedTexts:
        """Return the texts' float16 vectors and, hashed with the team's key, words with weights. Raises ModelError."""
        vectors = np.concatenate(list(self._embed_in_batches(texts)))
        return EmbeddedTexts(vectors, [self._keyring.hash_text(text) for text in texts])

    def _embed_in_batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.float16]]:
        """Yield the vectors of at most 256 texts at a time, float16."""
        for start in range(0, len(texts), _TEXTS_PER_CALL):
            batch = texts[start : start + _TEXTS_PER_CALL]
            yield self._embedder.embed(batch, Task.CODE2CODE, Role.PASSAGE).astype(np.float16)
