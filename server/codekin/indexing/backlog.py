"""Orders the contents that wait for the heavy model: files that a person works on come first."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from codekin.code.lines import hash_content
from codekin.index.index import Index
from codekin.types import Cancel
from codekin.workspace.workspace import Document, Workspace, snippets_of

_ORDER_REUSE_FACTOR = 20  # keep an order for 20 times as long as it took to make, even if the store changes


class EmbeddingBacklog:
    """The contents of one index that lack a vector of its heavy model, with their texts."""

    def __init__(self, workspace: Workspace, index: Index) -> None:
        self._workspace = workspace
        self._index = index

    def iterate_batches(self, get_batch_size: Callable[[], int], cancel_event: Cancel) -> Iterator[dict[bytes, str]]:
        """Yield batches {hash: current text} of contents without a heavy vector, until none is left or cancelled.

        Raises StoreError. Each content is yielded once. Reads and cuts the files anew.
        """
        yielded_hashes: set[bytes] = set()
        has_progress = True
        while has_progress and not cancel_event.is_set():
            has_progress = False
            batch: dict[bytes, str] = {}
            for path in self._order_files(cancel_event):
                texts = self._pending_texts(path)
                batch |= {content_hash: text for content_hash, text in texts if content_hash not in yielded_hashes}
                if len(batch) >= get_batch_size():
                    yielded_hashes |= batch.keys()
                    yield from _split_batch(batch, get_batch_size, cancel_event)
                    batch, has_progress = {}, True
            if batch and not cancel_event.is_set():
                yielded_hashes |= batch.keys()
                yield batch
                has_progress = True

    def _order_files(self, cancel_event: Cancel) -> Iterator[Path]:
        """Yield files with contents that lack a heavy vector, open ones, then newest, until the order is outdated."""
        store, started = self._index.store, time.monotonic()
        generation, file_states = store.generation(), store.file_states()
        open_paths = self._workspace.overlays()
        pending_paths = [path for path in store.find_files_with(self._pending_contents()) if path in file_states]
        pending_paths.sort(key=lambda path: (path not in open_paths, -file_states[path].mtime_ns, path))
        deadline = time.monotonic() + _ORDER_REUSE_FACTOR * (time.monotonic() - started)
        for path in pending_paths:
            if cancel_event.is_set() or (time.monotonic() > deadline and store.generation() != generation):
                return
            yield path

    def read_texts(self, hashes: Collection[bytes]) -> dict[bytes, str]:
        """Read and cut files anew; return hash → current text, of those of these contents that lack a heavy vector."""
        pending = self._pending_contents()
        wanted = {content_hash: pending[content_hash] for content_hash in hashes if content_hash in pending}
        texts: dict[bytes, str] = {}
        for path in self._index.store.find_files_with(wanted):
            if len(texts) == len(wanted):
                break
            texts |= {content_hash: text for content_hash, text in self._pending_texts(path) if content_hash in wanted}
        return texts

    def _pending_texts(self, path: Path) -> Iterator[tuple[bytes, str]]:
        """Read and cut the file; yield hash and text of snippets without a heavy vector; nothing if it is skipped."""
        document = self._workspace.read_document(path)
        if isinstance(document, Document):
            pending_contents = self._pending_contents()
            for snippet in snippets_of(document):
                if (content_hash := hash_content(snippet.text)) in pending_contents:
                    yield content_hash, snippet.text

    def _pending_contents(self) -> Mapping[bytes, int]:
        """Return hash → number of the contents that lack a heavy vector; empty without a heavy model."""
        return self._index.heavy.pending if self._index.heavy else {}


def _split_batch(
    batch: Mapping[bytes, str], get_batch_size: Callable[[], int], cancel_event: Cancel
) -> Iterator[dict[bytes, str]]:
    """Yield the batch in parts of the wanted size, until cancelled; one file may have thousands of contents."""
    content_hashes = list(batch)
    while content_hashes and not cancel_event.is_set():
        size = get_batch_size()
        current_hashes, content_hashes = content_hashes[:size], content_hashes[size:]
        yield {content_hash: batch[content_hash] for content_hash in current_hashes}
