"""`codekin evaluate`: how good are the answers? Options or a subcommand choose what is measured."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.bounds import MAX_DIMENSIONS
from codekin.cli.params import DEBUG, FILE, FOLDER, JSON, WholeNumber
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.settings import Settings


class _EvaluateGroup(click.Group):
    """A group whose `--set` takes all values up to the next option, as a shell expands `sets/*`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments after `--set A B` has been rewritten as `--set A --set B`."""
        return super().parse_args(ctx, list(_repeat_set_option(args)))


def _repeat_set_option(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments, with `--set` repeated before each value that follows the first, up to an option."""
    value_count = 0  # words that the last --set has had
    for argument in arguments:
        if argument.startswith("-"):
            value_count = 1 if argument == "--set" else 0
        elif value_count:
            if value_count > 1:
                yield "--set"
            value_count += 1
        yield argument


@click.group(cls=_EvaluateGroup, invoke_without_command=True)
@click.option("--repos", metavar="BENCH", type=FOLDER, help="Measure search on the repositories of BENCH/repos.json.")
@click.option("--checkouts", metavar="DIR", type=FOLDER, help="Folder of their checkouts, each at DIR/NAME.")
@click.option("--sets", metavar="DIR", type=FOLDER, help="Measure models on every retrieval set in DIR.")
@click.option("--set", "chosen", metavar="DIR…", type=FOLDER, multiple=True, help="Measure models on these sets.")
@click.option("--model", "models", metavar="M", multiple=True, help="A model's name or folder; may be repeated.")
@click.option(
    "--dim", type=WholeNumber(0, MAX_DIMENSIONS), default=0, metavar="D", help="One of the models' dimensions."
)
@JSON
@DEBUG
@click.pass_context
def evaluate(context: click.Context, /, as_json: bool, **options: Any) -> int:
    """Measure the quality of the answers.

    Below each table, a line says what its numbers depend on. MODEL is a value of the setting model.name,
    all-MiniLM-L6-v2, or a folder.
    """
    if context.invoked_subcommand is not None:
        return 0
    set_folders = [*options["chosen"]]
    if options["repos"] is not None:
        if options["sets"] or set_folders:
            raise QueryError("--repos can't be combined with --sets or --set. Choose one.")
        return _evaluate_repositories(as_json, options)
    if options["sets"]:
        from codekin.evaluation.retrieval import find_sets

        set_folders += find_sets(options["sets"])
    if not set_folders:
        raise QueryError("There is nothing to measure. Pass --repos BENCH, --sets DIR, or a command (see --help).")
    return _evaluate_sets(set_folders, as_json, options)


def _evaluate_repositories(as_json: bool, options: dict[str, Any]) -> int:
    """Measure search on a benchmark's repositories, print a table or JSON, return 0. Raises QueryError."""
    from codekin.cli import console
    from codekin.cli.query import load_settings
    from codekin.evaluation import repositories, repository_report
    from codekin.evaluation.signature import format_signature
    from codekin.types import Progress

    benchmark, checkouts, model_names = options["repos"], options["checkouts"], options["models"]
    if checkouts is None:
        raise QueryError("--repos needs the folder of the checkouts. Pass --checkouts DIR.")
    if len(model_names) > 1:
        raise QueryError("--repos takes one model at a time. Pass a single --model.")
    settings = _replace_model(load_settings(), model_names[0] if model_names else None, options["dim"])
    repository_list = repositories.load_repositories(benchmark)
    repositories.require_checkouts(repository_list, checkouts)
    signature = repositories.describe_measurement(repository_list, checkouts, settings)
    repository_results = []
    with console.show_progress_bar("Measuring") as on_progress:
        for repository_result in repositories.measure_repositories(repository_list, checkouts, settings):
            repository_results.append(repository_result)
            on_progress(Progress(len(repository_results), len(repository_list), None))
    if as_json:
        console.write_json({"signature": signature} | repository_report.to_json(repository_results))
    else:
        console.write(f"{repository_report.format_table(repository_results)}\n\n{format_signature(signature)}")
    return 0


def _replace_model(settings: "Settings", model_name: str | None, dimension: int) -> "Settings":
    """Return the settings with this model unless None (its dimension then unset), and this dimension unless 0."""
    from dataclasses import replace

    model_settings = settings.model
    if model_name not in (None, model_settings.name):
        model_settings = replace(model_settings, name=model_name, dim=0)
    return replace(settings, model=replace(model_settings, dim=dimension) if dimension else model_settings)


def _evaluate_sets(set_folders: Sequence[Path], as_json: bool, options: dict[str, Any]) -> int:
    """Measure each model, and codekin with it, on the sets in `set_folders`; print tables, or JSON, and return 0."""
    from codekin.cli import console
    from codekin.cli.query import load_settings
    from codekin.evaluation import retrieval
    from codekin.evaluation.benchmarks import load_benchmark
    from codekin.evaluation.models import can_index_passages, find_light_model, load_named_embedder
    from codekin.evaluation.product import TASKS, make_product_ranker
    from codekin.types import Progress

    user_settings = load_settings()
    model_names = options["models"] or (user_settings.model.name,)
    model_settings = [_replace_model(user_settings, model_name, options["dim"]) for model_name in model_names]
    embedders = dict(load_named_embedder(settings.model) for settings in model_settings)
    light_model = find_light_model([settings.model for settings in model_settings])
    product_rankers = dict(
        make_product_ranker(settings) for settings in model_settings if can_index_passages(settings.model)
    )
    result_rows = []
    with console.show_progress_bar("Measuring") as on_progress:
        for done_count, set_folder in enumerate(set_folders):
            on_progress(Progress(done_count, len(set_folders), None))
            benchmark = load_benchmark(set_folder)
            rows_by_retriever = retrieval.evaluate_benchmark(
                benchmark, embedders, product_rankers if benchmark.task in TASKS else {}, light_model
            )
            result_rows += [row for retriever_rows in rows_by_retriever for row in retriever_rows]
    if as_json:
        console.write_json({"rows": retrieval.to_json(result_rows)})
    else:
        console.write(retrieval.format_tables(result_rows))
    return 0


@evaluate.command()
@click.option("--root", "roots", metavar="ROOT", type=FOLDER, multiple=True, required=True, help="A code base.")
@click.option("--sample", type=WholeNumber(1, 100_000), default=100, metavar="N", help="Functions per language (100).")
@click.option("--seed", type=WholeNumber(0, 2**32 - 1), default=1, metavar="S", help="Seed of the sample (1).")
@click.option("--strangers", metavar="ROOT", type=FOLDER, multiple=True, help="A code base unrelated to them.")
@click.option("--pairs", metavar="SET", type=FOLDER, help="A set of programs for the same tasks in several languages.")
@click.option("--alone", is_flag=True, help="Also measure each retriever by itself.")
@click.option(
    "--failures", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write the failures to FILE."
)
@JSON
@DEBUG
def clones(as_json: bool, failures: Path | None, **options: Any) -> int:
    """Measure clone detection.

    Functions of the code bases are edited and then searched for: reformatted (type 1), with other names (2), with
    statements added, removed and changed (3), rewritten (4). Functions of the strangers show how often a clone is
    reported where there is none.
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
    "--cuts", type=WholeNumber(1, 100_000), default=150, metavar="N", help="Cuts, or commits, per code base (150)."
)
@click.option("--seed", type=WholeNumber(0, 2**32 - 1), default=0, metavar="S", help="Seed of the sample (0).")
@click.option(
    "--at",
    "place",
    type=click.Choice(["statements", "lines", "kinds", "keys"]),
    default="statements",
    help="Complete before statements (the default), within lines, at N places of each kind, or at each key of commits.",
)
@JSON
@DEBUG
def completion(as_json: bool, roots: Sequence[Path], cuts: int, seed: int, place: str) -> int:
    """Measure completion quality.

    At statements, each function is removed with its near-duplicates, cut before one of its statements, and completed.
    Two simple baselines are measured on the same cuts. Within lines, the next 120 tokens are hidden; so they are at
    places where people stop (in a name, after a dot, a bracket, a comment, a signature ...), beside three baselines. At
    keys, lines that the last N commits added are typed again, in the code base as it was before; each ROOT is a Git
    work tree.
    """
    from codekin.cli import console
    from codekin.cli.query import load_settings

    report, table = _measure_completion(place, roots, load_settings(), (cuts, seed))
    if as_json:
        console.write_json(report)
    else:
        console.write(table)
    return 0


def _measure_completion(
    cut_place: str, code_bases: Sequence[Path], settings: "Settings", sample: tuple[int, int]
) -> tuple[dict[str, Any], str]:
    """Return all code bases' figures as a dict for JSON and as a table; `sample` is the number of cuts and the seed."""
    from codekin.evaluation import completion, completion_kinds, line_completion, typing_replay

    if cut_place == "lines":
        line_results = [
            (code_base.name, line_completion.measure_lines(code_base, settings, *sample)) for code_base in code_bases
        ]
        return line_completion.to_json(line_results), line_completion.format_table(line_results)
    if cut_place == "kinds":
        kind_results = [
            (code_base.name, completion_kinds.measure_kinds(code_base, settings, *sample)) for code_base in code_bases
        ]
        kind_table = completion_kinds.format_table(kind_results, settings.completion.floor)
        return completion_kinds.to_json(kind_results), kind_table
    if cut_place == "keys":
        replay_results = [typing_replay.replay_repository(code_base, settings, sample[0]) for code_base in code_bases]
        return typing_replay.to_json(replay_results), typing_replay.format_table(replay_results)
    completion_results = [completion.measure_completion(code_base, settings, *sample) for code_base in code_bases]
    return completion.to_json(completion_results), completion.format_table(completion_results)


@evaluate.command()
@click.argument("sources", metavar="OWNER/NAME=DIR…", nargs=-1, required=True)
@click.option(
    "--block-list", metavar="FILE", type=FILE, required=True, help="Repositories that are only measured on, one a line."
)
@click.option("--output", metavar="BENCH", type=FILE, required=True, help="The folder to write the benchmark to.")
@click.option(
    "--questions", type=WholeNumber(1, 10_000), default=300, metavar="N", help="Per repository and category (300)."
)
@click.option("--workers", type=WholeNumber(1, 64), default=2, metavar="N", help="Processes (2).")
@DEBUG
def harvest(sources: Sequence[str], block_list: Path, output: Path, questions: int, workers: int) -> int:
    """Collect questions from Git directories into a benchmark.

    Commits, pages of documentation and names become questions about the newest revision, in the layout that --repos
    measures. Repositories named like one on the block list are refused.
    """
    from codekin.cli import console
    from codekin.evaluation.harvest import harvest as collection
    from codekin.evaluation.harvest.block_list import check_repositories

    parsed_sources = [collection.parse_source(source) for source in sources]
    check_repositories([source.name for source in parsed_sources], block_list)
    repositories = list(collection.harvest_repositories(parsed_sources, questions, workers))
    collection.write_benchmark(repositories, output)
    console.write(collection.format_counts(repositories))
    return 0
