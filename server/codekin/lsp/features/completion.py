"""How does the code go on? As ghost text (textDocument/inlineCompletion, LSP 3.18), and as a completion item in clients
that don't have that.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codekin.errors import CodekinError, QueryError
from codekin.lsp.convert import count_units, to_character, to_path
from codekin.lsp.locations import lines_location, place_shown
from codekin.lsp.messages import LocationJson, SourceJson, to_range_json
from codekin.lsp.scheduler import Priority, SupersededError
from codekin.lsp.structuring import UnreadableError, structure
from codekin.lsp.views import view_of
from codekin.types import Cancel, Completion

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

ACCEPTED, SHOW_SOURCE = "codekin.completionAccepted", "codekin.showCompletionSource"

_WORD = re.compile(r"\w*\Z")
_LABEL = 60  # characters of the first line in a list
_LAST = "~~~~"  # behind what a language server says


@dataclass(frozen=True, slots=True)
class _Place:
    """A cursor in a document, whose text may be another than the client's where a completion is selected there."""

    document: "TextDocument"
    path: Path  # of the file; for a notebook's cell, of the notebook
    text: str
    row: int
    column: int  # in characters


async def _inline(server: "CodekinServer", params: types.InlineCompletionParams) -> types.InlineCompletionList:
    at, selected = params.position, params.context.selected_completion_info
    place = _place(server, params.text_document.uri, at, selected)
    waits = params.context.trigger_kind is not types.InlineCompletionTriggerKind.Invoked
    found = await _ask(server, place, waits=waits) if place else []
    begin, replaced = (selected.text, selected.range) if selected else ("", types.Range(at, at))
    items = []
    for completion in found:
        source = _source(server, completion)
        accepted = types.Command(source["label"], ACCEPTED, arguments=[source])
        items.append(types.InlineCompletionItem(begin + completion.text, range=replaced, command=accepted))
    return types.InlineCompletionList(items)


async def _listed(server: "CodekinServer", params: types.CompletionParams) -> types.CompletionList:
    """A client with ghost text gets an item only where a person asks for one: what is typed asks, too."""
    place = _place(server, params.text_document.uri, params.position, None)
    nothing = types.CompletionList(is_incomplete=True, items=[])
    if place is None:
        return nothing
    word = _WORD.search(place.text.split("\n")[place.row][: place.column])
    typed = word[0] if word else ""
    invoked = params.context is not None and params.context.trigger_kind is types.CompletionTriggerKind.Invoked
    if server.has_capability("text_document.inline_completion") and (typed or not invoked):
        return nothing
    found = await _ask(server, place, waits=not invoked)
    encoding = server.protocol.workspace.encoding
    start = types.Position(params.position.line, params.position.character - count_units(typed, encoding))
    replaced = types.Range(start, params.position)
    return types.CompletionList(is_incomplete=True, items=[_item(server, one, typed, replaced) for one in found])


def _item(server: "CodekinServer", completion: Completion, typed: str, replaced: types.Range) -> types.CompletionItem:
    source, text = _source(server, completion), typed + completion.text
    first, _, more = text.strip().partition("\n")
    return types.CompletionItem(
        label=first[:_LABEL] + (" …" if more or len(first) > _LABEL else ""),
        kind=types.CompletionItemKind.Snippet,
        detail=source["label"],
        documentation=types.MarkupContent(types.MarkupKind.Markdown, f"```\n{text}\n```"),
        sort_text=_LAST,
        filter_text=text.strip().split("\n")[0],
        insert_text_mode=types.InsertTextMode.AsIs,
        insert_text_format=types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(replaced, text),
        command=types.Command(source["label"], ACCEPTED, arguments=[source]),
    )


def _place(
    server: "CodekinServer", uri: str, at: types.Position, selected: types.SelectedCompletionInfo | None
) -> _Place | None:
    documents, settings = server.protocol.workspace, server.session.settings
    document, path = documents.find_open(uri), documents.file_of(uri)
    if settings is None or not settings.completion.enabled or document is None or path is None:
        return None
    from codekin.code.lines import split_lines

    encoding, lines = documents.encoding, split_lines(document.source)
    if not 0 <= at.line < len(lines):
        return None
    line = lines[at.line]
    here = to_character(line, at.character, encoding)
    if selected is not None and selected.range.start.line == at.line == selected.range.end.line:
        start = to_character(line, selected.range.start.character, encoding)
        end = max(to_character(line, selected.range.end.character, encoding), start)
        lines[at.line], here = line[:start] + selected.text + line[end:], start + len(selected.text)
    return _Place(document, path, "\n".join(lines), at.line, here)


async def prepare_document(server: "CodekinServer", uri: str) -> None:
    """Read a document that has been opened, so that the first key is answered as soon as the next ones."""
    place = _place(server, uri, types.Position(0, 0), None)
    if place is not None:
        with suppress(CodekinError):  # it is no source
            await server.session.run_query(Priority.BACKGROUND, partial(_complete, place))


async def _ask(server: "CodekinServer", place: _Place, *, waits: bool) -> list[Completion]:
    """Nothing where the next key comes first."""
    text, settings = place.document.source, server.session.settings  # not its version: Coc sends none
    if waits and settings is not None:
        await asyncio.sleep(settings.completion.debounce_ms / 1000)
    if place.document.source is not text:
        return []
    try:
        found = await server.session.run_query(Priority.COMPLETION, partial(_complete, place)) or []
    except (SupersededError, QueryError):  # the latter where it is no source: a text, a form
        return []
    found = found if place.document.source is text else []
    if found:
        server.completion_source = _source(server, found[0])
    return found


def _complete(place: _Place, engine: "Engine", cancel: Cancel) -> list[Completion]:
    """On a thread."""
    key, uri = "", place.document.uri
    if to_path(uri) is None:  # a cell
        view = view_of(engine, place.path, uri)
        key = view.cell.key if view and view.cell else ""
        if not key:
            return []
    return engine.complete(place.path, place.row, place.column, text=place.text, key=key, cancel=cancel)


def _source(server: "CodekinServer", completion: Completion) -> SourceJson:
    documents, cell = server.protocol.workspace, completion.cell
    edited = ", edited" if completion.edited else ""
    location = lines_location(completion.path, completion.span, cell, documents)
    label = f"from {place_shown(completion.path, completion.span.start, cell, documents)}{edited}"
    return {"label": label, "location": {"uri": location.uri, "range": to_range_json(location.range)}}


async def _accepted(server: "CodekinServer", source: Any) -> None:
    """A completion was taken: its source is the one to show from now on."""
    if isinstance(source, dict):
        with suppress(UnreadableError):  # else it is none of ours
            location = structure(source.get("location"), types.Location)
            place: LocationJson = {"uri": location.uri, "range": to_range_json(location.range)}
            server.completion_source = SourceJson(label=str(source.get("label", "")), location=place)


async def _show_source(server: "CodekinServer", _: Any) -> SourceJson | None:
    """Goes to the source of the completion that was shown, or taken, last; None where there was none."""
    source: SourceJson | None = server.completion_source
    if source is None:
        server.show_message(types.MessageType.Info, "codekin: no completion has been shown yet.")
        return None
    location = source["location"]
    start, end = location["range"]["start"], location["range"]["end"]
    lines = types.Range(types.Position(**start), types.Position(**end))
    if server.has_capability("window.show_document.support"):
        params = types.ShowDocumentParams(location["uri"], take_focus=True, selection=lines)
        try:
            if (await server.window_show_document_async(params)).success:
                return source
        except JsonRpcException:
            pass
    server.show_message(types.MessageType.Info, f"codekin: {source['label']}")
    return source


def register(server: "CodekinServer") -> None:
    """Offer both, and the command that goes to the source."""
    server.on_request(types.TEXT_DOCUMENT_INLINE_COMPLETION, _inline, types.InlineCompletionOptions())
    server.on_request(types.TEXT_DOCUMENT_COMPLETION, _listed, types.CompletionOptions())
    server.on_command(ACCEPTED, _accepted)
    server.on_command(SHOW_SOURCE, _show_source)
