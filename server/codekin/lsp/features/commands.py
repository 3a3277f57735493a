"""codekin's own questions and orders, as commands and, the same, as requests."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from codekin.lsp import request_params
from codekin.lsp.features.map import build_map
from codekin.lsp.features.search import search
from codekin.lsp.features.show import show_location
from codekin.lsp.features.similar import find_similar
from codekin.lsp.messages import AnswerJson, ReportJson, StatusJson
from codekin.lsp.scheduler import Priority
from codekin.lsp.status import get_status
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
    return await find_similar(server, request_params.parse_find_similar(params))


async def _search(server: "CodekinServer", params: Any) -> AnswerJson:
    return await search(server, request_params.parse_search(params))


async def _compare(server: "CodekinServer", params: Any) -> None:
    """Editors that can show two texts side by side have a command of this name themselves."""
    theirs = request_params.parse_compare(params)
    if not await show_location(server, theirs.uri, types.Range(theirs.start, theirs.start)):
        server.show_message(types.MessageType.Info, f"codekin: it is at {theirs.uri}, line {theirs.start.line + 1}.")


async def _status(server: "CodekinServer", _: Any) -> StatusJson:
    return await get_status(server, Priority.COMMAND)


async def _report(server: "CodekinServer", _: Any) -> ReportJson | None:
    def made(engine: "Engine", _: Cancel) -> dict[str, Any]:
        from codekin.status.report import to_json

        return to_json(engine.make_report())

    found = await server.session.run_query(Priority.COMMAND, made)
    if found is None:
        return None
    return cast("ReportJson", {"status": await get_status(server, Priority.COMMAND), **found})


async def _order(order: "Callable[[Engine], None]", server: "CodekinServer", _: Any) -> StatusJson:
    await server.session.run_query(Priority.COMMAND, lambda engine, _: order(engine))
    return await get_status(server, Priority.COMMAND)


def _cancelled(server: "CodekinServer", params: types.WorkDoneProgressCancelParams) -> None:
    server.bar.is_cancelled_by(params.token)


def register(server: "CodekinServer") -> None:
    """The table in protocol.py; and to cancel the progress bar is to pause."""
    handlers = {"findSimilar": _find_similar, "search": _search, "status": _status, "report": _report, "map": build_map}
    for name, handler in (handlers | {name: partial(_order, order) for name, order in _ORDERS.items()}).items():
        server.on_command(f"codekin.{name}", handler)
        server.on_request(f"codekin/{name}", handler)
    server.on_command("codekin.compare", _compare)
    server.on_notification(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, _cancelled)
