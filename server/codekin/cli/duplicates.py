"""`codekin duplicates`: which functions stand in the workspace more than once, but for those that are meant to."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, JSON, ROOT
from codekin.code.cell_lines import find_cell, to_file_row
from codekin.printable import printable
from codekin.types import Progress, Snippet

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.types import Hit, OnProgress

Pair = tuple[Path, Snippet, int, "Hit"]  # the number is the line of the file on which the snippet's name stands


@click.command()
@ROOT
@JSON
@DEBUG
def duplicates(root: Path | None, as_json: bool) -> int:
    """List the functions that stand in the workspace more than once, as they are or little changed.

    Not those that `.codekin.toml` says are meant to, nor those with fewer lines than the setting duplicates.min_lines.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine, to_relative_path

    root = root or find_root(Path.cwd())
    with closing(open_engine(root)) as engine:
        bring_up_to_date_if_possible(engine, wait=True)
        problems = [problem for meant in engine.load_suppressions() for problem in meant.problems]
        with console.show_progress_bar("Comparing") as on_progress:
            found = list(_pairs(engine, on_progress))
        least = engine.settings.duplicates.min_lines
    for problem in problems:
        console.print_note(f"! {problem}")
    if as_json:
        console.write_json({"duplicates": [_json(pair, lambda path: to_relative_path(path, root)) for pair in found]})
    for path, snippet, row, hit in () if as_json else found:
        mine = f"{console.display_path(path)}:{row + 1}: {printable(snippet.qualified_name)}"
        console.write(f"{mine} = {console.where(hit)} {printable(hit.place.qualified_name)} ({hit.why})")
    if not found:
        console.print_note(f"No function of at least {console.format_count(least, 'line')} stands in {root} twice.")
    return 0 if found else 1


def _pairs(engine: "Engine", on_progress: "OnProgress") -> Iterator[Pair]:
    """Each pair once, by path and line of the first."""
    from codekin.code.languages import has_grammar
    from codekin.code.notebooks import is_notebook

    # In others there are no functions.
    files = sorted(file.path for file in engine.walk_files() if has_grammar(file.language) or is_notebook(file.path))
    began = time.monotonic()
    for number, path in enumerate(files):
        on_progress(Progress.estimate(time.monotonic() - began, number, len(files)))
        cells = engine.list_cells(path)
        for snippet in engine.list_snippets(path):
            if snippet.part or not snippet.kind.is_function:
                continue
            for hit in engine.find_duplicates(path, snippet):
                if (path, snippet.span.start) < (hit.place.path, hit.place.span.start):
                    yield path, snippet, to_file_row(find_cell(cells, snippet.name_line), snippet.name_line), hit


def _json(pair: Pair, relative: Any) -> dict[str, Any]:
    path, snippet, row, hit = pair
    its = hit.place
    return {
        "functions": [
            {"path": relative(path), "line": row + 1, "name": snippet.qualified_name},
            {"path": relative(its.path), "line": to_file_row(hit.cell, its.name_line) + 1, "name": its.qualified_name},
        ],
        "kinship": hit.kinship,
        "why": hit.why,
    }
