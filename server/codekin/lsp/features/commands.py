"""codekin's own questions and orders, as commands and, the same, as requests."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from codekin.lsp import parameters
from codekin.lsp.features.map import draw
from codekin.lsp.features.search import search
from codekin.lsp.features.show import go_to
from codekin.lsp.features.similar import find_similar
from codekin.lsp.protocol import AnswerJson, ReportJson, StatusJson
from codekin.lsp.questions import Kind
from codekin.lsp.status import status_of
from codekin.types import Cancel

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

_ORDERS: "dict[str, Callable[[Engine], None]]" = {
    "reindex": lambda engine: engine.reindex(),
    "pause": lambda engine: engine.pause(),
    "resume": lambda engine: engine.resume(),
}


async def _find_similar(server: "CodekinServer", params: Any) -> AnswerJson:
    return await find_similar(server, parameters.find_similar(params))


async def _search(server: "CodekinServer", params: Any) -> AnswerJson:
    return await search(server, parameters.search(params))


async def _compare(server: "CodekinServer", params: Any) -> None:
    """Editors that can show two texts side by side have a command of this name themselves."""
    theirs = parameters.compare(params)
    if not await go_to(server, theirs.uri, types.Range(theirs.start, theirs.start)):
        server.tell(types.MessageType.Info, f"codekin: it is at {theirs.uri}, line {theirs.start.line + 1}.")


async def _status(server: "CodekinServer", _: Any) -> StatusJson:
    return await status_of(server, Kind.ORDERED)


async def _report(server: "CodekinServer", _: Any) -> ReportJson | None:
    def made(engine: "Engine", _: Cancel) -> dict[str, Any]:
        from codekin.index.report import plain

        return plain(engine.report())

    found = await server.session.ask(Kind.ORDERED, made)
    if found is None:
        return None
    return cast("ReportJson", {"status": await status_of(server, Kind.ORDERED), **found})


async def _order(order: "Callable[[Engine], None]", server: "CodekinServer", _: Any) -> StatusJson:
    await server.session.ask(Kind.ORDERED, lambda engine, _: order(engine))
    return await status_of(server, Kind.ORDERED)


def _cancelled(server: "CodekinServer", params: types.WorkDoneProgressCancelParams) -> None:
    server.bar.cancelled(params.token)


def register(server: "CodekinServer") -> None:
    """The table in protocol.py; and to cancel the progress bar is to pause."""
    handlers = {"findSimilar": _find_similar, "search": _search, "status": _status, "report": _report, "map": draw}
    for name, handler in (handlers | {name: partial(_order, order) for name, order in _ORDERS.items()}).items():
        server.on_command(f"codekin.{name}", handler)
        server.on_request(f"codekin/{name}", handler)
    server.on_command("codekin.compare", _compare)
    server.on_notification(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, _cancelled)
