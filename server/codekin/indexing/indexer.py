"""Keeps the index in sync with the workspace: edits on one thread, everything at once on another.

Any number of codekin processes may have the same workspace open. Each puts its own open documents' text into the
store; the one that holds the lock also watches the disk and reconciles. When it dies, another takes its place.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from codekin.errors import StoreBusyError, StoreClosingError, StoreCorruptError, StoreError
from codekin.index.index import Index
from codekin.indexing.bulk_indexer import BulkIndexer
from codekin.indexing.edit_indexer import EditIndexer
from codekin.indexing.indexer_state import IndexerState
from codekin.indexing.ingest import Ingester
from codekin.storage.paths import IndexPaths
from codekin.types import IndexState, Progress
from codekin.workspace.workspace import Workspace

_INTERRUPT_INTERVAL_S = 0.05  # between two interrupts of a thread, which may have missed the one before


class Indexer:
    """The writing side of an index, on two threads. Methods return at once, except `stop`, `pause` and `reindex`."""

    def __init__(
        self,
        index_paths: IndexPaths,
        workspace: Workspace,
        index: Index,
        ingester: Ingester,
        on_change: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._index = index
        self._ingester = ingester
        self._state = IndexerState(index, on_change)
        self._edits = EditIndexer(workspace, index, ingester, index_paths.settings.index, self._state)
        self._bulk = BulkIndexer(index_paths, workspace, index, self._edits, self._state)
        loops = (self._edits.run, self._bulk.run)
        self._threads = [threading.Thread(target=_run_until_closed, args=(loop,), daemon=True) for loop in loops]

    def start(self) -> None:
        """Start the thread that indexes edits and the one that watches and reconciles; returns at once."""
        for thread in self._threads:
            thread.start()

    def interrupt(self) -> None:
        """Make all work end soon; returns at once. Afterwards only `stop` may be called."""
        with self._state.wake:
            self._state.is_stopping = True
            self._state.wake.notify_all()
        self._bulk.interrupt_child()

    def stop(self) -> None:
        """End threads and child process, waiting for them; release this process's overlays, and the lock."""
        self.interrupt()
        self._bulk.stop_child()
        for thread in self._threads:
            while thread.is_alive():
                self._index.interrupt()
                self._ingester.interrupt()
                thread.join(_INTERRUPT_INTERVAL_S)
        self._bulk.stop_watching()  # only now: a thread may just have begun to watch
        with contextlib.suppress(StoreError):  # if it can't be written now, the next owner reads these files anew
            self._index.store.release_overlays(self._workspace.overlays())
        self._bulk.release_lock()

    def queue_stale(self, paths: Iterable[Path]) -> None:
        """Queue paths whose stored text is stale; does not extend the debounce of a queued path."""
        self._edits.queue_stale(paths)

    def queue_changed(self, paths: Iterable[Path]) -> None:
        """Queue paths that may have changed, to be indexed after the debounce; returns at once."""
        self._edits.queue_changed(paths)

    def request_rescan(self) -> None:
        """Request a reconcile, and another one if one is under way; only the owner of the lock does it."""
        self._state.request_rescan()

    def pause(self) -> None:
        """Stop bulk work until `resume`, waiting ≤ 1 s for its child process; edited documents are still indexed."""
        with self._state.wake:
            self._state.is_paused = True
        self._bulk.stop_child()
        self._state.notify_change()

    def resume(self) -> None:
        """Continue bulk work after `pause`, with a rescan; returns at once."""
        with self._state.wake:
            self._state.is_paused = False
        self._state.request_rescan()
        self._state.notify_change()

    def reindex(self) -> None:
        """Empty the store, but no vectors, and request a full scan. Raises StoreBusyError if not the owner.

        The owner is another process then, which would not know that it has to rescan.
        """
        if not self.is_owner:
            raise StoreBusyError("Another codekin process owns this index. Reindex there, or close it first.")
        self._index.store.clear()
        self._state.request_rescan()

    def rebuild_corrupt(self, error: StoreCorruptError) -> None:
        """Set a corrupt file aside, if that works; in any case request a rescan, by which the owner fills a new one."""
        self._state.rebuild_corrupt(error)

    @property
    def state(self) -> IndexState:
        """Return FAILED, STANDING_BY, PAUSED, INDEXING or READY, the first that applies."""
        if self.problem:
            return IndexState.FAILED
        if not self.is_owner:
            return IndexState.STANDING_BY
        if self._state.is_paused:
            return IndexState.PAUSED
        return IndexState.READY if self._state.is_reconciled else IndexState.INDEXING

    @property
    def is_owner(self) -> bool:
        """Return whether this process holds the lock, hence keeps the index in sync with the disk."""
        return self._bulk.is_owner

    @property
    def problem(self) -> str | None:
        """Return what prevents indexing, with the remedy; None if nothing does."""
        index_problem = self._index.problem
        return self._bulk.problem or (str(index_problem) if index_problem else self._edits.problem)

    @property
    def progress(self) -> Progress | None:
        """Return the progress of bulk work; None if none is under way."""
        return self._state.progress

    @property
    def embedded(self) -> int:
        """Return the number of contents embedded since the start of this process."""
        return self._state.embedded_count

    @property
    def watch_mode(self) -> str:
        """Return how changes on the disk are noticed: "watchdog", "polling …: reason", …; "off" without a watcher."""
        return self._bulk.watch_mode


def _run_until_closed(loop: Callable[[], None]) -> None:
    """Run one thread's loop, and end quietly when the index is closed."""
    with contextlib.suppress(StoreClosingError):
        loop()
