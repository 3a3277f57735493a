"""The commands. Lines are 1-based and inclusive here, and nowhere below.

Standard output has the answer and nothing else: hits as lines, or with `--json` one document, also of an error.
Exit status: 0 found, 1 nothing found, 2 an error, 130 interrupted. What costs time is imported when a command runs.
"""

import io
import logging
import sys
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codekin import __version__
from codekin.bounds import MAX_DIMENSIONS, MAX_HITS
from codekin.cli.checkup import doctor
from codekin.cli.complete import complete
from codekin.cli.duplicates import duplicates
from codekin.cli.evaluate import evaluate
from codekin.cli.model import model
from codekin.cli.params import DEBUG, FILE, FOLDER, JSON, MODEL, ROOT
from codekin.cli.train import train
from codekin.errors import CodekinError, QueryError
from codekin.printable import PrintableFormatter, printable_lines

if TYPE_CHECKING:
    from codekin.cli.arguments import QueryOptions
    from codekin.engine import Engine
    from codekin.types import Answer, Filter

Command = TypeVar("Command", bound=Callable[..., Any])

_FOUND, _NOTHING, _ERROR, _INTERRUPTED = 0, 1, 2, 130
_TASKS = ("nl2code", "qa", "code2code", "code2nl", "code2completion")
_ROLES = ("query", "passage")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@DEBUG
def codekin() -> None:
    """Find code's kin: similar code, and code by what it does.

    In your own workspace, on your own machine. Exit status: 0 found, 1 nothing found, 2 error.
    """


codekin.add_command(complete)
codekin.add_command(doctor)
codekin.add_command(duplicates)
codekin.add_command(evaluate)
codekin.add_command(model)
codekin.add_command(train)


def _asking(command: Command) -> Command:
    """The options of a question, given to the command as `Asking`."""

    @click.option(
        "-k", type=click.IntRange(1, MAX_HITS), metavar="N", help="At most N hits. Default: the setting search.limit."
    )
    @click.option("--language", metavar="L", help="Only hits in this language: an id (python) or a file ending (py).")
    @click.option("--folder", metavar="F", type=click.Path(path_type=Path), help="Only hits below this folder.")
    @MODEL
    @ROOT
    @JSON
    @DEBUG
    @wraps(command)
    def collected(**options: Any) -> Any:
        from codekin.cli.arguments import QueryOptions

        own = {name: options.pop(name) for name in ("root", "k", "language", "folder", "model", "as_json")}
        return command(asking=QueryOptions(**own), **options)

    return collected  # type: ignore[return-value]


@codekin.command()
@click.argument("root", type=FOLDER, required=False)
@MODEL
@JSON
@DEBUG
def index(root: Path | None, model: str | None, as_json: bool) -> int:
    """Bring the index up to date.

    ROOT is the workspace: by default the repository, else the project, else the folder that you are in.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import embed_with_heavy_model, open_engine, to_relative_path, update_index

    root = root or find_root(Path.cwd())
    with closing(open_engine(root, model)) as engine:
        report = update_index(engine, wait=True)
        made = embed_with_heavy_model(engine)
        heavy = engine.describe_heavy_model()
    if as_json:
        console.write_json(
            {
                "files": report.files,
                "snippets": report.snippets,
                "embedded": report.embedded,
                "reused": report.reused,
                "skipped": [
                    {"path": to_relative_path(item.path, root), "reason": item.reason} for item in report.skipped
                ],
                "seconds": round(report.seconds, 3),
                "store_bytes": report.store_bytes,
            }
            | ({"heavy": {"model": heavy.status.name, "embedded": made, "share": heavy.status.share}} if heavy else {})
        )
    else:
        console.show_report(report, root)
        if heavy is not None:
            state = heavy.status
            console.print_note(f"{state.name} on {state.device}: {made:,} embedded, {state.share:.0%} of the functions")
    return _FOUND if report.files else _NOTHING


@codekin.command()
@click.argument("place", metavar="FILE:LINE")
@_asking
def similar(place: str, asking: "QueryOptions") -> int:
    """Find what is like the code at FILE:LINE.

    With - for FILE:LINE, what is like the code on standard input.
    """
    from codekin.cli import console
    from codekin.cli.arguments import find_root, line_named
    from codekin.cli.query import read_standard_input, run_query
    from codekin.code.extract import find_snippet
    from codekin.types import Span

    if place == "-":
        root, code = asking.root or find_root(Path.cwd()), read_standard_input()
        found = run_query(root, asking, lambda engine, k, within: engine.find_similar_to_code(code, k, within=within))
        return _FOUND if found else _NOTHING
    named = line_named(place)
    path = named.path
    root = asking.root or find_root(path)
    if not path.is_relative_to(root):
        raise QueryError(f"{path} is not in {root}. Name the workspace that it is in with --root.")

    def like_it(engine: "Engine", k: int, within: "Filter") -> "Answer":
        line = named.line_in(engine)
        found = engine.find_similar(path, Span(line, line + 1), k, within=within)
        console.show_query_code(find_snippet(engine.list_snippets(path), line), path, line, found.asked_cell)
        return found

    return _FOUND if run_query(root, asking, like_it) else _NOTHING


@codekin.command()
@click.argument("query")
@_asking
def search(query: str, asking: "QueryOptions") -> int:
    """Find the code that does what QUERY says.

    QUERY is a question, a description, or names.
    """
    if not query.strip():
        raise QueryError('There is nothing to search for. Say what the code does, as in "parse a date".')
    from codekin.cli.arguments import find_root
    from codekin.cli.query import run_query

    root = asking.root or find_root(Path.cwd())
    found = run_query(root, asking, lambda engine, k, within: engine.search(query, k, within=within))
    return _FOUND if found else _NOTHING


@codekin.command()
@click.option("--task", type=click.Choice(_TASKS), required=True, help="What the vectors are for.")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="Which side of a retrieval the texts are on.")
@click.option("--input", "source", type=click.File("rb"), required=True, help='Lines of {"text": …}; - is stdin.')
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The .npy to write.")
@click.option("--model", metavar="M", help="Default: the setting model.name.")
@click.option("--dim", type=click.IntRange(1, MAX_DIMENSIONS), metavar="D", help="One of the model's dimensions.")
@JSON
@DEBUG
def embed(source: Any, output: Path, as_json: bool, **wanted: Any) -> int:
    """Turn texts into vectors.

    Writes float32 (n, d): a row of length 1 for each line, in their order.
    """
    from codekin.cli import console
    from codekin.cli.embed import EmbedOptions, embed_file
    from codekin.cli.query import load_settings

    with console.show_progress_bar("Embedding") as on_progress:
        made = embed_file(source, output, EmbedOptions(load_settings().model, **wanted), on_progress)
    if as_json:
        console.write_json(made | {"output": str(output)})
    else:
        console.print_note(
            f"{console.format_count(made['count'], 'vector')} of {made['dim']} numbers by {made['model']}: {output}"
        )
    return _FOUND


@codekin.command()
@MODEL
@ROOT
@JSON
@DEBUG
def status(root: Path | None, model: str | None, as_json: bool) -> int:
    """Say what is indexed and what is not, what it takes, and what went wrong."""
    from dataclasses import asdict

    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine, open_heavy_model
    from codekin.status.report import to_json

    with closing(open_engine(root or find_root(Path.cwd()), model)) as engine:
        engine.follow()
        if engine.is_to_be_refilled():
            bring_up_to_date_if_possible(engine, wait=False)
        open_heavy_model(engine)
        current, more = engine.status(), engine.make_report()
    if as_json:
        paths = {"roots": [str(path) for path in current.roots], "store": str(current.store)}
        console.write_json(asdict(current) | paths | to_json(more))
    else:
        console.show_status(current, more)
    return _FOUND


@codekin.command()
@click.option("--tcp", metavar="HOST:PORT", help="Listen there for one client, instead of standard input and output.")
@click.option("--token-file", metavar="FILE", type=FILE, help="With --tcp: has the client's token; made if missing.")
@click.option("--allow-remote", is_flag=True, help="With --tcp: also at addresses that other machines reach.")
@click.option("--socket", "path", metavar="PATH", type=FILE, help="Listen there, at a Unix socket that only you reach.")
@click.option("--stdio", is_flag=True, hidden=True, expose_value=False)  # what VS Code's client adds
@DEBUG
def serve(tcp: str | None, token_file: Path | None, allow_remote: bool, path: Path | None) -> int:
    """Be a language server; editors start it themselves.

    With --tcp, a client must send the server's token as initializationOptions.token. It is what CODEKIN_TCP_TOKEN
    says, or FILE; without both, a new one is printed to standard error.
    """
    from codekin.cli.listen import listening

    where = listening(tcp, token_file, path, allow_remote=allow_remote)
    if where is None and sys.stdin.isatty():
        click.echo("codekin speaks the Language Server Protocol on standard input: editors start it.", err=True)
    from codekin.lsp.main import serve_client

    try:
        serve_client(where)
    except OSError as error:
        if where is None:
            raise
        raise QueryError(f"{tcp} can't be listened on ({error.strerror}). Choose another port or address.") from error
    return _FOUND


def main() -> None:
    """Runs the command; whatever goes wrong is said in a line that names the remedy."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # code may hold what the terminal's encoding does not
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    sys.exit(_run())


def _is_current_folder_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _run() -> int:
    try:
        return codekin.main(standalone_mode=False) or _FOUND
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        _say(shown.getvalue().rstrip("\n"))
        return _failed(error.format_message())
    except click.Abort as error:  # click's own for Ctrl-C
        message = f"Interrupted. {error.__cause__ or ''}".strip()
        _say(message)
        return _failed(message, _INTERRUPTED)
    except CodekinError as error:
        _say(f"Error: {error}")
        return _failed(str(error))
    except Exception as error:
        if _has("--debug"):
            raise
        if _is_current_folder_gone():
            message = "The current folder was removed. Go into another one."
            _say(f"Error: {message}")
            return _failed(message)
        message = f"{type(error).__name__}: {error}. This is a fault of codekin: please report what --debug shows."
        _say(f"Error: {message}")
        return _failed(message)


def _say(message: str) -> None:
    click.echo(printable_lines(message), err=True)


def _failed(message: str, status: int = _ERROR) -> int:
    if _has("--json"):
        from codekin.cli.console import write_json

        write_json({"error": message})
    return status


def _has(option: str) -> bool:
    """Whether the option was given, also among words that could not be understood."""
    words = sys.argv[1:]
    return option in (words[: words.index("--")] if "--" in words else words)
