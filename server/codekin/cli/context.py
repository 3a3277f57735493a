"""`codekin context`: the code that a task is about, within a budget of tokens."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, JSON, ROOT
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.search.context import ContextEntry

_MAX_TOKENS = 100_000
_DEFAULT_TOKENS = 4_000


@click.command()
@click.argument("task")
@click.option(
    "--max-tokens",
    type=click.IntRange(200, _MAX_TOKENS),
    metavar="N",
    default=_DEFAULT_TOKENS,
    show_default=True,
    help="Size of the context, in tokens, by an estimate that is on the high side.",
)
@ROOT
@JSON
@DEBUG
def context(task: str, max_tokens: int, root: Path | None, as_json: bool) -> int:
    """Print the code that TASK is about: whole functions, then signatures, best first, each once.

    TASK is a question, an issue or a description.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine

    if not task.strip():
        raise QueryError("The task is empty. Say what is to be done.")
    root = (root or find_root(Path.cwd())).resolve()
    with closing(open_engine(root)) as engine:
        bring_up_to_date_if_possible(engine, wait=False)
        pack = engine.pack_context(task, max_tokens)
        coverage = engine.coverage()
    if as_json:
        entries = [_to_json(entry, root) for entry in pack.entries]
        console.write_json({"entries": entries, "tokens": pack.token_count, "coverage": round(coverage, 4)})
    else:
        for entry in pack.entries:
            console.write(f"--- {_format_place(entry, root)}{'' if entry.is_whole else ' (signature)'}")
            console.write_code(f"{entry.text}\n")
    left_out = f"; {pack.left_out_count} more did not fit" if pack.left_out_count else ""
    console.print_note(f"{pack.token_count:,} tokens{left_out}.")
    return 0 if pack.entries else 1


def _format_place(entry: "ContextEntry", root: Path) -> str:
    """Return an entry's path, relative to `root`, and its 1-based, inclusive lines in the file, printable."""
    from codekin.cli.query import to_relative_path
    from codekin.code.cell_lines import to_file_lines
    from codekin.printable import printable

    lines = to_file_lines(entry.hit.cell, entry.hit.place.span)
    return printable(f"{to_relative_path(entry.hit.place.path, root)}:{lines.start + 1}-{lines.end}")


def _to_json(entry: "ContextEntry", root: Path) -> dict[str, Any]:
    """Return an entry for JSON, with its code, 1-based, inclusive lines of the file, and its path below `root`."""
    from codekin.cli.query import to_relative_path
    from codekin.code.cell_lines import to_file_lines

    place, lines = entry.hit.place, to_file_lines(entry.hit.cell, entry.hit.place.span)
    return {
        "path": to_relative_path(place.path, root),
        "start_line": lines.start + 1,
        "end_line": lines.end,
        "name": place.qualified_name,
        "kind": place.kind,
        "language": place.language,
        "score": round(entry.hit.score, 4),
        "whole": entry.is_whole,
        "copies": entry.copy_count,
        "code": entry.text,
    }
