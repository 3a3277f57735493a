"""Ingests files in worker processes, and survives what kills one: a parser's fault, the out-of-memory killer."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from codekin.embed.factory import load_light_model
from codekin.errors import IndexingError
from codekin.indexing.heartbeat import SILENCE_TIMEOUT_S
from codekin.indexing.ingest import Ingester, IngestResult
from codekin.indexing.worker import Call, Cause, Worker, WorkerDiedError, limit_memory
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.types import Cancel, Retry, Skipped
from codekin.workspace.workspace import Workspace

Chunk = Sequence[Path]
Item = TypeVar("Item")
Result = TypeVar("Result")

_POLL_INTERVAL_S = 0.2  # how soon a cancelled call notices
_PROCESSOR_S = 20.0  # a chunk takes some 0.1 s; a grammar can take hours over a text written to that end
_LONG_SILENCE_TIMEOUT_S = 300.0  # of work that nobody waits for: native code may hold Python's lock for minutes
_MAX_STARTS = 3  # of workers in a row that die before they are ready
# Several, where another process is a likely cause: it took the memory, or stopped the worker.
_MAX_ATTEMPTS = {Cause.FAULT: 2, Cause.MEMORY: 2, Cause.TIME: 1, Cause.SILENCE: 4, Cause.IDLENESS: 1}
_SKIP_REASONS = {
    Cause.FAULT: "the worker process died on it (a fault of its language's parser)",
    Cause.MEMORY: "the worker process died on it (it takes too much memory, or there was none left)",
    Cause.TIME: f"it takes longer than {_PROCESSOR_S:.0f} s of processor time",
    Cause.SILENCE: "the worker process did not go on with it",
    Cause.IDLENESS: "it can't be read: the disk does not answer",
}

_ingester: Ingester  # one per worker process, made by _start_ingester


def ingest_in_workers(
    index_paths: IndexPaths, chunks: Sequence[Chunk], forced_paths: Collection[Path], workers: int, cancel_event: Cancel
) -> Iterator[IngestResult]:
    """Ingest chunks of files in worker processes; yield IngestResults, unordered and unwritten. Raises IndexingError.

    The files of a chunk that kills a worker, or on which one hangs, are then ingested one by one. It ends early when
    cancelled. IndexingError means that no worker can be started; what a chunk raises is raised, too.
    """
    suspect_paths: list[Path] = []
    calls = [_make_call(chunk, forced_paths) for chunk in chunks]
    with Pool(workers, Call(_start_ingester, (index_paths,))) as pool:
        for number, outcome in pool.run(calls, cancel_event, SILENCE_TIMEOUT_S):
            if isinstance(outcome, WorkerDiedError):
                suspect_paths += chunks[number]
            else:
                yield outcome
    yield from ingest_in_isolation(index_paths, suspect_paths, forced_paths, cancel_event)


def ingest_in_isolation(
    index_paths: IndexPaths, paths: Sequence[Path], forced_paths: Collection[Path], cancel_event: Cancel
) -> Iterator[IngestResult]:
    """Ingest suspect files one by one in a worker process; yield unwritten IngestResults; skip what kills it.

    Raises IndexingError.
    """
    if not paths:
        return
    with Pool(1, Call(_start_ingester, (index_paths,))) as pool:
        for path in paths:
            if (result := _ingest_suspect(pool, path, forced_paths, cancel_event)) is not None:
                yield result


def _ingest_suspect(
    pool: "Pool", path: Path, forced_paths: Collection[Path], cancel_event: Cancel
) -> IngestResult | None:
    """Ingest the file in the worker; return its result, skipped if it kills too many workers, None if cancelled."""
    deaths: Counter[Cause] = Counter()
    while True:
        # Native code may hold Python's lock, and be silent, for as long as its processor time lasts.
        silence_timeout_s = SILENCE_TIMEOUT_S * 2 ** (1 + deaths[Cause.SILENCE])
        outcomes = pool.run([_make_call([path], forced_paths)], cancel_event, silence_timeout_s)
        outcome = next((outcome for _, outcome in outcomes), None)
        if not isinstance(outcome, WorkerDiedError):
            return outcome
        deaths[outcome.cause] += 1
        if deaths[outcome.cause] == _MAX_ATTEMPTS[outcome.cause]:
            retry = Retry.WHEN_CHANGED if outcome.cause is Cause.FAULT else Retry.ALONE
            skipped = Skipped(path, _SKIP_REASONS[outcome.cause], retry=retry)
            return IngestResult(removed_paths=(path,), skipped=(skipped,))


def map_in_workers(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Run the function on each item in worker processes; yield results in order. Raises its errors, IndexingError.

    IndexingError means that a worker died. The function is pickled: it is a module's, or a `functools.partial` of one.
    """
    results: dict[int, Result] = {}
    next_number = 0
    calls = [Call(function, (item,)) for item in items]
    with Pool(workers, None) as pool:
        for number, outcome in pool.run(calls, threading.Event(), _LONG_SILENCE_TIMEOUT_S):
            if isinstance(outcome, WorkerDiedError):
                raise IndexingError(f"A worker process died ({outcome.cause.name.lower()}) of {items[number]}.")
            results[number] = outcome
            while next_number in results:
                yield results.pop(next_number)
                next_number += 1


class Pool:
    """Context with worker processes, each driven by a thread; a worker that died is replaced."""

    def __init__(self, workers: int, first_call: Call | None) -> None:
        """Prepare the threads; `first_call` is run in each new worker before any other."""
        self._first_call = first_call
        self._orders: queue.SimpleQueue[tuple[int, Call, float] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[tuple[int, Any, Exception | None]] = queue.SimpleQueue()
        self._workers: set[Worker] = set()
        self._workers_lock = threading.Lock()
        self._is_closed = False
        self._threads = [threading.Thread(target=self._drive_worker, daemon=True) for _ in range(max(1, workers))]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._workers_lock:
            self._is_closed = True
            for worker in self._workers:
                worker.kill()
        for _thread in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def run(self, calls: Iterable[Call], cancel_event: Cancel, silence_timeout_s: float) -> Iterator[tuple[int, Any]]:
        """Run calls in the workers; yield each one's number with its result or WorkerDiedError, as they are done.

        Calls are taken when a worker is soon free for them. A cancelled run ends early. After that, or an exception,
        the pool can only be closed. Raises what calls raise.
        """
        waiting_calls = ((number, call, silence_timeout_s) for number, call in enumerate(calls))
        running_count, has_more = 0, True
        while (has_more or running_count) and not cancel_event.is_set():
            # Two calls a worker: none of them is ever idle, and results don't pile up.
            while has_more and running_count < 2 * len(self._threads):
                order = next(waiting_calls, None)
                has_more = order is not None
                if order is not None:
                    self._orders.put(order)
                    running_count += 1
            if not running_count:
                break
            try:
                number, value, error = self._outcomes.get(timeout=_POLL_INTERVAL_S)
            except queue.Empty:
                continue
            running_count -= 1
            if error is not None and not isinstance(error, WorkerDiedError):
                raise error
            yield number, error or value

    def _drive_worker(self) -> None:
        """Run the calls of the queue in a worker, until the pool is closed; runs on a thread."""
        worker: Worker | None = None
        while (order := self._orders.get()) is not None and not self._is_closed:
            number, call, silence_timeout_s = order
            value: Any = None
            error: Exception | None = None
            try:
                worker = worker or self._start_worker()
                value = worker.call(call, silence_timeout_s)
            except WorkerDiedError as death:
                error = death
                self._remove_worker(worker)
                worker = None
            except Exception as raised:  # noqa: BLE001 (it is raised where the results are taken)
                error = raised
            self._outcomes.put((number, value, error))
        self._remove_worker(worker)

    def _start_worker(self) -> Worker:
        """Start a worker, run the first call in it, return it. Raises its errors, IndexingError if it keeps dying."""
        cause = Cause.FAULT
        for _ in range(_MAX_STARTS):
            worker = Worker()
            with self._workers_lock:
                self._workers.add(worker)
                if self._is_closed:
                    worker.kill()
            try:
                if self._first_call is not None:
                    worker.call(self._first_call)
            except WorkerDiedError as death:
                self._remove_worker(worker)
                cause = death.cause
            except Exception:
                self._remove_worker(worker)
                raise
            else:
                return worker
            if self._is_closed:
                break
        raise IndexingError(f"No worker process can be started ({cause.name.lower()}). Run codekin doctor to see why.")

    def _remove_worker(self, worker: Worker | None) -> None:
        """Close the worker, if there is one, and forget it."""
        if worker is not None:
            with self._workers_lock:
                self._workers.discard(worker)
            worker.close()


def _make_call(paths: Chunk, forced_paths: Collection[Path]) -> Call:
    """Return the call that ingests these paths in a worker, within 20 s of processor time."""
    chunk_forced_paths = frozenset(path for path in paths if path in forced_paths)
    return Call(_ingest_chunk, (tuple(paths), chunk_forced_paths), _PROCESSOR_S)


def _start_ingester(index_paths: IndexPaths) -> None:
    """Set this worker process's ingester, opening store and vectors, and limit its memory: a worker's first call."""
    global _ingester
    workspace = Workspace(index_paths.roots, index_paths.settings.index)
    store, vectors = Store(index_paths.store), VectorStore(index_paths.vectors)
    _ingester = Ingester(workspace, store, vectors, load_light_model(index_paths.settings.model))
    limit_memory()


def _ingest_chunk(paths: Chunk, forced_paths: Collection[Path]) -> IngestResult:
    """Ingest these paths with the worker process's ingester; return the result. Raises StoreError, ModelError."""
    return _ingester.ingest_files(paths, forced_paths)
