"""Answer workspace/symbol: search by name, whole or in part, and by what the code does."""

from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.documents import Documents
from codekin.lsp.handlers import Registry
from codekin.lsp.locations import SYMBOL_KINDS, to_cursor_location
from codekin.lsp.scheduler import Priority, SupersededError
from codekin.lsp.session import Session
from codekin.printable import printable
from codekin.types import Cancel, Hit, SnippetKind

if TYPE_CHECKING:
    from codekin.engine import Engine

_MAX_SYMBOLS = 100  # an editor shows them all while a person types


async def _list_symbols(
    _: Client, session: Session, params: types.WorkspaceSymbolParams
) -> list[types.WorkspaceSymbol]:
    """Answer with up to 100 symbols; [] for a blank query, without an engine, or where a newer query replaced it."""
    if not params.query.strip():
        return []
    try:
        hits = await session.run_query(Priority.INTERACTIVE, partial(_search_symbols, params.query)) or []
    except SupersededError:
        return []
    return [_to_symbol(hit, session.documents) for hit in hits]


def _to_symbol(hit: Hit, documents: Documents) -> types.WorkspaceSymbol:
    """Return the hit as a workspace symbol, named by its file where it has no name; its text is printable."""
    container_name = hit.place.qualified_name.removesuffix(hit.place.name).rstrip(".:#")
    return types.WorkspaceSymbol(
        to_cursor_location(hit, documents),
        printable(hit.place.name) or documents.display_path(hit.place.path),
        SYMBOL_KINDS[hit.place.kind],
        container_name=printable(container_name) or None,
    )


def _search_symbols(query_text: str, engine: "Engine", cancel_event: Cancel) -> list[Hit]:
    """Return up to 100 hits, no documentation; [] for a name if symbols.by_name is off. Raises QueryError."""
    is_name = " " not in query_text.strip() and "?" not in query_text
    if is_name and not engine.settings.symbols.by_name:
        return []
    hits = engine.search(query_text, _MAX_SYMBOLS, cancel_event=cancel_event).hits
    return [hit for hit in hits if hit.place.kind is not SnippetKind.SECTION]


def register_feature(registry: Registry) -> None:
    """Register the handler of requests for workspace symbols."""
    registry.on_request(types.WORKSPACE_SYMBOL, _list_symbols)
