"""Files on their way into the store: read, cut into snippets, new contents embedded and split to words.

What costs is done once per content: one that has a vector, or is in the store, is only pointed to.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from codekin.code.continuations import course, few
from codekin.code.structure import structure
from codekin.code.words import identifiers, words
from codekin.embed.embedder import Embedder
from codekin.errors import ContentGoneError, StoreClosingError
from codekin.index.passages import passages, space
from codekin.index.records import FileRecord, FileState, SnippetRecord
from codekin.index.skipped import TRY_AGAIN, stamp_of
from codekin.index.store import Store
from codekin.index.vector_store import Vectors, VectorStore
from codekin.index.workspace import Document, SourceFile, Workspace, snippets_of
from codekin.types import Cancel, Retry, Role, Skipped, Snippet, Task

log = logging.getLogger(__name__)

_EMBEDDED = 256  # contents at a time: some 20 ms, so that closing the index need not wait for more
_WORDS = 512  # per content; what follows says little that is new and costs full text and time


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be written, and what making it took."""

    records: tuple[FileRecord, ...]
    gone: tuple[Path, ...]  # nothing to index there any more
    skipped: tuple[Skipped, ...]
    embedded: int  # contents
    reused: int


class Preparer:
    """Makes records. Asks the store, never writes it; writes vectors.

    That order makes every crash harmless: a vector without a content is found again, the other way is never seen.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        vectors: VectorStore,
        embedder: Embedder,
        cancel: Cancel | None = None,
    ) -> None:
        """`cancel` ends `prepare` early, as `interrupt` does."""
        self._workspace = workspace
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._cancel = cancel
        self.space = embedder.space(Task.CODE2CODE)
        self._continuing = space(embedder)

    def interrupt(self) -> None:
        """Have `prepare` end soon, with StoreClosingError."""
        self._store.interrupt()
        self._vectors.interrupt()

    def _raise_if_stopped(self) -> None:
        self._store.raise_if_interrupted()
        if self._cancel is not None and self._cancel.is_set():
            raise StoreClosingError("Indexing was cancelled.")

    def prepare(self, paths: Iterable[Path], anew: Collection[Path] = ()) -> Prepared:
        """The files as they are now. Those in `anew` are taken apart again even where their text is the stored one."""
        documents: list[Document] = []
        records: list[FileRecord] = []
        gone: list[Path] = []
        skipped: list[Skipped] = []
        for path in paths:
            self._raise_if_stopped()
            document = self._workspace.read(path)
            if not isinstance(document, Document):
                gone.append(path)
                skipped += [document] if document else []
                continue
            known = self._store.state(path)
            if known is not None and known.hash == document.hash and path not in anew:
                records.append(FileRecord(path, document.language, _state(document), None))
            else:
                documents.append(document)
        found: list[tuple[Document, list[Snippet]]] = []
        for document in documents:
            self._raise_if_stopped()
            try:
                found.append((document, snippets_of(document)))
            except MemoryError:
                gone.append(document.path)
                skipped.append(Skipped(document.path, "there was no memory left for it", retry=Retry.ALONE))
            except Exception:  # a fault of ours, or of a grammar, must cost one file and not the index
                log.exception("%s can't be cut into snippets; please report it", document.path)
                gone.append(document.path)
                skipped.append(Skipped(document.path, "codekin failed on it; the log has the details"))
        made, embedded, reused = self._take_in(found)
        return Prepared((*records, *made), tuple(gone), tuple(skipped), embedded, reused)

    def _take_in(self, found: Sequence[tuple[Document, list[Snippet]]]) -> tuple[list[FileRecord], int, int]:
        contents = {content_hash(snippet.text): snippet for _, snippets in found for snippet in snippets}
        missing = list(contents.keys() - self._vectors.having(self.space, list(contents)))
        # First the continuations': who sees a content's vector looks for them once.
        self._embed_continuations({key: snippet for key, snippet in contents.items() if snippet.borders})
        if missing:
            rows = self._in_parts([contents[key] for key in missing], self._embed_contents)
            self._vectors.put(self.space, missing, rows)
        known = self._store.known(list(contents))
        new = {key: self._matter(snippet) for key, snippet in contents.items() if key not in known}
        records = [
            FileRecord(document.path, document.language, _state(document), tuple(_row(s, new) for s in snippets))
            for document, snippets in found
        ]
        return records, len(missing), len(contents) - len(missing)

    def _embed_continuations(self, functions: Mapping[bytes, Snippet]) -> None:
        missing = list(functions.keys() - self._vectors.having(self._continuing, list(functions)))
        if missing:
            rows = self._in_parts([functions[key] for key in missing], partial(passages, embedder=self._embedder))
            self._vectors.put(self._continuing, missing, rows)

    def _embed_contents(self, snippets: Sequence[Snippet]) -> Vectors:
        return self._embedder.embed([snippet.text for snippet in snippets], Task.CODE2CODE, Role.PASSAGE)

    def _in_parts(self, snippets: Sequence[Snippet], embed: Callable[[Sequence[Snippet]], Vectors]) -> Vectors:
        """The rows of all snippets. Raises StoreClosingError between two parts where the index is being closed."""
        parts = []
        for i in range(0, len(snippets), _EMBEDDED):
            self._raise_if_stopped()
            parts.append(embed(snippets[i : i + _EMBEDDED]))
        return np.concatenate(parts)

    def _matter(self, snippet: Snippet) -> "_Matter":
        self._raise_if_stopped()
        found = structure(snippet.text, snippet.language)
        going_on = course(snippet.text, snippet.language, few(snippet.borders))
        return _Matter(_words(snippet), found.packed() if found else None, going_on.packed())


def put_prepared(
    store: Store, preparer: Preparer, prepared: Prepared, anew: Collection[Path] = (), *, collect: bool = True
) -> None:
    """Write what was prepared into the store; what another writer has made untrue meanwhile is prepared again."""
    records = prepared.records
    while True:
        try:
            store.replace(records, collect=collect)
            break
        except ContentGoneError:  # another file lost a content that these only point to
            records = preparer.prepare([record.path for record in records], anew).records
    store.remove(prepared.gone, collect=collect)


def left_out(
    verdicts: Mapping[Path, SourceFile | Skipped | None], prepared: Prepared
) -> dict[Skipped, tuple[int, int]]:
    """What was left out of some paths, with its size and mtime_ns, as a scan would say it."""
    told = {verdict: TRY_AGAIN for verdict in verdicts.values() if isinstance(verdict, Skipped)}
    files = {path: (file.size, file.mtime_ns) for path, file in verdicts.items() if isinstance(file, SourceFile)}
    told |= {item: stamp_of(item, files) for item in prepared.skipped}
    return told


def content_hash(text: str) -> bytes:
    """The key of a snippet's canonical text: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _state(document: Document) -> FileState:
    return FileState(document.size, document.mtime_ns, document.hash, document.overlay)


@dataclass(frozen=True, slots=True)
class _Matter:
    """What the store keeps of a content; nothing where it has the content."""

    words: str | None = None
    structure: bytes | None = None
    course: bytes | None = None


def _row(snippet: Snippet, new: Mapping[bytes, _Matter]) -> SnippetRecord:
    key = content_hash(snippet.text)
    place = (snippet.name, snippet.qualified_name, snippet.kind, snippet.span, snippet.name_line, snippet.part)
    matter = new.get(key, _Matter())
    return SnippetRecord(*place, key, matter.words, matter.structure, matter.course)


def _words(snippet: Snippet) -> str:
    """What full-text search finds a content by: its words, and whole identifiers beside their parts, each once.

    How often a word is repeated says less than that it is there: without repeats BM25 ranked better on three of four
    sets, in half the room. Of the text alone: a content may stand under several names.
    """
    found = words(snippet.text)[:_WORDS] + identifiers(snippet.text)[:_WORDS]
    return " ".join(dict.fromkeys(found))
