"""What can be done about a duplicate that is told: compare the two, or say that they are meant to be.

To say so is an edit of `.codekin.toml` (search/ignored.py) which the editor makes: the user sees it, can undo it, and
commits it. Nothing is remembered here; the next diagnostics come from what the file says, saved or not.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.capabilities import get_capability

from codekin.lsp.convert import count_units, to_code_range
from codekin.lsp.locations import cell_json, format_hit, is_definition, to_location
from codekin.lsp.messages import LocationJson, to_range_json
from codekin.lsp.scheduler import Priority
from codekin.lsp.views import view_of
from codekin.types import Cancel, Hit

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer
    from codekin.search.suppressions import SuppressionEdit

KIND = types.CodeActionKind.QuickFix
_OFFERED = 3  # twins; a list of actions is read in one glance


async def list_quick_fixes(server: "CodekinServer", params: types.CodeActionParams) -> list[types.CodeAction]:
    """For the first duplicate among the diagnostics that the client asks about."""
    path = server.protocol.workspace.file_of(params.text_document.uri)
    told = [each for each in params.context.diagnostics if (each.source, each.code) == ("codekin", "duplicate")]
    if not told or path is None or not server.has_capability("text_document.code_action.code_action_literal_support"):
        return []
    uri, documents = params.text_document.uri, server.protocol.workspace
    twins = await server.session.run_query(Priority.BACKGROUND, partial(_twins, path, uri, told[0].range.start.line))
    if twins is None:
        return []
    mine = types.Location(params.text_document.uri, to_code_range(twins.lines, twins.start, documents.encoding))
    actions = []
    for hit, addition in twins.others:
        title = f"Compare with {format_hit(hit, documents)}"
        theirs = {**_json(to_location(hit, documents)), "cell": cell_json(hit, documents.encoding)}
        argument = {"mine": _json(mine), "theirs": theirs}
        command = types.Command(title, "codekin.compare", arguments=[argument])
        actions.append(types.CodeAction(title, kind=KIND, diagnostics=told[:1], command=command))
        if addition is not None:
            title = f"Ignore this pair: {format_hit(hit, documents)}"
            actions.append(types.CodeAction(title, kind=KIND, diagnostics=told[:1], edit=_edit(server, addition)))
    if twins.together is not None:
        title, edit = "Ignore all of these", _edit(server, twins.together)
        actions.append(types.CodeAction(title, kind=KIND, diagnostics=told[:1], edit=edit))
    return actions


@dataclass(frozen=True, slots=True)
class _Twins:
    start: int  # the first line of the duplicate
    lines: list[str]
    others: list[tuple[Hit, "SuppressionEdit | None"]]  # where else it stands, and what has that ignored
    together: "SuppressionEdit | None"  # what has all of them ignored, where they are more than one


def _twins(path: Path, uri: str, row: int, engine: "Engine", _: Cancel) -> _Twins | None:
    """On a thread: of the function whose name is on the client's line."""
    from codekin.code.extract import split_lines

    view = view_of(engine, path, uri)
    if view is None:
        return None
    path, line = view.path, view.line(row)
    own = next((each for each in engine.list_snippets(path) if each.name_line == line and is_definition(each)), None)
    if own is None:
        return None
    hits = engine.find_duplicates(path, own)
    mine = engine.find_reference(path, own.qualified_name)
    named = [engine.find_reference(hit.place.path, hit.place.qualified_name) for hit in hits]
    others = [
        (hit, engine.make_suppression([mine, its]) if mine and its else None)
        for hit, its in zip(hits[:_OFFERED], named, strict=False)
    ]
    group = [each for each in dict.fromkeys((mine, *named)) if each]
    together = engine.make_suppression(group) if len(hits) > 1 and mine and None not in named else None
    lines = split_lines(view.document.text)[own.span.start : own.span.end]
    return _Twins(view.row(own.span.start), lines, others, together)


def _edit(server: "CodekinServer", addition: "SuppressionEdit") -> types.WorkspaceEdit:
    """What puts the entry at the file's end, and makes the file where there is none."""
    documents, before = server.protocol.workspace, addition.before or ""
    uri = documents.to_client_uri(addition.path)
    last = before.rpartition("\n")[2]
    end = types.Position(before.count("\n"), count_units(last, documents.encoding))
    change = types.TextEdit(types.Range(end, end), addition.text)
    if not server.has_capability("workspace.workspace_edit.document_changes"):
        return types.WorkspaceEdit(changes={uri: [change]})
    document = documents.find_open(uri)
    versioned = types.OptionalVersionedTextDocumentIdentifier(uri, document.version if document else None)
    edits: list[types.CreateFile | types.TextDocumentEdit] = [types.TextDocumentEdit(versioned, [change])]
    operations = get_capability(server.client_capabilities, "workspace.workspace_edit.resource_operations", None) or ()
    if addition.before is None and types.ResourceOperationKind.Create in operations:
        edits.insert(0, types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True)))
    return types.WorkspaceEdit(document_changes=edits)


def _json(location: types.Location) -> LocationJson:
    return {"uri": location.uri, "range": to_range_json(location.range)}
