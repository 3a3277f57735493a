"""The code lens "3 similar" above functions; off by default (lens.enabled), counted when it comes into view."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codekin.lsp.locations import is_definition
from codekin.lsp.messages import to_range_json
from codekin.lsp.scheduler import Priority
from codekin.lsp.views import view_of
from codekin.types import Cancel, Snippet, Span
from codekin.types import SnippetKind as SnippetKind

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer


async def _lenses(server: "CodekinServer", params: types.CodeLensParams) -> list[types.CodeLens]:
    settings, path = server.session.settings, server.protocol.workspace.file_of(params.text_document.uri)
    if settings is None or not settings.lens.enabled or path is None:
        return []
    uri = params.text_document.uri
    snippets = await server.session.run_query(Priority.BACKGROUND, partial(_definitions, path, uri)) or []
    lenses = []
    for snippet in snippets:
        start = types.Position(snippet.name_line, 0)
        data = {
            "uri": uri,
            "start": snippet.span.start,
            "end": snippet.span.end,
            "nameLine": snippet.name_line,
            "name": snippet.name,
            "language": snippet.language,
        }
        lenses.append(types.CodeLens(types.Range(start, start), data=data))
    return lenses


def _definitions(path: Path, uri: str, engine: "Engine", _: Cancel) -> list[Snippet]:
    """Those that the client sees at this address, by its own lines."""
    view, least = view_of(engine, path, uri), engine.settings.duplicates.min_lines
    if view is None:
        return []
    return [
        replace(snippet, span=view.rows(snippet.span), name_line=view.row(snippet.name_line))
        for snippet in engine.list_snippets(path)
        if is_definition(snippet) and snippet.span.end - snippet.span.start >= least and view.holds(snippet)
    ]


async def _resolve(server: "CodekinServer", lens: types.CodeLens) -> types.CodeLens:
    data: Any = lens.data if _is_ours(lens.data) else {}
    path = server.protocol.workspace.file_of(str(data.get("uri", "")))
    count = 0
    if path is not None:
        count = await server.session.run_query(Priority.BACKGROUND, partial(_count, path, data)) or 0
    argument = {"textDocument": {"uri": data.get("uri", "")}, "range": to_range_json(lens.range), "show": True}
    arguments = [argument] if count else None
    lens.command = types.Command(f"{count} similar", "codekin.findSimilar" if count else "", arguments=arguments)
    return lens


def _is_ours(data: Any) -> bool:
    """Whether a client has sent back what `_lenses` made."""
    kinds = {"uri": str, "start": int, "end": int, "nameLine": int, "name": str, "language": str}
    return isinstance(data, dict) and all(isinstance(data.get(key), kind) for key, kind in kinds.items())


def _count(path: Path, data: dict[str, Any], engine: "Engine", cancel: Cancel) -> int:
    """How often the function stands elsewhere, as it is or nearly so."""
    from codekin.code.extract import split_lines, to_canonical_text

    view = view_of(engine, path, data["uri"])
    if cancel.is_set() or view is None:
        return 0
    start = view.line(data["start"])
    span = Span(start, max(view.line(data["end"] - 1), start) + 1)
    text = to_canonical_text(split_lines(view.document.text)[span.start : span.end])
    name, language = data["name"], data["language"]
    snippet = Snippet(name, name, SnippetKind.FUNCTION, language, span, view.line(data["nameLine"]), "", text)
    return len(engine.find_duplicates(view.path, snippet))


def register(server: "CodekinServer") -> None:
    """Offer lenses."""
    options = types.CodeLensOptions(resolve_provider=True)
    server.on_request(types.TEXT_DOCUMENT_CODE_LENS, _lenses, options)
    server.on_request(types.CODE_LENS_RESOLVE, _resolve)
