"""Report duplicated functions as diagnostics; off by default (duplicates.enabled).

They change when other files do, so the client must be asked to request them again. One that can't be asked (Emacs,
Helix, Kate) is not offered the request: diagnostics are published to it.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.documents import Documents
from codekin.lsp.handlers import Registry
from codekin.lsp.locations import format_hit, is_definition, to_location
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.views import open_view
from codekin.types import Cancel, Hit, Kinship

if TYPE_CHECKING:
    from codekin.engine import Engine

_MAX_RELATED_LOCATIONS = 10
_QUIET_PERIOD_S = 0.4  # diagnostics are computed when nothing has changed for so long

DuplicatedFunctions = list[tuple[types.Range, list[Hit]]]  # range of the function's name, its other occurrences


async def _answer_diagnostics(
    _: Client, session: Session, params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    """Answer with the document's diagnostics, or "unchanged" where the client has the same ones already."""
    diagnostics = await _list_diagnostics(session, params.text_document.uri)
    result_id = _compute_digest(diagnostics)
    if result_id == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id)
    return types.RelatedFullDocumentDiagnosticReport(diagnostics, result_id=result_id)


class DiagnosticPublisher:
    """Publishes the open documents' diagnostics to a client that can't be asked to request them again.

    For the loop's thread.
    """

    def __init__(self, client: Client, session: Session) -> None:
        self._client = client
        self._session = session
        # URI → version and digest: some clients forget the diagnostics of an older version with the edit.
        self._published: dict[str, tuple[int | None, str]] = {}
        self._has_changes = False
        self._is_publishing = False

    def clear_diagnostics(self) -> None:
        """Remove all published diagnostics at once, by publishing empty lists; a scheduled update still runs."""
        for document_uri in self._published:
            self._client.publish_diagnostics(types.PublishDiagnosticsParams(document_uri, []))
        self._published.clear()

    def schedule_update(self) -> None:
        """Publish changed diagnostics, in a task, once nothing has called this for 0.4 s; return at once."""
        self._has_changes = True
        if not self._is_publishing:
            self._is_publishing = True
            self._client.create_task(self._publish_when_quiet())

    async def _publish_when_quiet(self) -> None:
        """Publish changed diagnostics as long as updates are scheduled, each time after 0.4 s without one."""
        try:
            while self._has_changes:
                self._has_changes = False
                await asyncio.sleep(_QUIET_PERIOD_S)
                if not self._has_changes:  # else wait until it is quiet
                    await self._publish_changed()
        finally:
            self._is_publishing = False

    async def _publish_changed(self) -> None:
        """Compute all open documents' diagnostics, and publish the changed ones; withdraw those of closed documents."""
        text_documents = self._session.documents.text_documents
        for document_uri in {*text_documents, *self._published}:
            document = text_documents.get(document_uri)
            diagnostics = await _list_diagnostics(self._session, document_uri) if document else []
            version = document and document.version
            publication = version, _compute_digest(diagnostics)
            is_new = document_uri not in self._published
            is_published = publication == self._published.get(document_uri) or (not diagnostics and is_new)
            if not is_published:
                self._published[document_uri] = publication
                self._client.publish_diagnostics(types.PublishDiagnosticsParams(document_uri, diagnostics, version))
            if not diagnostics:
                self._published.pop(document_uri, None)


async def _list_diagnostics(session: Session, document_uri: str) -> list[types.Diagnostic]:
    """Return the document's diagnostics; [] where they are off, it is no file, or there is no engine yet."""
    documents, settings = session.documents, session.settings
    file_path = documents.find_file(document_uri)
    if settings is None or not settings.duplicates.enabled or file_path is None:
        return []
    query = partial(_find_duplicated_functions, file_path, document_uri, documents.encoding)
    duplicated_functions = await session.run_query(Priority.BACKGROUND, query) or []
    return [_to_diagnostic(documents, name_range, hits) for name_range, hits in duplicated_functions]


def _compute_digest(diagnostics: list[types.Diagnostic]) -> str:
    """Return a checksum (CRC-32) and the number of the diagnostics, as a result id; equal for equal lists."""
    return f"{crc32(repr(diagnostics).encode('utf-8', 'surrogatepass')):08x}-{len(diagnostics)}"


def _find_duplicated_functions(
    file_path: Path, document_uri: str, encoding: str, engine: "Engine", cancel_event: Cancel
) -> DuplicatedFunctions:
    """Return the document's duplicated functions with their duplicates; [] when cancelled. Runs on a thread.

    Checked between two functions. Returns [] where diagnostics are turned off meanwhile, because this result arrives
    after the empty one of the next request.
    """
    from codekin.code.extract import split_lines

    view = open_view(engine, file_path, document_uri)
    if view is None:
        return []
    document_lines = split_lines(view.document.text)
    duplicated_functions: DuplicatedFunctions = []
    for snippet in filter(view.has_snippet, engine.list_snippets(view.path)):
        if cancel_event.is_set() or not engine.settings.duplicates.enabled:
            return []
        if not is_definition(snippet) or snippet.span.end > len(document_lines):
            continue
        if hits := engine.find_duplicates(view.path, snippet):
            name_range = view.to_name_range(snippet, document_lines[snippet.name_line], encoding)
            duplicated_functions.append((name_range, hits))
    return duplicated_functions


def _to_diagnostic(documents: Documents, name_range: types.Range, hits: list[Hit]) -> types.Diagnostic:
    """Return the diagnostic for at least one hit: it names the best, and has up to ten as related locations."""
    best_hit, other_places = hits[0], ""
    comparison = "The same code as" if best_hit.kinship is Kinship.IDENTICAL else "Nearly the same code as"
    if len(hits) == 2:
        other_places = f" and {format_hit(hits[1], documents)}"
    elif len(hits) > 2:
        other_places = f" and in {len(hits) - 1} more places"
    return types.Diagnostic(
        range=name_range,
        message=f"{comparison} {format_hit(best_hit, documents)}{other_places}",
        severity=types.DiagnosticSeverity.Information,
        source="codekin",
        code="duplicate",
        related_information=[
            types.DiagnosticRelatedInformation(to_location(hit, documents), _format_evidence(hit))
            for hit in hits[:_MAX_RELATED_LOCATIONS]
        ],
    )


def _format_evidence(hit: Hit) -> str:
    """Return the duplicate's name, if it has one, and the reason."""
    qualified_name = hit.place.qualified_name
    return f"{qualified_name}: {hit.why}" if qualified_name else hit.why


def register_feature(registry: Registry) -> None:
    """Register the request for diagnostics; `on_initialize` withdraws it where diagnostics are published."""
    options = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=False, identifier="codekin")
    registry.on_request(types.TEXT_DOCUMENT_DIAGNOSTIC, _answer_diagnostics, options)
