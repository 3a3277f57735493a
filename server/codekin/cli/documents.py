"""The JSON of what commands print. Lines are 1-based and inclusive, paths relative to the root."""

from pathlib import Path
from typing import Any

from codekin.code.cell_lines import display_name, to_cell_lines, to_file_lines
from codekin.resident.documents import to_relative_path
from codekin.types import Answer, Cell, IndexReport, Span, TeamPlace


def report_to_json(index_report: IndexReport, workspace_root: Path) -> dict[str, Any]:
    """Return an indexing report as a dict for JSON, with all skipped files; paths are relative to `workspace_root`."""
    return {
        "files": index_report.files,
        "snippets": index_report.snippets,
        "embedded": index_report.embedded,
        "reused": index_report.reused,
        "skipped": [
            {"path": to_relative_path(skipped_file.path, workspace_root), "reason": skipped_file.reason}
            for skipped_file in index_report.skipped
        ],
        "seconds": round(index_report.seconds, 3),
        "store_bytes": index_report.store_bytes,
    }


def cell_to_json(cell: Cell | None, span: Span) -> dict[str, Any]:
    """Return `{"cell": …}` for JSON: number, id and lines in the cell, all from 1; {} where `cell` is None."""
    if cell is None:
        return {}
    cell_lines = to_cell_lines(cell, span)
    document = {"number": cell.index + 1, "id": cell.id, "start_line": cell_lines.start + 1, "end_line": cell_lines.end}
    return {"cell": document}


def answer_to_json(answer: Answer, workspace_root: Path) -> dict[str, Any]:
    """Return an answer as a dict for JSON: hits (1-based, inclusive lines; paths below the root), coverage, seconds."""
    hit_documents = [
        {
            "path": hit.team.path if hit.team else to_relative_path(hit.place.path, workspace_root),
            "start_line": to_file_lines(hit.cell, hit.place.span).start + 1,
            "end_line": to_file_lines(hit.cell, hit.place.span).end,
            "name": display_name(hit.place),
            "kind": hit.place.kind,
            "language": hit.place.language,
            "score": round(hit.score, 4),
            "kinship": hit.kinship,
            "why": hit.why,
        }
        | cell_to_json(hit.cell, hit.place.span)
        | _team_to_json(hit.team, hit.place.path)
        for hit in answer.hits
    ]
    return {"hits": hit_documents, "coverage": round(answer.coverage, 4), "seconds": round(answer.seconds, 4)}


def _team_to_json(team_place: TeamPlace | None, local_path: Path) -> dict[str, Any]:
    """Return a dict of a team's hit: repository, the forge's page, file in a local clone; {} for a local hit."""
    if team_place is None:
        return {}
    return {
        "repository": team_place.repository,
        "link": team_place.link or None,
        "file": str(local_path) if team_place.is_cloned else None,
    }
