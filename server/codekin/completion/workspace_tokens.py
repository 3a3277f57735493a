"""The tokens of all documents in the workspace: read in the background, and again where a document has changed."""

import logging
import os
import threading
import time
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop
from pathlib import Path
from threading import Event

import numpy as np
import numpy.typing as npt

from codekin.code.notebooks import is_notebook
from codekin.code.prose import PROSE_LANGUAGES
from codekin.completion.edits import count_common_items
from codekin.completion.line_tokens import BOUNDARY, LINE_END, Positions, Symbols, TokenVocabulary, read_line_tokens
from codekin.completion.suffix_index import SuffixIndex, build_suffix_index, index_symbols, join_arrays
from codekin.errors import CodekinError
from codekin.index.index import Index
from codekin.workspace.workspace import Document, Workspace

Rows = npt.NDArray[np.int32]

logger = logging.getLogger(__name__)

MAX_TOKENS = 8_000_000  # of a workspace, 64 MB; documents beyond are not counted
_MIN_PAUSE_S = 2.0  # between two updates
_PAUSE_FACTOR = 20  # an update is put off for 20 times as long as the last one took: it sorts all tokens anew
_BLOCK_INTEGERS = 1 << 20  # of 4 bytes: what is as large as that is mapped, and given back when it is freed
_MAX_UNUSED_FACTOR = 2  # a vocabulary with more entries than this for each one in use is begun anew
_NO_POSITIONS = np.empty(0, np.int64)
_MIN_VOCABULARY = 50_000  # entries, below which it is not


@dataclass(frozen=True, eq=False)
class TokenSnapshot:
    """The documents' tokens at one time."""

    vocabulary: TokenVocabulary
    index: SuffixIndex
    paths: tuple[Path, ...]  # of the index's documents, by number
    hashes: tuple[bytes, ...]  # of their texts
    line_rows: tuple[Rows, ...]  # of their line ends, in order

    @cached_property
    def numbers(self) -> Mapping[Path, int]:
        """Return document path → its number in the index, cached."""
        return {document_path: number for number, document_path in enumerate(self.paths)}

    def find_row(self, document_number: int, position: int) -> int:
        """Return the 0-based row in the document of the line that holds the symbol at the index's `position`."""
        range_start, _ = self.index.find_range(document_number)
        lines_before = int(np.count_nonzero(self.index.symbols[range_start:position] >> 1 == LINE_END))
        return int(self.line_rows[document_number][lines_before])

    def find_documents(self, document_path: Path) -> list[int]:
        """Return the numbers of all documents with the same text as this one, itself included; [] if unknown."""
        if document_path not in self.numbers:
            return []
        own_hash = self.hashes[self.numbers[document_path]]
        return [document_number for document_number, text_hash in enumerate(self.hashes) if text_hash == own_hash]

    def find_nearest(self, document_path: Path, excluded: Collection[int], max_tokens: int) -> Positions:
        """Return the positions of `max_tokens` symbols, at most, of the nearest documents; none of those `excluded`.

        Those with the path's suffix come first, then the nearest by folder.
        """
        position_parts, token_count = [_NO_POSITIONS], 0
        nearest = self._rank_documents(document_path, frozenset(excluded))
        heapify(nearest)
        while nearest and token_count < max_tokens:
            *_, number = heappop(nearest)
            start, end = self.index.find_range(number)
            position_parts.append(np.arange(start, min(end, start + max_tokens - token_count)))
            token_count += end - start
        return np.concatenate(position_parts)

    def _rank_documents(self, document_path: Path, excluded: Container[int]) -> list[tuple[bool, int, int]]:
        """Return, unsorted, (whether the suffix is another, distance in folders, number) of all but the `excluded`."""
        suffix, distances = document_path.suffix, dict[str, int]()  # by folder: there may be a hundred thousand files
        ranks: list[tuple[bool, int, int]] = []
        for number, path in enumerate(self.paths):
            if number in excluded:
                continue
            path_text = str(path)
            folder = path_text.rpartition(os.sep)[0]
            if folder not in distances:
                distances[folder] = _measure_distance(path, document_path)
            ranks.append((not path_text.endswith(suffix), distances[folder], number))
        return ranks


def _make_empty_snapshot() -> TokenSnapshot:
    """Return a snapshot without documents."""
    return TokenSnapshot(TokenVocabulary(), build_suffix_index([]), (), (), ())


@dataclass(frozen=True, slots=True, eq=False)
class DocumentSymbols:
    """What is kept of one document."""

    hash: bytes  # of its text
    symbols: Symbols
    line_rows: Rows


class _Blocks:
    """Keeps arrays side by side in blocks, which go back to the system as a whole: small ones would leave holes."""

    def __init__(self) -> None:
        self._block, self._used_count = np.empty(0, np.int32), 0

    def store(self, integers: Rows) -> Rows:
        """Return a copy of the array, as a view of a block."""
        if self._used_count + len(integers) > len(self._block):
            self._block, self._used_count = np.empty(max(_BLOCK_INTEGERS, len(integers)), np.int32), 0
        view = self._block[self._used_count : self._used_count + len(integers)]
        view[:] = integers
        self._used_count += len(integers)
        return view


class WorkspaceTokens:
    """Keeps a snapshot of the workspace's tokens in step with the index."""

    def __init__(self, index: Index, workspace: Workspace) -> None:
        self.snapshot = _make_empty_snapshot()
        self._index = index
        self._workspace = workspace
        self._documents: dict[Path, DocumentSymbols] = {}
        self._generation = -1  # of the store, at the last update
        self._next_update_s = 0.0  # on the monotonic clock
        self._lock = threading.Lock()  # held while an update runs
        self._closing = Event()

    def update_in_background(self) -> None:
        """Start an update on a thread if the index has changed and no update is under way or recent; return at once."""
        is_due = time.monotonic() >= self._next_update_s and self._index.store.generation() != self._generation
        if is_due and not self._lock.locked():
            threading.Thread(target=self._update_and_log, name="codekin-tokens", daemon=True).start()

    def update(self, near_path: Path | None = None, max_tokens: int = MAX_TOKENS) -> None:
        """Read changed documents and replace the snapshot; no-op if the index is unchanged. Raises StoreError.

        With `near_path`, those nearest to it by folder come first: up to `max_tokens` are read.
        """
        with self._lock:
            started_s, generation = time.monotonic(), self._index.store.generation()
            if generation == self._generation:
                return
            text_hashes = {
                document_path: file_state.hash for document_path, file_state in self._index.store.file_states().items()
            }
            vocabulary = self._choose_vocabulary(text_hashes.keys())
            self._read_documents(text_hashes, vocabulary, near_path, max_tokens)
            if self._closing.is_set():
                return
            self.snapshot = self._make_snapshot(vocabulary)
            self._generation = generation
            finished_s = time.monotonic()
            self._next_update_s = finished_s + max(_MIN_PAUSE_S, _PAUSE_FACTOR * (finished_s - started_s))

    def _make_snapshot(self, vocabulary: TokenVocabulary) -> TokenSnapshot:
        """Sort all documents' symbols into a new snapshot and return it; the kept ones become views of its arrays."""
        document_paths = tuple(sorted(self._documents))
        documents = [self._documents.pop(document_path) for document_path in document_paths]
        text_hashes = tuple(document.hash for document in documents)
        symbols, starts = join_arrays([document.symbols for document in documents])
        rows, row_starts = join_arrays([document.line_rows for document in documents])
        del documents  # what they were read into is free before the index is sorted
        line_rows = tuple(np.split(rows, row_starts[1:])) if text_hashes else ()
        document_symbols = np.split(symbols, starts[1:]) if text_hashes else []
        self._documents = {
            document_path: DocumentSymbols(text_hash, own_symbols, own_rows)
            for document_path, text_hash, own_symbols, own_rows in zip(
                document_paths, text_hashes, document_symbols, line_rows, strict=True
            )
        }
        return TokenSnapshot(vocabulary, index_symbols(symbols, starts), document_paths, text_hashes, line_rows)

    def close(self) -> None:
        """Stop the updates for good: one under way ends soon, without effect. Returns at once."""
        self._closing.set()

    def _update_and_log(self) -> None:
        """Update once; a failure is logged, and delays the next update by 2 seconds."""
        try:
            self.update()
        except CodekinError as error:  # told where the index is asked; the next update may succeed
            self._next_update_s = time.monotonic() + _MIN_PAUSE_S
            logger.info("codekin could not read the workspace's tokens: %s", error)

    def _choose_vocabulary(self, document_paths: Iterable[Path]) -> TokenVocabulary:
        """Return the vocabulary, a new one if large and over half unused; drop gone documents, or for a new one all."""
        present_paths = set(document_paths)
        self._documents = {
            document_path: document_symbols
            for document_path, document_symbols in self._documents.items()
            if document_path in present_paths
        }
        vocabulary = self.snapshot.vocabulary
        used_count = np.unique(self.snapshot.index.symbols >> 1).size
        if len(vocabulary) > max(_MIN_VOCABULARY, _MAX_UNUSED_FACTOR * used_count):
            vocabulary, self._documents = TokenVocabulary(), {}
        return vocabulary

    def _read_documents(
        self, text_hashes: dict[Path, bytes], vocabulary: TokenVocabulary, near_path: Path | None, max_tokens: int
    ) -> None:
        """Read changed documents' tokens, no prose or notebooks, those near `near_path` first; drop the rest."""
        document_paths = (
            sorted(text_hashes)
            if near_path is None
            else sorted(
                text_hashes, key=lambda document_path: (_measure_distance(document_path, near_path), document_path)
            )
        )
        token_count, symbol_blocks, row_blocks = 0, _Blocks(), _Blocks()
        for document_path in document_paths:
            if self._workspace.language_rules.detect_language(document_path) in PROSE_LANGUAGES:
                continue
            if self._closing.is_set():
                return
            document_symbols = self._documents.get(document_path)
            if token_count > max_tokens:
                self._documents.pop(document_path, None)
            elif document_symbols is None or document_symbols.hash != text_hashes[document_path]:
                document = None if is_notebook(document_path) else self._workspace.read_document(document_path)
                self._documents.pop(document_path, None)
                read_symbols = read_document_tokens(document, vocabulary) if isinstance(document, Document) else None
                if read_symbols is not None:
                    self._documents[document_path] = DocumentSymbols(
                        read_symbols.hash,
                        symbol_blocks.store(read_symbols.symbols),
                        row_blocks.store(read_symbols.line_rows),
                    )
            token_count += len(self._documents[document_path].symbols) if document_path in self._documents else 0


def read_document_tokens(document: Document, vocabulary: TokenVocabulary) -> DocumentSymbols | None:
    """Return the document's symbols behind a BOUNDARY, adding tokens to `vocabulary`; None without lexical rules."""
    line_tokens = read_line_tokens(document.text, document.language, vocabulary)
    if line_tokens is None:
        return None
    document_symbols = np.concatenate((np.array([BOUNDARY * 2], np.int32), line_tokens.symbols))
    last_row = document.text.count("\n")  # of a line without an end
    line_rows = np.append(line_tokens.rows[line_tokens.symbols >> 1 == LINE_END], last_row).astype(np.int32)
    return DocumentSymbols(document.hash, document_symbols, line_rows)


def _measure_distance(document_path: Path, other_path: Path) -> int:
    """Return how many folders lie between two files: 0 in the same folder."""
    path_folders, other_folders = (path.parts[:-1] for path in (document_path, other_path))
    return len(path_folders) + len(other_folders) - 2 * count_common_items(path_folders, other_folders)
