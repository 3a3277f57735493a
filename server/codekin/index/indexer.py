"""What keeps the index like the workspace: a coalescing queue for edits, a child process for everything at once.

Any number of codekin processes may have the same workspace open. Each puts its own open documents' text into the
store; the one that holds the lock also watches the disk and reconciles. When it dies, another takes its place.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from codekin.errors import CodekinError, StoreBusyError, StoreCorruptError
from codekin.index.catch_up import catch_up
from codekin.index.child import Child
from codekin.index.home import Home
from codekin.index.index import Index
from codekin.index.prepare import Preparer, left_out, put_prepared
from codekin.index.schema import set_aside
from codekin.index.workspace import SourceFile, Workspace
from codekin.types import Progress

if TYPE_CHECKING:
    from codekin.index.watcher import Watcher

log = logging.getLogger(__name__)

_FEW = 64  # paths at once; more are left to a child process
_PATIENCE = 4  # debounces that an edit waits at most while more edits keep coming
_STAND_BY_S = 1.0
_RETRIES_S = (1.0, 5.0, 30.0, 300.0)


class Indexer:
    """The writing side of an index, on two threads of its own. Every method returns at once but `stop`."""

    def __init__(
        self, home: Home, workspace: Workspace, index: Index, preparer: Preparer, on_change: Callable[[], None]
    ) -> None:
        self._home = home
        self._workspace = workspace
        self._index = index
        self._preparer = preparer
        self._on_change = on_change
        self._settings = home.settings.index
        self._wake = threading.Condition()
        self._due: dict[Path, tuple[float, float]] = {}  # path → (when to take it, when at the latest)
        self._rescan_wanted = True
        self._reconciled = False  # since the last time that anything may have changed
        self._is_behind = False  # contents of others have no vector of ours
        self._caught_up = -1  # with what others had written up to this generation of the store
        self._paused = False
        self._stopping = False
        self._child: Child | None = None
        self._lock = FileLock(home.lock, timeout=0, mode=0o600, thread_local=False)
        self._watcher: Watcher | None = None
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._run_updates, self._run_bulk)]
        self.progress: Progress | None = None
        self._update_problem: str | None = None
        self._bulk_problem: str | None = None
        self.embedded = 0

    # The door

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, leaving nothing half-written and no process behind."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
            child = self._child
        if child:
            child.stop()
        for thread in self._threads:
            thread.join()
        if self._watcher:  # only now: a thread may just have begun to watch
            self._watcher.stop()
        self._index.store.release(self._workspace.overlays())
        self._lock.release()

    def notice(self, paths: Iterable[Path]) -> None:
        """These are other than the store has them. Those that wait already wait no longer for that."""
        with self._wake:
            fresh = [path for path in paths if path not in self._due]
        self.update(fresh)

    def update(self, paths: Iterable[Path]) -> None:
        """These may have changed: take them in after the debounce."""
        now, wait = time.monotonic(), self._settings.debounce_ms / 1000
        with self._wake:
            for path in paths:
                latest = self._due[path][1] if path in self._due else now + _PATIENCE * wait
                self._due[path] = (min(now + wait, latest), latest)
            self._wake.notify_all()

    def rescan(self) -> None:
        """Anything may have changed: reconcile (again, if one is under way), if it is this process that does."""
        with self._wake:
            self._rescan_wanted = True
            self._reconciled = False
            self._wake.notify_all()

    def pause(self) -> None:
        """No bulk work until `resume`; open documents stay searchable as they are edited."""
        with self._wake:
            self._paused = True
            child = self._child
        if child:
            child.stop()
        self._on_change()

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        with self._wake:
            self._paused = False
        self.rescan()
        self._on_change()

    def reindex(self) -> None:
        """Take in the whole workspace anew; what has a vector is not embedded again.

        Raises StoreBusyError where another process has the lock: it would not know that it is to scan again.
        """
        if not self._lock.is_locked:
            raise StoreBusyError("Another codekin keeps this workspace's index. Reindex there, or close it first.")
        self._index.store.clear()
        self.rescan()

    def repair(self, error: StoreCorruptError) -> None:
        """A file of the index proved unsound: make it again."""
        if self._lock.is_locked:
            set_aside(error.path)
            self.rescan()

    @property
    def state(self) -> str:
        """What it is doing, in a word or two."""
        if self.problem:
            return "failed"
        if not self._lock.is_locked:
            return "standing by"
        if self._paused:
            return "paused"
        return "ready" if self._reconciled else "indexing"

    @property
    def is_keeper(self) -> bool:
        """Whether it is this process that keeps the index like the disk."""
        return self._lock.is_locked

    @property
    def problem(self) -> str | None:
        """What keeps it from its work, and the remedy."""
        return self._bulk_problem or self._update_problem

    @property
    def watching(self) -> str:
        """How changes on the disk are noticed."""
        return self._watcher.mode if self._watcher else "off"

    # Edits: a few files at a time, here

    def _run_updates(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._due or self._is_behind)
                if self._stopping:
                    return
                now = time.monotonic()
                ready = [path for path, (when, _) in self._due.items() if when <= now]
                if not ready and not self._is_behind:
                    self._wake.wait(min(when for when, _ in self._due.values()) - now)
                    continue
                for path in ready:
                    del self._due[path]
                self._is_behind = False
            self._take(ready)

    def _take(self, paths: list[Path]) -> None:
        if len(paths) > _FEW:
            self.rescan()
            paths = [path for path in paths if self._workspace.is_open(path)]  # a scan reads the disk only
        try:
            verdicts = {path: self._workspace.admits(path) for path in paths}
            ours = {path: verdict for path, verdict in verdicts.items() if isinstance(verdict, SourceFile)}
            prepared = self._preparer.prepare(ours)
            put_prepared(self._index.store, self._preparer, prepared)
            self._index.store.remove(verdicts.keys() - ours.keys())
            self._index.store.update_skipped(paths, left_out(verdicts, prepared))
            self.embedded += prepared.embedded
            self._update_problem = None
            self._catch_up()
        except StoreCorruptError as error:
            self._note_trouble(error)
            self.repair(error)
        except CodekinError as error:
            self._note_trouble(error)
            self._update_problem = str(error)
            self._retry(paths)
        except Exception as error:  # a fault of ours must not end the thread that keeps the index like the editor
            log.exception("%d files could not be taken in", len(paths))
            self._index.troubles.tell(repr(error))
            self._update_problem = f"{error!r} while indexing an edit; the log has the details. Please report it."
        self._on_change()

    def _look_behind(self) -> None:
        """Have the contents of others taken care of that have no vector of ours, once each time they change."""
        generation = self._index.store.generation()
        with self._wake:
            self._is_behind = bool(self._index.light.awaited) and generation != self._caught_up and not self._paused
            self._wake.notify_all()

    def _catch_up(self) -> None:
        generation = self._index.store.generation()
        self._index.follow()
        if not self._index.light.awaited:
            return
        try:
            self.embedded += catch_up(self._index, self._preparer, self._note, self._is_to_rest)
        finally:
            self.progress = None
        if not self._is_to_rest():
            self._caught_up = generation

    def _is_to_rest(self) -> bool:
        return self._stopping or self._paused

    def _note_trouble(self, error: CodekinError) -> None:
        log.warning("%s", error)
        self._index.troubles.tell(str(error))

    def _retry(self, paths: Iterable[Path]) -> None:
        later = time.monotonic() + _RETRIES_S[0]
        with self._wake:
            for path in paths:
                self._due.setdefault(path, (later, later))

    # Everything at once: by a child, if this process holds the lock

    def _run_bulk(self) -> None:
        if not self._await_lock():
            return
        from codekin.index.watcher import Watcher  # the command line never watches

        # Whoever held unsaved text before us may be dead; who lives says it again with the next edit.
        self._index.store.release()
        self.update(self._workspace.overlays())
        self._watcher = Watcher(self._workspace, self.update, self.rescan, self._settings.polling_s)
        self._watcher.start()
        failures = 0
        while self._await(lambda: self._rescan_wanted and not self._paused):
            try:
                self._reconcile(failures)
                failures, self._bulk_problem = 0, None
            except Exception as error:  # whatever it is, the lock is held: nobody else would do the work
                log.warning("%s", error, exc_info=not isinstance(error, CodekinError))
                self._index.troubles.tell(str(error) or repr(error))
                self._bulk_problem = str(error) if failures else None  # once is soon mended
                self.rescan()
                self._on_change()
                self._await(lambda: False, _RETRIES_S[min(failures, len(_RETRIES_S) - 1)])
                failures += 1

    def _await_lock(self) -> bool:
        while not self._stopping:
            try:
                self._lock.acquire()
            except Timeout:
                self._index.follow()
                self._look_behind()
                self._on_change()
                self._await(lambda: False, _STAND_BY_S)
            else:
                self._on_change()
                return True
        return False

    def _await(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Until `condition`, or the timeout; False when it is time to stop."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or condition(), timeout_s)
            return not self._stopping

    def _reconcile(self, failures: int) -> None:
        """`failures` came before it, in a row."""
        with self._wake:
            if self._paused or self._stopping:
                return
            self._rescan_wanted = False
            # Unsaved text of others: who lives says it again with the next edit, who was killed never lets go of it.
            self._index.store.release(self._index.store.overlays() - self._workspace.overlays().keys())
            workers = self._settings.workers or max(1, (os.cpu_count() or 2) // 2)
            self._child = child = Child(self._home, workers, failures)
        try:
            report = child.run(self._note)
        finally:
            child.stop()
            self._child = self.progress = None
        if report:
            self.embedded += report.embedded
            self._index.settle()
            self._look_behind()  # the child is of another version where codekin was upgraded under us
            with self._wake:
                self._reconciled = not self._rescan_wanted
        self._on_change()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        self._index.follow()
        self._on_change()
