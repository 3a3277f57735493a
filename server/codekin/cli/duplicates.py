"""`codekin duplicates`: the duplicated functions of a workspace, except ignored ones."""

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

DuplicatePair = tuple[
    Path, Snippet, int, "Hit"
]  # path and snippet of the first function, the line of its name in the file, the second


@click.command()
@ROOT
@JSON
@DEBUG
def duplicates(root: Path | None, as_json: bool) -> int:
    """List functions that occur more than once in the workspace, unchanged or with small edits.

    Skips those that `.codekin.toml` ignores, and those with fewer lines than the setting duplicates.min_lines.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine, to_relative_path

    root = root or find_root(Path.cwd())
    with closing(open_engine(root)) as engine:
        bring_up_to_date_if_possible(engine, wait=True)
        problems = [problem for file in engine.load_suppressions() for problem in file.problems]
        with console.show_progress_bar("Comparing") as on_progress:
            duplicate_pairs = list(_find_pairs(engine, on_progress))
        min_lines = engine.settings.duplicates.min_lines
    for problem in problems:
        console.print_note(f"! {problem}")
    if as_json:
        console.write_json(
            {"duplicates": [_to_json(pair, lambda path: to_relative_path(path, root)) for pair in duplicate_pairs]}
        )
    for path, snippet, row, hit in () if as_json else duplicate_pairs:
        first_function = f"{console.display_path(path)}:{row + 1}: {printable(snippet.qualified_name)}"
        console.write(
            f"{first_function} = {console.format_location(hit)} {printable(hit.place.qualified_name)} ({hit.why})"
        )
    if not duplicate_pairs:
        console.print_note(f"No duplicated functions of {console.format_count(min_lines, 'line')} or more in {root}.")
    return 0 if duplicate_pairs else 1


def _find_pairs(engine: "Engine", on_progress: "OnProgress") -> Iterator[DuplicatePair]:
    """Yield each pair of duplicated functions once, by path and line of the first; calls `on_progress` per file."""
    from codekin.code.languages import has_grammar
    from codekin.code.notebooks import is_notebook

    # Only files with a grammar, and notebooks, have functions.
    files = sorted(file.path for file in engine.walk_files() if has_grammar(file.language) or is_notebook(file.path))
    started = time.monotonic()
    for number, path in enumerate(files):
        on_progress(Progress.estimate(time.monotonic() - started, number, len(files)))
        cells = engine.list_cells(path)
        for snippet in engine.list_snippets(path):
            if snippet.part or not snippet.kind.is_function:
                continue
            for hit in engine.find_duplicates(path, snippet):
                if (path, snippet.span.start) < (hit.place.path, hit.place.span.start):
                    yield path, snippet, to_file_row(find_cell(cells, snippet.name_line), snippet.name_line), hit


def _to_json(pair: DuplicatePair, to_relative: Any) -> dict[str, Any]:
    """Return a pair for JSON, with lines counted from 1; `to_relative` formats the paths."""
    path, snippet, row, hit = pair
    place = hit.place
    return {
        "functions": [
            {"path": to_relative(path), "line": row + 1, "name": snippet.qualified_name},
            {
                "path": to_relative(place.path),
                "line": to_file_row(hit.cell, place.name_line) + 1,
                "name": place.qualified_name,
            },
        ],
        "kinship": hit.kinship,
        "why": hit.why,
    }
