"""How things are, for whoever asks, and for status bars, which are told."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from lsprotocol.types import MessageType

from codekin.errors import CodekinError
from codekin.lsp.folders import NO_FOLDER_MESSAGE
from codekin.lsp.messages import STATUS_CHANGED, StatusJson, make_bare_status, to_status_json
from codekin.lsp.scheduler import Priority
from codekin.types import IndexState

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer
    from codekin.search.suppressions import SuppressionFile

_PERIOD_S = 0.25


class StatusPublisher:
    """Tells the client the status whenever it is another, at most four times a second. For the loop's thread."""

    def __init__(self, server: "CodekinServer") -> None:
        self._server = server
        self._is_news = False
        self._telling = False
        self._told: StatusJson | None = None
        self._ignored: tuple[SuppressionFile, ...] | None = None

    def schedule(self) -> None:
        """Something may be different."""
        self._is_news = True
        if not self._telling:
            self._telling = True
            self._server.create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._is_news:
                self._is_news = False
                status = await get_status(self._server, Priority.BACKGROUND)
                await self._note_ignored()
                has_engine = self._server.session.scheduler is not None  # else its lack has been told
                for problem in status["problems"] if has_engine else ():
                    self._server.show_message_once(MessageType.Warning, f"codekin: {problem}")
                if status != self._told:
                    self._told = status
                    self._server.protocol.notify(STATUS_CHANGED, status)
                await asyncio.sleep(_PERIOD_S)
        finally:
            self._telling = False

    async def _note_ignored(self) -> None:
        """Which duplicates are meant to be has changed: those that are shown may be others."""
        if self._server.session.scheduler is None:
            return
        with suppress(CodekinError):
            ignored = await self._server.session.run_query(
                Priority.BACKGROUND, lambda engine, _: engine.load_suppressions()
            )
            if ignored != self._ignored and self._ignored is not None:
                self._server.refresh_views()
            self._ignored = ignored


async def get_status(server: "CodekinServer", kind: Priority) -> StatusJson:
    """The status now, also where there is no engine."""
    session = server.session
    if session.scheduler is not None:
        try:
            status = await session.run_query(kind, lambda engine, _: engine.status())
        except CodekinError as error:
            return make_bare_status(IndexState.FAILED, [str(error)])
        if status is not None:
            return to_status_json(status)
    if session.failure is not None:
        return make_bare_status(IndexState.FAILED, [str(session.failure)])
    return (
        make_bare_status(IndexState.NO_FOLDER, [NO_FOLDER_MESSAGE])
        if session.has_no_roots
        else make_bare_status(IndexState.OPENING, [])
    )
