"""Own the engine behind the server: open, replace and close it as folders and settings change.

The engine, and with it everything heavy, is imported on a thread of its own, after `initialize` has been answered.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from codekin.errors import CodekinError, QueryError
from codekin.lsp.documents import Documents
from codekin.lsp.folders import NO_FOLDER_MESSAGE
from codekin.lsp.scheduler import ClosedError, Priority, Scheduler
from codekin.types import Cancel, OpenNotebook, Progress

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

_OPENING_TIMEOUT_S = 5.0  # a query waits at most so long for the engine; opening takes some tenths
_MIN_RETRY_DELAY_S, _MAX_RETRY_DELAY_S = 1.0, 8.0  # after a failure to open; the delay doubles in between
_USER_PRIORITIES = (Priority.REQUEST, Priority.COMMAND)  # a person waits, and is told why there is no engine


class SessionListener(Protocol):
    """Receives what happens to the engine; always called on the loop."""

    def engine_requested(self) -> None:
        """Note that folders or settings have changed; another engine may be opened."""

    def engine_exchanged(self) -> None:
        """Update what is shown: another engine answers from now on, or none."""

    def engine_failed(self, problem: str) -> None:
        """Report that an engine could not be opened."""

    def engine_changed(self, progress: Progress | None) -> None:
        """Update the status, which may have changed; `progress` is that of the bulk index, if one is under way."""


@dataclass(frozen=True)
class _EngineRequest:
    roots: tuple[Path, ...]
    settings: "Settings"

    def needs_same_engine(self, other_request: "_EngineRequest | None") -> bool:
        """Return whether one engine serves both: other settings are applied to an open engine."""
        return other_request is not None and self.engine_options == other_request.engine_options

    @property
    def engine_options(self) -> object:
        """Return what needs another engine when it changes."""
        return self.roots, self.settings.index, self.settings.model, self.settings.cache


class Session:
    """Workspace of one client and the engine that serves it. For the loop's thread, unless a method says otherwise."""

    def __init__(self, documents: Documents, roots: Sequence[Path]) -> None:
        self.documents = documents
        self.roots = list(roots)
        self.settings: Settings | None = None
        self.scheduler: Scheduler | None = None
        self.failure: CodekinError | None = None
        self._closing_scheduler: Scheduler | None = None
        self._listener: SessionListener | None = None
        self._event_loop = asyncio.get_running_loop()
        self._opener = ThreadPoolExecutor(1, "codekin-opener")
        self._requested: _EngineRequest | None = None
        self._attempted: _EngineRequest | None = None
        self._opening_task: asyncio.Task[None] | None = None
        self._retry_delay_s = _MIN_RETRY_DELAY_S
        self._retry_timer: asyncio.TimerHandle | None = None
        self._is_settled = asyncio.Event()  # there is an engine, or a reason why there is none
        self._is_closing = False

    def set_listener(self, listener: SessionListener) -> None:
        """Set the receiver of the engine's events."""
        self._listener = listener

    async def run_in_opener(self, blocking_call: Callable[[], T]) -> T:
        """Return the result of the call, run on the thread that opens engines, before any engine opened later."""
        return await self._event_loop.run_in_executor(self._opener, blocking_call)

    def warm_up(self) -> None:
        """Start the imports, which take longer than all the rest of opening."""
        self._opener.submit(_import_engine)

    @property
    def has_no_roots(self) -> bool:
        """Return whether there is no folder to open an engine for, and none is being looked for."""
        return self._is_settled.is_set() and self._requested is None

    def set_roots(self, roots: Sequence[Path]) -> None:
        """Use these folders from now on."""
        self.roots = list(roots)
        if self.settings is not None:  # else they are used when the settings are known
            self.request_engine(self.settings)

    def await_roots(self) -> None:
        """Let queries wait until `set_roots` is called: a root is being looked for."""
        self._is_settled.clear()

    def request_engine(self, settings: "Settings") -> None:
        """Serve the roots with these settings, as soon as an engine for them can be opened."""
        self.settings = settings
        self._requested = _EngineRequest(tuple(self.roots), settings) if self.roots else None
        self.documents.set_roots(self.roots)
        self._apply_settings()
        if not self.roots:
            self._is_settled.set()
        elif self.scheduler is None and not self._is_up_to_date:
            self._is_settled.clear()
        self._start_opening()
        if self._listener is not None:
            self._listener.engine_requested()

    async def run_query(self, priority: Priority, engine_call: "Callable[[Engine, Cancel], T]") -> T | None:
        """Return the result of `engine_call`; None while there is no engine yet, or no workspace for one.

        Raises what the call raises, SupersededError, and, where a person asks, the reason why there is no engine; an
        engine that could not be opened is tried once more first.
        """
        has_retried = False
        while not self._is_closing:
            if not await self._wait_until_settled():
                return None
            if self.scheduler is not None:
                with suppress(ClosedError):
                    return await self.scheduler.run_query(priority, engine_call)
                await asyncio.sleep(0)  # the engine is being replaced: ask its successor
            elif priority not in _USER_PRIORITIES:
                return None
            elif self.failure is None or has_retried:
                raise self.failure or QueryError(NO_FOLDER_MESSAGE)
            else:
                has_retried = True
                await self._reopen()
        return None

    def run_edit(self, edit_call: "Callable[[Engine], None]") -> None:
        """Tell the engine of a change to documents or files; one that is opened later reads them as they are then."""
        if self.scheduler is not None:
            self.scheduler.run_edit(edit_call)

    async def close_session(self) -> None:
        """Close the engine; queries get None from now on."""
        self._is_closing = True
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        for scheduler in (self._closing_scheduler, self.scheduler):
            if scheduler is not None:
                scheduler.interrupt_queries()
        if self._opening_task is not None:
            await self._opening_task
        if self.scheduler is not None:
            await self.run_in_opener(partial(self.scheduler.close_engine, interrupts=True))
        self._opener.shutdown(wait=False)

    @property
    def _is_up_to_date(self) -> bool:
        """Return whether the engine that was opened last, or failed to open, serves what is requested."""
        if self._attempted is None or self._requested is None:
            return self._attempted is self._requested
        return self._attempted.needs_same_engine(self._requested)

    async def _wait_until_settled(self) -> bool:
        try:
            await asyncio.wait_for(self._is_settled.wait(), _OPENING_TIMEOUT_S)
        except TimeoutError:
            return False
        return True

    async def _reopen(self) -> None:
        self._retry_opening()
        if self._opening_task is not None:
            await asyncio.wait((self._opening_task,), timeout=_OPENING_TIMEOUT_S)

    def _start_opening(self) -> None:
        if self._opening_task is None or self._opening_task.done():
            self._opening_task = self._event_loop.create_task(self._open_requested())

    def _retry_opening(self) -> None:
        """Try to open what failed before: the disk may have room by now, or a folder be writable."""
        is_opening = self._opening_task is not None and not self._opening_task.done()
        if self.failure is not None and not self._is_closing and not is_opening:
            self._attempted = None
            self._start_opening()

    async def _open_requested(self) -> None:
        """Open engines until the requested one is open: requests may change while one is being opened."""
        while not self._is_up_to_date and not self._is_closing:
            engine_request = self._attempted = self._requested
            if engine_request is None:
                await self._exchange_engine(None)
                continue
            try:
                engine = await self.run_in_opener(partial(self._create_engine, engine_request))
            except CodekinError as error:
                self._handle_failure(error)
            except Exception as error:  # noqa: BLE001 (it is logged, with its trace)
                problem = CodekinError("codekin could not open its index. See its log for the reason.")
                self._handle_failure(problem, unexpected_error=error)
            else:
                await self._exchange_engine(engine)

    def _create_engine(self, engine_request: _EngineRequest) -> "Engine":
        """Create the engine. Runs on the opener's thread."""
        from codekin.engine import Engine

        created_engines: list[Engine] = []  # its callback may be called before the constructor returns

        def on_change() -> None:
            engine = created_engines[0] if created_engines else None
            progress = engine.progress() if engine else None
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._event_loop.call_soon_threadsafe(self._handle_change, engine, progress)

        created_engines.append(Engine(engine_request.roots, engine_request.settings, on_change=on_change))
        return created_engines[0]

    async def _exchange_engine(self, engine: "Engine | None") -> None:
        """Answer by `engine` from now on, tell it of the open documents, and close its predecessor."""
        old_scheduler, self.scheduler = self.scheduler, None if engine is None else Scheduler(engine)
        self.failure, self._retry_delay_s = None, _MIN_RETRY_DELAY_S
        for document_path, document_text in self.documents.list_open_documents():
            self.run_edit(partial(_open_document, document_path=document_path, document_text=document_text))
        self._apply_settings()
        self._is_settled.set()
        if self._listener is not None:
            self._listener.engine_exchanged()
        if old_scheduler is not None:
            self._closing_scheduler = old_scheduler
            await self.run_in_opener(partial(old_scheduler.close_engine, interrupts=False))
            self._closing_scheduler = None
        self.run_edit(_start_engine)  # not before, or it would find the index of the same roots taken and stand by

    def _apply_settings(self) -> None:
        """Apply the settings that need no other engine."""
        if self.scheduler is not None and self.settings is not None:
            self.scheduler.engine.settings = self.settings

    def _handle_failure(self, error: CodekinError, unexpected_error: Exception | None = None) -> None:
        """Report the failure and retry later. An open engine stays, so that a wrong setting only has no effect."""
        is_new_failure = self.failure is None or str(error) != str(self.failure)
        self.failure = error
        self._is_settled.set()
        if is_new_failure:
            if unexpected_error is not None:
                log.error("codekin could not open its index.", exc_info=unexpected_error)
            if self._listener is not None:
                self._listener.engine_failed(str(error))
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        self._retry_timer = self._event_loop.call_later(self._retry_delay_s, self._retry_opening)
        self._retry_delay_s = min(2 * self._retry_delay_s, _MAX_RETRY_DELAY_S)

    def _handle_change(self, engine: "Engine | None", progress: Progress | None) -> None:
        if self.scheduler is not None and self.scheduler.engine is engine and self._listener is not None:
            self._listener.engine_changed(progress)


def _import_engine() -> None:
    import codekin.engine  # noqa: F401


def _open_document(engine: "Engine", document_path: Path, document_text: str | OpenNotebook) -> None:
    engine.open_document(document_path, document_text)


def _start_engine(engine: "Engine") -> None:
    engine.start()
