"""How things are, for whoever asks, and for status bars, which are told."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from lsprotocol.types import MessageType

from codekin.errors import CodekinError
from codekin.lsp.folders import NONE
from codekin.lsp.protocol import STATUS_CHANGED, StatusJson, bare_status, status_json
from codekin.lsp.questions import Kind

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer
    from codekin.search.ignored import Meant

_PERIOD_S = 0.25


class StatusBoard:
    """Tells the client the status whenever it is another, at most four times a second. For the loop's thread."""

    def __init__(self, server: "CodekinServer") -> None:
        self._server = server
        self._is_news = False
        self._telling = False
        self._told: StatusJson | None = None
        self._ignored: tuple[Meant, ...] | None = None

    def note(self) -> None:
        """Something may be different."""
        self._is_news = True
        if not self._telling:
            self._telling = True
            self._server.spawn(self._tell())

    async def _tell(self) -> None:
        try:
            while self._is_news:
                self._is_news = False
                status = await status_of(self._server, Kind.BESIDE)
                await self._note_ignored()
                has_engine = self._server.session.questions is not None  # else its lack has been told
                for problem in status["problems"] if has_engine else ():
                    self._server.tell_once(MessageType.Warning, f"codekin: {problem}")
                if status != self._told:
                    self._told = status
                    self._server.protocol.notify(STATUS_CHANGED, status)
                await asyncio.sleep(_PERIOD_S)
        finally:
            self._telling = False

    async def _note_ignored(self) -> None:
        """Which duplicates are meant to be has changed: those that are shown may be others."""
        if self._server.session.questions is None:
            return
        with suppress(CodekinError):
            ignored = await self._server.session.ask(Kind.BESIDE, lambda engine, _: engine.ignored.now())
            if ignored != self._ignored and self._ignored is not None:
                self._server.refresh()
            self._ignored = ignored


async def status_of(server: "CodekinServer", kind: Kind) -> StatusJson:
    """The status now, also where there is no engine."""
    session = server.session
    if session.questions is not None:
        try:
            status = await session.ask(kind, lambda engine, _: engine.status())
        except CodekinError as error:
            return bare_status("failed", [str(error)])
        if status is not None:
            return status_json(status)
    if session.failure is not None:
        return bare_status("failed", [str(session.failure)])
    return bare_status("no folder", [NONE]) if session.has_no_roots else bare_status("opening", [])
