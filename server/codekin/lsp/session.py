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
from itertools import count
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

logger = logging.getLogger(__name__)

_OPENING_TIMEOUT_S = 5.0  # a query waits at most so long for the engine; opening takes some tenths
_MIN_RETRY_DELAY_S, _MAX_RETRY_DELAY_S = 1.0, 8.0  # after a failure to open; the delay doubles in between
# A person waits, and is told why there is no engine.
_USER_PRIORITIES = (Priority.REQUEST, Priority.COMMAND, Priority.MAP)


class SessionListener(Protocol):
    """Receives the engine's events, always on the loop."""

    def engine_requested(self) -> None:
        """Handle changed folders or settings, for which another engine may be opened."""

    def engine_exchanged(self) -> None:
        """Handle that another engine, or none, answers from now on."""

    def engine_failed(self, problem: str) -> None:
        """Handle that an engine could not be opened."""

    def engine_changed(self, progress: Progress | None) -> None:
        """Handle a change of the engine's status; `progress` is that of bulk indexing, None if none is under way."""


@dataclass(frozen=True)
class _EngineRequest:
    """The roots and settings for which an engine is requested."""

    roots: tuple[Path, ...]
    settings: "Settings"

    def needs_same_engine(self, other_request: "_EngineRequest | None") -> bool:
        """Return whether an engine for this request serves the other, too; False for None."""
        return other_request is not None and self.engine_options == other_request.engine_options

    @property
    def engine_options(self) -> object:
        """Return the roots and settings that need another engine when they change."""
        return self.roots, self.settings.index, self.settings.model, self.settings.cache


class Session:
    """One client's workspace and its engine. For the loop's thread, unless a method says otherwise."""

    def __init__(self, documents: Documents, roots: Sequence[Path]) -> None:
        """Remember the documents and roots, and the running loop; opens nothing before `request_engine`."""
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
        self._change_numbers, self._handled_change = count(1), 0  # of the engine's changes, and the last one handled

    def set_listener(self, listener: SessionListener) -> None:
        """Set the one receiver of the engine's events, in place of any former one."""
        self._listener = listener

    async def run_in_opener(self, blocking_call: Callable[[], T]) -> T:
        """Run the call on the one thread that opens engines, after earlier calls; return its result or raise."""
        return await self._event_loop.run_in_executor(self._opener, blocking_call)

    def warm_up(self) -> None:
        """Start importing the engine on the opener's thread, which takes longest of all opening; return at once."""
        self._opener.submit(_import_engine)

    @property
    def has_no_roots(self) -> bool:
        """Return whether there is no folder to open an engine for, and none is being looked for."""
        return self._is_settled.is_set() and self._requested is None

    def set_roots(self, roots: Sequence[Path]) -> None:
        """Use these folders from now on; opens another engine in the background once the settings are known."""
        self.roots = list(roots)
        if self.settings is not None:  # else they are used when the settings are known
            self.request_engine(self.settings)

    def await_roots(self) -> None:
        """Let queries wait, for a root is being looked for, until `set_roots` or for 5 s; returns at once itself."""
        self._is_settled.clear()

    def request_engine(self, settings: "Settings") -> None:
        """Note roots and settings as requested; open an engine for them in the background if one is needed."""
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
        """Run `engine_call` on the engine's threads; without one after 5 s, return None or, if a user waits, raise why.

        Raises what the call raises, SupersededError, and, for `_USER_PRIORITIES`, the reason why there is no engine
        (QueryError where no folder is open), after one more attempt to open it.
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
        """Queue a change for the engine, return at once; no-op without an engine, which reads all when it is opened."""
        if self.scheduler is not None:
            self.scheduler.run_edit(edit_call)

    async def close_session(self) -> None:
        """Interrupt and close the engine, waiting until it is closed; queries get None from now on."""
        self._is_closing = True
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        for scheduler in filter(None, (self._closing_scheduler, self.scheduler)):
            scheduler.interrupt_queries()
        if self._opening_task is not None:
            await self._opening_task
        if self.scheduler is not None:
            await self.run_in_opener(partial(self.scheduler.close_engine, interrupts=True))
        self._opener.shutdown(wait=False)

    @property
    def _is_up_to_date(self) -> bool:
        """Return whether the last attempt at an engine, even a failed one, serves the request; True if both None."""
        attempted = self._attempted
        return attempted is self._requested or (attempted is not None and attempted.needs_same_engine(self._requested))

    async def _wait_until_settled(self) -> bool:
        """Wait up to 5 s for an engine or the reason why there is none; return False on time-out."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._is_settled.wait(), _OPENING_TIMEOUT_S)
        return False

    async def _reopen(self) -> None:
        """Try once more to open an engine that failed, and wait up to 5 s for it; a failure is noted, not raised."""
        self._retry_opening()
        if self._opening_task is not None:
            await asyncio.wait((self._opening_task,), timeout=_OPENING_TIMEOUT_S)

    def _start_opening(self) -> None:
        """Start the task that opens the requested engine, unless it is running."""
        if self._opening_task is None or self._opening_task.done():
            self._opening_task = self._event_loop.create_task(self._open_requested())

    def _retry_opening(self) -> None:
        """Start opening the requested engine again after a failure, in a task, unless closing or opening already."""
        is_opening = self._opening_task is not None and not self._opening_task.done()
        if self.failure is not None and not self._is_closing and not is_opening:
            self._attempted = None
            self._start_opening()

    async def _open_requested(self) -> None:
        """Open engines until the requested one is open or failed: requests may change meanwhile. Raises nothing."""
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
        """Create the engine, on the opener's thread; its changes are handled on the loop. Raises CodekinError."""
        from codekin.engine import Engine

        created_engines: list[Engine] = []  # its callback may be called before the constructor returns

        def on_change() -> None:
            """Have the loop's thread handle the engine's change; callable on any thread."""
            number = next(self._change_numbers)  # taken first, so that the highest has read the last state
            engine = created_engines[0] if created_engines else None
            progress = engine.progress() if engine else None
            with suppress(RuntimeError):  # the loop is closed
                self._event_loop.call_soon_threadsafe(self._handle_change, engine, number, progress)

        created_engines.append(Engine(engine_request.roots, engine_request.settings, on_change=on_change))
        return created_engines[0]

    async def _exchange_engine(self, engine: "Engine | None") -> None:
        """Answer by `engine` from now on, give it the open documents, close its predecessor, then start it."""
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
        # Only now: the predecessor held the lock of the same index.
        self.run_edit(partial(_start_engine, engine_request=self._attempted))

    def _apply_settings(self) -> None:
        """Set the open engine's settings to the session's; does nothing without an engine."""
        if self.scheduler is not None and self.settings is not None:
            self.scheduler.engine.settings = self.settings

    def _handle_failure(self, error: CodekinError, unexpected_error: Exception | None = None) -> None:
        """Note the failure, report it if new, and retry in 1 to 8 s. An open engine stays as it is."""
        is_new_failure = self.failure is None or str(error) != str(self.failure)
        self.failure = error
        self._is_settled.set()
        if is_new_failure:
            if unexpected_error is not None:
                logger.error("codekin could not open its index.", exc_info=unexpected_error)
            if self._listener is not None:
                self._listener.engine_failed(str(error))
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        self._retry_timer = self._event_loop.call_later(self._retry_delay_s, self._retry_opening)
        self._retry_delay_s = min(2 * self._retry_delay_s, _MAX_RETRY_DELAY_S)

    def _handle_change(self, engine: "Engine | None", number: int, progress: Progress | None) -> None:
        """Tell the listener of a change of the engine; ignore it if it is another's, or a later one has been told."""
        is_current = self.scheduler is not None and self.scheduler.engine is engine and number > self._handled_change
        if is_current and self._listener is not None:
            self._handled_change = number
            self._listener.engine_changed(progress)


def _import_engine() -> None:
    """Import the engine's module, and everything heavy with it; takes some tenths of a second."""
    import codekin.engine  # noqa: F401


def _open_document(engine: "Engine", document_path: Path, document_text: str | OpenNotebook) -> None:
    """Give the engine an open document's text, which it queues for indexing."""
    engine.open_document(document_path, document_text)


def _start_engine(engine: "Engine", engine_request: _EngineRequest | None) -> None:
    """Start the engine's background work and, for a request with one root, a listener for commands of that root."""
    engine.start()
    if engine_request is not None:
        from codekin.resident.listener import serve_commands

        serve_commands(engine, engine_request.roots, engine_request.settings)
