"""Offer quick fixes for a reported duplicate: compare the two, or ignore the duplicate.

To ignore it is an edit of `.codekin.toml` (duplicates/suppressions.py) which the editor makes: the user sees it, can
undo it, and commits it. Nothing is remembered here; the next diagnostics follow the file, saved or not.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.convert import count_code_units, to_code_range
from codekin.lsp.documents import Documents
from codekin.lsp.locations import format_hit, is_definition, to_cell_json, to_location
from codekin.lsp.messages import LocationJson, to_range_json
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.views import open_view
from codekin.types import Cancel, Hit

if TYPE_CHECKING:
    from codekin.duplicates.suppressions import SuppressionEdit
    from codekin.engine import Engine

_MAX_OFFERED_DUPLICATES = 3  # a list of actions is read at a glance


@dataclass(frozen=True, slots=True)
class _DuplicatedFunction:
    """A function, its duplicates, and the edits that ignore them."""

    first_line: int  # the client's
    code_lines: list[str]
    duplicates: list[tuple[Hit, "SuppressionEdit | None"]]  # each with the edit that ignores the pair
    ignore_all: "SuppressionEdit | None"  # where there is more than one duplicate


async def list_quick_fixes(client: Client, session: Session, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Return fixes (compare, ignore) for the first duplicate diagnostic; [] without one, or if the client can't."""
    document_uri, documents = params.text_document.uri, session.documents
    file_path = documents.find_file(document_uri)
    diagnostic = next(filter(_is_duplicate, params.context.diagnostics), None)
    can_show = client.has_capability("text_document.code_action.code_action_literal_support")
    if diagnostic is None or file_path is None or not can_show:
        return []
    query = partial(_find_duplicates, file_path, document_uri, diagnostic.range.start.line)
    duplicated = await session.run_query(Priority.BACKGROUND, query)
    if duplicated is None:
        return []
    code_range = to_code_range(duplicated.code_lines, duplicated.first_line, documents.encoding)
    code_location = types.Location(document_uri, code_range)
    actions = []
    for hit, ignore_pair in duplicated.duplicates:
        actions.append(_make_compare_action(documents, diagnostic, code_location, hit))
        if ignore_pair is not None:
            title = f"Ignore this pair: {format_hit(hit, documents)}"
            actions.append(_make_ignore_action(client, documents, diagnostic, title, ignore_pair))
    if duplicated.ignore_all is not None:
        actions.append(_make_ignore_action(client, documents, diagnostic, "Ignore all of these", duplicated.ignore_all))
    return actions


def _is_duplicate(diagnostic: types.Diagnostic) -> bool:
    """Return whether the diagnostic is codekin's report of a duplicate."""
    return (diagnostic.source, diagnostic.code) == ("codekin", "duplicate")


def _make_compare_action(
    documents: Documents, diagnostic: types.Diagnostic, code_location: types.Location, hit: Hit
) -> types.CodeAction:
    """Return the quick fix that runs codekin.compare with one argument: {"mine": the function, "theirs": the hit}."""
    title = f"Compare with {format_hit(hit, documents)}"
    hit_json = {**_to_location_json(to_location(hit, documents)), "cell": to_cell_json(hit, documents.encoding)}
    argument = {"mine": _to_location_json(code_location), "theirs": hit_json}
    command = types.Command(title, "codekin.compare", arguments=[argument])
    return types.CodeAction(title, kind=types.CodeActionKind.QuickFix, diagnostics=[diagnostic], command=command)


def _make_ignore_action(
    client: Client, documents: Documents, diagnostic: types.Diagnostic, title: str, suppression: "SuppressionEdit"
) -> types.CodeAction:
    """Return the quick fix with the edit, which the editor applies, that makes codekin ignore the duplicate."""
    workspace_edit = _to_workspace_edit(client, documents, suppression)
    action_kind = types.CodeActionKind.QuickFix
    return types.CodeAction(title, kind=action_kind, diagnostics=[diagnostic], edit=workspace_edit)


def _find_duplicates(
    file_path: Path, document_uri: str, client_line: int, engine: "Engine", _: Cancel
) -> _DuplicatedFunction | None:
    """Return the function named on the client's line, and three duplicates with edits that ignore them; or None.

    Runs on a thread.
    """
    from codekin.code.extract import split_lines

    view = open_view(engine, file_path, document_uri)
    if view is None:
        return None
    document_line = view.to_document_line(client_line)
    snippets = filter(is_definition, engine.list_snippets(view.path))
    function = next((snippet for snippet in snippets if snippet.name_line == document_line), None)
    if function is None:
        return None
    hits = engine.find_duplicates(view.path, function)
    reference = engine.find_reference(view.path, function.qualified_name)
    hit_references = [engine.find_reference(hit.place.path, hit.place.qualified_name) for hit in hits]
    duplicates = [
        (hit, engine.make_suppression([reference, hit_reference]) if reference and hit_reference else None)
        for hit, hit_reference in zip(hits[:_MAX_OFFERED_DUPLICATES], hit_references, strict=False)
    ]
    ignore_all: SuppressionEdit | None = None
    if len(hits) > 1 and reference and None not in hit_references:
        ignore_all = engine.make_suppression(list(filter(None, dict.fromkeys((reference, *hit_references)))))
    code_lines = split_lines(view.document.text)[function.span.start : function.span.end]
    return _DuplicatedFunction(view.to_client_line(function.span.start), code_lines, duplicates, ignore_all)


def _to_workspace_edit(client: Client, documents: Documents, suppression: "SuppressionEdit") -> types.WorkspaceEdit:
    """Return the edit that appends the entry to the suppression file, creating it if missing and the client can."""
    file_text, file_uri = suppression.before or "", documents.to_client_uri(suppression.path)
    last_line = file_text.rpartition("\n")[2]
    end_position = types.Position(file_text.count("\n"), count_code_units(last_line, documents.encoding))
    text_edit = types.TextEdit(types.Range(end_position, end_position), suppression.text)
    if not client.has_capability("workspace.workspace_edit.document_changes"):
        return types.WorkspaceEdit(changes={file_uri: [text_edit]})
    document = documents.find_open_document(file_uri)
    identifier = types.OptionalVersionedTextDocumentIdentifier(file_uri, document.version if document else None)
    document_changes: list[types.CreateFile | types.TextDocumentEdit] = [
        types.TextDocumentEdit(identifier, [text_edit])
    ]
    operations = client.get_capability("workspace.workspace_edit.resource_operations") or ()
    if suppression.before is None and types.ResourceOperationKind.Create in operations:
        create_options = types.CreateFileOptions(ignore_if_exists=True)
        document_changes.insert(0, types.CreateFile(file_uri, options=create_options))
    return types.WorkspaceEdit(document_changes=document_changes)


def _to_location_json(location: types.Location) -> LocationJson:
    """Return the location as a dict for JSON."""
    return {"uri": location.uri, "range": to_range_json(location.range)}
