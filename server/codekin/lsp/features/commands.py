"""Offer codekin's own requests, each also as a command."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from codekin.lsp import request_params
from codekin.lsp.client import Client
from codekin.lsp.features.existing import find_existing
from codekin.lsp.features.map import build_map
from codekin.lsp.features.search import search_code
from codekin.lsp.features.similar import find_similar
from codekin.lsp.handlers import Registry, RequestHandler
from codekin.lsp.messages import AnswerJson, ExistenceAnswerJson, ReportJson, StatusJson
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.status import get_status
from codekin.types import Cancel

if TYPE_CHECKING:
    from codekin.engine import Engine

_INDEX_COMMANDS: "dict[str, Callable[[Engine], None]]" = {
    "reindex": lambda engine: engine.reindex(),
    "pause": lambda engine: engine.pause(),
    "resume": lambda engine: engine.resume(),
}


async def _find_similar(client: Client, session: Session, json_params: Any) -> AnswerJson:
    """Parse the params, find code like a function or a text; return the hits as a dict for JSON; show them if asked to.

    Raises ArgumentsError, QueryError.
    """
    return await find_similar(client, session, request_params.parse_find_similar(json_params))


async def _search_code(client: Client, session: Session, json_params: Any) -> AnswerJson:
    """Parse the params, search for a question; return the hits as a dict for JSON; show them if asked to.

    Raises ArgumentsError, QueryError.
    """
    return await search_code(client, session, request_params.parse_search(json_params))


async def _find_existing(_: Client, session: Session, json_params: Any) -> ExistenceAnswerJson:
    """Parse the params; return a dict for JSON: does each function of the code, or what a text describes, exist yet?

    Raises ArgumentsError, QueryError.
    """
    return await find_existing(session, request_params.parse_already_exists(json_params))


async def _compare_code(client: Client, _: Session, json_params: Any) -> None:
    """Have the client open a duplicate's other occurrence, or else show its place in a message. Raises ArgumentsError.

    Editors that can compare define this command themselves.
    """
    compared = request_params.parse_compare(json_params)
    if not await client.show_document(compared.uri, types.Range(compared.start, compared.start)):
        line_number = compared.start.line + 1
        client.show_message(types.MessageType.Info, f"codekin: it is at {compared.uri}, line {line_number}.")


async def _get_status(_: Client, session: Session, __: Any) -> StatusJson:
    """Return the status of server and index as a dict for JSON, also where there is no engine; params are ignored."""
    return await get_status(session, Priority.COMMAND)


async def _get_report(_: Client, session: Session, __: Any) -> ReportJson | None:
    """Return status and report as a dict for JSON; None while the engine is being opened, raises if it can't be."""

    def make_report(engine: "Engine", _: Cancel) -> dict[str, Any]:
        """Return the engine's report as a dict for JSON."""
        from codekin.status.report import to_json

        return to_json(engine.make_report())

    report = await session.run_query(Priority.COMMAND, make_report)
    if report is None:
        return None
    return cast("ReportJson", {"status": await get_status(session, Priority.COMMAND), **report})


async def _run_index_command(
    index_command: "Callable[[Engine], None]", _: Client, session: Session, __: Any
) -> StatusJson:
    """Run reindex, pause or resume, which return at once, on any engine; return the status after as a dict for JSON."""
    await session.run_query(Priority.COMMAND, lambda engine, _: index_command(engine))
    return await get_status(session, Priority.COMMAND)


def register_feature(registry: Registry) -> None:
    """Register the handlers of codekin's own requests and commands, which messages.py lists."""
    handlers: dict[str, RequestHandler] = {
        "findSimilar": _find_similar,
        "search": _search_code,
        "alreadyExists": _find_existing,
        "status": _get_status,
        "report": _get_report,
        "map": build_map,
        **{name: partial(_run_index_command, command) for name, command in _INDEX_COMMANDS.items()},
    }
    for request_name, handler in handlers.items():
        registry.on_command(f"codekin.{request_name}", handler)
        registry.on_request(f"codekin/{request_name}", handler)
    registry.on_command("codekin.compare", _compare_code)
