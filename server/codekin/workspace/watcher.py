"""What changed on the disk?

Events are gathered for a moment, and then told as the set of paths that may have changed; where that would be too many
to be told one by one, or the system lost events, as "anything may have". Where a system can't watch, or not any
more, the files are looked at every few seconds (poller.py), and what differs is told in the same way.
"""

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from codekin.code.languages import detect_language
from codekin.workspace.poller import Poller
from codekin.workspace.workspace import Workspace

log = logging.getLogger(__name__)

_QUIET_S = 0.05  # nothing for so long: that was all
_LATEST_S = 0.5  # but nobody waits longer than this
_BURST = 500  # more paths at once are a rescan's business
_BURST_QUIET_S = 0.2
_BURST_LATEST_S = 5.0
_HELD = 50_000  # paths gathered; what is more is not even looked at
_STOP_S = 2.0


class WatchEvent(Enum):
    """What a source tells besides paths."""

    RESCAN = "anything may have changed"
    OVERFLOW = "anything may have changed, which folders there are included"
    STOP = "nobody listens any more"


WatchListener = Callable[[Path | WatchEvent | OSError], None]  # an error ends the watching; its text names the remedy


class WatchSource(Protocol):
    """The system's own way of telling changes; it reports from a thread of its own."""

    def renew(self) -> None:
        """Watch all that the workspace has now, and nothing else. OSError when the system can't."""

    def blind_spot(self) -> str | None:
        """Why not every change will be told."""

    def is_alive(self) -> bool:
        """Whether changes are still heard."""

    def stop(self) -> None:
        """Watch nothing any more."""


class Watcher:
    """Tells of changes, from a thread of its own: both callbacks must return soon.

    `on_change` gets paths that a walk of the workspace could find, or could have found before they went.
    `on_rescan` is also called once when watching has begun: nobody told of changes before that.
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
        self._items: queue.SimpleQueue[Path | WatchEvent | OSError] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._source: WatchSource | None = None
        self._poller = Poller(workspace, self._stopping)
        self._why_polling: str | None = None
        self._roots: dict[Path, tuple[int, int] | None] = {}
        self._thread = threading.Thread(target=self._run, name="codekin-watcher", daemon=True)
        self._state = "off"

    @property
    def mode(self) -> str:
        """How changes are noticed, for a person to read: "watchdog", or "polling every 5 s: " and why."""
        if self._why_polling:
            return f"polling every {self._period_s():g} s: {self._why_polling}"
        missing = ", ".join(str(root) for root, identity in self._roots.items() if identity is None)
        return f"{self._state}; looking every {self._polling_s:g} s for {missing}" if missing else self._state

    def start(self) -> None:
        """Begin, and return at once; the folders are taken under watch behind."""
        self._state = "starting"
        self._thread.start()

    def stop(self) -> None:
        """End; no callback is called after this has returned."""
        self._stopping.set()
        self._items.put(WatchEvent.STOP)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)
        self._state, self._why_polling, self._roots = "off", None, {}

    def _run(self) -> None:
        self._begin()
        self._tell(_Batch(doubt=True))
        due = time.monotonic() + self._period_s()
        while not self._stopping.is_set():
            batch = self._gathered(due)
            if batch is None:
                batch = self._looked_after()
                due = time.monotonic() + self._period_s()
            self._tell(batch)
        if self._source:
            self._source.stop()

    def _begin(self) -> None:
        try:
            self._source = _system_source(self._workspace, self._report, self._stopping)
        except OSError as error:
            self._poll(error.strerror or str(error))
        except Exception as error:
            log.exception("watching files is not possible here")
            self._poll(f"watching files is not possible here ({error})")
        else:
            self._renew()
            self._state = "watchdog"

    def _renew(self) -> None:
        self._roots = {root: _identity(root) for root in self._workspace.roots}
        if self._source:
            try:
                self._source.renew()
            except OSError as error:
                self._poll(error.strerror or str(error))
            else:
                self._why_polling = self._source.blind_spot()

    def _poll(self, why: str) -> None:
        """Watching is over."""
        self._why_polling = why
        log.warning("%s", self.mode)
        if self._source:
            self._source.stop()
            self._source = None

    def _report(self, item: Path | WatchEvent | OSError) -> None:
        """Called by the source, thousands of times in a burst: what a name alone rules out goes no further."""
        if isinstance(item, Path):
            if self._workspace.is_ignore_file(item):
                item = WatchEvent.OVERFLOW
            elif detect_language(item) is None and "." in item.name and not self._workspace.is_suppressions_file(item):
                return
        self._items.put(item)

    def _gathered(self, due: float) -> "_Batch | None":
        """What comes together, from the next item on; None when nothing comes until `due` (monotonic, seconds)."""
        try:
            item = self._items.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            return None
        batch, started = _Batch(), time.monotonic()
        while item is not WatchEvent.STOP:
            batch.add(item)
            quiet_s, latest_s = batch.patience_s
            left_s = started + latest_s - time.monotonic()
            if left_s <= 0:
                break
            try:
                item = self._items.get(timeout=min(quiet_s, left_s))
            except queue.Empty:
                break
        return batch

    def _looked_after(self) -> "_Batch":
        """What is done every few seconds: to poll, or to see whether what was watched is still what is there."""
        if self._source and not self._source.is_alive():
            self._poll("what watched the files has failed; restart codekin to watch again")
            return _Batch(doubt=True)
        moved = any(_identity(root) != identity for root, identity in self._roots.items())
        if moved or self._why_polling is None:
            return _Batch(loss=moved)
        changed = self._poller.look()
        return _Batch(doubt=True) if changed is None else _Batch(polled=changed)

    def _period_s(self) -> float:
        return self._polling_s if self._why_polling is None else self._poller.period_s(self._polling_s)

    def _tell(self, batch: "_Batch") -> None:
        if batch.error:
            self._poll(batch.error.strerror or str(batch.error))
        if batch.loss:
            self._renew()
        doubt = batch.doubt or batch.loss or batch.error is not None or len(batch.paths) >= _HELD
        if doubt and self._why_polling:
            self._poller.look()  # a rescan sees all that changes from here on
        paths = set() if doubt and len(batch.paths) > _BURST else self._workspace.select_covered(batch.paths)
        paths |= batch.polled
        if self._stopping.is_set():
            return
        try:
            if 0 < len(paths) <= _BURST:
                self._on_change(paths)
            if doubt or len(paths) > _BURST:
                self._on_rescan()
        except Exception:
            log.exception("a change on the disk could not be passed on")


@dataclass(slots=True)
class _Batch:
    """What was gathered."""

    paths: set[Path] = field(default_factory=set)
    polled: set[Path] = field(default_factory=set)  # which were the workspace's when they were looked at
    doubt: bool = False
    loss: bool = False
    error: OSError | None = None

    def add(self, item: Path | WatchEvent | OSError) -> None:
        if isinstance(item, OSError):
            self.error = item
        elif isinstance(item, WatchEvent):
            self.doubt = True
            self.loss |= item is WatchEvent.OVERFLOW
        elif len(self.paths) < _HELD:
            self.paths.add(item)

    @property
    def patience_s(self) -> tuple[float, float]:
        """How long a silence means that this was all, and how long to wait for one."""
        if self.doubt or len(self.paths) > _BURST:
            return _BURST_QUIET_S, _BURST_LATEST_S
        return _QUIET_S, _LATEST_S


def _system_source(workspace: Workspace, report: WatchListener, stopping: threading.Event) -> WatchSource:
    # Imported here: the command line never watches.
    if sys.platform == "linux":
        from codekin.workspace.inotify import Inotify

        return Inotify(workspace, report, stopping)
    from codekin.workspace.recursive_observer import RecursiveObserver

    return RecursiveObserver(workspace, report)


def _identity(root: Path) -> tuple[int, int] | None:
    """What tells a folder from another of the same name; None when there is none."""
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
