"""`codekin complete`: how the code continues at a position."""

import re
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, JSON, ROOT
from codekin.code.cell_lines import to_file_lines, to_file_row
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.types import Completion

_LINE_AND_COLUMN = re.compile(r"(?P<line>.+:\d+):(?P<column>\d+)")


@click.command()
@click.argument("reference", metavar="FILE:LINE:COL")
@ROOT
@JSON
@DEBUG
def complete(reference: str, root: Path | None, as_json: bool) -> int:
    """Suggest how the code continues at FILE:LINE:COL, and show where that is taken from.

    LINE and COL count from 1; COL may be one past the end of the line. In a notebook, COL counts in the cell's line.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root, parse_line_reference
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine

    reference_match = _LINE_AND_COLUMN.fullmatch(reference)
    if reference_match is None or int(reference_match["column"][:18]) < 1:
        raise QueryError(f"{reference} is not a position. Write FILE:LINE:COL, as in src/app.py:42:5.")
    named_line = parse_line_reference(reference_match["line"])
    path = named_line.path
    workspace_root = root or find_root(path)
    if not path.is_relative_to(workspace_root):
        raise QueryError(f"{path} is not in {workspace_root}. Pass its workspace with --root.")
    with closing(open_engine(workspace_root)) as engine:
        engine.read_line(path, named_line.resolve_line(engine))
        bring_up_to_date_if_possible(engine, wait=False)
        start_time = time.perf_counter()
        completions = engine.complete(path, named_line.resolve_line(engine), int(reference_match["column"][:18]) - 1)
        elapsed_seconds = time.perf_counter() - start_time
        min_confidence = engine.settings.completion.floor
    if as_json:
        documents = [_to_json(completion, workspace_root) for completion in completions]
        console.write_json({"completions": documents, "seconds": round(elapsed_seconds, 4)})
        return 0 if completions else 1
    for completion in completions:
        console.write_code(completion.text)
        source = _format_source(completion, workspace_root)
        console.print_note(f"from {source}{', edited' * completion.edited}; confidence {completion.confidence:.0%}")
    if not completions:
        console.print_note(f"No suggestion is likely enough (threshold: completion.floor = {min_confidence:g}).")
    return 0 if completions else 1


def _format_source(completion: "Completion", workspace_root: Path) -> str:
    """Return `path:line` of the code that a completion is taken from, below the root."""
    from codekin.resident.documents import to_relative_path

    source_row = to_file_row(completion.cell, completion.span.start)
    return f"{to_relative_path(completion.path, workspace_root)}:{source_row + 1}"


def _to_json(completion: "Completion", workspace_root: Path) -> dict[str, Any]:
    """Return a completion as a dict for JSON: lines and columns from 1, inclusive, its source's path below the root."""
    from codekin.cli.documents import cell_to_json
    from codekin.resident.documents import to_relative_path

    position = {"line": completion.row + 1, "column": completion.column + 1}
    file_lines = to_file_lines(completion.cell, completion.span)
    return {
        "text": completion.text,
        "range": {"start": position, "end": position},
        "confidence": round(completion.confidence, 4),
        "source": {
            "path": to_relative_path(completion.path, workspace_root),
            "start_line": file_lines.start + 1,
            "end_line": file_lines.end,
            "edited": completion.edited,
        }
        | cell_to_json(completion.cell, completion.span),
    }
