"""The code lens "3 similar" above functions; off by default (lens.enabled), counted when it comes into view."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codekin.lsp.convert import path_of
from codekin.lsp.locations import is_definition
from codekin.lsp.protocol import range_json
from codekin.lsp.questions import Kind
from codekin.types import Cancel, Snippet, Span
from codekin.types import Kind as SnippetKind

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer


async def _lenses(server: "CodekinServer", params: types.CodeLensParams) -> list[types.CodeLens]:
    settings, path = server.session.settings, path_of(params.text_document.uri)
    if settings is None or not settings.lens.enabled or path is None:
        return []
    snippets = await server.session.ask(Kind.BESIDE, partial(_definitions, path)) or []
    lenses = []
    for snippet in snippets:
        start = types.Position(snippet.name_line, 0)
        data = {
            "uri": params.text_document.uri,
            "start": snippet.span.start,
            "end": snippet.span.end,
            "nameLine": snippet.name_line,
            "name": snippet.name,
            "language": snippet.language,
        }
        lenses.append(types.CodeLens(types.Range(start, start), data=data))
    return lenses


def _definitions(path: Path, engine: "Engine", _: Cancel) -> list[Snippet]:
    least = engine.settings.duplicates.min_lines
    return [s for s in engine.snippets(path) if is_definition(s) and s.span.end - s.span.start >= least]


async def _resolve(server: "CodekinServer", lens: types.CodeLens) -> types.CodeLens:
    data: dict[str, Any] = lens.data if isinstance(lens.data, dict) else {}
    path = path_of(str(data.get("uri", "")))
    count = 0
    if path is not None:
        count = await server.session.ask(Kind.BESIDE, partial(_count, path, data)) or 0
    argument = {"textDocument": {"uri": data.get("uri", "")}, "range": range_json(lens.range), "show": True}
    arguments = [argument] if count else None
    lens.command = types.Command(f"{count} similar", "codekin.findSimilar" if count else "", arguments=arguments)
    return lens


def _count(path: Path, data: dict[str, Any], engine: "Engine", cancel: Cancel) -> int:
    """How often the function stands elsewhere, as it is or nearly so."""
    from codekin.code.extract import canonical, split_lines
    from codekin.index.workspace import Document

    path = engine.workspace.locate(path)
    document = engine.workspace.read(path)
    if cancel.is_set() or not isinstance(document, Document):
        return 0
    span = Span(data["start"], data["end"])
    text = canonical(split_lines(document.text)[span.start : span.end])
    name, language = data["name"], data["language"]
    snippet = Snippet(name, name, SnippetKind.FUNCTION, language, span, data["nameLine"], "", text)
    return len(engine.duplicates(path, snippet))


def register(server: "CodekinServer") -> None:
    """Offer lenses."""
    options = types.CodeLensOptions(resolve_provider=True)
    server.on_request(types.TEXT_DOCUMENT_CODE_LENS, _lenses, options)
    server.on_request(types.CODE_LENS_RESOLVE, _resolve)
