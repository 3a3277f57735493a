"""workspace/symbol: the same search as the others, by names, whole or in part, and by what the code does."""

from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.locations import SYMBOL_KINDS, to_cursor_location
from codekin.lsp.scheduler import Priority, SupersededError
from codekin.printable import printable
from codekin.types import Cancel, Hit

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

_MOST = 100  # an editor shows them all while a person types


async def _symbols(server: "CodekinServer", params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
    query = params.query.strip()
    if not query:
        return []
    try:
        hits = await server.session.run_query(Priority.INTERACTIVE, partial(_ask, params.query)) or []
    except SupersededError:
        return []
    documents = server.protocol.workspace
    return [
        types.WorkspaceSymbol(
            to_cursor_location(hit, documents),
            printable(hit.place.name) or documents.display_path(hit.place.path),
            SYMBOL_KINDS[hit.place.kind],
            container_name=printable(hit.place.qualified_name.removesuffix(hit.place.name).rstrip(".:#")) or None,
        )
        for hit in hits
    ]


def _ask(query: str, engine: "Engine", cancel: Cancel) -> list[Hit]:
    """On a thread."""
    named = " " not in query.strip() and "?" not in query
    if named and not engine.settings.symbols.by_name:
        return []
    return list(engine.search(query, _MOST, cancel=cancel).hits)


def register(server: "CodekinServer") -> None:
    """Offer workspace/symbol."""
    server.on_request(types.WORKSPACE_SYMBOL, _symbols)
