"""State that the two threads of an indexer share, guarded by one condition."""

import contextlib
import logging
import threading
from collections.abc import Callable

from codekin.errors import CodekinError, StoreCorruptError, StoreError
from codekin.index.index import Index
from codekin.storage.store_files import set_aside
from codekin.types import Progress

logger = logging.getLogger(__name__)


class IndexerState:
    """Flags and figures that the threads share. Change a flag only while `wake` is held, and notify it."""

    def __init__(self, index: Index, on_change: Callable[[], None]) -> None:
        self.wake = threading.Condition()
        self.is_stopping = False
        self.is_paused = False
        self.is_rescan_requested = True
        self.is_reconciled = False  # since the last time that anything may have changed
        self.progress: Progress | None = None
        self.embedded_count = 0
        self.notify_change = on_change
        self._index = index

    @property
    def should_yield(self) -> bool:
        """Return whether bulk work has to end soon, to stop or to pause."""
        return self.is_stopping or self.is_paused

    def request_rescan(self) -> None:
        """Request a reconcile, and another one if one is under way; wakes the waiting threads."""
        with self.wake:
            self.is_rescan_requested = True
            self.is_reconciled = False
            self.wake.notify_all()

    def is_rescan_due(self) -> bool:
        """Return whether a reconcile is requested, and the indexer is not paused."""
        return self.is_rescan_requested and not self.is_paused

    def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait until `condition` holds, the time-out is over, or the indexer stops."""
        with self.wake:
            self.wake.wait_for(lambda: self.is_stopping or condition(), timeout_s)

    def report_progress(self, progress: Progress) -> None:
        """Set the progress, load from the store what was written, and call `notify_change`. Raises StoreError."""
        self.progress = progress
        self._index.follow()
        self.notify_change()

    def record_error(self, error: CodekinError) -> None:
        """Log the error, and add it to the store's error log, the recent problems. Never raises."""
        logger.warning("%s", error)
        self._index.error_log.record(str(error))

    def rebuild_corrupt(self, error: StoreCorruptError) -> None:
        """Set a corrupt file aside, if that works; in any case request a rescan, by which the owner fills a new one."""
        with contextlib.suppress(StoreError):  # if that fails, the next reader of the file reports it again
            set_aside(error)
        self.request_rescan()
