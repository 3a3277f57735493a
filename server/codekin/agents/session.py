"""Own the engine behind one conversation: open it for the client's roots, and run calls of it on threads."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from codekin.agents.workspace_paths import WorkspacePaths
from codekin.errors import CodekinError, QueryError
from codekin.settings import load_user_settings
from codekin.types import Cancel
from codekin.workspace.wide_folders import is_too_wide

if TYPE_CHECKING:
    from codekin.engine import Engine

T = TypeVar("T")
EngineCall = Callable[["Engine", WorkspacePaths, Cancel], T]

logger = logging.getLogger(__name__)

_MAX_THREADS = 4


class EngineSession:
    """The engine of one workspace, opened when its roots are known. For the loop's thread."""

    def __init__(self) -> None:
        self._opener = ThreadPoolExecutor(1, "codekin-opener")
        self._pool = ThreadPoolExecutor(_MAX_THREADS, "codekin-agent")
        self._roots: tuple[Path, ...] = ()
        self._opening: asyncio.Future[Engine] | None = None
        self._cancel_events: set[threading.Event] = set()

    @property
    def has_roots(self) -> bool:
        """Return whether a workspace has been opened, or is being opened."""
        return bool(self._roots)

    def open_workspace(self, roots: Sequence[Path], *, is_explicit: bool = False) -> None:
        """Start opening an engine on these folders on a thread, closing the former; no-op if same. Raises QueryError.

        Unusable is an empty list, the whole disk and, unless `is_explicit`, the whole home directory. The roots in use
        are not opened again.
        """
        too_wide = [root for root in roots if not is_explicit and is_too_wide(root)]
        if too_wide or not roots:
            explanation = f"{too_wide[0]} is your whole home directory or disk" if too_wide else "there is no folder"
            raise QueryError(f"codekin has no workspace: {explanation}. Run it in a project, or pass --root DIR.")
        if tuple(roots) == self._roots:
            return
        self._roots = tuple(roots)
        event_loop = asyncio.get_running_loop()
        former_opening = self._opening
        self._opening = event_loop.run_in_executor(self._opener, partial(_open_engine, self._roots, former_opening))
        self._opening.add_done_callback(_note_exception)

    async def run_call(self, engine_call: EngineCall[T]) -> T:
        """Run the call on a thread, once the engine is open, return its result; cancelling sets the call's `Cancel`.

        Raises what the call raises, and the reason why there is no engine.
        """
        if self._opening is None:
            raise QueryError("codekin has no workspace yet. Run it in a project, or pass --root DIR.")
        try:
            engine = await asyncio.shield(self._opening)
        except CodekinError:
            self._roots, self._opening = (), None  # the disk may have room by the next call
            raise
        workspace_paths, cancel_event = WorkspacePaths(self._roots), threading.Event()
        self._cancel_events.add(cancel_event)
        try:
            bound_call = partial(engine_call, engine, workspace_paths, cancel_event)
            return await asyncio.get_running_loop().run_in_executor(self._pool, bound_call)
        except asyncio.CancelledError:
            cancel_event.set()
            raise
        finally:
            self._cancel_events.discard(cancel_event)

    async def close(self) -> None:
        """Cancel all calls, then close the engine and wait for that; the index on disk is kept."""
        for cancel_event in self._cancel_events:
            cancel_event.set()
        if self._opening is not None:
            try:
                engine = await self._opening
            except CodekinError:
                return
            engine.interrupt()
            self._pool.shutdown(cancel_futures=True)
            await asyncio.get_running_loop().run_in_executor(self._opener, engine.close)
        self._opener.shutdown(wait=False)


def _open_engine(roots: tuple[Path, ...], former_opening: "asyncio.Future[Engine] | None") -> "Engine":
    """Close the former engine if it is open, then start one on these roots, which answers commands, too. Blocks.

    Raises CodekinError.
    """
    from codekin.engine import Engine
    from codekin.resident.listener import serve_commands

    if (
        former_opening is not None
        and former_opening.done()
        and not former_opening.cancelled()
        and former_opening.exception() is None
    ):
        former_opening.result().close()
    settings, problems = load_user_settings()
    for settings_problem in problems:
        logger.warning("%s", settings_problem)
    engine = Engine(roots, settings)
    engine.start()
    serve_commands(engine, roots, settings)
    return engine


def _note_exception(opening: "asyncio.Future[Engine]") -> None:
    """Read the future's exception, so that asyncio doesn't log it as never retrieved."""
    if not opening.cancelled():
        opening.exception()
