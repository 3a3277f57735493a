"""`codekin train`: making models, by hand. Training itself needs PyTorch, which most people have no use for."""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from codekin.cli.params import DEBUG, FOLDER
from codekin.errors import ModelError, QueryError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(file_okay=False, path_type=Path)


@click.group()
def train() -> None:
    """Make a model, from its corpus on."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)


def _with_torch(command: Callable[..., int]) -> Callable[..., int]:
    @wraps(command)
    def checked(**options: Any) -> int:
        try:
            return command(**options)
        except ModuleNotFoundError as error:
            if error.name not in {"torch", "transformers", "safetensors", "peft"}:
                raise
            remedy = "Run: pip install 'codekin[train]'"
            raise ModelError(f"Training needs {error.name}, which is not installed. {remedy}") from error

    return checked


_BLOCK_LIST = click.option(
    "--block-list", metavar="FILE", type=_FILE, required=True, help="Repositories that must not be trained on."
)


@train.command()
@click.option("--manifest", metavar="FILE", type=_FILE, help="Packages to fetch. Default: those of the shipped model.")
@_BLOCK_LIST
@click.option("--sources", metavar="DIR", type=_OUT, required=True, help="Where the packages' trees go.")
@DEBUG
def harvest(manifest: Path | None, block_list: Path, sources: Path) -> int:
    """Fetch the corpus: permissively licensed packages, by the registries' own clients."""
    from codekin.training.download import MANIFEST, fetch_all

    return 1 if fetch_all(manifest or MANIFEST, block_list, sources) else 0


@train.command()
@_BLOCK_LIST
@click.option("--sources", metavar="DIR", type=FOLDER, required=True, help="What `harvest` has fetched.")
@click.option("--pairs", metavar="DIR", type=_OUT, required=True, help="Where the pairs go.")
@DEBUG
def pairs(block_list: Path, sources: Path, pairs: Path) -> int:
    """Turn the corpus into pairs of what is asked and what answers it."""
    from codekin.training.download import write_all_pairs

    write_all_pairs(sources, block_list, pairs)
    return 0


@train.command(context_settings={"ignore_unknown_options": True})
@click.option("--manifest", metavar="FILE", type=_FILE, help="Packages to fetch. Default: those of the shipped model.")
@click.option("--block-list", metavar="FILE", type=_FILE, help="Repositories that must not be trained on.")
@click.option("--pairs", metavar="DIR", type=FOLDER, help="Train on these instead of fetching a corpus.")
@click.option("--benchmarks", metavar="DIR", type=FOLDER, help="Retrieval sets whose texts must not be trained on.")
@click.option("--work", metavar="DIR", type=_OUT, required=True, help="Goes on from there after an interruption.")
@click.option("--out", metavar="DIR", type=_OUT, required=True, help="Where the model goes.")
@click.argument("knobs", metavar="[--KNOB VALUE]…", nargs=-1, type=click.UNPROCESSED)
@DEBUG
@_with_torch
def embedded(work: Path, out: Path, knobs: tuple[str, ...], **given: Path | None) -> int:
    """Train the embedded model from nothing: fetch the corpus, cut it into pairs, learn from them.

    Each part that is done stays done. Any knob of the recipe is an option: --steps 1200.
    """
    from codekin.training.download import MANIFEST, build_corpus
    from codekin.training.static_recipe import parse_recipe
    from codekin.training.train import load_benchmark_texts, train_static

    recipe = parse_recipe(knobs)
    pairs, block_list = given["pairs"], given["block_list"]
    if pairs is None:
        if block_list is None:
            raise QueryError("What must not be trained on? Name a file with --block-list, or --pairs that are there.")
        pairs = build_corpus(given["manifest"] or MANIFEST, block_list, work)
    train_static(pairs, work, out, recipe, load_benchmark_texts(given["benchmarks"]))
    return 0


def _plan(steps: int, learning_rate: float, warm_up: int) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The options of how a model is led down its loss, given to the command as `plan`'s fields; with defaults."""
    options = (
        click.option("--steps", type=click.IntRange(0), default=steps, show_default=True),
        click.option("--learning-rate", type=float, default=learning_rate, show_default=True),
        click.option("--warm-up", type=click.IntRange(0), default=warm_up, show_default=True, help="Steps."),
        click.option("--rows-rate", type=float, default=1.0, help="Of the rate, for the words' rows. Default: all."),
        click.option("--watch-steps", type=click.IntRange(1), default=100, show_default=True, help="Measure so often."),
        click.option(
            "--checkpoint-steps", type=click.IntRange(1), default=100, show_default=True, help="Keep so often."
        ),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--bf16/--float32", default=True, help="The numbers of products. Default: bf16."),
        click.option("--threads", type=click.IntRange(1), help="Of the processor. Default: all."),
        click.option(
            "--work", metavar="DIR", type=_OUT, required=True, help="Goes on from there after an interruption."
        ),
        click.option("--out", metavar="DIR", type=_OUT, required=True, help="Where the model goes."),
    )

    def given(command: Callable[..., int]) -> Callable[..., int]:
        for option in reversed(options):
            command = option(command)
        return command

    return given


_PLAN = ("steps", "learning_rate", "warm_up", "rows_rate", "watch_steps", "checkpoint_steps", "seed")


@train.command()
@click.argument("sources", type=FOLDER)
@click.option("--block-list", metavar="FILE", type=_FILE, help="Repositories that must not be trained on.")
@click.option("--layers", type=click.IntRange(1), default=4, show_default=True)
@click.option("--width", type=click.IntRange(8), default=256, show_default=True, help="Numbers per token and layer.")
@click.option("--wide", type=click.IntRange(8), default=768, show_default=True, help="In the feed-forward layers.")
@click.option("--heads", type=click.IntRange(1), default=4, show_default=True)
@click.option("--shared", type=click.IntRange(1), default=4, show_default=True, help="Heads of keys and values.")
@click.option("--vocabulary", type=click.IntRange(300, 65_536), default=16_384, show_default=True)
@click.option("--rows", metavar="MODEL", type=FOLDER, help="Begin with what this embedded model knows of words.")
@click.option("--files", type=click.IntRange(1), default=50_000, show_default=True, help="Of SOURCES, at most.")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Blocks per step.")
@click.option("--block", type=click.IntRange(2), default=128, show_default=True, help="Tokens per block.")
@_plan(steps=1500, learning_rate=2e-3, warm_up=50)
@DEBUG
@_with_torch
def causal(sources: Path, work: Path, out: Path, **options: Any) -> int:
    """Train a small language model from nothing on the code in SOURCES: a backbone for `contrastive`."""
    from codekin.training.causal import CausalCorpus, CausalRecipe, DecoderShape, train_causal
    from codekin.training.training_loop import TrainingFolders, TrainingPlan

    _use(options["threads"])
    numbers = {name: options[name] for name in ("vocabulary", "layers", "width", "heads", "shared", "wide")}
    shape = DecoderShape(**numbers, rows=str(options["rows"] or ""))
    recipe = CausalRecipe(*(options[name] for name in ("files", "batch", "block", "bf16")))
    plan = TrainingPlan(**{name: options[name] for name in _PLAN})
    train_causal(CausalCorpus(sources, options["block_list"]), shape, recipe, plan, TrainingFolders(work, out))
    return 0


@train.command()
@click.argument("pairs", type=click.Path(exists=True, path_type=Path))
@click.option("--backbone", metavar="M", required=True, help="A decoder: a folder, or what model.name may be.")
@click.option("--held", metavar="PAIRS", type=click.Path(exists=True, path_type=Path), help="What to measure on.")
@click.option("--pooling", type=click.Choice(("last", "mean", "latent")), default="last", show_default=True)
@click.option("--dims", metavar="D,…", default="", help="Matryoshka. Default: the backbone's, else 1/4, 1/2, all.")
@click.option("--max-tokens", type=click.IntRange(8), default=512, show_default=True, help="Of a text.")
@click.option(
    "--lora", metavar="RANK", type=click.IntRange(0), default=0, help="Train adapters in place of all weights."
)
@click.option("--batch", type=click.IntRange(2), default=512, show_default=True, help="Pairs per step.")
@click.option("--temperature", type=click.FloatRange(0.015), default=0.05, show_default=True)
@click.option("--both-ways", is_flag=True, help="Passages must find their queries, too.")
@click.option("--teacher", metavar="M", default="", help="An embedder to be like at first: what model.name may be.")
@click.option("--teacher-steps", type=click.IntRange(1), default=500, show_default=True, help="Until it is left.")
@click.option("--budget", type=click.IntRange(1), default=16_384, show_default=True, help="Tokens in memory at once.")
@_plan(steps=1500, learning_rate=1e-4, warm_up=100)
@DEBUG
@_with_torch
def contrastive(pairs: Path, held: Path | None, work: Path, out: Path, **options: Any) -> int:
    """Make an embedder out of a language model, as jina-code-embeddings was made.

    PAIRS: lines of {"task", "query", "passage"}, what `pairs` wrote, or a folder of source code. OUT is read by
    codekin (model.name) and by sentence-transformers.
    """
    from codekin.training.backbone import EmbedderBuild
    from codekin.training.contrastive import ContrastiveCorpus, ContrastiveRecipe, train_contrastive
    from codekin.training.training_loop import TrainingFolders, TrainingPlan

    _use(options["threads"])
    build = EmbedderBuild(
        options["backbone"], options["pooling"], _dims(options["dims"]), options["max_tokens"], options["lora"]
    )
    recipe = ContrastiveRecipe(
        **{name: options[name] for name in ContrastiveRecipe.__dataclass_fields__ if name in options}
    )
    train_contrastive(
        ContrastiveCorpus(pairs, held),
        build,
        recipe,
        TrainingPlan(**{name: options[name] for name in _PLAN}),
        TrainingFolders(work, out),
    )
    return 0


def _use(threads: int | None) -> None:
    from codekin.training.training_loop import use_threads

    if threads:
        use_threads(threads)


def _dims(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError as error:
        raise QueryError(f"--dims {text} are no numbers. Write --dims 64,128,256.") from error
