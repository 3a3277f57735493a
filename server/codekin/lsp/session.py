"""The engine behind the server: opened, exchanged and closed as folders and settings change.

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

_OPENING_S = 5.0  # a question waits at most so long for the engine; opening takes some tenths
_SOONEST_S, _LATEST_S = 1.0, 8.0  # what could not be opened is tried again after the first, then ever later


class SessionListener(Protocol):
    """Who is told what becomes of the engine; always on the loop."""

    def engine_exchanged(self) -> None:
        """Another engine answers, or none."""

    def engine_failed(self, problem: str) -> None:
        """An engine could not be opened."""

    def engine_changed(self, progress: Progress | None) -> None:
        """Its status may be another; `progress` is that of the bulk index, if one is under way."""


@dataclass(frozen=True)
class _Wanted:
    roots: tuple[Path, ...]
    settings: "Settings"

    @property
    def engine(self) -> object:
        """What needs another engine when it changes; other settings don't."""
        return self.roots, self.settings.index, self.settings.model, self.settings.cache


def _same(one: _Wanted | None, other: _Wanted | None) -> bool:
    return one is other if one is None or other is None else one.engine == other.engine


class Session:
    """All methods but those that say so are for the loop's thread."""

    def __init__(self, documents: Documents, audience: SessionListener) -> None:
        self.settings: Settings | None = None
        self.scheduler: Scheduler | None = None
        self._former: Scheduler | None = None  # while it is being closed
        self.failure: CodekinError | None = None
        self._documents = documents
        self._audience = audience
        self._loop = asyncio.get_running_loop()
        self._opener = ThreadPoolExecutor(1, "codekin-opener")
        self._wanted: _Wanted | None = None
        self._tried: _Wanted | None = None
        self._opening: asyncio.Task[None] | None = None
        self._patience = _SOONEST_S
        self._retry: asyncio.TimerHandle | None = None
        self._settled = asyncio.Event()  # there is an engine, or a reason why there is none
        self._closing = False

    async def run_in_opener(self, call: Callable[[], T]) -> T:
        """What `call` returns, made on the thread that opens engines: for what has to be before that."""
        return await self._loop.run_in_executor(self._opener, call)

    def warm_up(self) -> None:
        """Begin with the imports, which take longer than all the rest."""
        self._opener.submit(_imports)

    @property
    def has_no_roots(self) -> bool:
        """Whether there is nothing to open an engine for, and that is final until folders change."""
        return self._settled.is_set() and self._wanted is None

    def await_roots(self) -> None:
        """A root is being looked for; questions wait until `want` says which, or that there is none."""
        self._settled.clear()

    def request_engine(self, roots: Sequence[Path], settings: "Settings") -> None:
        """Have an engine for these roots with these settings, as soon as it can be opened."""
        self.settings = settings
        self._wanted = _Wanted(tuple(roots), settings) if roots else None
        self._documents.set_roots(roots)
        self._apply()
        if not roots:
            self._settled.set()
        elif self.scheduler is None and not _same(self._tried, self._wanted):
            self._settled.clear()
        self._open()

    async def run_query(self, kind: Priority, call: "Callable[[Engine, Cancel], T]") -> T | None:
        """What `call` returns; None while there is no engine yet, or no workspace for one.

        Raises what `call` raises, SupersededError, and, to a person, the reason why there is no engine; what could not
        be opened is tried again first.
        """
        is_last = False
        while not self._closing:
            try:
                await asyncio.wait_for(self._settled.wait(), _OPENING_S)
            except TimeoutError:
                return None
            if self.scheduler is not None:
                with suppress(ClosedError):
                    return await self.scheduler.run_query(kind, call)
                await asyncio.sleep(0)
            elif kind not in (Priority.REQUEST, Priority.COMMAND):
                return None
            elif self.failure is None or is_last:
                raise self.failure or QueryError(NO_FOLDER_MESSAGE)
            else:
                is_last = True
                self._try_again()
                if self._opening is not None:
                    await asyncio.wait((self._opening,), timeout=_OPENING_S)
        return None

    def run_edit(self, change: "Callable[[Engine], None]") -> None:
        """Tell the engine of a change to documents or files. Before there is one, that is not needed."""
        if self.scheduler is not None:
            self.scheduler.run_edit(change)

    async def close(self) -> None:
        """Close the engine; nothing is answered any more."""
        self._closing = True
        if self._retry is not None:
            self._retry.cancel()
        for questions in (self._former, self.scheduler):
            if questions is not None:
                questions.interrupt()
        if self._opening is not None:
            await self._opening
        if self.scheduler is not None:
            await self.run_in_opener(partial(self.scheduler.close, now=True))
        self._opener.shutdown(wait=False)

    def _open(self) -> None:
        if self._opening is None or self._opening.done():
            self._opening = self._loop.create_task(self._exchange())

    def _try_again(self) -> None:
        """What could not be opened may be by now: there is room on the disk, a folder can be written."""
        if self.failure is not None and not self._closing and (self._opening is None or self._opening.done()):
            self._tried = None
            self._open()

    async def _exchange(self) -> None:
        """Until the engine is the one that is wanted: wishes may change while one is being opened."""
        while not _same(self._tried, self._wanted) and not self._closing:
            wanted = self._tried = self._wanted
            if wanted is None:
                await self._put(None)
                continue
            try:
                engine = await self.run_in_opener(partial(self._make, wanted))
            except CodekinError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 (it is logged, with its trace)
                self._fail(CodekinError("codekin could not open its index; its log says more."), unforeseen=error)
            else:
                await self._put(engine)

    def _make(self, wanted: _Wanted) -> "Engine":
        """On the opener's thread."""
        from codekin.engine import Engine

        made: list[Engine] = []

        def changed() -> None:
            progress = made[0].progress() if made else None
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._changed, made[0] if made else None, progress)

        made.append(Engine(wanted.roots, wanted.settings, on_change=changed))
        return made[0]

    async def _put(self, engine: "Engine | None") -> None:
        """From now on `engine` answers, and knows the open documents; its predecessor is closed."""
        old, self.scheduler = self.scheduler, None if engine is None else Scheduler(engine)
        self.failure, self._patience = None, _SOONEST_S
        for path, text in self._documents.list_open():
            self.run_edit(partial(_opened, path=path, text=text))
        self._apply()
        self._settled.set()
        self._audience.engine_exchanged()
        if old is not None:
            self._former = old
            await self.run_in_opener(partial(old.close, now=False))
            self._former = None
        self.run_edit(_start)  # not before, or it would find the index of the same roots taken and stand by

    def _apply(self) -> None:
        """Settings that need no other engine."""
        if self.scheduler is not None and self.settings is not None:
            self.scheduler.engine.settings = self.settings

    def _fail(self, error: CodekinError, unforeseen: Exception | None = None) -> None:
        """An engine that is there stays, so that a wrong setting costs nothing but its effect."""
        is_news = self.failure is None or str(error) != str(self.failure)
        self.failure = error
        self._settled.set()
        if is_news:
            if unforeseen is not None:
                log.error("codekin could not open its index.", exc_info=unforeseen)
            self._audience.engine_failed(str(error))
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self._loop.call_later(self._patience, self._try_again)
        self._patience = min(2 * self._patience, _LATEST_S)

    def _changed(self, engine: "Engine | None", progress: Progress | None) -> None:
        if self.scheduler is not None and self.scheduler.engine is engine:
            self._audience.engine_changed(progress)


def _imports() -> None:
    import codekin.engine  # noqa: F401


def _opened(engine: "Engine", path: Path, text: str | OpenNotebook) -> None:
    engine.open_document(path, text)


def _start(engine: "Engine") -> None:
    engine.start()
