"""`codekin evaluate`: how good are the answers? What is measured is chosen by options, or by a sub-command."""

from pathlib import Path

import click

from codekin.cli.options import DEBUG, FOLDER, JSON
from codekin.errors import QueryError


@click.group(invoke_without_command=True)
@click.option("--repos", metavar="BENCH", type=FOLDER, help="Measure search on the repositories of BENCH/repos.json.")
@click.option("--checkouts", metavar="DIR", type=FOLDER, help="Where they lie: DIR/NAME each.")
@JSON
@DEBUG
@click.pass_context
def evaluate(context: click.Context, repos: Path | None, checkouts: Path | None, as_json: bool) -> int:
    """Measure how good the answers are.

    Every table stands above a line that says what determined its numbers.
    """
    if context.invoked_subcommand is not None:
        return 0
    if repos is None:
        raise QueryError("There is nothing to measure. Name --repos BENCH, --sets DIR, or a command (see --help).")
    if checkouts is None:
        raise QueryError("Where do the repositories lie? Name the folder with --checkouts DIR.")
    return _on_repositories(repos, checkouts, as_json)


def _on_repositories(benchmark: Path, checkouts: Path, as_json: bool) -> int:
    from codekin.cli import console
    from codekin.cli.asking import settings_told
    from codekin.evaluation import repositories
    from codekin.evaluation.signature import line
    from codekin.types import Progress

    settings = settings_told()
    asked = repositories.load_repositories(benchmark)
    repositories.require(asked, checkouts)
    signature = repositories.signature(asked, checkouts, settings)
    measured = []
    with console.progress_bar("Measuring") as on_progress:
        for one in repositories.measure_repositories(asked, checkouts, settings):
            measured.append(one)
            on_progress(Progress(len(measured), len(asked), None))
    if as_json:
        console.write_json({"signature": signature} | repositories.document(measured))
    else:
        click.echo(f"{repositories.table(measured)}\n\n{line(signature)}")
    return 0
