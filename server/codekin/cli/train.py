"""`codekin train`: train models. Training needs PyTorch, which nothing else of codekin requires."""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from codekin.cli.params import DEBUG, FOLDER, WholeNumber
from codekin.errors import ModelError, QueryError

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def train() -> None:
    """Train a model, starting from its corpus."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)


def require_torch(command: Callable[..., int]) -> Callable[..., int]:
    """Decorate a command so that a missing training library raises a ModelError, which names the remedy."""

    @wraps(command)
    def run_with_torch(**options: Any) -> int:
        """Run the command. Raises ModelError, with the remedy, if a training library is missing."""
        try:
            return command(**options)
        except ModuleNotFoundError as error:
            if error.name not in {"torch", "transformers", "safetensors", "peft", "onnx", "onnxruntime"}:
                raise
            remedy = "Run: pip install 'codekin[train]'"
            raise ModelError(f"Training needs {error.name}, which is not installed. {remedy}") from error

    return run_with_torch


_BLOCK_LIST = click.option(
    "--block-list",
    metavar="FILE",
    type=EXISTING_FILE,
    required=True,
    help="List of repositories to exclude from training.",
)


@train.command()
@click.option(
    "--manifest",
    metavar="FILE",
    type=EXISTING_FILE,
    help="List of packages to download. Default: that of the shipped model.",
)
@_BLOCK_LIST
@click.option("--sources", metavar="DIR", type=_OUTPUT_FOLDER, required=True, help="Folder for the packages' sources.")
@DEBUG
def harvest(manifest: Path | None, block_list: Path, sources: Path) -> int:
    """Download the corpus: permissively licensed packages, by the registries' own clients."""
    from codekin.training.download import MANIFEST, fetch_all

    return 1 if fetch_all(manifest or MANIFEST, block_list, sources) else 0


@train.command()
@_BLOCK_LIST
@click.option("--sources", metavar="DIR", type=FOLDER, required=True, help="Folder that `harvest` has filled.")
@click.option("--pairs", metavar="DIR", type=_OUTPUT_FOLDER, required=True, help="Folder for the pairs.")
@DEBUG
def pairs(block_list: Path, sources: Path, pairs: Path) -> int:
    """Turn the corpus into pairs of query and passage."""
    from codekin.training.download import write_all_pairs

    write_all_pairs(sources, block_list, pairs)
    return 0


@train.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--manifest",
    metavar="FILE",
    type=EXISTING_FILE,
    help="List of packages to download. Default: that of the shipped model.",
)
@click.option("--block-list", metavar="FILE", type=EXISTING_FILE, help="List of repositories to exclude from training.")
@click.option("--pairs", metavar="DIR", type=FOLDER, help="Train on these instead of downloading a corpus.")
@click.option("--benchmarks", metavar="DIR", type=FOLDER, help="Retrieval sets whose texts are excluded from training.")
@click.option(
    "--work",
    metavar="DIR",
    type=_OUTPUT_FOLDER,
    required=True,
    help="Folder for checkpoints; an interrupted run continues from there.",
)
@click.option("--out", metavar="DIR", type=_OUTPUT_FOLDER, required=True, help="Folder for the model.")
@click.argument("recipe_options", metavar="[--KNOB VALUE]…", nargs=-1, type=click.UNPROCESSED)
@DEBUG
@require_torch
def embedded(work: Path, out: Path, recipe_options: tuple[str, ...], **paths: Path | None) -> int:
    """Train the embedded model from scratch: download the corpus, make pairs, train on them.

    Finished stages are not repeated. Every field of the recipe is an option: --steps 1200.
    """
    from codekin.training.download import MANIFEST, build_corpus
    from codekin.training.static_recipe import parse_recipe
    from codekin.training.train import load_benchmark_texts, train_static

    static_recipe = parse_recipe(recipe_options)
    pairs_folder, block_list = paths["pairs"], paths["block_list"]
    if pairs_folder is None:
        if block_list is None:
            raise QueryError("A block list is missing. Pass --block-list FILE, or existing pairs with --pairs DIR.")
        pairs_folder = build_corpus(paths["manifest"] or MANIFEST, block_list, work)
    train_static(pairs_folder, work, out, static_recipe, load_benchmark_texts(paths["benchmarks"]))
    return 0


_PLAN_OPTIONS = (
    click.option(
        "--cool-down",
        type=WholeNumber(0),
        default=0,
        help="Steps in which the learning rate falls to zero; before them, --steps may be raised. Default: all.",
    ),
    click.option(
        "--rows-rate", type=float, default=1.0, help="Share of the learning rate for token embeddings. Default: 1."
    ),
    click.option(
        "--watch-steps", type=WholeNumber(1), default=100, show_default=True, help="Steps between evaluations."
    ),
    click.option(
        "--checkpoint-steps",
        type=WholeNumber(1),
        default=100,
        show_default=True,
        help="Steps between checkpoints.",
    ),
    click.option(
        "--minutes",
        type=click.FloatRange(0),
        default=0.0,
        help="End after so long; the same command continues.",
    ),
    click.option("--seed", type=int, default=0, show_default=True),
    click.option("--bf16/--float32", default=True, help="Precision of matrix products. Default: bf16."),
    click.option("--threads", type=WholeNumber(1), help="Number of CPU threads. Default: all."),
    click.option(
        "--work",
        metavar="DIR",
        type=_OUTPUT_FOLDER,
        required=True,
        help="Folder for checkpoints; an interrupted run continues from there.",
    ),
    click.option("--out", metavar="DIR", type=_OUTPUT_FOLDER, required=True, help="Folder for the model."),
)


def add_plan_options(
    steps: int, learning_rate: float, warm_up: int
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return a decorator that adds a training plan's options, the first three with these defaults."""
    plan_options = (
        click.option("--steps", type=WholeNumber(0), default=steps, show_default=True),
        click.option("--learning-rate", type=float, default=learning_rate, show_default=True),
        click.option("--warm-up", type=WholeNumber(0), default=warm_up, show_default=True, help="Steps."),
        *_PLAN_OPTIONS,
    )

    def add_options(command: Callable[..., int]) -> Callable[..., int]:
        """Return the command with the options added."""
        for option in reversed(plan_options):
            command = option(command)
        return command

    return add_options


PLAN_FIELDS = (
    "steps", "learning_rate", "warm_up", "cool_down", "rows_rate", "watch_steps", "checkpoint_steps", "minutes", "seed",
)  # fmt: skip


@train.command()
@click.argument("sources", type=FOLDER)
@click.option("--block-list", metavar="FILE", type=EXISTING_FILE, help="List of repositories to exclude from training.")
@click.option("--layers", type=WholeNumber(1), default=4, show_default=True)
@click.option("--width", type=WholeNumber(8), default=256, show_default=True, help="Hidden size.")
@click.option("--wide", type=WholeNumber(8), default=768, show_default=True, help="Intermediate size of the MLP.")
@click.option("--heads", type=WholeNumber(1), default=4, show_default=True)
@click.option("--shared", type=WholeNumber(1), default=4, show_default=True, help="Number of key-value heads.")
@click.option("--vocabulary", type=WholeNumber(300, 65_536), default=16_384, show_default=True)
@click.option("--rows", metavar="MODEL", type=FOLDER, help="Initialize token embeddings from this embedded model.")
@click.option(
    "--files", type=WholeNumber(1), default=50_000, show_default=True, help="Maximum number of files from SOURCES."
)
@click.option("--batch", type=WholeNumber(1), default=32, show_default=True, help="Blocks per step.")
@click.option("--block", type=WholeNumber(2), default=128, show_default=True, help="Tokens per block.")
@add_plan_options(steps=1500, learning_rate=2e-3, warm_up=50)
@DEBUG
@require_torch
def causal(sources: Path, work: Path, out: Path, **options: Any) -> int:
    """Train a small language model from scratch on the code in SOURCES, as a backbone for `contrastive`."""
    from codekin.training.causal import CausalCorpus, CausalRecipe, DecoderShape, train_causal
    from codekin.training.training_loop import TrainingFolders, TrainingPlan

    limit_threads(options["threads"])
    shape_numbers = {
        field_name: options[field_name] for field_name in ("vocabulary", "layers", "width", "heads", "shared", "wide")
    }
    decoder_shape = DecoderShape(**shape_numbers, rows=str(options["rows"] or ""))
    causal_recipe = CausalRecipe(*(options[field_name] for field_name in ("files", "batch", "block", "bf16")))
    training_plan = TrainingPlan(**{field_name: options[field_name] for field_name in PLAN_FIELDS})
    train_causal(
        CausalCorpus(sources, options["block_list"]),
        decoder_shape,
        causal_recipe,
        training_plan,
        TrainingFolders(work, out),
    )
    return 0


@train.command()
@click.argument("pairs", type=click.Path(exists=True, path_type=Path))
@click.option("--backbone", metavar="M", required=True, help="A decoder: a folder, or a value of model.name.")
@click.option(
    "--held", metavar="PAIRS", type=click.Path(exists=True, path_type=Path), help="Held-out pairs for evaluation."
)
@click.option("--pooling", type=click.Choice(("last", "mean", "latent")), default="last", show_default=True)
@click.option(
    "--dims", metavar="D,…", default="", help="Matryoshka dimensions. Default: the backbone's, else 1/4, 1/2, all."
)
@click.option("--max-tokens", type=WholeNumber(8), default=512, show_default=True, help="Maximum tokens per text.")
@click.option(
    "--lora", metavar="RANK", type=WholeNumber(0), default=0, help="Train LoRA adapters instead of all weights."
)
@click.option("--batch", type=WholeNumber(2), default=512, show_default=True, help="Pairs per step.")
@click.option("--temperature", type=click.FloatRange(0.015), default=0.05, show_default=True)
@click.option("--both-ways", is_flag=True, help="Also train passages to find their queries.")
@click.option("--teacher", metavar="M", default="", help="An embedder to imitate at first: a value of model.name.")
@click.option("--teacher-steps", type=WholeNumber(1), default=500, show_default=True, help="Steps with the teacher.")
@click.option(
    "--budget", type=WholeNumber(1), default=16_384, show_default=True, help="Maximum tokens in memory at once."
)
@add_plan_options(steps=1500, learning_rate=1e-4, warm_up=100)
@DEBUG
@require_torch
def contrastive(pairs: Path, held: Path | None, work: Path, out: Path, **options: Any) -> int:
    """Turn a language model into an embedder, as jina-code-embeddings was made.

    PAIRS is a file of lines {"task", "query", "passage"}, the output of `pairs`, or a folder of source code. codekin
    (model.name) and sentence-transformers can load OUT.
    """
    from codekin.training.backbone import EmbedderBuild
    from codekin.training.contrastive import ContrastiveCorpus, ContrastiveRecipe, train_contrastive
    from codekin.training.training_loop import TrainingFolders, TrainingPlan

    limit_threads(options["threads"])
    embedder_build = EmbedderBuild(
        options["backbone"],
        options["pooling"],
        _parse_dimensions(options["dims"]),
        options["max_tokens"],
        options["lora"],
    )
    contrastive_recipe = ContrastiveRecipe(
        **{
            field_name: options[field_name]
            for field_name in ContrastiveRecipe.__dataclass_fields__
            if field_name in options
        }
    )
    train_contrastive(
        ContrastiveCorpus(pairs, held),
        embedder_build,
        contrastive_recipe,
        TrainingPlan(**{field_name: options[field_name] for field_name in PLAN_FIELDS}),
        TrainingFolders(work, out),
    )
    return 0


def limit_threads(threads: int | None) -> None:
    """Import PyTorch; limit it, in this process, to this number of threads unless that is None or 0."""
    from codekin.training.training_loop import use_threads

    if threads:
        use_threads(threads)


def _parse_dimensions(dimension_list: str) -> tuple[int, ...]:
    """Parse `64,128,256` in that order; "" gives (). Raises QueryError for what is no number; no range is checked."""
    try:
        return tuple(int(dimension) for dimension in dimension_list.split(",") if dimension)
    except ValueError as error:
        raise QueryError(f"--dims {dimension_list} is not a list of numbers. Write --dims 64,128,256.") from error
