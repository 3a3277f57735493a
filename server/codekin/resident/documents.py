"""Answers as JSON documents, the same from a command and from the process that it asks."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codekin.code.cell_lines import display_name, to_file_lines, to_file_row

if TYPE_CHECKING:  # a command that is answered by another process imports nothing heavy
    from codekin.guard.twins import GuardFinding
    from codekin.search.context import ContextEntry, ContextPack

Document = dict[str, Any]


def to_relative_path(path: Path, root: Path) -> str:
    """Return the path relative to `root`, with /; the absolute path where it is outside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def context_to_document(pack: "ContextPack", coverage: float, root: Path) -> Document:
    """Return the code for a task, with the number of tokens and of what did not fit."""
    return {
        "entries": [_entry_to_document(entry, root) for entry in pack.entries],
        "tokens": pack.token_count,
        "left_out": pack.left_out_count,
        "coverage": round(coverage, 4),
    }


def findings_to_document(findings: "Iterable[GuardFinding]", root: Path) -> Document:
    """Return new functions with their twins; lines count from 1, and the "path" of the new one may be None."""
    return {"findings": [_finding_to_document(finding, root) for finding in findings]}


def _entry_to_document(entry: "ContextEntry", root: Path) -> Document:
    """Return one entry of a context pack for JSON, with 1-based, inclusive lines of the file."""
    place, lines = entry.hit.place, to_file_lines(entry.hit.cell, entry.hit.place.span)
    return {
        "path": to_relative_path(place.path, root),
        "start_line": lines.start + 1,
        "end_line": lines.end,
        "name": display_name(place),
        "kind": place.kind,
        "language": place.language,
        "score": round(entry.hit.score, 4),
        "whole": entry.is_whole,
        "copies": entry.copy_count,
        "code": entry.text,
    }


def _finding_to_document(finding: "GuardFinding", root: Path) -> Document:
    """Return one new function with its twin for JSON, lines counted from 1."""
    twin = finding.twin
    return {
        "path": to_relative_path(finding.path, root) if finding.path else None,
        "line": finding.line + 1,
        "name": finding.name,
        "twin": {
            "path": to_relative_path(twin.place.path, root),
            "line": to_file_row(twin.cell, twin.place.name_line) + 1,
            "name": display_name(twin.place),
        },
        "kinship": twin.kinship,
        "score": round(twin.score, 4),
        "why": twin.why,
    }
