"""Preparing on several processors, and surviving what kills a process: a parser's fault, the out-of-memory killer."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from codekin.embed.chosen import light
from codekin.index.home import Home
from codekin.index.prepare import Prepared, Preparer
from codekin.index.store import Store
from codekin.index.vector_store import VectorStore
from codekin.index.workspace import Workspace
from codekin.types import Cancel, Skipped

Chunk = Sequence[Path]

_POLL_S = 0.2  # how soon a cancelled call notices
_CHUNK_PATIENCE_S = 60.0  # a chunk takes some 0.1 s; a grammar can take hours over a text made to that end
_FILE_PATIENCE_S = 20.0
_TRIES = 2  # what kills a worker may be another process's hunger for memory

_preparer: Preparer  # one per worker process, made by _begin


def pooled(
    home: Home, chunks: Sequence[Chunk], anew: Collection[Path], workers: int, cancel: Cancel
) -> Iterator[tuple[int, Prepared]]:
    """Chunks as they get done, and of how many files each was.

    When a worker dies, or does not come to an end, what was under way is done again file by file, and a file of which
    a worker dies alone, too, or which takes too long, is skipped with a reason.
    """
    waiting = deque(chunks)
    suspects: list[Chunk] = []
    while waiting and not cancel.is_set():
        running: dict[Future[Prepared], Chunk] = {}
        heard = time.monotonic()
        pool = _pool(home, workers)
        try:
            while (waiting or running) and not cancel.is_set():
                while waiting and len(running) < 2 * workers:
                    running[_submit(pool, waiting[0], anew)] = waiting[0]
                    waiting.popleft()
                for future in wait(running, _POLL_S, FIRST_COMPLETED).done:
                    yield len(running[future]), future.result()
                    del running[future]
                    heard = time.monotonic()
                if time.monotonic() - heard > _CHUNK_PATIENCE_S:
                    _kill_workers()
        except BrokenProcessPool:
            suspects += running.values()
        finally:
            pool.shutdown(cancel_futures=True)
    yield from _one_by_one(home, [path for chunk in suspects for path in chunk], anew, cancel)


def _one_by_one(
    home: Home, paths: Sequence[Path], anew: Collection[Path], cancel: Cancel
) -> Iterator[tuple[int, Prepared]]:
    waiting, deaths = deque(paths), Counter[Path]()
    while waiting and not cancel.is_set():
        pool = _pool(home, 1)
        try:
            while waiting and not cancel.is_set():
                yield 1, _submit(pool, [waiting[0]], anew).result(_FILE_PATIENCE_S)
                waiting.popleft()
        except TimeoutError:
            _kill_workers()
            yield 1, _skipped(waiting.popleft(), f"it takes longer than {_FILE_PATIENCE_S:.0f} s")
        except BrokenProcessPool:
            deaths[waiting[0]] += 1
            if deaths[waiting[0]] == _TRIES:
                reason = "the worker process died on it (a fault of its language's parser, or no memory left)"
                yield 1, _skipped(waiting.popleft(), reason)
        finally:
            pool.shutdown(cancel_futures=True)


def _skipped(path: Path, reason: str) -> Prepared:
    return Prepared((), (path,), (Skipped(path, reason),), 0, 0)


def _kill_workers() -> None:
    """The pool then says that it is broken."""
    for process in active_children():
        process.kill()


def _submit(pool: ProcessPoolExecutor, chunk: Chunk, anew: Collection[Path]) -> Future[Prepared]:
    with _deaf_to_ctrl_c():  # here the pool starts its processes
        return pool.submit(_prepare, chunk, frozenset(path for path in chunk if path in anew))


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in here do not hear Ctrl-C, which a terminal sends to all of them: we do, and end the work."""
    if threading.current_thread() is not threading.main_thread():  # only that one may change what a signal does
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _pool(home: Home, workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: threads, SQLite connections and native libraries of the parent must not be inherited.
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (home,))


def _begin(home: Home) -> None:
    global _preparer
    threading.Thread(target=_die_with_parent, daemon=True).start()
    workspace = Workspace(home.roots, home.settings.index)
    _preparer = Preparer(workspace, Store(home.store), VectorStore(home.vectors), light(home.settings.model))


def _die_with_parent() -> None:
    """A pool's workers would wait for work for ever when their parent is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare(chunk: Chunk, anew: Collection[Path]) -> Prepared:
    return _preparer.prepare(chunk, anew)
