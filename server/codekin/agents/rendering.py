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
from codekin.search.existing import Existence, ExistenceVerdict
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
_SUMMARIES = {
    ExistenceVerdict.YES: "yes: it exists",
    ExistenceVerdict.LIKELY: "likely: look at this first",
    ExistenceVerdict.POSSIBLE: "possible: worth a look",
    ExistenceVerdict.NO: "no",
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

    json_key: str  # of the list
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
    """Return the index's coverage and freshness, as a line and as a dict for JSON. Raises StoreError."""
    state, coverage = engine.state(), engine.coverage()
    is_checking = state is IndexState.INDEXING and coverage == 1
    freshness = _CHECKING if is_checking else _FRESHNESS.get(state, str(state))
    document: JsonObject = {"coverage": round(coverage, 4), "state": str(state), "freshness": freshness}
    index_line = f"[{coverage:.0%} of the workspace searched; {freshness}]"
    return index_line, document


def make_list_answer(engine: Engine, item_list: ItemList, page: Page) -> ToolAnswer:
    """Return a ToolAnswer: a page of items, cut to its token budget, and the next one's cursor. Raises StoreError."""
    all_items = item_list.items
    page_items = _take_fitting(all_items[page.start : page.start + page.limit], page.max_tokens)
    page_end = page.start + len(page_items)
    index_line, document = describe_index(engine)
    answer_lines = [item.text for item in page_items] or [item_list.empty_message]
    next_cursor = str(page_end) if page_end < len(all_items) else ""
    if next_cursor:
        answer_lines.append(f"[more: cursor {next_cursor}]")
    notes = list(item_list.notes)
    document |= {item_list.json_key: [item.document for item in page_items], "next_cursor": next_cursor, "notes": notes}
    return ToolAnswer("\n".join([*answer_lines, *(f"[{note}]" for note in notes), index_line]), document)


def _take_fitting(candidates: Sequence[Item], max_tokens: int) -> list[Item]:
    """Return the first items that fit in the token budget, at least one, so that clients make progress."""
    used_tokens, fitting_items = _FOOTER_TOKENS, list[Item]()
    for candidate in candidates:
        used_tokens += estimate_tokens(candidate.text) + 1
        if fitting_items and used_tokens > max_tokens:
            break
        fitting_items.append(candidate)
    return fitting_items


def make_hit_item(hit: Hit, workspace_paths: WorkspacePaths) -> Item:
    """Return a hit as text and dict: location, kind, name, probability, reason, and the line of its name."""
    document = hit_to_json(hit, workspace_paths)
    kind_and_name = f"{document['kind']} {printable(document['name'])}".strip()
    kinship_prefix = f"{hit.kinship}: " if hit.kinship is not None else ""
    location = f"{printable(document['path'])}:{document['start_line']}-{document['end_line']}"
    if hit.team:
        location = f"in {printable(hit.team.repository)}: {location}"
    head_line = _get_head_line(hit) if hit.text or not hit.team else printable(hit.team.link)
    return Item(
        f"{location}  {kind_and_name}  {hit.score:.0%}  ({kinship_prefix}{printable(hit.why)})\n    {head_line}",
        document,
    )


def hit_to_json(hit: Hit, workspace_paths: WorkspacePaths) -> JsonObject:
    """Return a hit as a dict for JSON, lines 1-based, inclusive; a team's with repository, link and local file, too."""
    file_lines = to_file_lines(hit.cell, hit.place.span)
    return {
        "path": hit.team.path if hit.team else workspace_paths.to_text(hit.place.path),
        "start_line": file_lines.start + 1,
        "end_line": file_lines.end,
        "name": display_name(hit.place),
        "kind": str(hit.place.kind),
        "language": hit.place.language,
        "probability": round(hit.score, 4),
        "kinship": str(hit.kinship) if hit.kinship is not None else "",
        "why": hit.why,
    } | _team_to_json(hit)


def _team_to_json(hit: Hit) -> JsonObject:
    """Return a dict of a team's hit: repository, its page at the forge, file in a local clone; {} for a local hit."""
    if hit.team is None:
        return {}
    local_file = str(hit.place.path) if hit.team.is_cloned else ""
    return {"repository": hit.team.repository, "link": hit.team.link, "file": local_file}


def make_existence_item(existence: Existence, workspace_paths: WorkspacePaths) -> Item:
    """Return one verdict, with its matches, as text and as a dict for JSON."""
    match_items = [make_hit_item(hit, workspace_paths) for hit in existence.matches]
    name_prefix = f"{printable(existence.name)}: " if existence.name else ""
    nearest_label = " Nearest:" if existence.verdict is ExistenceVerdict.NO and match_items else ""
    probability_text = f" ({existence.probability:.0%})"
    item_text = "\n".join(
        [
            f"{name_prefix}{_SUMMARIES[existence.verdict]}{probability_text}{nearest_label}",
            *(match.text for match in match_items),
        ]
    )
    document = {
        "name": existence.name,
        "line": existence.line + 1,
        "verdict": str(existence.verdict),
        "probability": round(existence.probability, 4),
        "matches": [match.document for match in match_items],
    }
    return Item(item_text, document)


def make_outline_item(entry: OutlineEntry) -> Item:
    """Return one definition of a file as text and as a dict for JSON, with 1-based, inclusive lines."""
    document = {
        "start_line": entry.span.start + 1,
        "end_line": entry.span.end,
        "name": entry.qualified_name,
        "kind": str(entry.kind),
        "signature": entry.signature,
        "summary": entry.summary,
    }
    summary_comment = f"  # {entry.summary}" if entry.summary else ""
    outline_line = f"{entry.span.start + 1}-{entry.span.end}  {printable(entry.signature + summary_comment)}"
    return Item(outline_line, document)


def _get_head_line(hit: Hit) -> str:
    """Return the hit's line with its name, or the first one, printable and cut to 160 characters."""
    code_lines = hit.text.split("\n")
    name_row = min(max(hit.place.name_line - hit.place.span.start, 0), len(code_lines) - 1)
    return printable_lines(code_lines[name_row].strip()[:_MAX_CODE_LINE])
