"""Diagnostics for duplicated functions; off by default (duplicates.enabled).

They change when other files do, so a client must be told to ask anew. One that can't be told is not offered to ask: it
is sent them (Emacs, Helix, Kate).
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from lsprotocol import types

from codekin.lsp.locations import format_hit, is_definition, to_location
from codekin.lsp.scheduler import Priority
from codekin.lsp.views import view_of
from codekin.types import Cancel, Hit, Kinship

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

_RELATED = 10
_QUIET_S = 0.4  # nothing has changed for so long: it is worth to look again

Twins = list[tuple[types.Range, list[Hit]]]  # the name of a duplicated function, where else that stands


async def _diagnose(
    server: "CodekinServer", params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    items = await _found(server, params.text_document.uri)
    result = _digest(items)
    if result == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result)
    return types.RelatedFullDocumentDiagnosticReport(items, result_id=result)


class DiagnosticPublisher:
    """Sends what is found in the open documents to a client that can't be told to ask. For the loop's thread."""

    def __init__(self, server: "CodekinServer") -> None:
        self._server = server
        # Address → version and digest: what clients have of an older version, some forget with the edit.
        self._sent: dict[str, tuple[int | None, str]] = {}
        self._is_news = False
        self._publishing = False

    def clear(self) -> None:
        """They are not wanted any more: at once, for while an index is being made it is never quiet."""
        for uri in self._sent:
            self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        self._sent.clear()

    def schedule(self) -> None:
        """Something may be different."""
        self._is_news = True
        if not self._publishing:
            self._publishing = True
            self._server.create_task(self._publish())

    async def _publish(self) -> None:
        try:
            while self._is_news:
                self._is_news = False
                await asyncio.sleep(_QUIET_S)
                if not self._is_news:  # else wait until it is quiet
                    await self._publish_now()
        finally:
            self._publishing = False

    async def _publish_now(self) -> None:
        documents = self._server.protocol.workspace.text_documents
        for uri in {*documents, *self._sent}:
            document = documents.get(uri)
            items = await _found(self._server, uri) if document else []
            news = document and document.version, _digest(items)
            is_told = news == self._sent.get(uri) or (not items and uri not in self._sent)
            if not is_told:
                self._sent[uri] = news
                self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, items, news[0]))
            if not items:
                self._sent.pop(uri, None)


async def _found(server: "CodekinServer", uri: str) -> list[types.Diagnostic]:
    documents, settings = server.protocol.workspace, server.session.settings
    path, twins = documents.file_of(uri), Twins()
    if settings is not None and settings.duplicates.enabled and path is not None:
        twins = (
            await server.session.run_query(Priority.BACKGROUND, partial(_twins, path, uri, documents.encoding)) or []
        )
    return [_diagnostic(server, *found) for found in twins]


def _digest(items: list[types.Diagnostic]) -> str:
    return f"{crc32(repr(items).encode('utf-8', 'surrogatepass')):08x}-{len(items)}"


def _twins(path: Path, uri: str, encoding: str, engine: "Engine", cancel: Cancel) -> Twins:
    """On a thread; stops between two functions when nobody wants to know any more.

    Nothing where they are turned off meanwhile: this answer comes after the empty one to the next question.
    """
    from codekin.code.extract import split_lines

    view = view_of(engine, path, uri)
    if view is None:
        return []
    lines = split_lines(view.document.text)
    found: Twins = []
    for snippet in filter(view.holds, engine.list_snippets(view.path)):
        if cancel.is_set() or not engine.settings.duplicates.enabled:
            return []
        if not is_definition(snippet) or snippet.span.end > len(lines):
            continue
        hits = engine.find_duplicates(view.path, snippet)
        if hits:
            found.append((view.name(snippet, lines[snippet.name_line], encoding), hits))
    return found


def _diagnostic(server: "CodekinServer", name: types.Range, hits: list[Hit]) -> types.Diagnostic:
    documents, best = server.protocol.workspace, hits[0]
    how = "The same code as" if best.kinship is Kinship.IDENTICAL else "Nearly the same code as"
    others = f" and {format_hit(hits[1], documents)}" if len(hits) == 2 else f" and in {len(hits) - 1} more places"
    message = f"{how} {format_hit(best, documents)}{others if len(hits) > 1 else ''}"
    related = [
        types.DiagnosticRelatedInformation(to_location(hit, documents), _evidence(hit)) for hit in hits[:_RELATED]
    ]
    return types.Diagnostic(
        range=name,
        message=message,
        severity=types.DiagnosticSeverity.Information,
        source="codekin",
        code="duplicate",
        related_information=related,
    )


def _evidence(hit: Hit) -> str:
    name = hit.place.qualified_name
    return f"{name}: {hit.why}" if name else hit.why


def register(server: "CodekinServer") -> None:
    """Answer who asks; `greet` does not offer it to those who are sent them."""
    options = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=False, identifier="codekin")
    server.on_request(types.TEXT_DOCUMENT_DIAGNOSTIC, _diagnose, options)
