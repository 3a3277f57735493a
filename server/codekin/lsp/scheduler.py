"""Run engine calls on threads, off the event loop: cancellable, and with bounded queues."""

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

logger = logging.getLogger(__name__)


class Priority(Enum):
    """Who waits for an engine call, which decides its thread pool and how many may be queued."""

    INTERACTIVE = "interactive"  # an editor, with every key typed
    COMPLETION = "completion"  # an editor, with every key, for a completion
    REQUEST = "request"  # a person, or a program that may send many at once
    COMMAND = "command"  # a person: pause, resume, reindex
    MAP = "map"  # a person; it may take seconds, and all calls wait for the same map
    BACKGROUND = "background"  # an editor, for lenses or diagnostics; never delays the others


# Where more queries are queued, the oldest is superseded.
_MAX_QUEUED = {Priority.INTERACTIVE: 1, Priority.COMPLETION: 1, Priority.REQUEST: 32}


class SupersededError(Exception):
    """Raised for a queued query that newer ones of the same priority have replaced."""


class ClosedError(Exception):
    """Raised for a query of an engine that is being closed: ask the next engine instead."""


class Scheduler:
    """Runs edits, queries and background queries of one engine on threads of its own; closes the engine."""

    def __init__(self, engine: "Engine") -> None:
        """Take over the engine, which `close_engine` closes; threads are started as they are needed."""
        self.engine = engine
        self._edit_pool = ThreadPoolExecutor(1, "codekin-edits")  # one thread keeps them in order
        self._query_pool = ThreadPoolExecutor(4, "codekin-queries")
        self._own_pools = {
            Priority.BACKGROUND: ThreadPoolExecutor(1, "codekin-background"),
            Priority.MAP: ThreadPoolExecutor(1, "codekin-map"),
        }
        self._last_edit: Future[None] | None = None
        self._queued_futures: dict[Priority, deque[Future[Any]]] = {}
        self._superseded_futures: set[Future[Any]] = set()
        self._cancel_events: set[threading.Event] = set()

    def run_edit(self, edit_call: Callable[["Engine"], None]) -> None:
        """Queue an edit after earlier ones, return at once; later queries see it. Logs errors; no-op once closed."""
        with suppress(RuntimeError):  # closed: the successor gets all open documents
            self._last_edit = self._edit_pool.submit(_apply_edit, edit_call, self.engine)

    async def run_query(self, priority: Priority, engine_call: Callable[["Engine", Cancel], T]) -> T:
        """Run the call on a thread, after earlier edits; return its result. Raises its errors, SupersededError.

        Cancelling sets the call's `Cancel`. Raises ClosedError where the engine is being closed.
        """
        last_edit = self._last_edit
        if last_edit is not None and not last_edit.done():
            await asyncio.shield(asyncio.wrap_future(last_edit))
        cancel_event = threading.Event()
        thread_pool = self._own_pools.get(priority, self._query_pool)
        try:
            query_future = thread_pool.submit(engine_call, self.engine, cancel_event)
        except RuntimeError:
            raise ClosedError from None
        self._cancel_events.add(cancel_event)
        query_future.add_done_callback(partial(self._forget_cancel_event, cancel_event))
        self._enqueue_future(priority, query_future)
        try:
            return await asyncio.wrap_future(query_future)
        except asyncio.CancelledError:
            cancel_event.set()
            if query_future in self._superseded_futures:
                self._superseded_futures.discard(query_future)
                raise SupersededError from None
            raise

    def interrupt_queries(self) -> None:
        """Ask all queries and the engine's own work to end soon; return at once. Only `close_engine` may follow."""
        for cancel_event in tuple(self._cancel_events):
            cancel_event.set()
        self.engine.interrupt()

    def close_engine(self, *, interrupts: bool) -> None:
        """Close the engine after all queries; with `interrupts`, stop running and drop queued ones. Blocks."""
        if interrupts:
            self.interrupt_queries()
        for thread_pool in (self._query_pool, *self._own_pools.values(), self._edit_pool):
            thread_pool.shutdown(cancel_futures=interrupts)
        self.engine.close()

    def _enqueue_future(self, priority: Priority, query_future: Future[Any]) -> None:
        """Note the query as queued; cancel the oldest queued, not running, ones above its priority's limit, if any."""
        if priority not in _MAX_QUEUED:
            return
        queued_futures = self._queued_futures.setdefault(priority, deque())
        while queued_futures and (queued_futures[0].done() or queued_futures[0].running()):
            queued_futures.popleft()
        queued_futures.append(query_future)
        while len(queued_futures) > _MAX_QUEUED[priority]:
            oldest_future = queued_futures.popleft()
            self._superseded_futures.add(oldest_future)
            if not oldest_future.cancel():
                self._superseded_futures.discard(oldest_future)

    def _forget_cancel_event(self, cancel_event: threading.Event, _: Future[Any]) -> None:
        """Drop the cancel event of a query that has ended."""
        self._cancel_events.discard(cancel_event)


def _apply_edit(edit_call: Callable[["Engine"], None], engine: "Engine") -> None:
    """Call the edit on the engine; log any error with its traceback, raising none."""
    try:
        edit_call(engine)
    except Exception:
        logger.exception("codekin could not apply a change.")
