"""Keeps the store in sync with the disk while this process holds the workspace's lock; waits for the lock otherwise.

It watches the disk, has a child process reconcile, retries what failed, and notices when files of the index vanish.
"""

import logging
import os
from typing import TYPE_CHECKING

from codekin.errors import CodekinError, StoreClosingError, StoreCorruptError, StoreError
from codekin.index.index import Index
from codekin.indexing.edit_indexer import EditIndexer
from codekin.indexing.indexer_state import IndexerState
from codekin.indexing.reconcile_process import ReconcileProcess
from codekin.storage.integrity import find_damage
from codekin.storage.owner_lock import OwnerLock
from codekin.storage.paths import IndexPaths
from codekin.workspace.workspace import Workspace

if TYPE_CHECKING:
    from codekin.workspace.watcher import Watcher

logger = logging.getLogger(__name__)

_CHECK_INTERVAL_S = 1.0  # between two checks of the lock and the index's files
_RETRY_DELAYS_S = (1.0, 5.0, 15.0, 60.0)
_REOPEN_DELAY_S = 2.0  # at most, between two attempts to open a file of the index


class BulkIndexer:
    """Holds or waits for the workspace's lock; with it, runs the watcher and the reconciling child process."""

    def __init__(
        self, index_paths: IndexPaths, workspace: Workspace, index: Index, edits: EditIndexer, state: IndexerState
    ) -> None:
        self._index_paths = index_paths
        self._workspace = workspace
        self._index = index
        self._edits = edits
        self._state = state
        self._settings = index_paths.settings.index
        self._lock = OwnerLock(index_paths.lock)
        self._child: ReconcileProcess | None = None
        self._watcher: Watcher | None = None
        self._handled_replacements = index.replacements
        self.problem: str | None = None

    @property
    def is_owner(self) -> bool:
        """Return whether this process holds the lock, hence keeps the index in sync with the disk."""
        return self._lock.is_held

    @property
    def watch_mode(self) -> str:
        """Return how changes on the disk are noticed: "watchdog", "polling …: reason", …; "off" without a watcher."""
        return self._watcher.mode if self._watcher else "off"

    def interrupt_child(self) -> None:
        """Ask the reconciling child process, if one runs, to end; returns at once."""
        if child := self._child:
            child.interrupt()

    def stop_child(self) -> None:
        """End the reconciling child process, if one runs, within a second; what it has written is kept."""
        if child := self._child:
            child.stop()

    def stop_watching(self) -> None:
        """Stop the watcher, if there is one, waiting up to 2 s."""
        if self._watcher:
            self._watcher.stop()

    def release_lock(self) -> None:
        """Release the lock, if held, so that another process can take over."""
        self._lock.release()

    def run(self) -> None:
        """Wait for the lock and keep the store in sync while it is held, until stopped. Raises StoreClosingError.

        Any other failure is recorded, and tried again.
        """
        while self._wait_for_lock():
            self._start_watching()
            self._keep_in_sync()
            if self._watcher and not self._state.is_stopping:  # another process may have the lock by now
                self._watcher.stop()
                self._watcher = None

    def _wait_for_lock(self) -> bool:
        """Wait for the lock, loading what its owner writes; False when stopping. Raises StoreClosingError.

        Other failures are recorded, and tried again.
        """
        failures = 0
        while not self._state.is_stopping:
            try:
                if self._lock.acquire():
                    self._state.notify_change()
                    return True
                self._check_index_files()
                self._edits.request_backfill()
                failures, self.problem = 0, None
                self._state.notify_change()
                self._state.wait_for(lambda: False, _CHECK_INTERVAL_S)
            except Exception as error:  # noqa: BLE001 (whatever it is, the lock is needed when its owner ends)
                self._handle_failure(error, failures)
                failures += 1
        return False

    def _start_watching(self) -> None:
        """Start and keep a watcher of the disk, on threads, that queues changed files and requests rescans."""
        from codekin.workspace.watcher import Watcher  # the command line never watches

        polling_s = self._settings.polling_s
        self._watcher = Watcher(self._workspace, self._edits.queue_changed, self._state.request_rescan, polling_s)
        self._watcher.start()

    def _keep_in_sync(self) -> None:
        """Reconcile whenever a rescan is due, until the lock is lost or the indexer stops. Raises StoreClosingError.

        Other failures are recorded, and tried again.
        """
        has_released_overlays, failures = False, 0
        while self._lock.is_held and not self._state.is_stopping:
            try:
                if not has_released_overlays:
                    self._release_all_overlays()
                    has_released_overlays = True
                self._check_index_files()
                if self._state.is_rescan_due():
                    self._reconcile(failures)
                failures, self.problem = 0, None
                self._state.wait_for(self._state.is_rescan_due, _CHECK_INTERVAL_S)
            except Exception as error:  # noqa: BLE001 (whatever it is: with the lock, nobody else would do the work)
                self._handle_failure(error, failures)
                failures += 1

    def _release_all_overlays(self) -> None:
        """Mark all unsaved text in the store as outdated; queue this process's open documents. Raises StoreError."""
        self._index.store.release_overlays()
        self._edits.queue_changed(self._workspace.overlays())

    def _check_index_files(self) -> None:
        """Load new data; if an index file was replaced, check the store, request a rescan and queue open documents."""
        self._index.follow()
        if self._index.problem:
            raise self._index.problem
        if self._index.replacements == self._handled_replacements:
            return
        self._handled_replacements = self._index.replacements
        if damage := find_damage(self._index_paths.store):  # a copy of a file that was being written
            raise damage
        self._edits.queue_changed(self._workspace.overlays())
        self._state.request_rescan()
        self._state.notify_change()

    def _handle_failure(self, error: Exception, failures: int) -> None:
        """Record the error, set aside a corrupt file, request a rescan, wait ≤ 60 s; but reraise a StoreClosingError.

        Raises the error again, and does nothing else, if it is a StoreClosingError.
        """
        if isinstance(error, StoreClosingError):
            raise error
        logger.warning("%s", error, exc_info=not isinstance(error, CodekinError))
        self._index.error_log.record(str(error) or repr(error))
        self.problem = str(error) if failures else None  # a single failure is soon repaired
        delay_s = _RETRY_DELAYS_S[min(failures, len(_RETRY_DELAYS_S) - 1)]
        if isinstance(error, StoreCorruptError):
            self._state.rebuild_corrupt(error)
        if isinstance(error, StoreError):  # raised here, before any work was begun: another attempt costs nothing
            delay_s = min(delay_s, _REOPEN_DELAY_S)
        self._state.request_rescan()
        self._state.notify_change()
        self._state.wait_for(lambda: False, delay_s)

    def _reconcile(self, failures: int) -> None:
        """Have a child process bring the store up to date, wait, load the result; do nothing if paused or stopping.

        `failures` is the number of failed runs before it. Nothing is done when stopping, either. Raises IndexingError,
        StoreError.
        """
        child = self._start_child(failures)
        if child is None:
            return
        try:
            report = child.run_until_done(self._state.report_progress)
        finally:
            child.stop()
            self._child = self._state.progress = None
        if report:
            self._state.embedded_count += report.embedded
            self._index.follow_and_compact()
            self._edits.requeue_refused()
            self._edits.request_backfill()  # the child may be of another version, if codekin was upgraded meanwhile
            with self._state.wake:
                self._state.is_reconciled = not self._state.is_rescan_requested
        self._state.notify_change()

    def _start_child(self, failures: int) -> ReconcileProcess | None:
        """Mark others' unsaved text as outdated, start and return a reconciling process; None when paused.

        Both may take long, so nothing is locked meanwhile: a pause or stop in between ends the child. Raises
        StoreError.
        """
        with self._state.wake:
            if self._state.should_yield:
                return None
            self._state.is_rescan_requested = False
        # Unsaved text of others: a live process writes it again with its next edit, a killed one never drops it.
        foreign_overlays = self._index.store.overlay_paths() - self._workspace.overlays().keys()
        self._index.store.release_overlays(foreign_overlays)
        workers = self._settings.workers or max(1, (os.cpu_count() or 2) // 2)
        child = ReconcileProcess(self._index_paths, workers, failures)
        with self._state.wake:
            if not self._state.should_yield:
                self._child = child
                return child
        child.stop()
        return None
