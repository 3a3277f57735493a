"""`codekin context`: the code that a task is about, within a budget of tokens."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click

from codekin.cli.params import DEBUG, JSON, RESIDENT, ROOT, WholeNumber
from codekin.errors import QueryError

_MAX_TOKENS = 100_000
_DEFAULT_TOKENS = 4_000


@click.command()
@click.argument("task")
@click.option(
    "--max-tokens",
    type=WholeNumber(200, _MAX_TOKENS),
    metavar="N",
    default=_DEFAULT_TOKENS,
    show_default=True,
    help="Size of the context, in tokens, by an estimate that is on the high side.",
)
@RESIDENT
@ROOT
@JSON
@DEBUG
def context(task: str, max_tokens: int, root: Path | None, resident: bool, as_json: bool) -> int:
    """Print the code that TASK is about: whole functions, then signatures, best first, each once.

    TASK is a question, an issue or a description; - reads one from stdin.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import load_settings, read_standard_input
    from codekin.cli.quick_answer import answer_quickly

    task = read_standard_input("task") if task.strip() == "-" else task
    if not task.strip():
        raise QueryError("The task is empty. Say what is to be done.")
    workspace_root = (root or find_root(Path.cwd())).resolve()
    answer_here = partial(_pack_context, workspace_root, task, max_tokens)
    request = {"command": "context", "task": task, "max_tokens": max_tokens}
    document = answer_quickly(workspace_root, load_settings(), request, answer_here) if resident else answer_here()
    entries = document["entries"]
    if as_json:
        console.write_json(document)
    else:
        for entry in entries:
            console.write(f"--- {_format_place(entry)}{'' if entry['whole'] else ' (signature)'}")
            console.write_code(f"{entry['code']}\n")
    left_out = f"; {document['left_out']} more did not fit" if document["left_out"] else ""
    size_note = f"{document['tokens']:,} tokens" if entries else f"Nothing in {workspace_root} is about this task"
    console.print_note(f"{size_note}{left_out}.")
    if document["coverage"] < 1:
        coverage_note = f"{document['coverage']:.0%} of the workspace was searched"
        console.print_note(f"{coverage_note}: the index is being built by another codekin. Ask again when it is done.")
    return 0 if entries else 1


def _pack_context(workspace_root: Path, task: str, max_tokens: int) -> dict[str, Any]:
    """Bring the index up to date, if nobody else does; return the code for a task, found here, as a dict for JSON."""
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine
    from codekin.resident.documents import context_to_document

    with closing(open_engine(workspace_root)) as engine:
        bring_up_to_date_if_possible(engine, wait=False)
        return context_to_document(engine.pack_context(task, max_tokens), engine.coverage(), workspace_root)


def _format_place(entry: dict[str, Any]) -> str:
    """Return an entry's path and its lines in the file, printable."""
    from codekin.printable import printable

    return printable(f"{entry['path']}:{entry['start_line']}-{entry['end_line']}")
