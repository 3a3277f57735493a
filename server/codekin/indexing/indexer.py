"""What keeps the index like the workspace: a coalescing queue for edits, a child process for everything at once.

Any number of codekin processes may have the same workspace open. Each puts its own open documents' text into the
store; the one that holds the lock also watches the disk and reconciles. When it dies, another takes its place.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from codekin.errors import (
    CodekinError,
    StoreBusyError,
    StoreClosingError,
    StoreCorruptError,
    StoreError,
    StoreLostError,
)
from codekin.index.index import Index
from codekin.indexing.backfill import backfill_vectors
from codekin.indexing.ingest import Ingester, left_out, put_prepared
from codekin.indexing.reconcile_process import ReconcileProcess
from codekin.storage.integrity import find_damage
from codekin.storage.owner_lock import OwnerLock
from codekin.storage.paths import IndexPaths
from codekin.storage.store_files import set_aside
from codekin.types import IndexState, Progress
from codekin.workspace.workspace import SourceFile, Workspace

if TYPE_CHECKING:
    from codekin.workspace.watcher import Watcher

log = logging.getLogger(__name__)

_FEW = 64  # paths at once; more are left to a child process
_PATIENCE = 4  # debounces that an edit waits at most while more edits keep coming
_INTERRUPT_S = 0.05  # between two attempts to interrupt a thread, which may not have been where that helps
_LOOK_S = 1.0  # between two looks at the lock and the index's files
_RETRIES_S = (1.0, 5.0, 15.0, 60.0)
_OPEN_AGAIN_S = 2.0  # between two attempts to open a file of the index


class Indexer:
    """The writing side of an index, on two threads of its own. Every method returns at once but `stop`."""

    def __init__(
        self, home: IndexPaths, workspace: Workspace, index: Index, preparer: Ingester, on_change: Callable[[], None]
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
        self._child: ReconcileProcess | None = None
        self._lock = OwnerLock(home.lock)
        self._seen_replacements = index.replacements
        self._watcher: Watcher | None = None
        runs = (self._run_updates, self._run_bulk)
        self._threads = [threading.Thread(target=self._run, args=(run,), daemon=True) for run in runs]
        self.progress: Progress | None = None
        self._update_problem: str | None = None
        self._bulk_problem: str | None = None
        self.embedded = 0
        self._refused: frozenset[Path] = frozenset()  # open documents that are left out; exchanged, never changed

    # The door

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def interrupt(self) -> None:
        """Have all work end soon; returns at once. Only `stop` may come after."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
            child = self._child
        if child:
            child.interrupt()

    def stop(self) -> None:
        """End, leaving nothing half-written and no process behind. What was not written is read again at the start."""
        self.interrupt()
        if child := self._child:
            child.stop()
        for thread in self._threads:
            while thread.is_alive():
                self._index.interrupt()
                self._preparer.interrupt()
                thread.join(_INTERRUPT_S)
        if self._watcher:  # only now: a thread may just have begun to watch
            self._watcher.stop()
        with contextlib.suppress(StoreError):  # what can't be written now is read from the disk anew by the next one
            self._index.store.release_overlays(self._workspace.overlays())
        self._lock.release()

    def queue_stale(self, paths: Iterable[Path]) -> None:
        """These are other than the store has them. Those that wait already wait no longer for that."""
        with self._wake:
            fresh = [path for path in paths if path not in self._due]
        self.queue_changed(fresh)

    def queue_changed(self, paths: Iterable[Path]) -> None:
        """These may have changed: take them in after the debounce."""
        now, wait = time.monotonic(), self._settings.debounce_ms / 1000
        with self._wake:
            for path in paths:
                latest = self._due[path][1] if path in self._due else now + _PATIENCE * wait
                self._due[path] = (min(now + wait, latest), latest)
            self._wake.notify_all()

    def request_rescan(self) -> None:
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
        self.request_rescan()
        self._on_change()

    def reindex(self) -> None:
        """Take in the whole workspace anew; what has a vector is not embedded again.

        Raises StoreBusyError where another process has the lock: it would not know that it is to scan again.
        """
        if not self._lock.is_held:
            raise StoreBusyError("Another codekin keeps this workspace's index. Reindex there, or close it first.")
        self._index.store.clear()
        self.request_rescan()

    def rebuild_corrupt(self, error: StoreCorruptError) -> None:
        """Set aside a file of the index that proved unsound, to be made again by whoever has the lock."""
        with contextlib.suppress(StoreError):  # where that can't be done, the next who reads the file says so again
            set_aside(error)
        self.request_rescan()

    @property
    def state(self) -> IndexState:
        """Return what the indexer is doing."""
        if self.problem:
            return IndexState.FAILED
        if not self._lock.is_held:
            return IndexState.STANDING_BY
        if self._paused:
            return IndexState.PAUSED
        return IndexState.READY if self._reconciled else IndexState.INDEXING

    @property
    def is_owner(self) -> bool:
        """Whether it is this process that keeps the index like the disk."""
        return self._lock.is_held

    @property
    def problem(self) -> str | None:
        """What keeps it from its work, and the remedy."""
        problem = self._index.problem
        return self._bulk_problem or (str(problem) if problem else self._update_problem)

    @property
    def watch_mode(self) -> str:
        """How changes on the disk are noticed."""
        return self._watcher.mode if self._watcher else "off"

    def _run(self, work: Callable[[], None]) -> None:
        """One of the two threads, until the index is closed."""
        with contextlib.suppress(StoreClosingError):
            work()

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
            self.request_rescan()
            paths = [path for path in paths if self._workspace.is_open(path)]  # a scan reads the disk only
        try:
            verdicts = {path: self._workspace.check_file(path) for path in paths}
            ours = {path: verdict for path, verdict in verdicts.items() if isinstance(verdict, SourceFile)}
            prepared = self._preparer.ingest_files(ours)
            refused = {path for path in prepared.gone if self._workspace.is_open(path)}
            self._refused = self._refused.difference(paths) | refused
            self._index.store.release_overlays(refused)  # else what they said before would stay
            put_prepared(self._index.store, self._preparer, prepared)
            self._index.store.remove_files(verdicts.keys() - ours.keys())
            self._index.store.update_skipped(paths, left_out(verdicts, prepared))
            self.embedded += prepared.embedded
            self._update_problem = None
            self._catch_up()
        except StoreClosingError:
            raise
        except StoreCorruptError as error:
            self._note_trouble(error)
            self.rebuild_corrupt(error)
        except CodekinError as error:
            self._note_trouble(error)
            self._update_problem = None if isinstance(error, StoreLostError) else str(error)
            self._retry(paths)
        except Exception as error:  # a fault of ours must not end the thread that keeps the index like the editor
            log.exception("%d files could not be taken in", len(paths))
            self._index.error_log.record(repr(error))
            self._update_problem = f"{error!r} while indexing an edit; the log has the details. Please report it."
        self._on_change()

    def _look_behind(self) -> None:
        """Have the contents of others taken care of that have no vector of ours, once each time they change."""
        generation = self._index.store.generation()
        with self._wake:
            self._is_behind = bool(self._index.light.pending) and generation != self._caught_up and not self._paused
            self._wake.notify_all()

    def _catch_up(self) -> None:
        generation = self._index.store.generation()
        self._index.follow()
        if not self._index.light.pending:
            return
        try:
            self.embedded += backfill_vectors(self._index, self._preparer, self._note, self._is_to_rest)
        finally:
            self.progress = None
        if not self._is_to_rest():
            self._caught_up = generation

    def _is_to_rest(self) -> bool:
        return self._stopping or self._paused

    def _note_trouble(self, error: CodekinError) -> None:
        log.warning("%s", error)
        self._index.error_log.record(str(error))

    def _retry(self, paths: Iterable[Path]) -> None:
        later = time.monotonic() + _RETRIES_S[0]
        with self._wake:
            for path in paths:
                self._due.setdefault(path, (later, later))

    # Everything at once: by a child, if this process holds the lock

    def _run_bulk(self) -> None:
        while self._await_lock():
            self._begin_watching()
            self._keep()
            if self._watcher and not self._stopping:  # another process may have the lock by now
                self._watcher.stop()
                self._watcher = None

    def _begin_watching(self) -> None:
        from codekin.workspace.watcher import Watcher  # the command line never watches

        self._watcher = Watcher(self._workspace, self.queue_changed, self.request_rescan, self._settings.polling_s)
        self._watcher.start()

    def _keep(self) -> None:
        """Keep the store like the disk, until the lock is lost, or it is time to stop."""
        is_begun, failures = False, 0
        while self._lock.is_held and not self._stopping:
            try:
                if not is_begun:  # whoever held unsaved text before us may be dead; who lives says it again
                    self._index.store.release_overlays()
                    self.queue_changed(self._workspace.overlays())
                    is_begun = True
                self._look_at_files()
                if self._is_rescan_due():
                    self._reconcile(failures)
                failures, self._bulk_problem = 0, None
                self._await(self._is_rescan_due, _LOOK_S)
            except Exception as error:  # noqa: BLE001 (whatever it is: with the lock, nobody else would do the work)
                self._note_failure(error, failures)
                failures += 1

    def _is_rescan_due(self) -> bool:
        return self._rescan_wanted and not self._paused

    def _look_at_files(self) -> None:
        """Take everything in anew where a file of the index is another than before, or gone. Raises StoreError."""
        self._index.follow()
        if self._index.problem:
            raise self._index.problem
        if self._index.replacements == self._seen_replacements:
            return
        self._seen_replacements = self._index.replacements
        if damage := find_damage(self._home.store):  # a copy of a file that was being written
            raise damage
        self.queue_changed(self._workspace.overlays())
        self.request_rescan()
        self._on_change()

    def _note_failure(self, error: Exception, failures: int) -> None:
        """Say what went wrong, mend what can be mended, and wait before it is tried again."""
        if isinstance(error, StoreClosingError):
            raise error
        log.warning("%s", error, exc_info=not isinstance(error, CodekinError))
        self._index.error_log.record(str(error) or repr(error))
        self._bulk_problem = str(error) if failures else None  # once is soon mended
        delay_s = _RETRIES_S[min(failures, len(_RETRIES_S) - 1)]
        if isinstance(error, StoreCorruptError):
            self.rebuild_corrupt(error)
        if isinstance(error, StoreError):  # met here, before any work was begun: to try costs nothing
            delay_s = min(delay_s, _OPEN_AGAIN_S)
        self.request_rescan()
        self._on_change()
        self._await(lambda: False, delay_s)

    def _await_lock(self) -> bool:
        """Wait for the lock, following what its holder writes; False when it is time to stop."""
        failures = 0
        while not self._stopping:
            try:
                if self._lock.acquire():
                    self._on_change()
                    return True
                self._look_at_files()
                self._look_behind()
                failures, self._bulk_problem = 0, None
                self._on_change()
                self._await(lambda: False, _LOOK_S)
            except Exception as error:  # noqa: BLE001 (whatever it is, the lock is wanted when its holder ends)
                self._note_failure(error, failures)
                failures += 1
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
            self._index.store.release_overlays(self._index.store.overlay_paths() - self._workspace.overlays().keys())
            workers = self._settings.workers or max(1, (os.cpu_count() or 2) // 2)
            self._child = child = ReconcileProcess(self._home, workers, failures)
        try:
            report = child.run_until_done(self._note)
        finally:
            child.stop()
            self._child = self.progress = None
        if report:
            self.embedded += report.embedded
            self._index.follow_and_compact()
            self.queue_changed(self._refused)  # the child took in what the disk says
            self._look_behind()  # the child is of another version where codekin was upgraded under us
            with self._wake:
                self._reconciled = not self._rescan_wanted
        self._on_change()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        self._index.follow()
        self._on_change()
