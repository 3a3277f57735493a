"""`codekin evaluate`: how good are the answers? What is measured is chosen by options, or by a sub-command."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.bounds import MAX_DIMENSIONS
from codekin.cli.params import DEBUG, FOLDER, JSON
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.settings import Settings


class _Group(click.Group):
    """A group whose `--set` takes every word up to the next option, as a shell's `sets/*` gives them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_each_with_its_option(args)))


def _each_with_its_option(words: Sequence[str]) -> Iterator[str]:
    taken = 0  # words that the last --set has had
    for word in words:
        if word.startswith("-"):
            taken = 1 if word == "--set" else 0
        elif taken:
            if taken > 1:
                yield "--set"
            taken += 1
        yield word


@click.group(cls=_Group, invoke_without_command=True)
@click.option("--repos", metavar="BENCH", type=FOLDER, help="Measure search on the repositories of BENCH/repos.json.")
@click.option("--checkouts", metavar="DIR", type=FOLDER, help="Where they lie: DIR/NAME each.")
@click.option("--sets", metavar="DIR", type=FOLDER, help="Measure models on every retrieval set in DIR.")
@click.option("--set", "chosen", metavar="DIR…", type=FOLDER, multiple=True, help="Measure models on these sets.")
@click.option("--model", "models", metavar="M", multiple=True, help="A model's name or folder; may be repeated.")
@click.option(
    "--dim", type=click.IntRange(0, MAX_DIMENSIONS), default=0, metavar="D", help="One of the models' dimensions."
)
@JSON
@DEBUG
@click.pass_context
def evaluate(context: click.Context, /, as_json: bool, **options: Any) -> int:
    """Measure how good the answers are.

    Every table stands above a line that says what determined its numbers. Models are those of the setting
    model.name, all-MiniLM-L6-v2, and folders.
    """
    if context.invoked_subcommand is not None:
        return 0
    folders = [*options["chosen"]]
    if options["repos"] is not None:
        if options["sets"] or folders:
            raise QueryError("--repos and sets are measured one after the other. Name one of them.")
        return _on_repositories(as_json, options)
    if options["sets"]:
        from codekin.evaluation.retrieval import find_sets

        folders += find_sets(options["sets"])
    if not folders:
        raise QueryError("There is nothing to measure. Name --repos BENCH, --sets DIR, or a command (see --help).")
    return _on_sets(folders, as_json, options)


def _on_repositories(as_json: bool, options: dict[str, Any]) -> int:
    from codekin.cli import console
    from codekin.cli.query import load_settings
    from codekin.evaluation import repositories
    from codekin.evaluation.signature import format_signature
    from codekin.types import Progress

    benchmark, checkouts, models = options["repos"], options["checkouts"], options["models"]
    if checkouts is None:
        raise QueryError("Where do the repositories lie? Name the folder with --checkouts DIR.")
    if len(models) > 1:
        raise QueryError("Repositories are searched with one model at a time. Name one --model.")
    settings = _with_model(load_settings(), models[0] if models else None, options["dim"])
    asked = repositories.load_repositories(benchmark)
    repositories.require_checkouts(asked, checkouts)
    signature = repositories.describe_measurement(asked, checkouts, settings)
    measured = []
    with console.show_progress_bar("Measuring") as on_progress:
        for one in repositories.measure_repositories(asked, checkouts, settings):
            measured.append(one)
            on_progress(Progress(len(measured), len(asked), None))
    if as_json:
        console.write_json({"signature": signature} | repositories.to_json(measured))
    else:
        console.write(f"{repositories.format_table(measured)}\n\n{format_signature(signature)}")
    return 0


def _with_model(settings: "Settings", name: str | None, dim: int) -> "Settings":
    """The settings with the model and the dimension that were named, if they were."""
    from dataclasses import replace

    model = settings.model
    if name not in (None, model.name):
        model = replace(model, name=name, dim=0)
    return replace(settings, model=replace(model, dim=dim) if dim else model)


def _on_sets(folders: Sequence[Path], as_json: bool, options: dict[str, Any]) -> int:
    from codekin.cli import console
    from codekin.cli.query import load_settings
    from codekin.evaluation import retrieval
    from codekin.evaluation.benchmarks import load_benchmark
    from codekin.evaluation.models import can_index_passages, load_named_embedder
    from codekin.evaluation.product import TASKS, make_product_ranker
    from codekin.types import Progress

    told = load_settings()
    chosen = [_with_model(told, name, options["dim"]) for name in options["models"] or (told.model.name,)]
    models = dict(load_named_embedder(settings.model) for settings in chosen)
    served = dict(make_product_ranker(settings) for settings in chosen if can_index_passages(settings.model))
    rows = []
    with console.show_progress_bar("Measuring") as on_progress:
        for done, folder in enumerate(folders):
            on_progress(Progress(done, len(folders), None))
            benchmark = load_benchmark(folder)
            ways = retrieval.evaluate_benchmark(benchmark, models, served if benchmark.task in TASKS else {})
            rows += [row for way in ways for row in way]
    if as_json:
        console.write_json({"rows": retrieval.to_json(rows)})
    else:
        console.write(retrieval.format_tables(rows))
    return 0


@evaluate.command()
@click.option("--root", "roots", metavar="ROOT", type=FOLDER, multiple=True, required=True, help="A code base.")
@click.option(
    "--sample", type=click.IntRange(1, 100_000), default=100, metavar="N", help="Functions per language (100)."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, metavar="S", help="Another seed is another sample (1)."
)
@click.option("--strangers", metavar="ROOT", type=FOLDER, multiple=True, help="A code base unrelated to them.")
@click.option("--pairs", metavar="SET", type=FOLDER, help="A set of the same jobs in several languages.")
@click.option("--alone", is_flag=True, help="Measure the retrievers one by one, too.")
@click.option("--failures", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write what failed.")
@JSON
@DEBUG
def clones(as_json: bool, failures: Path | None, **options: Any) -> int:
    """Measure how well clones are found.

    Functions of the code bases are edited, then asked for: laid out anew (type 1), with other names (2), with
    statements added, removed and changed (3), rewritten (4). Functions of strangers tell how often kin is claimed
    in vain.
    """
    from codekin.cli import console
    from codekin.cli.query import load_settings
    from codekin.evaluation import clone_report
    from codekin.evaluation.clones import measure_clones
    from codekin.evaluation.sampling import SamplingPlan

    roots = options.pop("roots")
    with console.show_progress_bar("Measuring") as on_progress:
        report = measure_clones(roots, SamplingPlan(**options), load_settings(), on_progress)
    if failures is not None:
        failures.write_text(clone_report.format_failures(report), "utf-8")
    if as_json:
        console.write_json(clone_report.to_json(report))
    else:
        console.write(clone_report.format_table(report))
    return 0


@evaluate.command()
@click.option("--root", "roots", metavar="ROOT", type=FOLDER, multiple=True, required=True, help="A code base.")
@click.option(
    "--cuts", type=click.IntRange(1, 100_000), default=150, metavar="N", help="Functions per code base (150)."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="S", help="Another seed is another sample (0)."
)
@JSON
@DEBUG
def completion(as_json: bool, roots: Sequence[Path], cuts: int, seed: int) -> int:
    """Measure how well code is gone on with.

    Functions are left out with their near duplicates, cut before one of their statements, and asked for; beside two
    plain ways to copy, on the same cuts.
    """
    from codekin.cli import console
    from codekin.cli.query import load_settings
    from codekin.evaluation import completion as evaluation

    settings = load_settings()
    measured = [evaluation.measure_completion(root, settings, cuts, seed) for root in roots]
    if as_json:
        console.write_json(evaluation.to_json(measured))
    else:
        console.write(evaluation.format_table(measured))
    return 0
