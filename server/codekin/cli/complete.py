"""`codekin complete`: how the code goes on at a place."""

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

_COLUMN = re.compile(r"(?P<line>.+:\d+):(?P<column>\d+)")


@click.command()
@click.argument("place", metavar="FILE:LINE:COL")
@ROOT
@JSON
@DEBUG
def complete(place: str, root: Path | None, as_json: bool) -> int:
    """Say how the code goes on at FILE:LINE:COL, and where that is taken from.

    Both are counted from 1; COL may be one behind the line's end. In a notebook COL counts in the cell's own line.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root, line_named
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine, to_relative_path

    found = _COLUMN.fullmatch(place)
    if found is None or int(found["column"][:18]) < 1:
        raise QueryError(f"{place} names no place. Write FILE:LINE:COL, as in src/app.py:42:5.")
    named = line_named(found["line"])
    path = named.path
    root = root or find_root(path)
    if not path.is_relative_to(root):
        raise QueryError(f"{path} is not in {root}. Name the workspace that it is in with --root.")
    with closing(open_engine(root)) as engine:
        bring_up_to_date_if_possible(engine, wait=False)
        started = time.perf_counter()
        completions = engine.complete(path, named.line_in(engine), int(found["column"][:18]) - 1)
        seconds = time.perf_counter() - started
    if as_json:
        shown = [_json(completion, to_relative_path(completion.path, root)) for completion in completions]
        console.write_json({"completions": shown, "seconds": round(seconds, 4)})
        return 0 if completions else 1
    for completion in completions:
        console.write_code(completion.text)
        source = f"{to_relative_path(completion.path, root)}:{to_file_row(completion.cell, completion.span.start) + 1}"
        console.print_note(f"from {source}{', edited' * completion.edited}; {completion.confidence:.0%} sure")
    if not completions:
        console.print_note("Nothing here is probable enough. completion.floor says how much that is.")
    return 0 if completions else 1


def _json(completion: "Completion", path: str) -> dict[str, Any]:
    from codekin.cli.query import cell_json

    place = {"line": completion.row + 1, "column": completion.column + 1}
    span = to_file_lines(completion.cell, completion.span)
    return {
        "text": completion.text,
        "range": {"start": place, "end": place},
        "confidence": round(completion.confidence, 4),
        "source": {"path": path, "start_line": span.start + 1, "end_line": span.end, "edited": completion.edited}
        | cell_json(completion.cell, completion.span),
    }
