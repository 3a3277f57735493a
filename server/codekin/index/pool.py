"""Preparing on several processors, and surviving what kills a process: a parser's fault, the out-of-memory killer."""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path

from codekin.embed.embedder import load
from codekin.index.home import Home
from codekin.index.prepare import Prepared, Preparer
from codekin.index.store import Store
from codekin.index.vector_store import VectorStore
from codekin.index.workspace import Workspace
from codekin.types import Cancel, Skipped

Chunk = Sequence[Path]

_POLL_S = 0.2  # how soon a cancelled call notices

_preparer: Preparer  # one per worker process, made by _begin


def pooled(
    home: Home, chunks: Sequence[Chunk], anew: Collection[Path], workers: int, cancel: Cancel
) -> Iterator[tuple[int, Prepared]]:
    """Chunks as they get done, and of how many files each was.

    When a worker dies, what was under way is done again file by file, and a file that kills its worker alone, too, is
    skipped with a reason.
    """
    waiting = deque(chunks)
    suspects: list[Chunk] = []
    while waiting and not cancel.is_set():
        running: dict[Future[Prepared], Chunk] = {}
        pool = _pool(home, workers)
        try:
            while (waiting or running) and not cancel.is_set():
                while waiting and len(running) < 2 * workers:
                    chunk = waiting.popleft()
                    running[_submit(pool, chunk, anew)] = chunk
                for future in wait(running, _POLL_S, FIRST_COMPLETED).done:
                    yield len(running[future]), future.result()
                    del running[future]
        except BrokenProcessPool:
            suspects += running.values()
        finally:
            pool.shutdown(cancel_futures=True)
    yield from _one_by_one(home, [path for chunk in suspects for path in chunk], anew, cancel)


def _one_by_one(
    home: Home, paths: Sequence[Path], anew: Collection[Path], cancel: Cancel
) -> Iterator[tuple[int, Prepared]]:
    waiting = deque(paths)
    while waiting and not cancel.is_set():
        pool = _pool(home, 1)
        path = waiting[0]
        try:
            while waiting and not cancel.is_set():
                path = waiting.popleft()
                yield 1, _submit(pool, [path], anew).result()
        except BrokenProcessPool:
            skipped = Skipped(
                path, "the worker process died on it (a fault of its language's parser, or no memory left)"
            )
            yield 1, Prepared((), (path,), (skipped,), 0, 0)
        finally:
            pool.shutdown(cancel_futures=True)


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
    _preparer = Preparer(workspace, Store(home.store), VectorStore(home.vectors), load(home.settings.model))


def _die_with_parent() -> None:
    """A pool's workers would wait for work for ever when their parent is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare(chunk: Chunk, anew: Collection[Path]) -> Prepared:
    return _preparer.prepare(chunk, anew)
