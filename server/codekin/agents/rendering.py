"""Answers as agents read them: a short, stable text and the same as JSON, within a budget of tokens.

Both say which share of the workspace was searched, and how fresh the index is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codekin.agents.workspace_paths import WorkspacePaths
from codekin.code.cell_lines import display_name, to_file_lines
from codekin.code.token_estimate import estimate_tokens
from codekin.engine import Engine
from codekin.printable import printable, printable_lines
from codekin.search.outline import OutlineEntry
from codekin.types import Hit, IndexState

JsonObject = dict[str, Any]

_FRESHNESS = {
    IndexState.READY: "in sync with the disk",
    IndexState.INDEXING: "indexing; answers get more complete",
    IndexState.OPENING: "opening; answers get more complete",
    IndexState.STANDING_BY: "another codekin process keeps the index in sync with the disk",
    IndexState.PAUSED: "indexing is paused",
    IndexState.FAILED: "indexing has failed; ask status",
}
_CHECKING = "complete; the disk is being checked for changes"
_FOOTER_TOKENS = 80  # of the lines on coverage and freshness
_MAX_CODE_LINE = 160  # characters of a line of code that shows what a hit is


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """An answer to one tool call."""

    text: str
    document: JsonObject


@dataclass(frozen=True, slots=True)
class Item:
    """One line or block of an answer, as text and as JSON."""

    text: str
    document: JsonObject


@dataclass(frozen=True, slots=True)
class ItemList:
    """All that a tool found, before it is cut into pages."""

    name: str  # of the list in JSON
    items: Sequence[Item]
    empty_message: str = ""  # the text if there are no items
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted."""

    start: int
    limit: int
    max_tokens: int


def describe_index(engine: Engine) -> tuple[str, JsonObject]:
    """Return the index's coverage and freshness, as a line and as JSON. Raises StoreError."""
    status = engine.status()
    is_checking = status.state is IndexState.INDEXING and status.coverage == 1
    freshness = _CHECKING if is_checking else _FRESHNESS.get(status.state, str(status.state))
    document: JsonObject = {"coverage": round(status.coverage, 4), "state": str(status.state), "freshness": freshness}
    line = f"[{status.coverage:.0%} of the workspace searched; {freshness}]"
    return line, document


def make_list_answer(engine: Engine, item_list: ItemList, page: Page) -> ToolAnswer:
    """Return one page of the items, cut to its token budget, with the cursor of the next. Raises StoreError."""
    items = item_list.items
    shown = _take_fitting(items[page.start : page.start + page.limit], page.max_tokens)
    end = page.start + len(shown)
    index_line, document = describe_index(engine)
    lines = [item.text for item in shown] or [item_list.empty_message]
    next_cursor = str(end) if end < len(items) else ""
    if next_cursor:
        lines.append(f"[more: cursor {next_cursor}]")
    notes = list(item_list.notes)
    document |= {item_list.name: [item.document for item in shown], "next_cursor": next_cursor, "notes": notes}
    return ToolAnswer("\n".join([*lines, *(f"[{note}]" for note in notes), index_line]), document)


def _take_fitting(items: Sequence[Item], max_tokens: int) -> list[Item]:
    """Return the first items that fit in the token budget, at least one, so that clients make progress."""
    used_tokens, shown = _FOOTER_TOKENS, list[Item]()
    for item in items:
        used_tokens += estimate_tokens(item.text) + 1
        if shown and used_tokens > max_tokens:
            break
        shown.append(item)
    return shown


def make_hit_item(hit: Hit, paths: WorkspacePaths) -> Item:
    """Return a hit as text and JSON: location, kind, name, probability, reason, and the line of its name."""
    document = hit_to_json(hit, paths)
    kind = f"{document['kind']} {printable(document['name'])}".strip()
    kinship = f"{hit.kinship}: " if hit.kinship is not None else ""
    place = f"{printable(document['path'])}:{document['start_line']}-{document['end_line']}"
    return Item(
        f"{place}  {kind}  {hit.score:.0%}  ({kinship}{printable(hit.why)})\n    {_get_head_line(hit)}", document
    )


def hit_to_json(hit: Hit, paths: WorkspacePaths) -> JsonObject:
    """Return a hit as JSON, with 1-based, inclusive lines of the file."""
    lines = to_file_lines(hit.cell, hit.place.span)
    return {
        "path": paths.to_text(hit.place.path),
        "start_line": lines.start + 1,
        "end_line": lines.end,
        "name": display_name(hit.place),
        "kind": str(hit.place.kind),
        "language": hit.place.language,
        "probability": round(hit.score, 4),
        "kinship": str(hit.kinship) if hit.kinship is not None else "",
        "why": hit.why,
    }


def make_outline_item(entry: OutlineEntry) -> Item:
    """Return one definition of a file as text and JSON, with 1-based, inclusive lines."""
    document = {
        "start_line": entry.span.start + 1,
        "end_line": entry.span.end,
        "name": entry.qualified_name,
        "kind": str(entry.kind),
        "signature": entry.signature,
        "summary": entry.summary,
    }
    summary = f"  # {entry.summary}" if entry.summary else ""
    text = f"{entry.span.start + 1}-{entry.span.end}  {printable(entry.signature + summary)}"
    return Item(text, document)


def _get_head_line(hit: Hit) -> str:
    """Return the hit's line with its name, or the first one, printable and cut to 160 characters."""
    lines = hit.text.split("\n")
    row = min(max(hit.place.name_line - hit.place.span.start, 0), len(lines) - 1)
    return printable_lines(lines[row].strip()[:_MAX_CODE_LINE])
