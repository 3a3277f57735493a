"""Which contents wait for the heavy model, and what it reads next: what a person works on first."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from codekin.code.lines import hash_content
from codekin.index.index import Index
from codekin.types import Cancel
from codekin.workspace.workspace import Document, Workspace, snippets_of

_HOLDS = 20  # as long as so many plans take, a plan holds though the store changes


class EmbeddingBacklog:
    """The contents of one index that have no vector in its heavy tier."""

    def __init__(self, workspace: Workspace, index: Index) -> None:
        self._workspace = workspace
        self._index = index

    def iterate_batches(self, size: Callable[[], int], cancel: Cancel) -> Iterator[dict[bytes, str]]:
        """Texts by hash, `size` at a time, each once, whatever becomes of them; until none is left."""
        seen: set[bytes] = set()
        changed = True
        while changed and not cancel.is_set():
            changed = False
            batch: dict[bytes, str] = {}
            for path in self._files(cancel):
                batch |= {key: text for key, text in self._texts(path) if key not in seen}
                if len(batch) >= size():
                    seen |= batch.keys()
                    yield from _cut(batch, size, cancel)
                    batch, changed = {}, True
            if batch and not cancel.is_set():
                seen |= batch.keys()
                yield batch
                changed = True

    def _files(self, cancel: Cancel) -> Iterator[Path]:
        """Files with contents that wait: the open ones, then the last changed; until the store has changed."""
        store, started = self._index.store, time.monotonic()
        generation, states = store.generation(), store.file_states()
        opened = self._workspace.overlays()
        waiting = [path for path in store.files_with(self._awaited()) if path in states]
        waiting.sort(key=lambda path: (path not in opened, -states[path].mtime_ns, path))
        holds_until = time.monotonic() + _HOLDS * (time.monotonic() - started)
        for path in waiting:
            if cancel.is_set() or (time.monotonic() > holds_until and store.generation() != generation):
                return
            yield path

    def _texts(self, path: Path) -> Iterator[tuple[bytes, str]]:
        document = self._workspace.read_document(path)
        if isinstance(document, Document):
            awaited = self._awaited()
            for snippet in snippets_of(document):
                if (key := hash_content(snippet.text)) in awaited:
                    yield key, snippet.text

    def _awaited(self) -> Mapping[bytes, int]:
        return self._index.heavy.pending if self._index.heavy else {}


def _cut(batch: Mapping[bytes, str], size: Callable[[], int], cancel: Cancel) -> Iterator[dict[bytes, str]]:
    """A file may have thousands of contents."""
    keys = list(batch)
    while keys and not cancel.is_set():
        now, keys = keys[: size()], keys[size() :]
        yield {key: batch[key] for key in now}
