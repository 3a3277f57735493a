"""Engine calls off the loop: on a few threads, cancellable, and no more of them waiting than anyone still wants."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from codekin.types import Cancel

if TYPE_CHECKING:
    from codekin.engine import Engine

T = TypeVar("T")

log = logging.getLogger(__name__)


class Priority(Enum):
    """Who asks."""

    INTERACTIVE = "typed"  # an editor, anew with every key
    COMPLETION = "written"  # the same, for what is to be written next
    REQUEST = "asked"  # a person, or a program that may well ask many things at once
    COMMAND = "ordered"  # a person: pause, resume, reindex
    BACKGROUND = (
        "beside"  # an editor, for lenses, diagnostics and the like: nobody waits, so nobody shall wait for them
    )


_MAY_WAIT = {
    Priority.INTERACTIVE: 1,
    Priority.COMPLETION: 1,
    Priority.REQUEST: 32,
}  # of a kind; where more do, the longest waiting goes


class SupersededError(Exception):
    """Newer questions of the same kind took its place before it could be asked."""


class ClosedError(Exception):
    """The engine is being closed: ask its successor."""


class Scheduler:
    """One engine and the threads that call it."""

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self._edits = ThreadPoolExecutor(1, "codekin-edits")  # one, so that they stay in order
        self._asked = ThreadPoolExecutor(4, "codekin-asked")
        self._beside = ThreadPoolExecutor(1, "codekin-beside")
        self._last_edit: Future[None] | None = None
        self._waiting: dict[Priority, deque[Future[Any]]] = {}
        self._superseded: set[Future[Any]] = set()
        self._cancels: set[threading.Event] = set()

    def run_edit(self, change: Callable[["Engine"], None]) -> None:
        """Tell the engine of a change, after all that it was told before; questions asked later know it."""
        with suppress(RuntimeError):  # closed: the successor is told of all open documents
            self._last_edit = self._edits.submit(_noted, change, self.engine)

    async def run_query(self, kind: Priority, call: Callable[["Engine", Cancel], T]) -> T:
        """What `call` returns. Cancelling this sets its `Cancel`.

        Raises what it raises, SupersededError, ClosedError.
        """
        edit = self._last_edit
        if edit is not None and not edit.done():
            await asyncio.shield(asyncio.wrap_future(edit))
        cancel = threading.Event()
        pool = self._beside if kind is Priority.BACKGROUND else self._asked
        try:
            work = pool.submit(call, self.engine, cancel)
        except RuntimeError:
            raise ClosedError from None
        self._cancels.add(cancel)
        work.add_done_callback(partial(self._ended, cancel))
        self._queue(kind, work)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            cancel.set()
            if work in self._superseded:
                self._superseded.discard(work)
                raise SupersededError from None
            raise

    def interrupt(self) -> None:
        """Have all questions, and all work of the engine, end soon; returns at once. Only `close` may come after."""
        for cancel in tuple(self._cancels):
            cancel.set()
        self.engine.interrupt()

    def close(self, *, now: bool) -> None:
        """Close the engine when nobody is asking it any more; with `now`, they are told to stop. Blocks."""
        if now:
            self.interrupt()
        for pool in (self._asked, self._beside, self._edits):
            pool.shutdown(cancel_futures=now)
        self.engine.close()

    def _queue(self, kind: Priority, work: Future[Any]) -> None:
        if kind not in _MAY_WAIT:
            return
        waiting = self._waiting.setdefault(kind, deque())
        while waiting and (waiting[0].done() or waiting[0].running()):
            waiting.popleft()
        waiting.append(work)
        while len(waiting) > _MAY_WAIT[kind]:
            oldest = waiting.popleft()
            self._superseded.add(oldest)
            if not oldest.cancel():
                self._superseded.discard(oldest)

    def _ended(self, cancel: threading.Event, _: Future[Any]) -> None:
        self._cancels.discard(cancel)


def _noted(change: Callable[["Engine"], None], engine: "Engine") -> None:
    try:
        change(engine)
    except Exception:
        log.exception("codekin could not take a change in.")
