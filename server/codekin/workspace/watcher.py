"""Report which files changed on the disk.

Events are gathered for a moment and reported as a set of paths. If there are too many of them, or the system lost
events, a rescan is reported instead. Where a system can't watch, or stops watching, the files are polled every few
seconds (poller.py) and differences are reported in the same way.
"""

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from codekin.workspace.poller import Poller
from codekin.workspace.watch_source import WatchEvent, WatchListener, WatchSource
from codekin.workspace.workspace import Workspace

logger = logging.getLogger(__name__)

_QUIET_S = 0.05  # a silence that ends a batch
_MAX_DELAY_S = 0.5  # the first path of a batch waits no longer than this
_BURST_PATHS = 500  # more paths at once are reported as a rescan
_BURST_QUIET_S = 0.2  # a burst (a checkout, a build) pauses for longer
_BURST_MAX_DELAY_S = 5.0
_MAX_GATHERED_PATHS = 50_000  # bounds memory; further paths of a batch are dropped and a rescan is reported
_STOP_TIMEOUT_S = 2.0  # for the thread to end


class Watcher:
    """Reports changes on the disk from a thread of its own; both callbacks must return soon.

    `on_change` gets paths that a walk of the workspace could find, or could have found before they were deleted.
    `on_rescan` is also called once when watching has begun: earlier changes were not reported.
    """

    def __init__(
        self,
        workspace: Workspace,
        on_change: Callable[[set[Path]], None],
        on_rescan: Callable[[], None],
        polling_s: float,
    ) -> None:
        self._workspace = workspace
        self._on_change = on_change
        self._on_rescan = on_rescan
        self._polling_s = polling_s
        self._item_queue: queue.SimpleQueue[Path | WatchEvent | OSError] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._source: WatchSource | None = None
        self._poller = Poller(workspace, self._stopping)
        self._polling_reason: str | None = None
        self._root_identities: dict[Path, tuple[int, int] | None] = {}
        self._thread = threading.Thread(target=self._run_loop, name="codekin-watcher", daemon=True)
        self._state = "off"

    @property
    def mode(self) -> str:
        """Return how changes are noticed: "off", "starting", "watchdog", or "polling every 5 s: " and the reason.

        While roots are missing, it also says how often they are looked for.
        """
        if self._polling_reason:
            return f"polling every {self._get_period_s():g} s: {self._polling_reason}"
        missing_roots = ", ".join(str(root) for root, identity in self._root_identities.items() if identity is None)
        return (
            f"{self._state}; checking every {self._polling_s:g} s for {missing_roots}" if missing_roots else self._state
        )

    def start(self) -> None:
        """Start the thread and return at once; the thread sets up the watches."""
        self._state = "starting"
        self._thread.start()

    def stop(self) -> None:
        """Stop, waiting up to 2 s for the thread; only a callback under way may last longer."""
        self._stopping.set()
        self._item_queue.put(WatchEvent.STOP)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_STOP_TIMEOUT_S)
        self._state, self._polling_reason, self._root_identities = "off", None, {}

    def _run_loop(self) -> None:
        """Set up the watches, ask for a rescan, then report batches until stopped."""
        self._start_watching()
        self._report_batch(_Batch(needs_rescan=True))
        next_check = time.monotonic() + self._get_period_s()
        while not self._stopping.is_set():
            batch = self._gather_batch(next_check)
            if batch is None:
                batch = self._check_periodically()
                next_check = time.monotonic() + self._get_period_s()
            self._report_batch(batch)
        if self._source:
            self._source.stop()

    def _start_watching(self) -> None:
        """Open the system's source and watch; if that fails, poll."""
        try:
            self._source = _open_system_source(self._workspace, self._queue_item, self._stopping)
        except OSError as error:
            self._start_polling(error.strerror or str(error))
        except Exception as error:
            logger.exception("files can't be watched here")
            self._start_polling(f"files can't be watched here ({error})")
        else:
            self._update_watches()
            self._state = "watchdog"

    def _update_watches(self) -> None:
        """Watch what the workspace has now; if the system refuses, poll."""
        self._root_identities = {root: _get_identity(root) for root in self._workspace.roots}
        if self._source:
            try:
                self._source.update_watches()
            except OSError as error:
                self._start_polling(error.strerror or str(error))
            else:
                self._polling_reason = self._source.find_blind_spot()

    def _start_polling(self, reason: str) -> None:
        """Stop watching and poll from now on; logs the reason."""
        self._polling_reason = reason
        logger.warning("%s", self.mode)
        if self._source:
            self._source.stop()
            self._source = None

    def _queue_item(self, item: Path | WatchEvent | OSError) -> None:
        """Queue an item, unless its name shows that it can't matter; a changed ignore file counts as OVERFLOW."""
        if isinstance(item, Path):
            if self._workspace.is_ignore_file(item):
                item = WatchEvent.OVERFLOW
            elif not self._workspace.may_matter(item):
                return
        self._item_queue.put(item)

    def _gather_batch(self, deadline: float) -> "_Batch | None":
        """Return the items that arrive together, up to STOP; None if none arrives by `deadline` (monotonic, s)."""
        try:
            item = self._item_queue.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
        batch, started = _Batch(), time.monotonic()
        while item is not WatchEvent.STOP:
            batch.add_item(item)
            quiet_s, max_delay_s = batch.timeouts_s
            remaining_s = started + max_delay_s - time.monotonic()
            if remaining_s <= 0:
                break
            try:
                item = self._item_queue.get(timeout=min(quiet_s, remaining_s))
            except queue.Empty:
                break
        return batch

    def _check_periodically(self) -> "_Batch":
        """Return a batch of what a poll finds; while watching, only of whether roots moved or the source died."""
        if self._source and not self._source.is_alive():
            self._start_polling("the file watcher failed; restart codekin to watch again")
            return _Batch(needs_rescan=True)
        roots_moved = any(_get_identity(root) != identity for root, identity in self._root_identities.items())
        if roots_moved or self._polling_reason is None:
            return _Batch(lost_events=roots_moved)
        changed_paths = self._poller.find_changes()
        return _Batch(needs_rescan=True) if changed_paths is None else _Batch(polled_paths=changed_paths)

    def _get_period_s(self) -> float:
        """Return the seconds between two periodic checks."""
        return self._polling_s if self._polling_reason is None else self._poller.period_s(self._polling_s)

    def _report_batch(self, batch: "_Batch") -> None:
        """Poll after an error, rewatch after lost events; call `on_change` with up to 500 paths, else `on_rescan`."""
        if batch.error:
            self._start_polling(batch.error.strerror or str(batch.error))
        if batch.lost_events:
            self._update_watches()
        needs_rescan = (
            batch.needs_rescan
            or batch.lost_events
            or batch.error is not None
            or len(batch.paths) >= _MAX_GATHERED_PATHS
        )
        if needs_rescan and self._polling_reason:
            self._poller.find_changes()  # a rescan sees all that changes from here on
        changed_paths = (
            set() if needs_rescan and len(batch.paths) > _BURST_PATHS else self._workspace.select_covered(batch.paths)
        )
        changed_paths |= batch.polled_paths
        if self._stopping.is_set():
            return
        try:
            if 0 < len(changed_paths) <= _BURST_PATHS:
                self._on_change(changed_paths)
            if needs_rescan or len(changed_paths) > _BURST_PATHS:
                self._on_rescan()
        except Exception:
            logger.exception("failed to handle a change on the disk")


@dataclass(slots=True)
class _Batch:
    """Items that are reported together."""

    paths: set[Path] = field(default_factory=set)
    polled_paths: set[Path] = field(default_factory=set)  # already known to be in the workspace
    needs_rescan: bool = False
    lost_events: bool = False
    error: OSError | None = None

    def add_item(self, item: Path | WatchEvent | OSError) -> None:
        """Add a path, event or error; paths beyond 50,000 are dropped."""
        if isinstance(item, OSError):
            self.error = item
        elif isinstance(item, WatchEvent):
            self.needs_rescan = True
            self.lost_events |= item is WatchEvent.OVERFLOW
        elif len(self.paths) < _MAX_GATHERED_PATHS:
            self.paths.add(item)

    @property
    def timeouts_s(self) -> tuple[float, float]:
        """Return the seconds of silence that end the batch, and the maximum seconds to gather it."""
        if self.needs_rescan or len(self.paths) > _BURST_PATHS:
            return _BURST_QUIET_S, _BURST_MAX_DELAY_S
        return _QUIET_S, _MAX_DELAY_S


def _open_system_source(workspace: Workspace, listener: WatchListener, stopping: threading.Event) -> WatchSource:
    """Return the source of file events for this operating system. Raises OSError."""
    # Imported here: each exists only on its system, and the command line needs neither.
    if sys.platform == "linux":
        from codekin.workspace.inotify import Inotify

        return Inotify(workspace, listener, stopping)
    from codekin.workspace.recursive_observer import RecursiveObserver

    return RecursiveObserver(workspace, listener)


def _get_identity(root: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder, by which it is told from another at the path; None if it doesn't exist."""
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
