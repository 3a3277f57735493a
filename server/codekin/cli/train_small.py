"""`codekin train small`: train the small transformer from all-MiniLM-L6-v2."""

from pathlib import Path
from typing import Any

import click

from codekin.cli.params import DEBUG, FOLDER, WholeNumber
from codekin.cli.train import EXISTING_FILE, PLAN_FIELDS, add_plan_options, limit_threads, require_torch
from codekin.errors import QueryError

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trained weights: MiniLM itself, three means, and the trained model


@click.command()
@click.option("--pairs", metavar="DIR", type=FOLDER, help="Train on these instead of downloading a corpus.")
@click.option("--manifest", metavar="FILE", type=EXISTING_FILE, help="List of packages to download.")
@click.option("--block-list", metavar="FILE", type=EXISTING_FILE, help="List of repositories to exclude from training.")
@click.option(
    "--held",
    metavar="PAIRS",
    type=click.Path(exists=True, path_type=Path),
    help="Held-out pairs, of packages that are not trained on. They choose the share of the trained weights.",
)
@click.option("--benchmarks", metavar="DIR", type=FOLDER, help="Retrieval sets whose texts are excluded from training.")
@click.option("--backbone", metavar="M", default="minilm", show_default=True, help="An uncased BERT encoder.")
@click.option("--max-tokens", type=WholeNumber(8), default=128, show_default=True, help="Maximum tokens per text.")
@click.option(
    "--short-tokens", type=WholeNumber(0), default=64, show_default=True, help="The same in three batches of four."
)
@click.option("--pair-limit", type=WholeNumber(0), default=0, help="Maximum number of pairs. Default: no limit.")
@click.option("--batch", type=WholeNumber(2), default=512, show_default=True, help="Pairs per step.")
@click.option(
    "--budget", type=WholeNumber(1), default=2048, show_default=True, help="Maximum tokens in a pass at once."
)
@click.option(
    "--cached/--uncached",
    default=True,
    help="Compute vectors twice to save memory, or once: faster for small batches. Default: twice.",
)
@click.option(
    "--sentence-weight",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Weight of the loss that keeps sentences as similar to each other as the backbone finds them.",
)
@click.option(
    "--start", metavar="MODEL", type=FOLDER, help="Start with the weights of a model that `small` or `onnx` wrote."
)
@click.option(
    "--miner",
    metavar="MODEL",
    default="",
    help="Add a hard negative to each pair: the wrong passage that this model scores best. Default: none.",
)
@click.option("--held-limit", type=WholeNumber(2), default=500, show_default=True, help="Held-out pairs of a task.")
@add_plan_options(steps=4_000, learning_rate=2e-4, warm_up=100)
@DEBUG
@require_torch
def small(work: Path, out: Path, **options: Any) -> int:
    """Train the small transformer: all-MiniLM-L6-v2, taught code by the corpus of the embedded model.

    The same command continues an interrupted run. OUT can be loaded as model.name.
    """
    from codekin.training.contrastive import ContrastiveCorpus, ContrastiveRecipe, train_contrastive
    from codekin.training.small_backbone import make_small_build, prepare_small_backbone, write_card
    from codekin.training.training_loop import TrainingFolders, TrainingPlan

    limit_threads(options["threads"])
    pairs_folder = options["pairs"] or _build_pairs(options["manifest"], options["block_list"], work)
    embedder_build = make_small_build(
        prepare_small_backbone(options["backbone"], work / "backbone"), options["max_tokens"]
    )
    recipe_fields = ("batch", "bf16", "budget", "cached", "held_limit", "short_tokens", "sentence_weight")
    contrastive_recipe = ContrastiveRecipe(
        **{field_name: options[field_name] for field_name in recipe_fields},
        both_ways=True,
        grouped=True,
        start=str(options["start"] or ""),
        shares=_SHARES,
    )
    training_plan = TrainingPlan(**{field_name: options[field_name] for field_name in PLAN_FIELDS})
    corpus_fields = ("held", "benchmarks", "miner")
    contrastive_corpus = ContrastiveCorpus(
        pairs_folder, limit=options["pair_limit"], **{field_name: options[field_name] for field_name in corpus_fields}
    )
    train_contrastive(contrastive_corpus, embedder_build, contrastive_recipe, training_plan, TrainingFolders(work, out))
    write_card(options["backbone"], out)
    return 0


def _build_pairs(manifest: Path | None, block_list: Path | None, work_folder: Path) -> Path:
    """Download the manifest's corpus and make its pairs in the work folder; return their folder. Raises QueryError."""
    from codekin.training.download import MANIFEST, build_corpus

    if block_list is None:
        raise QueryError("A block list is missing. Pass --block-list FILE, or existing pairs with --pairs DIR.")
    return build_corpus(manifest or MANIFEST, block_list, work_folder)


@click.command()
@click.argument("model", type=FOLDER)
@click.option("--out", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--int8/--float32", default=True, help="Number format of the weights. Default: int8.")
@DEBUG
@require_torch
def onnx(model: Path, out: Path, int8: bool) -> int:
    """Export MODEL, which `small` wrote, to a form that codekin[small] runs without PyTorch.

    OUT can be loaded as model.name.
    """
    from codekin.training.onnx_export import export_onnx

    export_onnx(model, out, is_quantized=int8)
    return 0
