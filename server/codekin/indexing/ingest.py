"""Files on their way into the store: read, cut into snippets, new contents embedded and split to words.

What costs is done once per content: one that has a vector, or is in the store, is only pointed to.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from codekin.code.fingerprints import make_fingerprints
from codekin.code.line_hashes import choose_split_points, hash_content_lines
from codekin.code.lines import hash_content
from codekin.code.words import find_compound_identifiers, split_words
from codekin.embed.embedder import Embedder
from codekin.errors import ContentGoneError, StoreClosingError
from codekin.storage.rows import FileRecord, FileState, SnippetRecord
from codekin.storage.skipped_files import TRY_AGAIN, stamp_of
from codekin.storage.store import Store
from codekin.storage.vector_store import Vectors, VectorStore
from codekin.types import Cancel, Retry, Role, Skipped, Snippet, Task
from codekin.vectors.continuation_vectors import continuation_space, embed_continuations
from codekin.workspace.workspace import Document, SourceFile, Workspace, snippets_of

log = logging.getLogger(__name__)

_EMBEDDED = 256  # contents at a time: some 20 ms, so that closing the index need not wait for more
_WORDS = 512  # per content; what follows says little that is new and costs full text and time


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What is to be written, and what making it took."""

    records: tuple[FileRecord, ...]
    gone: tuple[Path, ...]  # nothing to index there any more
    skipped: tuple[Skipped, ...]
    embedded: int  # contents
    reused: int


class Ingester:
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
        self._continuing = continuation_space(embedder)

    def interrupt(self) -> None:
        """Have `prepare` end soon, with StoreClosingError."""
        self._store.interrupt()
        self._vectors.interrupt()

    def _raise_if_stopped(self) -> None:
        self._store.raise_if_interrupted()
        if self._cancel is not None and self._cancel.is_set():
            raise StoreClosingError("Indexing was cancelled.")

    def ingest_files(self, paths: Iterable[Path], anew: Collection[Path] = ()) -> IngestResult:
        """The files as they are now. Those in `anew` are taken apart again even where their text is the stored one."""
        documents: list[Document] = []
        records: list[FileRecord] = []
        gone: list[Path] = []
        skipped: list[Skipped] = []
        for path in paths:
            self._raise_if_stopped()
            document = self._workspace.read_document(path)
            if not isinstance(document, Document):
                gone.append(path)
                skipped += [document] if document else []
                continue
            known = self._store.file_state(path)
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
        return IngestResult((*records, *made), tuple(gone), tuple(skipped), embedded, reused)

    def _take_in(self, found: Sequence[tuple[Document, list[Snippet]]]) -> tuple[list[FileRecord], int, int]:
        contents = {hash_content(snippet.text): snippet for _, snippets in found for snippet in snippets}
        missing = list(contents.keys() - self._vectors.hashes_with_vector(self.space, list(contents)))
        # First the continuations': who sees a content's vector looks for them once.
        self._embed_continuations({key: snippet for key, snippet in contents.items() if snippet.borders})
        if missing:
            rows = self._in_parts([contents[key] for key in missing], self._embed_contents)
            self._vectors.put_vectors(self.space, missing, rows)
        known = self._store.known_hashes(list(contents))
        new = {key: self._matter(snippet) for key, snippet in contents.items() if key not in known}
        records = [
            FileRecord(document.path, document.language, _state(document), tuple(_row(s, new) for s in snippets))
            for document, snippets in found
        ]
        return records, len(missing), len(contents) - len(missing)

    def _embed_continuations(self, functions: Mapping[bytes, Snippet]) -> None:
        missing = list(functions.keys() - self._vectors.hashes_with_vector(self._continuing, list(functions)))
        if missing:
            rows = self._in_parts(
                [functions[key] for key in missing], partial(embed_continuations, embedder=self._embedder)
            )
            self._vectors.put_vectors(self._continuing, missing, rows)

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
        found = make_fingerprints(snippet.text, snippet.language)
        going_on = hash_content_lines(snippet.text, snippet.language, choose_split_points(snippet.borders))
        return _Matter(_words(snippet), found.pack() if found else None, going_on.pack())


def put_prepared(
    store: Store, preparer: Ingester, prepared: IngestResult, anew: Collection[Path] = (), *, collect: bool = True
) -> None:
    """Write what was prepared into the store; what another writer has made untrue meanwhile is prepared again."""
    records = prepared.records
    while True:
        try:
            store.replace_files(records, collect=collect)
            break
        except ContentGoneError:  # another file lost a content that these only point to
            records = preparer.ingest_files([record.path for record in records], anew).records
    store.remove_files(prepared.gone, collect=collect)


def left_out(
    verdicts: Mapping[Path, SourceFile | Skipped | None], prepared: IngestResult
) -> dict[Skipped, tuple[int, int]]:
    """What was left out of some paths, with its size and mtime_ns, as a scan would say it."""
    told = {verdict: TRY_AGAIN for verdict in verdicts.values() if isinstance(verdict, Skipped)}
    files = {path: (file.size, file.mtime_ns) for path, file in verdicts.items() if isinstance(file, SourceFile)}
    told |= {item: stamp_of(item, files) for item in prepared.skipped}
    return told


def _state(document: Document) -> FileState:
    return FileState(document.size, document.mtime_ns, document.hash, document.overlay)


@dataclass(frozen=True, slots=True)
class _Matter:
    """What the store keeps of a content; nothing where it has the content."""

    words: str | None = None
    structure: bytes | None = None
    course: bytes | None = None


def _row(snippet: Snippet, new: Mapping[bytes, _Matter]) -> SnippetRecord:
    key = hash_content(snippet.text)
    place = (snippet.name, snippet.qualified_name, snippet.kind, snippet.span, snippet.name_line, snippet.part)
    matter = new.get(key, _Matter())
    return SnippetRecord(*place, key, matter.words, matter.structure, matter.course)


def _words(snippet: Snippet) -> str:
    """What full-text search finds a content by: its words, and whole identifiers beside their parts, each once.

    How often a word is repeated says less than that it is there: without repeats BM25 ranked better on three of four
    sets, in half the room. Of the text alone: a content may stand under several names.
    """
    found = split_words(snippet.text)[:_WORDS] + find_compound_identifiers(snippet.text)[:_WORDS]
    return " ".join(dict.fromkeys(found))
