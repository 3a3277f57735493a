"""Offer the code lens "3 similar" above functions; off by default (lens.enabled), counted when it comes into view."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.handlers import Registry
from codekin.lsp.locations import is_definition
from codekin.lsp.messages import to_range_json
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.views import open_view
from codekin.types import Cancel, Snippet, SnippetKind, Span

if TYPE_CHECKING:
    from codekin.engine import Engine

_DATA_TYPES = {"uri": str, "start": int, "end": int, "nameLine": int, "name": str, "language": str}


async def _list_lenses(_: Client, session: Session, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Return an unresolved lens per function of `duplicates.min_lines` lines or more; [] if off or no engine."""
    document_uri, settings = params.text_document.uri, session.settings
    file_path = session.documents.find_file(document_uri)
    if settings is None or not settings.lens.enabled or file_path is None:
        return []
    query = partial(_list_definitions, file_path, document_uri)
    snippets = await session.run_query(Priority.BACKGROUND, query) or []
    return [_to_lens(snippet, document_uri) for snippet in snippets]


def _to_lens(snippet: Snippet, document_uri: str) -> types.CodeLens:
    """Return the unresolved lens of a function; its data is what `_resolve_lens` needs."""
    position = types.Position(snippet.name_line, 0)
    lens_data = {
        "uri": document_uri,
        "start": snippet.span.start,
        "end": snippet.span.end,
        "nameLine": snippet.name_line,
        "name": snippet.name,
        "language": snippet.language,
    }
    return types.CodeLens(types.Range(position, position), data=lens_data)


def _list_definitions(file_path: Path, document_uri: str, engine: "Engine", _: Cancel) -> list[Snippet]:
    """Return the functions of `duplicates.min_lines` lines or more under a URI, in client lines; [] if unreadable.

    Runs on a thread.
    """
    view, min_lines = open_view(engine, file_path, document_uri), engine.settings.duplicates.min_lines
    if view is None:
        return []
    return [
        replace(snippet, span=view.to_client_lines(snippet.span), name_line=view.to_client_line(snippet.name_line))
        for snippet in engine.list_snippets(file_path)
        if is_definition(snippet) and snippet.span.end - snippet.span.start >= min_lines and view.has_snippet(snippet)
    ]


async def _resolve_lens(_: Client, session: Session, lens: types.CodeLens) -> types.CodeLens:
    """Count the duplicates; give the lens its command, `N similar`, which opens them (if N > 0), and return it."""
    lens_data: Any = lens.data if _is_lens_data(lens.data) else {}
    document_uri = str(lens_data.get("uri", ""))
    file_path = session.documents.find_file(document_uri)
    duplicate_count = 0
    if file_path is not None:
        query = partial(_count_duplicates, file_path, lens_data)
        duplicate_count = await session.run_query(Priority.BACKGROUND, query) or 0
    argument = {"textDocument": {"uri": document_uri}, "range": to_range_json(lens.range), "show": True}
    lens.command = types.Command(
        f"{duplicate_count} similar",
        "codekin.findSimilar" if duplicate_count else "",
        arguments=[argument] if duplicate_count else None,
    )
    return lens


def _is_lens_data(client_data: Any) -> bool:
    """Return whether the value, which the client sent, has the form of the data that `_to_lens` makes."""
    return isinstance(client_data, dict) and all(
        isinstance(client_data.get(data_key), data_type) for data_key, data_type in _DATA_TYPES.items()
    )


def _count_duplicates(file_path: Path, lens_data: dict[str, Any], engine: "Engine", cancel_event: Cancel) -> int:
    """Return the number of near-duplicates of the lens's function; 0 if unreadable or cancelled. Runs on a thread."""
    from codekin.code.extract import split_lines, to_canonical_text

    view = open_view(engine, file_path, lens_data["uri"])
    if cancel_event.is_set() or view is None:
        return 0
    first_line = view.to_document_line(lens_data["start"])
    code_span = Span(first_line, max(view.to_document_line(lens_data["end"] - 1), first_line) + 1)
    canonical_text = to_canonical_text(split_lines(view.document.text)[code_span.start : code_span.end])
    function_name, name_line = lens_data["name"], view.to_document_line(lens_data["nameLine"])
    snippet = Snippet(
        function_name,
        function_name,
        SnippetKind.FUNCTION,
        lens_data["language"],
        code_span,
        name_line,
        "",
        canonical_text,
    )
    return len(engine.find_duplicates(view.path, snippet))


def register_feature(registry: Registry) -> None:
    """Register the handlers that list and resolve code lenses."""
    registry.on_request(types.TEXT_DOCUMENT_CODE_LENS, _list_lenses, types.CodeLensOptions(resolve_provider=True))
    registry.on_request(types.CODE_LENS_RESOLVE, _resolve_lens)
