"""Makes store records of files: reads them, cuts them into snippets, embeds new contents and splits them into words.

Expensive work is done once per content: one that has a vector, or is in the store, is only referred to.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codekin.code.fingerprints import make_fingerprints
from codekin.code.line_hashes import LineHashes, choose_split_points, hash_content_lines
from codekin.code.lines import hash_content
from codekin.code.words import list_distinct_words
from codekin.embed.embedder import Embedder
from codekin.errors import ContentGoneError, StoreClosingError
from codekin.storage.rows import FileRecord, FileState, SnippetRecord
from codekin.storage.skipped_files import TRY_AGAIN, stamp_of
from codekin.storage.store import Store
from codekin.storage.vector_store import StoredVectors, Vectors, VectorStore
from codekin.types import Cancel, Retry, Role, Skipped, Snippet, SnippetKind, Task
from codekin.vectors.continuation_vectors import continuation_space, embed_continuations, to_bytes
from codekin.workspace.workspace import Document, SourceFile, Workspace, snippets_of

logger = logging.getLogger(__name__)

_CONTENTS_PER_CALL = 256  # some 20 ms of embedding, so that closing the index need not wait for more
_MAX_WORDS = 512  # per content; later words add little, and cost full text and time


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Records to write into the store, and the work that making them took."""

    records: tuple[FileRecord, ...] = ()
    removed_paths: tuple[Path, ...] = ()  # there is nothing to index any more
    skipped: tuple[Skipped, ...] = ()
    embedded: int = 0  # contents
    reused: int = 0

    @property
    def file_count(self) -> int:
        """Return the number of files that were read: records and removed paths."""
        return len(self.records) + len(self.removed_paths)


@dataclass(frozen=True, slots=True)
class _ContentRecord:
    """Columns that the store keeps for a content; empty if the store has the content already."""

    words: str | None = None
    fingerprints: bytes | None = None
    line_hashes: bytes | None = None


@dataclass(slots=True)
class _ReadFiles:
    """Files sorted by what has to be done with them."""

    unchanged_records: list[FileRecord] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    removed_paths: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def skip_file(self, item: Skipped) -> None:
        """Add a skipped file; what the store has of it is to be removed."""
        self.removed_paths.append(item.path)
        self.skipped.append(item)


_Extracted = Sequence[tuple[Document, list[Snippet]]]


class Ingester:
    """Makes records of files; reads the store but never writes it, and writes vectors.

    That order makes every crash harmless: a vector without a content is reused later, the opposite never occurs.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        vectors: VectorStore,
        embedder: Embedder,
        cancel_event: Cancel | None = None,
    ) -> None:
        """Use these open files; `cancel_event` ends `ingest_files` early, as `interrupt` does."""
        self._workspace = workspace
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._cancel_event = cancel_event
        self.space = embedder.space(Task.CODE2CODE)
        self._continuation_space = continuation_space(embedder)

    def interrupt(self) -> None:
        """Make `ingest_files` end soon with StoreClosingError; closes the store and vectors to all calls."""
        self._store.interrupt()
        self._vectors.interrupt()

    def ingest_files(self, paths: Iterable[Path], forced_paths: Collection[Path] = ()) -> IngestResult:
        """Read, cut and embed files; return their records, not written, and write new vectors. Raises StoreError.

        Files in `forced_paths` are extracted again even if their text is the stored one; of others that are unchanged,
        the record has no snippets. Raises ModelError; StoreClosingError when interrupted or cancelled.
        """
        files = self._read_files(paths, forced_paths)
        extracted = self._extract_snippets(files)
        records, embedded_count, reused_count = self._make_records(extracted)
        return IngestResult(
            (*files.unchanged_records, *records),
            tuple(files.removed_paths),
            tuple(files.skipped),
            embedded_count,
            reused_count,
        )

    def _read_files(self, paths: Iterable[Path], forced_paths: Collection[Path]) -> _ReadFiles:
        """Read the files and sort them into unchanged, changed, removed and skipped. Raises StoreError."""
        files = _ReadFiles()
        for path in paths:
            self._raise_if_stopped()
            document = self._workspace.read_document(path)
            if not isinstance(document, Document):
                files.removed_paths.append(path)
                files.skipped += [document] if document else []
                continue
            stored_state = self._store.file_state(path)
            if stored_state is not None and stored_state.hash == document.hash and path not in forced_paths:
                files.unchanged_records.append(FileRecord(path, document.language, _to_file_state(document), None))
            else:
                files.documents.append(document)
        return files

    def _extract_snippets(self, files: _ReadFiles) -> _Extracted:
        """Return (document, snippets) per changed document; one on which that fails is added to the skipped ones."""
        extracted: list[tuple[Document, list[Snippet]]] = []
        for document in files.documents:
            self._raise_if_stopped()
            try:
                extracted.append((document, snippets_of(document)))
            except MemoryError:
                files.skip_file(Skipped(document.path, "there was no memory left for it", retry=Retry.ALONE))
            except Exception:  # a bug in codekin or in a grammar must cost one file, not the index
                logger.exception("%s can't be cut into snippets; please report it", document.path)
                files.skip_file(Skipped(document.path, "codekin failed on it; the log has the details"))
        return extracted

    def _make_records(self, extracted: _Extracted) -> tuple[list[FileRecord], int, int]:
        """Embed new contents and store the vectors; return (unwritten records, number embedded, number reused).

        Raises StoreError, ModelError.
        """
        snippets_by_hash = {hash_content(snippet.text): snippet for _, snippets in extracted for snippet in snippets}
        # Continuations first: a reader that sees a content's vector looks for its continuations once.
        self._embed_missing(
            self._continuation_space,
            {content_hash: snippet for content_hash, snippet in snippets_by_hash.items() if snippet.borders},
            lambda snippets: to_bytes(embed_continuations(snippets, self._embedder)),
        )
        embedded_count = self._embed_missing(self.space, snippets_by_hash, self._embed_snippets)
        stored_hashes = self._store.filter_known_hashes(list(snippets_by_hash))
        contents = {
            content_hash: self._make_content_record(snippet)
            for content_hash, snippet in snippets_by_hash.items()
            if content_hash not in stored_hashes
        }
        records = [
            FileRecord(
                document.path,
                document.language,
                _to_file_state(document),
                tuple(_to_snippet_record(snippet, contents) for snippet in snippets),
            )
            for document, snippets in extracted
        ]
        return records, embedded_count, len(snippets_by_hash) - embedded_count

    def _embed_missing(
        self, space: str, snippets: Mapping[bytes, Snippet], embed: Callable[[Sequence[Snippet]], StoredVectors]
    ) -> int:
        """Embed and store the vectors that `space` lacks, by content hash; return their number. Raises StoreError.

        Raises the embedder's ModelError, too.
        """
        missing_hashes = list(snippets.keys() - self._vectors.hashes_with_vector(space, list(snippets)))
        if missing_hashes:
            missing_snippets = [snippets[content_hash] for content_hash in missing_hashes]
            self._vectors.put_vectors(space, missing_hashes, self._embed_in_batches(missing_snippets, embed))
        return len(missing_hashes)

    def _embed_snippets(self, snippets: Sequence[Snippet]) -> Vectors:
        """Embed all the snippets, whether stored or not, and store none; return (n, d). Raises ModelError."""
        return self._embedder.embed([snippet.text for snippet in snippets], Task.CODE2CODE, Role.PASSAGE)

    def _embed_in_batches(
        self, snippets: Sequence[Snippet], embed: Callable[[Sequence[Snippet]], StoredVectors]
    ) -> StoredVectors:
        """Embed all the snippets, 256 at a time; return the vectors. Raises StoreClosingError if it is stopped."""
        batches = []
        for start in range(0, len(snippets), _CONTENTS_PER_CALL):
            self._raise_if_stopped()
            batches.append(embed(snippets[start : start + _CONTENTS_PER_CALL]))
        return np.concatenate(batches)

    def _make_content_record(self, snippet: Snippet) -> _ContentRecord:
        """Make words, fingerprints and line hashes of a content for the store. Raises StoreClosingError if stopped."""
        self._raise_if_stopped()
        if snippet.kind is SnippetKind.SECTION:  # never compared with code, and nothing is completed from it
            return _ContentRecord(_words_of(snippet), None, LineHashes((), ()).pack())
        fingerprints = make_fingerprints(snippet.text, snippet.language)
        line_hashes = hash_content_lines(snippet.text, snippet.language, choose_split_points(snippet.borders))
        return _ContentRecord(_words_of(snippet), fingerprints.pack() if fingerprints else None, line_hashes.pack())

    def _raise_if_stopped(self) -> None:
        """Raise StoreClosingError if the index is being closed or `cancel_event` is set."""
        self._store.raise_if_interrupted()
        if self._cancel_event is not None and self._cancel_event.is_set():
            raise StoreClosingError("Indexing was cancelled.")


def write_ingested(
    store: Store,
    ingester: Ingester,
    ingested: IngestResult,
    forced_paths: Collection[Path] = (),
    *,
    collect: bool = True,
) -> IngestResult:
    """Write records, then removals, to the store, ingesting again files that lost contents; return what was written.

    Contents that were removed from the store meanwhile are made again from the disk; a file may be skipped by then.
    Records and removals are a transaction each. Raises StoreError, ModelError.
    """
    while True:
        try:
            store.replace_files(ingested.records, collect=collect)
            break
        except ContentGoneError:
            repeated = ingester.ingest_files([record.path for record in ingested.records], forced_paths)
            ingested = IngestResult(
                repeated.records,
                ingested.removed_paths + repeated.removed_paths,
                ingested.skipped + repeated.skipped,
                ingested.embedded + repeated.embedded,
                ingested.reused,
            )
    store.remove_files(ingested.removed_paths, collect=collect)
    return ingested


def collect_skipped(
    checked_files: Mapping[Path, SourceFile | Skipped | None], ingested: IngestResult
) -> dict[Skipped, tuple[int, int]]:
    """Return a dict: those of these files that were skipped, before or in `ingested` → (size, mtime_ns) to store."""
    stamps = {checked: TRY_AGAIN for checked in checked_files.values() if isinstance(checked, Skipped)}
    disk_stamps = {
        path: (checked.size, checked.mtime_ns)
        for path, checked in checked_files.items()
        if isinstance(checked, SourceFile)
    }
    return stamps | {skipped: stamp_of(skipped, disk_stamps) for skipped in ingested.skipped}


def _to_file_state(document: Document) -> FileState:
    """Return the document's state, as the store keeps it."""
    return FileState(document.size, document.mtime_ns, document.hash, document.overlay)


def _to_snippet_record(snippet: Snippet, contents: Mapping[bytes, _ContentRecord]) -> SnippetRecord:
    """Return the snippet's record; without columns of the content if the store has that."""
    content_hash = hash_content(snippet.text)
    content = contents.get(content_hash, _ContentRecord())
    return SnippetRecord(
        *(snippet.name, snippet.qualified_name, snippet.kind, snippet.span, snippet.name_line, snippet.part),
        *(content_hash, content.words, content.fingerprints, content.line_hashes),
    )


def _words_of(snippet: Snippet) -> str:
    """Return a content's first 512 words and 512 whole identifiers, each once, joined by blanks, for full-text search.

    Repetitions are left out: without them BM25 ranked better on three of four sets, in half the space. Only the text
    counts, since a content may have several names.
    """
    return " ".join(list_distinct_words(snippet.text, _MAX_WORDS))
