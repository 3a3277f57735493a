"""Bring the index up to date while the caller waits: by reconciling, or by waiting for the process that owns it."""

import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from filelock import FileLock

from codekin.index.index import Index
from codekin.indexing.backfill import backfill_vectors
from codekin.indexing.changed_folders import ChangedFolders
from codekin.indexing.ingest import Ingester
from codekin.indexing.lock_wait import wait_for_owner
from codekin.indexing.reconcile import reconcile
from codekin.indexing.tree_state import load_tree
from codekin.storage.owner_lock import OwnerLock
from codekin.storage.paths import IndexPaths
from codekin.storage.repair import with_repair
from codekin.types import Cancel, IndexReport, OnProgress
from codekin.workspace.tree_snapshot import TreeSnapshot
from codekin.workspace.workspace import Workspace

_MAX_CHANGES = 64  # files and folders; after more, the whole tree is scanned


@dataclass(frozen=True, slots=True)
class IndexRefresher:
    """Brings one index up to date for a command. An unsound file met on the way is set aside and made again."""

    paths: IndexPaths
    workspace: Workspace
    index: Index
    ingester: Ingester

    def refresh(self, on_progress: OnProgress, cancel_event: Cancel, workers: int, *, wait: bool) -> IndexReport:
        """Bring the index up to date, reconciling if no process owns it; load it, save its image; return a report.

        Raises CodekinError. If another process owns the index, it does the work: `wait` for it, or report what is
        there. Without `wait`, a tree is not scanned again if its stamps say that nothing, or little, has changed since
        the last scan.
        """
        started = time.monotonic()
        lock = OwnerLock(self.paths.lock)
        report_existing = partial(self._report_existing, on_progress, cancel_event, started)
        if lock.acquire():
            with closing(lock):
                # Overlays are those of a server that was killed: one that lives stores its own again.
                with_repair(self.index.store.release_overlays)
                is_current = not wait and with_repair(self._catch_up)
                report = None if is_current else reconcile(self.paths, on_progress, cancel_event, workers)
            report = report or with_repair(report_existing)
        else:
            if wait:
                wait_for_owner(self.index.store, FileLock(self.paths.lock, mode=0o600), on_progress, cancel_event)
            report = with_repair(report_existing)
        with_repair(self.index.follow)
        self.index.save_image()
        return report

    def load_tree(self) -> TreeSnapshot | None:
        """Return the stored stamps of files and folders; None if a scan is due. Sets an unsound store aside."""
        return with_repair(partial(load_tree, self.index.store, self.paths.settings.index))

    def _catch_up(self) -> bool:
        """Ingest and load the few changes since the last scan; return False if a scan is due. Raises CodekinError."""
        snapshot = load_tree(self.index.store, self.paths.settings.index)
        changed_paths = snapshot.find_changes() if snapshot else None
        if snapshot is None or changed_paths is None or len(changed_paths) > _MAX_CHANGES:
            return False
        changes = ChangedFolders(self.workspace, self.index.store, self.ingester, snapshot, changed_paths)
        if changed_paths and not changes.ingest():
            return False
        self.index.follow()
        return not self.index.light.pending  # vectors that were lost

    def _report_existing(self, on_progress: OnProgress, cancel_event: Cancel, started: float) -> IndexReport:
        """Embed what lacks this model's vectors; return a report of what the owner has indexed. Raises CodekinError."""
        self.index.follow()
        store, embedded_count = (
            self.index.store,
            backfill_vectors(self.index, self.ingester, on_progress, cancel_event.is_set),
        )
        counts, skipped = store.count_rows(), tuple(store.skipped())
        seconds = time.monotonic() - started
        return IndexReport(counts.files, counts.snippets, embedded_count, 0, skipped, seconds, store.size_bytes())
