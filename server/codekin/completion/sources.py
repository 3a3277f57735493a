"""Read the snippets that a completion is copied from, as they are now."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codekin.code.cell_lines import find_cell
from codekin.code.extract import split_lines, to_canonical_text
from codekin.code.lines import hash_content
from codekin.index.index import Index
from codekin.types import Cancel, Cell, Location, SnippetKind, Span
from codekin.workspace.documents import is_unchanged
from codekin.workspace.workspace import Document, Workspace

_MAX_DOCUMENTS = 128  # a key reads up to 80, most of them again at the next one
_MAX_CHARACTERS = 8_388_608  # of all these documents but the last


@dataclass(frozen=True, slots=True)
class SourceSnippet:
    """A snippet that code may be copied from, with its present text and where that stands."""

    path: Path
    start_row: int  # of its first line in the document
    lines: tuple[str, ...]
    name: str
    kind: SnippetKind
    name_row: int  # of the line in `lines` that has the name; -1 where another part of the function has it
    distance: int = 0  # snippets between it and the cursor, where it is in the same document
    cell: Cell | None = None  # in a notebook, the one that it is in


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document that code is copied from, and its lines."""

    document: Document
    lines: list[str]
    texts: dict[Span, tuple[str, bytes]] = field(default_factory=dict)  # canonical ones of its snippets, with hashes

    def canonicalize(self, span: Span) -> tuple[str, bytes]:
        """Return the canonical text of these rows, and its hash, cached."""
        if span not in self.texts:
            canonical_text = to_canonical_text(self.lines[span.start : span.end])
            self.texts[span] = canonical_text, hash_content(canonical_text)
        return self.texts[span]


class SourceDocuments:
    """Reads documents, and keeps the last 128 while their files keep size and time: one key reads those of another."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._documents: OrderedDict[Path, SourceDocument] = OrderedDict()
        self._character_count = 0
        self._lock = threading.Lock()

    def read(self, document_path: Path) -> SourceDocument | None:
        """Return the document as it is now, cached while its file state is the same; None where it can't be read."""
        with self._lock:
            cached_document = self._documents.get(document_path)
        if (
            cached_document is not None
            and not self._workspace.is_open(document_path)
            and is_unchanged(cached_document.document)
        ):
            return cached_document
        document = self._workspace.read_document(document_path)
        source_document = (
            SourceDocument(document, split_lines(document.text)) if isinstance(document, Document) else None
        )
        with self._lock:
            self._subtract_length(self._documents.pop(document_path, None))
            if source_document is not None:
                self._documents[document_path] = source_document
                self._character_count += len(source_document.document.text)
            while len(self._documents) > _MAX_DOCUMENTS or (
                self._character_count > _MAX_CHARACTERS and len(self._documents) > 1
            ):
                self._subtract_length(self._documents.popitem(last=False)[1])
        return source_document

    def _subtract_length(self, source_document: SourceDocument | None) -> None:
        """Subtract a document that is dropped from the number of cached characters; None changes nothing."""
        self._character_count -= len(source_document.document.text) if source_document else 0


class SourceReader:
    """Reads contents in documents other than the cursor's, each document once per completion."""

    def __init__(
        self,
        index: Index,
        documents: SourceDocuments,
        cursor_path: Path,
        excluded: Collection[bytes],
        other_checkouts: Collection[Path],
    ) -> None:
        """Never read are the cursor's document, its `other_checkouts`, and contents whose hashes are in `excluded`."""
        self._index = index
        self._source_documents = documents
        self._path = cursor_path
        self._excluded = excluded
        self._left_out = frozenset((cursor_path, *other_checkouts))
        self._documents: dict[Path, SourceDocument | None] = {}

    def read_sources(self, contents: Sequence[int], cancel_event: Cancel) -> dict[int, SourceSnippet]:
        """Return content → snippet read from its file, one in the cursor's folder first; stale contents left out.

        Also left out: contents excluded, in no other document, or not reached when cancelled.
        """
        distinct_contents = list(dict.fromkeys(contents))
        locations_by_content = self._index.store.locations_of(distinct_contents)
        content_hashes = self._index.store.content_hashes(distinct_contents)
        source_snippets: dict[int, SourceSnippet] = {}
        for content, locations in locations_by_content.items():
            content_hash = content_hashes.get(content)
            candidates = [location for location in locations if location.path not in self._left_out]
            if cancel_event.is_set() or not candidates or content_hash is None or content_hash in self._excluded:
                continue
            source_snippet = self._read_source(min(candidates, key=self._distance_to), content_hash)
            if source_snippet is not None:
                source_snippets[content] = source_snippet
        return source_snippets

    def _distance_to(self, location: Location) -> tuple[bool, Path, int]:
        """Return a sort key: locations in the cursor's folder first, then by path and line."""
        return location.path.parent != self._path.parent, location.path, location.span.start

    def _read_source(self, location: Location, content_hash: bytes) -> SourceSnippet | None:
        """Return the snippet at the location, its document cached; None where its text no longer has this hash."""
        if location.path not in self._documents:
            self._documents[location.path] = self._source_documents.read(location.path)
        source_document = self._documents[location.path]
        if source_document is None:
            return None
        start_row = location.span.start
        canonical_text, text_hash = source_document.canonicalize(location.span)
        if text_hash != content_hash:
            return None
        name_row = location.name_line - start_row if location.part == 0 else -1
        snippet_lines, notebook_cell = (
            tuple(canonical_text.split("\n")),
            find_cell(source_document.document.cells, start_row),
        )
        return SourceSnippet(
            location.path, start_row, snippet_lines, location.name, location.kind, name_row, cell=notebook_cell
        )
