"""Indexes edited files, a few at a time, after a debounce that merges changes of one file."""

import logging
import time
from collections.abc import Iterable
from pathlib import Path

from codekin.errors import CodekinError, StoreClosingError, StoreCorruptError, StoreLostError
from codekin.index.index import Index
from codekin.indexing.backfill import backfill_vectors
from codekin.indexing.indexer_state import IndexerState
from codekin.indexing.ingest import Ingester, collect_skipped, write_ingested
from codekin.settings import IndexSettings
from codekin.workspace.workspace import SourceFile, Workspace

logger = logging.getLogger(__name__)

_MAX_PATHS = 64  # more paths at once are left to a reconcile
_MAX_DEBOUNCES = 4  # an edit waits no longer than this, even while more edits keep coming
_RETRY_DELAY_S = 1.0


class EditIndexer:
    """Queue of changed paths, and the work of the thread that writes them into the store."""

    def __init__(
        self, workspace: Workspace, index: Index, ingester: Ingester, settings: IndexSettings, state: IndexerState
    ) -> None:
        self._workspace = workspace
        self._index = index
        self._ingester = ingester
        self._settings = settings
        self._state = state
        self._deadlines: dict[Path, tuple[float, float]] = {}  # path → (due time, latest due time)
        self._is_backfill_requested = False  # other processes' contents lack this model's vectors
        self._backfilled_generation = -1  # of the store: up to it, all contents have this model's vectors
        self._refused_documents: frozenset[Path] = frozenset()  # open, but left out; replaced, never changed
        self.problem: str | None = None

    def queue_changed(self, paths: Iterable[Path]) -> None:
        """Queue paths that may have changed, to be indexed after the debounce; returns at once."""
        now, debounce_s = time.monotonic(), self._settings.debounce_ms / 1000
        with self._state.wake:
            for path in paths:
                latest_due_time = (
                    self._deadlines[path][1] if path in self._deadlines else now + _MAX_DEBOUNCES * debounce_s
                )
                self._deadlines[path] = (min(now + debounce_s, latest_due_time), latest_due_time)
            self._state.wake.notify_all()

    def queue_stale(self, paths: Iterable[Path]) -> None:
        """Queue paths whose stored text is stale; does not extend the debounce of a queued path."""
        with self._state.wake:
            unqueued_paths = [path for path in paths if path not in self._deadlines]
        self.queue_changed(unqueued_paths)

    def requeue_refused(self) -> None:
        """Queue the open documents that could not be indexed, such as too large ones, after a reconcile."""
        self.queue_changed(self._refused_documents)

    def request_backfill(self) -> None:
        """Have the thread embed contents without a light-model vector, unless done since the last change.

        Raises StoreError.
        """
        generation = self._index.store.generation()
        with self._state.wake:
            is_changed = generation != self._backfilled_generation
            self._is_backfill_requested = bool(self._index.light.pending) and is_changed and not self._state.is_paused
            self._state.wake.notify_all()

    def run(self) -> None:
        """Index what is queued, as it falls due, until the indexer stops. Raises StoreClosingError."""
        while (paths := self._wait_for_work()) is not None:
            self.index_paths(paths)

    def _wait_for_work(self) -> list[Path] | None:
        """Wait for due paths or a backfill; return the due paths (perhaps none), off the queue; None when stopping."""
        wake = self._state.wake
        with wake:
            while True:
                wake.wait_for(lambda: self._state.is_stopping or self._deadlines or self._is_backfill_requested)
                if self._state.is_stopping:
                    return None
                now = time.monotonic()
                due_paths = [path for path, (due_time, _) in self._deadlines.items() if due_time <= now]
                if due_paths or self._is_backfill_requested:
                    break
                wake.wait(min(due_time for due_time, _ in self._deadlines.values()) - now)
            for path in due_paths:
                del self._deadlines[path]
            self._is_backfill_requested = False
        return due_paths

    def index_paths(self, paths: list[Path]) -> None:
        """Index the files now, then backfill; of more than 64 only open ones, with a rescan requested for the others.

        Raises StoreClosingError only: other failures are recorded, and the files tried again where that may
        help.
        """
        if len(paths) > _MAX_PATHS:
            self._state.request_rescan()
            paths = [path for path in paths if self._workspace.is_open(path)]  # a scan reads the disk only
        try:
            self._write_paths(paths)
            self.problem = None
            self._backfill()
        except StoreClosingError:
            raise
        except StoreCorruptError as error:
            self._state.record_error(error)
            self._state.rebuild_corrupt(error)
        except CodekinError as error:
            self._state.record_error(error)
            self.problem = None if isinstance(error, StoreLostError) else str(error)
            self._queue_retry(paths)
        except Exception as error:  # a bug must not end the thread that indexes the editor's documents
            logger.exception("%d files could not be indexed", len(paths))
            self._index.error_log.record(repr(error))
            self.problem = f"{error!r} while indexing an edit; the log has the details. Please report it."
        self._state.notify_change()

    def _write_paths(self, paths: list[Path]) -> None:
        """Read, cut and embed the files, and store records, removals and skipped files. Raises CodekinError."""
        store = self._index.store
        checked_files = {path: self._workspace.check_file(path) for path in paths}
        indexable_paths = [path for path, checked in checked_files.items() if isinstance(checked, SourceFile)]
        ingested = self._ingester.ingest_files(indexable_paths)
        refused_documents = {path for path in ingested.removed_paths if self._workspace.is_open(path)}
        self._refused_documents = self._refused_documents.difference(paths) | refused_documents
        store.release_overlays(refused_documents)  # else their former text would stay in the store
        ingested = write_ingested(store, self._ingester, ingested)
        store.remove_files(checked_files.keys() - set(indexable_paths))
        store.update_skipped(paths, collect_skipped(checked_files, ingested))
        self._state.embedded_count += ingested.embedded

    def _backfill(self) -> None:
        """Load what is new in the store; embed contents without a light-model vector, unless paused."""
        generation = self._index.store.generation()
        self._index.follow()
        if not self._index.light.pending:
            return
        try:
            self._state.embedded_count += backfill_vectors(
                self._index, self._ingester, self._state.report_progress, lambda: self._state.should_yield
            )
        finally:
            self._state.progress = None
        if not self._state.should_yield:
            self._backfilled_generation = generation

    def _queue_retry(self, paths: Iterable[Path]) -> None:
        """Queue paths again, due in a second, unless they are queued already."""
        retry_time = time.monotonic() + _RETRY_DELAY_S
        with self._state.wake:
            for path in paths:
                self._deadlines.setdefault(path, (retry_time, retry_time))
