"""How far the bulk index is, as `$/progress`: determinate, with an estimate, and cancelled to pause."""

import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable
from typing import Protocol

from lsprotocol.types import WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport

from codekin.types import Progress

_MANY = 100  # files; fewer show only when they take longer than a moment
_MOMENT_S = 1.0
_PERIOD_S = 0.2


class ProgressBars(Protocol):
    """The client's progress bars (pygls's Progress is this)."""

    def create_async(self, token: str) -> Awaitable[object]: ...

    def begin(self, token: str, value: WorkDoneProgressBegin) -> None: ...

    def report(self, token: str, value: WorkDoneProgressReport) -> None: ...

    def end(self, token: str, value: WorkDoneProgressEnd) -> None: ...


class ProgressBar:
    """Shows one bulk index at a time; for the loop's thread."""

    def __init__(self, bars: ProgressBars, pause: Callable[[], None]) -> None:
        """`pause` is called when the user cancels."""
        self._bars = bars
        self._pause = pause
        self._latest: Progress | None = None
        self._token = ""
        self._showing: asyncio.Task[None] | None = None

    def update(self, progress: Progress | None) -> None:
        """How far it is now; None: nothing is under way."""
        self._latest = progress
        if progress is not None and (self._showing is None or self._showing.done()):
            self._showing = asyncio.get_running_loop().create_task(self._show(progress.total))

    def is_cancelled_by(self, token: int | str) -> None:
        """The user pressed the button of some bar."""
        if token == self._token and self._latest is not None:
            self._pause()

    async def _show(self, total: int) -> None:
        if total <= _MANY:
            await asyncio.sleep(_MOMENT_S)
        if self._latest is None:
            return
        self._token = f"codekin/{uuid.uuid4()}"
        try:
            await self._bars.create_async(self._token)
        except Exception:  # noqa: BLE001 (whatever the client has against it, we go on without a bar)
            return
        # Editors put the server's name before the title; a message at the end would stay in Helix's status line.
        self._bars.begin(self._token, WorkDoneProgressBegin(title="Indexing", cancellable=True, percentage=0))
        try:
            while (latest := self._latest) is not None:
                report = WorkDoneProgressReport(
                    cancellable=True, message=format_progress(latest), percentage=_percent(latest)
                )
                self._bars.report(self._token, report)
                await asyncio.sleep(_PERIOD_S)
        finally:
            self._bars.end(self._token, WorkDoneProgressEnd())
            self._token = ""


def format_progress(progress: Progress) -> str:
    """As a person wants to read it."""
    text = f"{progress.done:,} of {progress.total:,} files"
    if progress.models:
        text = ", ".join(f"{name} {math.floor(100 * share)} %" for name, share in progress.models)
    return text if progress.seconds_left is None else f"{text}, {_duration(progress.seconds_left)} left"


def _percent(progress: Progress) -> int:
    return min(100, 100 * progress.done // max(progress.total, 1))


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 90 else f"{round(whole / 60)} min"
