"""The commands. Lines are 1-based and inclusive here, and nowhere below.

Standard output has only the answer: hits as lines, or with `--json` one document, also for an error.
Exit status: 0 found, 1 nothing found, 2 an error, 130 interrupted. Heavy modules are imported when a command runs.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codekin import __version__
from codekin.bounds import MAX_DIMENSIONS, MAX_HITS
from codekin.cli.checkup import doctor
from codekin.cli.complete import complete
from codekin.cli.completion import completion
from codekin.cli.context import context
from codekin.cli.duplicates import duplicates
from codekin.cli.evaluate import evaluate
from codekin.cli.guard import guard
from codekin.cli.install import install, uninstall
from codekin.cli.mcp import mcp
from codekin.cli.model import model
from codekin.cli.params import DEBUG, FILE, FOLDER, JSON, MODEL, RESIDENT, ROOT, TEAM, WholeNumber
from codekin.cli.team import team
from codekin.cli.train import train
from codekin.cli.train_small import onnx, small
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.cli.arguments import QueryOptions

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_FOUND, _EXIT_NOTHING_FOUND = 0, 1
_TASKS = ("nl2code", "qa", "code2code", "code2nl", "code2completion")
_ROLES = ("query", "passage")
_KINDS = ("function", "method", "constructor", "test", "class", "module", "section", "lines")  # of types.SnippetKind


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@DEBUG
def codekin() -> None:
    """Find similar code, and code by what it does.

    In your own workspace, on your own machine. Exit status: 0 found, 1 nothing found, 2 error.
    """


for _group in (complete, completion, context, doctor, duplicates, evaluate, guard, install, mcp, model, team, train):
    codekin.add_command(_group)
codekin.add_command(uninstall)
train.add_command(small)
train.add_command(onnx)


_QUERY_OPTIONS = (
    click.option(
        "-k",
        type=WholeNumber(1, MAX_HITS),
        metavar="N",
        help="Maximum number of hits. Default: the setting search.limit.",
    ),
    click.option(
        "--language",
        metavar="L",
        multiple=True,
        help="Only hits in this language: an id (python) or a file extension (py). May be repeated.",
    ),
    click.option("--folder", metavar="F", type=click.Path(path_type=Path), help="Only hits below this folder."),
    click.option(
        "--path", metavar="GLOB", multiple=True, help="Only hits in files like this, as in .gitignore. May be repeated."
    ),
    click.option("--not", "excluded", metavar="GLOB", multiple=True, help="No hits in files like this."),
    click.option("--kind", type=click.Choice(_KINDS), multiple=True, help="Only hits of this kind. May be repeated."),
    click.option("--tests/--no-tests", default=None, help="Only tests, or none. Default: both."),
    RESIDENT,
    TEAM,
    MODEL,
    ROOT,
    JSON,
    DEBUG,
)


def _add_query_options(command: Command) -> Command:
    """Decorate a command with the options of a query, passed to it as one `query_options: QueryOptions`."""

    @wraps(command)
    def run_with_query_options(**options: Any) -> Any:
        """Run the command with its query options packed into one object."""
        from codekin.cli.arguments import QueryOptions

        query_values = {field.name: options.pop(field.name) for field in fields(QueryOptions)}
        return command(query_options=QueryOptions(**query_values), **options)

    for add_option in reversed(_QUERY_OPTIONS):
        run_with_query_options = add_option(run_with_query_options)
    return run_with_query_options  # type: ignore[return-value]


@codekin.command()
@click.argument("root", type=FOLDER, required=False)
@MODEL
@JSON
@DEBUG
def index(root: Path | None, model: str | None, as_json: bool) -> int:
    """Bring the index up to date.

    ROOT is the workspace. Default: the enclosing repository, else the project, else the current folder.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.documents import report_to_json
    from codekin.cli.query import embed_with_heavy_model, note_suppression_problems, open_engine, update_index

    workspace_root = root or find_root(Path.cwd())
    with closing(open_engine(workspace_root, model)) as engine:
        index_report = update_index(engine, wait=True)
        embedded_count = embed_with_heavy_model(engine)
        heavy = engine.describe_heavy_model()
        note_suppression_problems(engine)
    if as_json:
        heavy_json = heavy and {
            "model": heavy.status.name,
            "embedded": embedded_count,
            "share": heavy.status.share,
            "from_team": heavy.status.from_team,
        }
        console.write_json(report_to_json(index_report, workspace_root) | ({"heavy": heavy_json} if heavy else {}))
    else:
        console.show_report(index_report, workspace_root)
        if heavy is not None:
            heavy_status = heavy.status
            console.print_note(
                f"{heavy_status.name} on {heavy_status.device}: {embedded_count:,} embedded, "
                + (f"{heavy_status.from_team:,} from the team's index, " if heavy_status.from_team else "")
                + f"{heavy_status.share:.0%} of the functions"
            )
    return EXIT_FOUND if index_report.files else _EXIT_NOTHING_FOUND


@codekin.command()
@click.argument("reference", metavar="FILE:LINE[-LINE]")
@_add_query_options
def similar(reference: str, query_options: "QueryOptions") -> int:
    """Find code similar to that at FILE:LINE, or to these lines, as in src/app.py:10-20.

    With - instead of a place, the code is read from standard input.
    """
    from codekin.cli.arguments import find_root, parse_line_reference
    from codekin.cli.query import CommandQuestion, ask_about_lines, read_standard_input, run_query

    if reference == "-":
        workspace_root, query_code = query_options.root or find_root(Path.cwd()), read_standard_input()
        ask_about_code = CommandQuestion(
            lambda engine, k, hit_filter: engine.find_similar_to_code(query_code, k, hit_filter=hit_filter),
            {"command": "similar_code", "code": query_code},
        )
        return EXIT_FOUND if run_query(workspace_root, query_options, ask_about_code) else _EXIT_NOTHING_FOUND
    named_line = parse_line_reference(reference)
    file_path = named_line.path
    workspace_root = query_options.root or find_root(file_path)
    if not file_path.is_relative_to(workspace_root):
        raise QueryError(f"{file_path} is not in {workspace_root}. Pass its workspace with --root.")
    return EXIT_FOUND if run_query(workspace_root, query_options, ask_about_lines(named_line)) else _EXIT_NOTHING_FOUND


@codekin.command()
@click.argument("query")
@_add_query_options
def search(query: str, query_options: "QueryOptions") -> int:
    """Find the code that does what QUERY says.

    QUERY is a question or a few names; - reads a report or traceback from stdin.
    """
    from codekin.cli.arguments import find_root
    from codekin.cli.query import CommandQuestion, read_standard_input, run_query

    question_text = read_standard_input("issue report or traceback") if query.strip() == "-" else query
    if not question_text.strip():
        raise QueryError('The query is empty. Describe what the code does, as in "parse a date".')
    workspace_root = query_options.root or find_root(Path.cwd())
    request = {"command": "search", "question": question_text}
    question = CommandQuestion(
        lambda engine, k, within: engine.search_everything(question_text, k, hit_filter=within)[0], request
    )
    return EXIT_FOUND if run_query(workspace_root, query_options, question) else _EXIT_NOTHING_FOUND


@codekin.command()
@click.option("--task", type=click.Choice(_TASKS), required=True, help="Task that the vectors are for.")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="Whether the texts are queries or passages.")
@click.option("--input", "source", type=click.File("rb"), required=True, help='Lines of {"text": …}; - is stdin.')
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The .npy file to write."
)
@click.option("--model", metavar="M", help="Default: the setting model.name.")
@click.option("--dim", type=WholeNumber(1, MAX_DIMENSIONS), metavar="D", help="One of the model's dimensions.")
@JSON
@DEBUG
def embed(source: Any, output: Path, as_json: bool, **embed_options: Any) -> int:
    """Turn texts into vectors.

    Writes a float32 array (n, d) with one unit vector per line, in order.
    """
    from codekin.cli import console
    from codekin.cli.embed import EmbedOptions, embed_file
    from codekin.cli.query import load_settings

    with console.show_progress_bar("Embedding") as on_progress:
        description = embed_file(source, output, EmbedOptions(load_settings().model, **embed_options), on_progress)
    if as_json:
        console.write_json(description | {"output": str(output)})
    else:
        vector_count = console.format_count(description["count"], "vector")
        console.print_note(f"{vector_count} of {description['dim']} dimensions by {description['model']}: {output}")
    return EXIT_FOUND


@codekin.command()
@MODEL
@ROOT
@JSON
@DEBUG
def status(root: Path | None, model: str | None, as_json: bool) -> int:
    """Show what is indexed and what is not, how much space it takes, and recent problems.

    Files are indexed only where the index was unsound and had to be set aside.
    """
    from dataclasses import asdict

    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import bring_up_to_date_if_possible, load_settings, open_engine, open_heavy_model
    from codekin.resident.client import ResidentProcess
    from codekin.status.report import to_json

    with closing(open_engine(root or find_root(Path.cwd()), model)) as engine:
        engine.follow()
        if engine.is_to_be_refilled():
            bring_up_to_date_if_possible(engine, wait=False)
        open_heavy_model(engine, by_default=True)
        index_status, status_report = engine.status(), engine.make_report()
    resident = ResidentProcess(index_status.roots[0], load_settings()).ask({"command": "describe"}) or {"pid": None}
    if as_json:
        index_paths = {"roots": [str(path) for path in index_status.roots], "store": str(index_status.store)}
        console.write_json(asdict(index_status) | index_paths | to_json(status_report) | {"resident": resident["pid"]})
    else:
        console.show_status(index_status, status_report)
        if resident["pid"]:
            lifetime_note = "" if resident["is_server"] else ", and ends after ten idle minutes"
            console.write(f"resident: process {resident['pid']} answers commands{lifetime_note}")
    return EXIT_FOUND


@codekin.command()
@click.option(
    "--tcp", metavar="HOST:PORT", help="Listen on this address for one client, instead of standard input and output."
)
@click.option(
    "--token-file", metavar="FILE", type=FILE, help="With --tcp: file with the client's token; created if missing."
)
@click.option("--allow-remote", is_flag=True, help="With --tcp: allow addresses that other machines can reach.")
@click.option("--socket", "path", metavar="PATH", type=FILE, help="Listen on a Unix socket that only you can reach.")
@click.option("--stdio", is_flag=True, hidden=True, expose_value=False)  # what VS Code's client adds
@DEBUG
def serve(tcp: str | None, token_file: Path | None, allow_remote: bool, path: Path | None) -> int:
    """Run the language server (normally started by your editor).

    It logs to standard error, and to the editor's own log (window/logMessage).

    With --tcp, the client must send the server's token as initializationOptions.token. The token is read from
    CODEKIN_TCP_TOKEN or FILE; without both, a new one is printed to standard error.
    """
    from codekin.cli.listen import choose_endpoint

    endpoint = choose_endpoint(tcp, token_file, path, allow_remote=allow_remote)
    if endpoint is None and sys.stdin.isatty():
        from codekin.cli import console

        console.print_note(
            "This is a language server: it expects an editor on standard input. Press Ctrl-C to stop it."
        )
    from codekin.lsp.main import serve_client

    try:
        serve_client(endpoint)
    except OSError as error:
        if endpoint is None:
            raise
        raise QueryError(
            f"Can't listen on {tcp or path} ({error.strerror}). Choose another port or address."
        ) from error
