"""Bring the store up to date with the disk: walk, compare, and ingest what differs, on several processors.

Runs where it is called (the command line) or in a child of the language server (see reconcile_process.py). The server
thereby stays free, gets its memory back when the work is done, and outlives a crashing parser.
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
from codekin.indexing.ingest import Ingester, IngestResult, put_prepared
from codekin.indexing.pool import one_by_one, pooled
from codekin.settings import IndexSettings
from codekin.storage.paths import IndexPaths
from codekin.storage.repair import with_repair
from codekin.storage.rows import FileState
from codekin.storage.skipped_files import TRY_ALONE, stamp_of
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.types import Cancel, IndexReport, OnProgress, Progress, Skipped
from codekin.workspace.workspace import SourceFile, Workspace

_INLINE = 64  # fewer files are done before a second process has started
_CHUNK_FILES = 32
_CHUNK_BYTES = 400_000  # some 0.1 s of work: a pause, or a crash, loses no more
_TOLD_PROBLEMS = 20  # of rules; a repository may have as many as it likes


@dataclass(frozen=True, slots=True)
class ReconcilePlan:
    """What differs between disk and store."""

    changed: tuple[SourceFile, ...]  # newest first: what a person works on is searchable soonest
    anew: frozenset[Path]  # of them, those to be taken apart again though their text may be the same
    alone: frozenset[Path]  # of them, those that took too much the last time: in a worker, with no other file
    gone: tuple[Path, ...]
    skipped: Mapping[Skipped, tuple[int, int]]  # with size and mtime_ns
    files: int  # in the workspace


@dataclass(slots=True)
class _Tally:
    """Counts as the work goes on."""

    done: int = 0
    embedded: int = 0
    reused: int = 0
    skipped: dict[Skipped, tuple[int, int]] = field(default_factory=dict)


def reconcile(home: IndexPaths, on_progress: OnProgress, cancel: Cancel, workers: int) -> IndexReport:
    """Bring the store up to date and say what that took. A cancelled call leaves all that was done so far.

    The caller holds the workspace's lock. An unsound file is set aside and made again, and so is one that was lost.
    """
    return with_repair(lambda: _reconcile(home, on_progress, cancel, workers))


def _reconcile(home: IndexPaths, on_progress: OnProgress, cancel: Cancel, workers: int) -> IndexReport:
    started = time.monotonic()
    workspace = Workspace(home.roots, home.settings.index)
    store, vectors, embedder = Store(home.store), VectorStore(home.vectors), load_light_model(home.settings.model)
    with contextlib.closing(store), contextlib.closing(vectors):
        preparer = Ingester(workspace, store, vectors, embedder, cancel)
        store.set_meta({"scanning": 1})
        store.check_references()
        plan = _plan(workspace, store, home.settings.index, _anew(store, vectors, preparer.space), cancel)
        store.remove_files(plan.gone, collect=False)  # they may stand elsewhere now
        roots = json.dumps([str(root) for root in home.roots])
        if not cancel.is_set():  # else the plan is of a part of the workspace
            store.set_meta({"roots": roots, "files": plan.files, "pending": len(plan.changed), "scanning": 0})
            store.set_meta({"rule_problems": json.dumps(workspace.problems[:_TOLD_PROBLEMS])})
        tally = _Tally(skipped=dict(plan.skipped))
        found = {file.path: (file.size, file.mtime_ns) for file in plan.changed}
        started_work = time.monotonic()
        for count, prepared in _work(home, plan, preparer, workers, cancel):
            put_prepared(store, preparer, prepared, plan.anew, collect=False)
            tally.done += count
            tally.embedded += prepared.embedded
            tally.reused += prepared.reused
            tally.skipped |= {item: stamp_of(item, found) for item in prepared.skipped}
            store.set_meta({"pending": len(plan.changed) - tally.done})
            on_progress(Progress.estimate(time.monotonic() - started_work, tally.done, len(plan.changed)))
        if not cancel.is_set():
            store.set_skipped(tally.skipped)
            store.set_meta({"codekin": __version__, "rules": repr(home.settings.index)})
            store.collect_dead_contents()
            evict_to_quota(home, vectors)
        if store.replacements or vectors.replacements:  # what was written before is lost
            raise StoreLostError(f"{store.path} or {vectors.path} was removed or replaced. It is filled again.")
        counts = store.count_rows()
        seconds = time.monotonic() - started
        return IndexReport(
            files=counts.files,
            snippets=counts.snippets,
            embedded=tally.embedded,
            reused=tally.reused,
            skipped=tuple(tally.skipped),
            seconds=seconds,
            store_bytes=store.size_bytes(),
        )


def _anew(store: Store, vectors: VectorStore, space: str) -> set[Path]:
    """Files to be taken apart again although they are as they were.

    All, where another version of codekin did it; those with contents that have no vector, where the model is another
    one or the vectors' file was lost.
    """
    if store.get_meta("codekin") not in (None, __version__):
        return set(store.file_states())
    hashes = [key for _, key in store.contents_after(0)]
    having = vectors.hashes_with_vector(space, hashes)
    return store.files_with(key for key in hashes if key not in having) if len(having) < len(hashes) else set()


def _plan(
    workspace: Workspace, store: Store, settings: IndexSettings, anew: set[Path], cancel: Cancel
) -> ReconcilePlan:
    states = store.file_states()
    # What is left out is read again only when it, or the rules, have changed.
    same_rules = store.get_meta("rules") == repr(settings)
    left_out = {item.path: (item, state) for item, state in store.skipped().items()}
    skipped: dict[Skipped, tuple[int, int]] = {}
    changed: list[SourceFile] = []
    alone: set[Path] = set()
    seen: set[Path] = set()
    for found in workspace.walk(cancel):
        if isinstance(found, Skipped):
            skipped[found] = (0, 0)
            continue
        item, state = left_out.get(found.path, (None, None))
        if item is not None and same_rules and state == (found.size, found.mtime_ns):
            skipped[item] = state
            continue
        seen.add(found.path)
        if found.path in anew or _differs(found, states.get(found.path)):
            changed.append(found)
            if state == TRY_ALONE:
                alone.add(found.path)
    unreadable = {item.path for item in skipped if item.is_unread}
    # What is below a folder that can't be read just now is not gone.
    gone = (path for path in states.keys() - seen if unreadable.isdisjoint(path.parents) and not cancel.is_set())
    changed.sort(key=lambda file: file.mtime_ns, reverse=True)
    return ReconcilePlan(tuple(changed), frozenset(anew), frozenset(alone), tuple(gone), skipped, len(seen))


def _differs(found: SourceFile, known: FileState | None) -> bool:
    if known is None:
        return True
    return not known.overlay and (known.size, known.mtime_ns) != (found.size, found.mtime_ns)


def _work(
    home: IndexPaths, plan: ReconcilePlan, preparer: Ingester, workers: int, cancel: Cancel
) -> Iterator[tuple[int, IngestResult]]:
    """Chunks of the plan, prepared, in whatever order they are done; how many files each was of."""
    chunks = list(_chunks(file for file in plan.changed if file.path not in plan.alone))
    if len(plan.changed) >= _INLINE and workers > 0:
        yield from pooled(home, chunks, plan.anew, workers, cancel)
    else:
        with contextlib.suppress(StoreClosingError):  # cancelled
            for chunk in chunks:
                yield len(chunk), preparer.ingest_files(chunk, plan.anew)
    yield from one_by_one(home, sorted(plan.alone), plan.anew, cancel)


def _chunks(files: Iterable[SourceFile]) -> Iterator[tuple[Path, ...]]:
    chunk: list[Path] = []
    size = 0
    for file in files:
        chunk.append(file.path)
        size += file.size
        if len(chunk) == _CHUNK_FILES or size > _CHUNK_BYTES:
            yield tuple(chunk)
            chunk, size = [], 0
    if chunk:
        yield tuple(chunk)
