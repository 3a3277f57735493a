"""Brings the store up to date with the disk: walks, compares, and ingests what differs, on several processors.

Runs where it is called (the command line) or in a child of the language server (see reconcile_process.py). The server
thereby stays responsive, gets its memory back when the work is done, and outlives a crashing parser.
"""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codekin import __version__
from codekin.embed.factory import load_light_model
from codekin.errors import StoreClosingError, StoreLostError
from codekin.indexing.eviction import evict_to_quota
from codekin.indexing.ingest import Ingester, IngestResult, write_ingested
from codekin.indexing.pool import ingest_in_isolation, ingest_in_workers
from codekin.indexing.time_left import estimate_progress
from codekin.indexing.tree_state import store_tree
from codekin.settings import IndexSettings
from codekin.storage.paths import IndexPaths
from codekin.storage.repair import with_repair
from codekin.storage.rows import FileState
from codekin.storage.skipped_files import TRY_AGAIN, TRY_ALONE, stamp_of
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.types import Cancel, IndexReport, OnProgress, Skipped
from codekin.workspace.language_rules import LanguageRules
from codekin.workspace.tree_snapshot import TreeSnapshot
from codekin.workspace.workspace import SourceFile, Workspace

_MIN_FILES_FOR_WORKERS = 64  # fewer files are done before a second process has started
_FILES_PER_CHUNK = 32
_BYTES_PER_CHUNK = 400_000  # some 0.1 s of work: a pause, or a crash, loses no more
_MAX_RULE_PROBLEMS = 20  # that are stored; a repository may have any number

_Stamp = tuple[int, int]  # size and mtime_ns of a file


@dataclass(frozen=True, slots=True)
class ReconcilePlan:
    """The differences between disk and store."""

    changed_files: tuple[SourceFile, ...]  # newest first: what a person works on is searchable soonest
    forced_paths: frozenset[Path]  # to be extracted again even if their text is the stored one
    isolated_paths: frozenset[Path]  # changed files that took too much the last time: each in a worker of its own
    removed_paths: tuple[Path, ...]
    skipped: Mapping[Skipped, _Stamp]
    file_count: int  # in the workspace


def reconcile(index_paths: IndexPaths, on_progress: OnProgress, cancel_event: Cancel, workers: int) -> IndexReport:
    """Bring the store up to date with the disk; return an IndexReport. The caller holds the lock. Raises CodekinError.

    If cancelled, what was done so far is kept. An unsound file of the index is set aside, and it or a lost one built
    again.
    """
    return with_repair(lambda: _reconcile(index_paths, on_progress, cancel_event, workers))


def _reconcile(index_paths: IndexPaths, on_progress: OnProgress, cancel_event: Cancel, workers: int) -> IndexReport:
    """Open the files of the index, reconcile once, close them; return a report. Raises if a file is unsound or lost."""
    started = time.monotonic()
    workspace = Workspace(index_paths.roots, index_paths.settings.index)
    store, vectors, embedder = (
        Store(index_paths.store),
        VectorStore(index_paths.vectors),
        load_light_model(index_paths.settings.model),
    )
    with contextlib.closing(store), contextlib.closing(vectors):
        ingester = Ingester(workspace, store, vectors, embedder, cancel_event)
        reconciliation = _Reconciliation(index_paths, workspace, store, vectors, ingester, cancel_event, started)
        return reconciliation.complete(on_progress, workers)


@dataclass(slots=True)
class _Reconciliation:
    """One run of reconcile() on open files, with its counts."""

    index_paths: IndexPaths
    workspace: Workspace
    store: Store
    vectors: VectorStore
    ingester: Ingester
    cancel_event: Cancel
    started: float  # on the monotonic clock
    embedded: int = 0
    reused: int = 0
    skipped: dict[Skipped, _Stamp] = field(default_factory=dict)
    snapshot: TreeSnapshot = field(default_factory=TreeSnapshot)
    must_retry: bool = False  # a file could not be read or parsed this time

    def complete(self, on_progress: OnProgress, workers: int) -> IndexReport:
        """Plan, remove, ingest and, unless cancelled, clean up; return the report. Raises CodekinError.

        StoreLostError means that a file was lost or replaced meanwhile.
        """
        self.store.set_meta({"scanning": 1})
        self.store.check_references()
        plan = self._make_plan()
        self._apply_removals(plan)
        self._ingest_changed_files(plan, on_progress, workers)
        if not self.cancel_event.is_set():
            self._finish_run()
        if self.store.replacements or self.vectors.replacements:  # earlier writes are lost
            message = f"{self.store.path} or {self.vectors.path} was removed or replaced. It is filled again."
            raise StoreLostError(message)
        return self._make_report()

    def _make_plan(self) -> ReconcilePlan:
        """Walk the workspace and return how it differs from the store; changes nothing. Raises StoreError."""
        builder = _PlanBuilder(self.store, self.index_paths.settings.index, self._find_forced_paths())
        for entry in self.snapshot.walk(self.workspace, self.cancel_event):
            builder.add_entry(entry)
        return builder.build(is_complete=not self.cancel_event.is_set())

    def _find_forced_paths(self) -> set[Path]:
        """Return stored files to cut even if unchanged: all after an upgrade, else those remapped or lacking vectors.

        These are all files if another version of codekin indexed them; else those whose language the settings have
        changed, and those with contents that lack a vector, because the model is another one or the file of vectors
        was lost. Raises StoreError.
        """
        if self.store.get_meta("codekin") not in (None, __version__):
            return set(self.store.file_states())
        return self._find_paths_without_vectors() | self._find_remapped_paths()

    def _find_remapped_paths(self) -> set[Path]:
        """Return stored files whose language the setting index.languages has changed since the last scan."""
        languages = self.index_paths.settings.index.languages
        former_languages = json.loads(str(self.store.get_meta("languages") or "{}"))
        if former_languages == languages:
            return set()
        former_rules, rules = LanguageRules(former_languages), self.workspace.language_rules
        return {
            path
            for path in self.store.file_states()
            if former_rules.find_mapped_language(path) != rules.find_mapped_language(path)
        }

    def _find_paths_without_vectors(self) -> set[Path]:
        """Return the stored files with contents that lack a light-model vector. Raises StoreError."""
        content_hashes = [content_hash for _, content_hash in self.store.contents_after(0)]
        embedded_hashes = self.vectors.hashes_with_vector(self.ingester.space, content_hashes)
        if len(embedded_hashes) == len(content_hashes):
            return set()
        return self.store.find_files_with(
            content_hash for content_hash in content_hashes if content_hash not in embedded_hashes
        )

    def _apply_removals(self, plan: ReconcilePlan) -> None:
        """Remove deleted files from the store; store roots, counts and rule problems, too. Raises StoreError."""
        self.store.remove_files(plan.removed_paths, collect=False)  # their contents may occur in a changed file
        self.skipped = dict(plan.skipped)
        if self.cancel_event.is_set():  # then the plan covers a part of the workspace
            return
        roots = json.dumps([str(root) for root in self.index_paths.roots])
        pending_count = len(plan.changed_files)
        self.store.set_meta({"roots": roots, "files": plan.file_count, "pending": pending_count, "scanning": 0})
        self.store.set_meta({"rule_problems": json.dumps(self.workspace.problems[:_MAX_RULE_PROBLEMS])})

    def _ingest_changed_files(self, plan: ReconcilePlan, on_progress: OnProgress, workers: int) -> None:
        """Ingest the changed files and write them, chunk by chunk, reporting progress. Raises CodekinError."""
        disk_stamps = {file.path: (file.size, file.mtime_ns) for file in plan.changed_files}
        total_count, done_count, started = len(plan.changed_files), 0, time.monotonic()
        for chunk in self._ingest_chunks(plan, workers):
            ingested = write_ingested(self.store, self.ingester, chunk, plan.forced_paths, collect=False)
            done_count += ingested.file_count
            self.embedded += ingested.embedded
            self.reused += ingested.reused
            skipped_stamps = {skipped: stamp_of(skipped, disk_stamps) for skipped in ingested.skipped}
            self.must_retry |= any(stamp in (TRY_AGAIN, TRY_ALONE) for stamp in skipped_stamps.values())
            self.skipped |= skipped_stamps
            self.store.set_meta({"pending": total_count - done_count})
            on_progress(estimate_progress(time.monotonic() - started, done_count, total_count))

    def _ingest_chunks(self, plan: ReconcilePlan, workers: int) -> Iterator[IngestResult]:
        """Yield the plan's files as records to write, chunk by chunk, until cancelled. Raises CodekinError."""
        chunks = list(_split_into_chunks(file for file in plan.changed_files if file.path not in plan.isolated_paths))
        if len(plan.changed_files) >= _MIN_FILES_FOR_WORKERS and workers > 0:
            yield from ingest_in_workers(self.index_paths, chunks, plan.forced_paths, workers, self.cancel_event)
        else:
            with contextlib.suppress(StoreClosingError):  # cancelled
                for chunk in chunks:
                    yield self.ingester.ingest_files(chunk, plan.forced_paths)
        yield from ingest_in_isolation(
            self.index_paths, sorted(plan.isolated_paths), plan.forced_paths, self.cancel_event
        )

    def _finish_run(self) -> None:
        """Store skipped files, rules and tree; delete dead contents and excess vectors. Raises StoreError."""
        self.store.set_skipped(self.skipped)
        settings = self.index_paths.settings.index
        self.store.set_meta(
            {"codekin": __version__, "rules": repr(settings), "languages": json.dumps(dict(settings.languages))}
        )
        self.store.collect_dead_contents()
        evict_to_quota(self.index_paths, self.vectors)
        if not self.must_retry:
            store_tree(self.store, self.snapshot)

    def _make_report(self) -> IndexReport:
        """Return the run's counts and the size of the store in bytes. Raises StoreError."""
        counts = self.store.count_rows()
        return IndexReport(
            files=counts.files,
            snippets=counts.snippets,
            embedded=self.embedded,
            reused=self.reused,
            skipped=tuple(self.skipped),
            seconds=time.monotonic() - self.started,
            store_bytes=self.store.size_bytes(),
        )


class _PlanBuilder:
    """Compares the entries of a walk with the store."""

    def __init__(self, store: Store, settings: IndexSettings, forced_paths: set[Path]) -> None:
        self._forced_paths = forced_paths
        self._file_states = store.file_states()
        self._has_same_rules = store.get_meta("rules") == repr(settings)
        self._stored_skips = {skipped.path: (skipped, stamp) for skipped, stamp in store.skipped().items()}
        self._present_paths: set[Path] = set()
        self._changed_files: list[SourceFile] = []
        self._isolated_paths: set[Path] = set()
        self._skipped: dict[Skipped, _Stamp] = {}

    def add_entry(self, entry: SourceFile | Skipped) -> None:
        """Sort one entry of the walk into the plan: skipped, changed or unchanged."""
        if isinstance(entry, Skipped):
            self._skipped[entry] = TRY_AGAIN
            return
        stored_skip, stored_stamp = self._stored_skips.get(entry.path, (None, None))
        # A skipped file is read again only when it, or the rules, have changed.
        if stored_skip is not None and self._has_same_rules and stored_stamp == (entry.size, entry.mtime_ns):
            self._skipped[stored_skip] = stored_stamp
            return
        self._present_paths.add(entry.path)
        if entry.path in self._forced_paths or _is_changed(entry, self._file_states.get(entry.path)):
            self._changed_files.append(entry)
            if stored_stamp == TRY_ALONE:
                self._isolated_paths.add(entry.path)

    def build(self, *, is_complete: bool) -> ReconcilePlan:
        """Return the plan, newest files first; unless the walk `is_complete`, no file counts as removed."""
        self._changed_files.sort(key=lambda file: file.mtime_ns, reverse=True)
        return ReconcilePlan(
            tuple(self._changed_files),
            frozenset(self._forced_paths),
            frozenset(self._isolated_paths),
            self._find_removed_paths() if is_complete else (),
            self._skipped,
            len(self._present_paths),
        )

    def _find_removed_paths(self) -> tuple[Path, ...]:
        """Return stored paths that the walk did not meet, except those in a folder that can't be read now."""
        unread_paths = {skipped.path for skipped in self._skipped if skipped.is_unread}
        absent_paths = self._file_states.keys() - self._present_paths
        return tuple(path for path in absent_paths if unread_paths.isdisjoint(path.parents))


def _is_changed(file: SourceFile, stored_state: FileState | None) -> bool:
    """Return whether the file differs from the stored state; never for one stored with unsaved text."""
    if stored_state is None:
        return True
    return not stored_state.overlay and (stored_state.size, stored_state.mtime_ns) != (file.size, file.mtime_ns)


def _split_into_chunks(files: Iterable[SourceFile]) -> Iterator[tuple[Path, ...]]:
    """Yield paths in chunks of up to 32 files and some 400,000 bytes."""
    chunk: list[Path] = []
    chunk_bytes = 0
    for file in files:
        chunk.append(file.path)
        chunk_bytes += file.size
        if len(chunk) == _FILES_PER_CHUNK or chunk_bytes > _BYTES_PER_CHUNK:
            yield tuple(chunk)
            chunk, chunk_bytes = [], 0
    if chunk:
        yield tuple(chunk)
