"""Show the progress of the bulk index as `$/progress`, with a percentage and an estimate; cancelling pauses it."""

import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable
from typing import Protocol

from lsprotocol.types import WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport

from codekin.types import Progress

_IMMEDIATE_FILES = 100  # fewer are shown only if they take longer than the delay below
_SHOW_DELAY_S = 1.0
_REPORT_PERIOD_S = 0.2


class ProgressClient(Protocol):
    """Sends progress notifications to the client (pygls's `Progress` implements it)."""

    def create_async(self, token: str) -> Awaitable[object]:
        """Ask the client to create the progress with this token; await its response, or what it raises."""

    def begin(self, token: str, value: WorkDoneProgressBegin) -> None:
        """Show the progress, with its title."""

    def report(self, token: str, value: WorkDoneProgressReport) -> None:
        """Update the message and percentage shown."""

    def end(self, token: str, value: WorkDoneProgressEnd) -> None:
        """Remove the progress."""


class ProgressBar:
    """Shows the progress of one bulk index at a time. For the loop's thread."""

    def __init__(self, progress_client: ProgressClient, on_cancel: Callable[[], None]) -> None:
        """Show nothing yet; `on_cancel` is called, on the loop, when the user cancels the bar."""
        self._progress_client = progress_client
        self._on_cancel = on_cancel
        self._latest: Progress | None = None
        self._token = ""
        self._show_task: asyncio.Task[None] | None = None

    def update_progress(self, progress: Progress | None) -> None:
        """Show this progress, starting a bar in a task if there is none; None ends the bar. Returns at once."""
        self._latest = progress
        if progress is not None and (self._show_task is None or self._show_task.done()):
            self._show_task = asyncio.get_running_loop().create_task(self._show_until_done(progress.total))

    def cancel_by_token(self, token: int | str) -> None:
        """Call `on_cancel` where `token` is the token of the bar that is shown; else do nothing."""
        if token == self._token and self._latest is not None:
            self._on_cancel()

    async def _show_until_done(self, total_files: int) -> None:
        """Show a bar until the progress is None; up to 100 files, only after a second; none if the client refuses."""
        if total_files <= _IMMEDIATE_FILES:
            await asyncio.sleep(_SHOW_DELAY_S)
        if self._latest is None:
            return
        self._token = f"codekin/{uuid.uuid4()}"
        try:
            await self._progress_client.create_async(self._token)
        except Exception:  # noqa: BLE001 (whatever the client has against it, we go on without a bar)
            return
        # Editors put the server's name before the title; a message at the end would stay in Helix's status line.
        self._progress_client.begin(
            self._token, WorkDoneProgressBegin(title="Indexing", cancellable=True, percentage=0)
        )
        try:
            while (latest := self._latest) is not None:
                report = WorkDoneProgressReport(
                    cancellable=True, message=format_progress(latest), percentage=_compute_percentage(latest)
                )
                self._progress_client.report(self._token, report)
                await asyncio.sleep(_REPORT_PERIOD_S)
        finally:
            self._progress_client.end(self._token, WorkDoneProgressEnd())
            self._token = ""


def format_progress(progress: Progress) -> str:
    """Format the progress for the user: "1,000 of 2,000 files, 3 s left", or each model's share, rounded down."""
    progress_text = f"{progress.done:,} of {progress.total:,} files"
    if progress.models:
        progress_text = ", ".join(f"{model_name} {math.floor(100 * share)}%" for model_name, share in progress.models)
    return (
        progress_text
        if progress.seconds_left is None
        else f"{progress_text}, {_format_duration(progress.seconds_left)} left"
    )


def _compute_percentage(progress: Progress) -> int:
    """Return the progress as a whole number from 0 to 100."""
    return min(100, 100 * progress.done // max(progress.total, 1))


def _format_duration(seconds: float) -> str:
    """Format seconds: "30 s", or from 90 s on "2 min"; at least "1 s"."""
    whole_seconds = max(1, round(seconds))
    return f"{whole_seconds} s" if whole_seconds < 90 else f"{round(whole_seconds / 60)} min"
