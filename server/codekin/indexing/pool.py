"""Preparing on several processors, and surviving what kills a process: a parser's fault, the out-of-memory killer."""

import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from codekin.embed.factory import load_light_model
from codekin.errors import IndexingError
from codekin.indexing.heartbeat import SILENCE_S
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

_POLL_S = 0.2  # how soon a cancelled call notices
_PROCESSOR_S = 20.0  # a chunk takes some 0.1 s; a grammar can take hours over a text made to that end
_LONG_SILENCE_S = 300.0  # of work that nobody waits for: native code may hold Python's lock for minutes
_STARTS = 3  # of workers in a row that die before they are ready
# What kills a worker may be another process's hunger for memory, and who stops one may do so again.
_TRIES = {Cause.FAULT: 2, Cause.MEMORY: 2, Cause.TIME: 1, Cause.SILENCE: 4, Cause.IDLENESS: 1}
_REASONS = {
    Cause.FAULT: "the worker process died on it (a fault of its language's parser)",
    Cause.MEMORY: "the worker process died on it (it takes too much memory, or there was none left)",
    Cause.TIME: f"it takes longer than {_PROCESSOR_S:.0f} s of processor time",
    Cause.SILENCE: "the worker process did not go on with it",
    Cause.IDLENESS: "it can't be read: the disk does not answer",
}

_preparer: Ingester  # one per worker process, made by _begin


def pooled(
    home: IndexPaths, chunks: Sequence[Chunk], anew: Collection[Path], workers: int, cancel: Cancel
) -> Iterator[tuple[int, IngestResult]]:
    """Chunks as they get done, and of how many files each was.

    When a worker dies, or does not come to an end, what it was at is done again file by file, and a file of which a
    worker dies alone, too, or which takes too long, is skipped with a reason.
    """
    suspects: list[Path] = []
    with Pool(workers, Call(_begin, (home,))) as pool:
        for number, outcome in pool.run([_call(chunk, anew) for chunk in chunks], cancel, SILENCE_S):
            if isinstance(outcome, WorkerDiedError):
                suspects += chunks[number]
            else:
                yield len(chunks[number]), outcome
    yield from one_by_one(home, suspects, anew, cancel)


def one_by_one(
    home: IndexPaths, paths: Sequence[Path], anew: Collection[Path], cancel: Cancel
) -> Iterator[tuple[int, IngestResult]]:
    """The same for files that may kill a worker: each in a call of its own."""
    if not paths:
        return
    with Pool(1, Call(_begin, (home,))) as pool:
        for path in paths:
            if (prepared := _alone(pool, path, anew, cancel)) is not None:
                yield 1, prepared


def _alone(pool: "Pool", path: Path, anew: Collection[Path], cancel: Cancel) -> IngestResult | None:
    """The file prepared or skipped; None where cancelled."""
    deaths: Counter[Cause] = Counter()
    while True:
        # Native code may hold Python's lock, and be silent, for as long as its processor time lasts.
        silence_s = SILENCE_S * 2 ** (1 + deaths[Cause.SILENCE])
        outcome = next((outcome for _, outcome in pool.run([_call([path], anew)], cancel, silence_s)), None)
        if not isinstance(outcome, WorkerDiedError):
            return outcome
        deaths[outcome.cause] += 1
        if deaths[outcome.cause] == _TRIES[outcome.cause]:
            retry = Retry.WHEN_CHANGED if outcome.cause is Cause.FAULT else Retry.ALONE
            return IngestResult((), (path,), (Skipped(path, _REASONS[outcome.cause], retry=retry),), 0, 0)


def map_in_workers(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """The function's result for each item, in their order. What it raises is raised.

    The function is one of a module, or a `functools.partial` of one. Raises IndexingError where a worker dies.
    """
    results: dict[int, Result] = {}
    following = 0
    with Pool(workers, None) as pool:
        for number, outcome in pool.run(
            [Call(function, (item,)) for item in items], threading.Event(), _LONG_SILENCE_S
        ):
            if isinstance(outcome, WorkerDiedError):
                raise IndexingError(f"A worker process died ({outcome.cause.name.lower()}) of {items[number]}.")
            results[number] = outcome
            while following in results:
                yield results.pop(following)
                following += 1


class Pool:
    """So many workers, each driven by a thread. One that died is replaced when there is more to do."""

    def __init__(self, workers: int, begin: Call | None) -> None:
        """`begin` is a new worker's first call."""
        self._begin = begin
        self._orders: queue.SimpleQueue[tuple[int, Call, float] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[tuple[int, Any, Exception | None]] = queue.SimpleQueue()
        self._workers: set[Worker] = set()
        self._changing = threading.Lock()  # the set above
        self._is_closed = False
        self._threads = [threading.Thread(target=self._drive, daemon=True) for _ in range(max(1, workers))]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._is_closed = True
            for worker in self._workers:
                worker.kill()
        for _thread in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def run(self, calls: Sequence[Call], cancel: Cancel, silence_s: float) -> Iterator[tuple[int, Any]]:
        """Numbers of calls with what each returned, or the WorkerDiedError, as they get done. What one raises is
        raised. A cancelled run ends early; the pool can then only be closed.
        """
        waiting = deque((number, call, silence_s) for number, call in enumerate(calls))
        running = 0
        while (waiting or running) and not cancel.is_set():
            while waiting and running < 2 * len(self._threads):  # no worker waits, and no heap of results grows
                self._orders.put(waiting.popleft())
                running += 1
            try:
                number, value, error = self._outcomes.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            running -= 1
            if error is not None and not isinstance(error, WorkerDiedError):
                raise error
            yield number, error or value

    def _drive(self) -> None:
        worker: Worker | None = None
        while (order := self._orders.get()) is not None and not self._is_closed:
            number, call, silence_s = order
            value: Any = None
            error: Exception | None = None
            try:
                worker = worker or self._start()
                value = worker.call(call, silence_s)
            except WorkerDiedError as death:
                error = death
                self._remove(worker)
                worker = None
            except Exception as raised:  # noqa: BLE001 (it is raised where the results are taken)
                error = raised
            self._outcomes.put((number, value, error))
        self._remove(worker)

    def _start(self) -> Worker:
        """A worker that is ready. Raises IndexingError, or what its first call raises."""
        cause = Cause.FAULT
        for _ in range(_STARTS):
            worker = Worker()
            with self._changing:
                self._workers.add(worker)
                if self._is_closed:
                    worker.kill()
            try:
                if self._begin is not None:
                    worker.call(self._begin)
            except WorkerDiedError as death:
                self._remove(worker)
                cause = death.cause
            except Exception:
                self._remove(worker)
                raise
            else:
                return worker
            if self._is_closed:
                break
        raise IndexingError(f"No worker process can be started ({cause.name.lower()}). codekin doctor may say why.")

    def _remove(self, worker: Worker | None) -> None:
        if worker is not None:
            with self._changing:
                self._workers.discard(worker)
            worker.close()


def _call(paths: Chunk, anew: Collection[Path]) -> Call:
    return Call(_prepare, (tuple(paths), frozenset(path for path in paths if path in anew)), _PROCESSOR_S)


def _begin(home: IndexPaths) -> None:
    global _preparer
    workspace = Workspace(home.roots, home.settings.index)
    _preparer = Ingester(workspace, Store(home.store), VectorStore(home.vectors), load_light_model(home.settings.model))
    limit_memory()


def _prepare(chunk: Chunk, anew: Collection[Path]) -> IngestResult:
    return _preparer.ingest_files(chunk, anew)
