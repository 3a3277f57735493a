"""Answers as JSON documents, the same from a command and from the process that it asks."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codekin.code.cell_lines import display_name, to_file_lines, to_file_row

if TYPE_CHECKING:  # a command that is answered by another process imports nothing heavy
    from codekin.guard.twins import GuardFinding
    from codekin.search.context import ContextEntry, ContextPack

Document = dict[str, Any]


def to_relative_path(file_path: Path, workspace_root: Path) -> str:
    """Return the path relative to `workspace_root`, with /; outside it the path as is, with the system's separator."""
    return (
        file_path.relative_to(workspace_root).as_posix() if file_path.is_relative_to(workspace_root) else str(file_path)
    )


def context_to_document(context_pack: "ContextPack", coverage: float, workspace_root: Path) -> Document:
    """Return a dict for JSON: a context pack's code and tokens, how many entries did not fit, the index's coverage."""
    return {
        "entries": [_entry_to_document(context_entry, workspace_root) for context_entry in context_pack.entries],
        "tokens": context_pack.token_count,
        "left_out": context_pack.left_out_count,
        "coverage": round(coverage, 4),
    }


def findings_to_document(findings: "Iterable[GuardFinding]", workspace_root: Path) -> Document:
    """Return a dict for JSON: the guard's new functions with their twins, lines from 1; a "path" may be None."""
    return {"findings": [_finding_to_document(guard_finding, workspace_root) for guard_finding in findings]}


def _entry_to_document(context_entry: "ContextEntry", workspace_root: Path) -> Document:
    """Return a dict for JSON: one entry of a context pack, with 1-based, inclusive lines of the file."""
    location, file_lines = context_entry.hit.place, to_file_lines(context_entry.hit.cell, context_entry.hit.place.span)
    return {
        "path": to_relative_path(location.path, workspace_root),
        "start_line": file_lines.start + 1,
        "end_line": file_lines.end,
        "name": display_name(location),
        "kind": location.kind,
        "language": location.language,
        "score": round(context_entry.hit.score, 4),
        "whole": context_entry.is_whole,
        "copies": context_entry.copy_count,
        "code": context_entry.text,
    }


def _finding_to_document(guard_finding: "GuardFinding", workspace_root: Path) -> Document:
    """Return a dict for JSON: one new function with its twin, lines counted from 1."""
    twin = guard_finding.twin
    return {
        "path": to_relative_path(guard_finding.path, workspace_root) if guard_finding.path else None,
        "line": guard_finding.line + 1,
        "name": guard_finding.name,
        "twin": {
            "path": to_relative_path(twin.place.path, workspace_root),
            "line": to_file_row(twin.cell, twin.place.name_line) + 1,
            "name": display_name(twin.place),
        },
        "kinship": twin.kinship,
        "score": round(twin.score, 4),
        "why": twin.why,
    }
