"""Complete code: as ghost text (textDocument/inlineCompletion, LSP 3.18), and as a completion item in clients that
don't have that.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codekin.errors import CodekinError, QueryError
from codekin.lsp.client import Client
from codekin.lsp.convert import count_code_units, to_character_index, to_path
from codekin.lsp.handlers import Registry
from codekin.lsp.locations import format_line_reference, to_lines_location
from codekin.lsp.messages import LocationJson, SourceJson, to_range_json
from codekin.lsp.scheduler import Priority, SupersededError
from codekin.lsp.session import Session
from codekin.lsp.structuring import structure_value
from codekin.lsp.value_readers import UnreadableError
from codekin.lsp.views import open_view
from codekin.types import Cancel, Completion

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

    from codekin.engine import Engine

ACCEPTED_COMMAND, SHOW_SOURCE_COMMAND = "codekin.completionAccepted", "codekin.showCompletionSource"

_TYPED_WORD = re.compile(r"\w*\Z")
_MAX_LABEL_CHARACTERS = 60  # of the first line, in a list
_SORT_LAST = "~~~~"  # below the items of the language's own server


@dataclass(frozen=True, slots=True)
class _CompletionPoint:
    """Cursor in an open document, with the text to complete: the selected completion item counts as accepted."""

    document: "TextDocument"
    file_path: Path  # for a notebook's cell, the notebook
    text: str
    line_number: int
    column: int  # in characters


async def _complete_inline(
    client: Client, session: Session, params: types.InlineCompletionParams
) -> types.InlineCompletionList:
    """Answer with ghost texts, replacing the selected completion item, if any; remember the first's source."""
    position, selected = params.position, params.context.selected_completion_info
    completion_point = _find_completion_point(session, params.text_document.uri, position, selected)
    # An item that is selected in the word list is no key stroke: nothing more is typed for the moment.
    is_typed = params.context.trigger_kind is not types.InlineCompletionTriggerKind.Invoked and selected is None
    completions: list[Completion] = []
    if completion_point is not None:
        completions = await _request_completions(client, session, completion_point, debounces=is_typed)
    text_prefix = selected.text if selected else ""
    replaced_range = selected.range if selected else types.Range(position, position)
    items = []
    for completion in completions:
        source = _to_source_json(session, completion)
        accepted = types.Command(source["label"], ACCEPTED_COMMAND, arguments=[source])
        items.append(types.InlineCompletionItem(text_prefix + completion.text, range=replaced_range, command=accepted))
    return types.InlineCompletionList(items)


async def _list_completion_items(
    client: Client, session: Session, params: types.CompletionParams
) -> types.CompletionList:
    """Answer with completion items; in a client with ghost text, only where the user asks for the list at a blank."""
    completion_point = _find_completion_point(session, params.text_document.uri, params.position, None)
    empty_list = types.CompletionList(is_incomplete=True, items=[])
    if completion_point is None:
        return empty_list
    line_start = completion_point.text.split("\n")[completion_point.line_number][: completion_point.column]
    word_match = _TYPED_WORD.search(line_start)
    typed_word = word_match[0] if word_match else ""
    is_invoked = params.context is not None and params.context.trigger_kind is types.CompletionTriggerKind.Invoked
    if client.has_capability("text_document.inline_completion") and (typed_word or not is_invoked):
        return empty_list
    completions = await _request_completions(client, session, completion_point, debounces=not is_invoked)
    word_units = count_code_units(typed_word, session.documents.encoding)
    word_start = types.Position(params.position.line, params.position.character - word_units)
    replaced_range = types.Range(word_start, params.position)
    items = [_to_completion_item(session, completion, typed_word, replaced_range) for completion in completions]
    return types.CompletionList(is_incomplete=True, items=items)


def _to_completion_item(
    session: Session, completion: Completion, typed_word: str, replaced_range: types.Range
) -> types.CompletionItem:
    """Return the completion as an item that replaces the typed word and sorts last."""
    source, item_text = _to_source_json(session, completion), typed_word + completion.text
    first_line, _, further_lines = item_text.strip().partition("\n")
    is_shortened = further_lines or len(first_line) > _MAX_LABEL_CHARACTERS
    return types.CompletionItem(
        label=first_line[:_MAX_LABEL_CHARACTERS] + (" …" if is_shortened else ""),
        kind=types.CompletionItemKind.Snippet,
        detail=source["label"],
        documentation=types.MarkupContent(types.MarkupKind.Markdown, f"```\n{item_text}\n```"),
        sort_text=_SORT_LAST,
        filter_text=first_line,
        insert_text_mode=types.InsertTextMode.AsIs,
        insert_text_format=types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(replaced_range, item_text),
        command=types.Command(source["label"], ACCEPTED_COMMAND, arguments=[source]),
    )


def _find_completion_point(
    session: Session, document_uri: str, position: types.Position, selected: types.SelectedCompletionInfo | None
) -> _CompletionPoint | None:
    """Return the cursor, a selected item put into the text; None if completion is off or no such line is open."""
    documents, settings = session.documents, session.settings
    document, file_path = documents.find_open_document(document_uri), documents.find_file(document_uri)
    if settings is None or not settings.completion.enabled or document is None or file_path is None:
        return None
    from codekin.code.lines import split_lines

    encoding, document_lines = documents.encoding, split_lines(document.source)
    if not 0 <= position.line < len(document_lines):
        return None
    line_text = document_lines[position.line]
    column = to_character_index(line_text, position.character, encoding)
    if selected is not None and selected.range.start.line == position.line == selected.range.end.line:
        start_column = to_character_index(line_text, selected.range.start.character, encoding)
        end_column = max(to_character_index(line_text, selected.range.end.character, encoding), start_column)
        document_lines[position.line] = line_text[:start_column] + selected.text + line_text[end_column:]
        column = start_column + len(selected.text)
    return _CompletionPoint(document, file_path, "\n".join(document_lines), position.line, column)


async def prepare_document(session: Session, document_uri: str) -> None:
    """Have the engine complete at a document's start, so that the first real completion is fast; errors are dropped."""
    completion_point = _find_completion_point(session, document_uri, types.Position(0, 0), None)
    if completion_point is not None:
        with suppress(CodekinError):  # it is no source code
            await session.run_query(Priority.BACKGROUND, partial(_complete_code, completion_point))


async def _request_completions(
    client: Client, session: Session, completion_point: _CompletionPoint, *, debounces: bool
) -> list[Completion]:
    """Wait for the debounce if asked; return completions, [] if the text changed; remember the first's source.

    [] also for what is no source code.
    """
    document_text, settings = completion_point.document.source, session.settings  # not its version: Coc sends none
    if debounces and settings is not None:
        await asyncio.sleep(settings.completion.debounce_ms / 1000)
    if completion_point.document.source is not document_text:
        return []
    try:
        completions = await session.run_query(Priority.COMPLETION, partial(_complete_code, completion_point)) or []
    except (SupersededError, QueryError):  # QueryError: the document is no source code
        return []
    if completion_point.document.source is not document_text:
        return []
    if completions:
        client.shown_source, client.accepted_source = _to_source_json(session, completions[0]), None
    else:
        client.shown_source = None
    return completions


def _complete_code(completion_point: _CompletionPoint, engine: "Engine", cancel_event: Cancel) -> list[Completion]:
    """Return the completions at the cursor; [] for a cell that is not open. Runs on a thread. Raises QueryError."""
    from codekin.completion.cursor import CellText

    text: str | CellText = completion_point.text
    document_uri = completion_point.document.uri
    if to_path(document_uri) is None:  # a notebook's cell
        view = open_view(engine, completion_point.file_path, document_uri)
        cell_key = view.cell.key if view and view.cell else ""
        if not cell_key:
            return []
        text = CellText(cell_key, completion_point.text)
    return engine.complete(
        completion_point.file_path,
        completion_point.line_number,
        completion_point.column,
        text=text,
        cancel_event=cancel_event,
    )


def _to_source_json(session: Session, completion: Completion) -> SourceJson:
    """Return as a dict for JSON where the completion is copied from: a printable label, and the client's location."""
    documents, notebook_cell = session.documents, completion.cell
    edited_suffix = ", edited" if completion.edited else ""
    location = to_lines_location(completion.path, completion.span, notebook_cell, documents)
    line_reference = format_line_reference(completion.path, completion.span.start, notebook_cell, documents)
    return {
        "label": f"from {line_reference}{edited_suffix}",
        "location": {"uri": location.uri, "range": to_range_json(location.range)},
    }


async def _handle_accepted(client: Client, _: Session, json_source: Any) -> None:
    """Remember the accepted completion's source for `_show_source`; ignore an argument that is not codekin's."""
    if isinstance(json_source, dict):
        with suppress(UnreadableError):  # else the argument is not one of codekin's
            location = structure_value(json_source.get("location"), types.Location)
            location_json: LocationJson = {"uri": location.uri, "range": to_range_json(location.range)}
            client.shown_source = None
            client.accepted_source = SourceJson(label=str(json_source.get("label", "")), location=location_json)


async def _show_source(client: Client, _: Session, __: Any) -> SourceJson | None:
    """Open, or name in a message, the source of the last completion shown or accepted; return its dict, or None."""
    source = client.shown_source or client.accepted_source
    if source is None:
        client.show_message(types.MessageType.Info, "codekin: no completion is shown.")
        return None
    document_uri, source_range = source["location"]["uri"], source["location"]["range"]
    selection = types.Range(types.Position(**source_range["start"]), types.Position(**source_range["end"]))
    if not await client.show_document(document_uri, selection):
        client.show_message(types.MessageType.Info, f"codekin: {source['label']}")
    return source


def register_feature(registry: Registry) -> None:
    """Register inline and listed completions, and the commands that note and open a completion's source."""
    registry.on_request(types.TEXT_DOCUMENT_INLINE_COMPLETION, _complete_inline, types.InlineCompletionOptions())
    registry.on_request(types.TEXT_DOCUMENT_COMPLETION, _list_completion_items, types.CompletionOptions())
    registry.on_command(ACCEPTED_COMMAND, _handle_accepted)
    registry.on_command(SHOW_SOURCE_COMMAND, _show_source)
