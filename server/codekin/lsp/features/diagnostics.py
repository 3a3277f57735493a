"""Pull diagnostics for duplicated functions; off by default (duplicates.enabled)."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from lsprotocol import types

from codekin.lsp.convert import name_range, path_of
from codekin.lsp.locations import is_definition, location_of, shown
from codekin.lsp.questions import Kind
from codekin.types import Cancel, Hit, Kinship, Snippet

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

_RELATED = 10

Twins = list[tuple[Snippet, str, list[Hit]]]  # a duplicated function, the line with its name, where else it stands


async def _diagnose(
    server: "CodekinServer", params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    settings, path = server.session.settings, path_of(params.text_document.uri)
    twins: Twins = []
    if settings is not None and settings.duplicates.enabled and path is not None:
        twins = await server.session.ask(Kind.BESIDE, partial(_twins, path)) or []
    items = [_diagnostic(server, *found) for found in twins]
    result = f"{crc32(repr(items).encode('utf-8', 'surrogatepass')):08x}-{len(items)}"
    if result == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result)
    return types.RelatedFullDocumentDiagnosticReport(items, result_id=result)


def _twins(path: Path, engine: "Engine", cancel: Cancel) -> Twins:
    """On a thread; stops between two functions when nobody wants to know any more."""
    from codekin.code.extract import split_lines
    from codekin.index.workspace import Document

    path = engine.workspace.locate(path)
    document = engine.workspace.read(path)
    if not isinstance(document, Document):
        return []
    lines = split_lines(document.text)
    found: Twins = []
    for snippet in engine.snippets(path):
        if cancel.is_set():
            break
        if not is_definition(snippet) or snippet.span.end > len(lines):
            continue
        hits = engine.duplicates(path, snippet)
        if hits:
            found.append((snippet, lines[snippet.name_line], hits))
    return found


def _diagnostic(server: "CodekinServer", snippet: Snippet, line: str, hits: list[Hit]) -> types.Diagnostic:
    documents, best = server.protocol.workspace, hits[0]
    how = "The same code as" if best.kinship is Kinship.IDENTICAL else "Nearly the same code as"
    others = f" and {shown(hits[1], documents)}" if len(hits) == 2 else f" and in {len(hits) - 1} more places"
    message = f"{how} {shown(best, documents)}{others if len(hits) > 1 else ''}"
    related = [
        types.DiagnosticRelatedInformation(location_of(hit, documents), hit.place.qualified_name or hit.why)
        for hit in hits[:_RELATED]
    ]
    return types.Diagnostic(
        range=name_range(line, snippet.name_line, snippet.name, documents.encoding),
        message=message,
        severity=types.DiagnosticSeverity.Information,
        source="codekin",
        code="duplicate",
        related_information=related,
    )


def register(server: "CodekinServer") -> None:
    """Offer diagnostics on demand."""
    options = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=False, identifier="codekin")
    server.on_request(types.TEXT_DOCUMENT_DIAGNOSTIC, _diagnose, options)
