"""Report the server's status, on request and to the client's status bar."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from lsprotocol.types import MessageType

from codekin.errors import CodekinError
from codekin.lsp.client import Client
from codekin.lsp.folders import NO_FOLDER_MESSAGE
from codekin.lsp.messages import STATUS_CHANGED, StatusJson, make_bare_status, to_status_json
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.types import IndexState

if TYPE_CHECKING:
    from codekin.duplicates.suppression_file import SuppressionFile

_PUBLISH_PERIOD_S = 0.25


class StatusPublisher:
    """Sends the status to the client when it has changed, at most four times a second. For the loop's thread."""

    def __init__(self, client: Client, session: Session, on_suppressions_changed: Callable[[], None]) -> None:
        self._client = client
        self._session = session
        self._on_suppressions_changed = on_suppressions_changed
        self._has_changes = False
        self._is_publishing = False
        self._published_status: StatusJson | None = None
        self._suppression_files: tuple[SuppressionFile, ...] | None = None

    def schedule_update(self) -> None:
        """Schedule, in a task, sending the status if it has changed; return at once."""
        self._has_changes = True
        if not self._is_publishing:
            self._is_publishing = True
            self._client.create_task(self._publish_changes())

    async def _publish_changes(self) -> None:
        """Send the status if changed, and show new problems once each, every 0.25 s until nothing is scheduled."""
        try:
            while self._has_changes:
                self._has_changes = False
                status = await get_status(self._session, Priority.BACKGROUND)
                await self._check_suppressions()
                has_engine = self._session.scheduler is not None  # else its absence has been reported already
                for problem in status["problems"] if has_engine else ():
                    self._client.show_message_once(MessageType.Warning, f"codekin: {problem}")
                if status != self._published_status:
                    self._published_status = status
                    self._client.notify(STATUS_CHANGED, status)
                await asyncio.sleep(_PUBLISH_PERIOD_S)
        finally:
            self._is_publishing = False

    async def _check_suppressions(self) -> None:
        """Call `on_suppressions_changed` if the ignored duplicates changed since the last check; errors are dropped."""
        if self._session.scheduler is None:
            return
        with suppress(CodekinError):
            suppression_files = await self._session.run_query(
                Priority.BACKGROUND, lambda engine, _: engine.load_suppressions()
            )
            if suppression_files != self._suppression_files and self._suppression_files is not None:
                self._on_suppressions_changed()
            self._suppression_files = suppression_files


async def get_status(session: Session, priority: Priority) -> StatusJson:
    """Return as a dict for JSON the engine's status or, without one, why: failed, no folder, or opening."""
    if session.scheduler is not None:
        try:
            status = await session.run_query(priority, lambda engine, _: engine.status())
        except CodekinError as error:
            return make_bare_status(IndexState.FAILED, [str(error)])
        if status is not None:
            return to_status_json(status)
    if session.failure is not None:
        return make_bare_status(IndexState.FAILED, [str(session.failure)])
    if session.has_no_roots:
        return make_bare_status(IndexState.NO_FOLDER, [NO_FOLDER_MESSAGE])
    return make_bare_status(IndexState.OPENING, [])
