"""Train the embedded model: a vocabulary, token ids, tables. Each is kept: an interrupted run goes on from there."""

import argparse
import json
import logging
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codekin.embed.tasks import find_prefix
from codekin.embed.vocabulary import MARKS
from codekin.errors import QueryError
from codekin.evaluation.benchmarks import load_benchmark
from codekin.indexing.pool import map_in_workers
from codekin.training.decontamination import BenchmarkTexts
from codekin.training.losses import LossConfig, matryoshka_loss
from codekin.training.shards import (
    TokenizedPairs,
    TokenizedTexts,
    concatenate_pairs,
    learn_vocabulary,
    read_pairs,
    tokenize_pairs,
)
from codekin.training.static_model import StaticModel, export_model, make_shape
from codekin.types import Role, Task

log = logging.getLogger(__name__)
CHECKPOINT_STEPS = 500


@dataclass(frozen=True, slots=True)
class StaticRecipe:
    """Every knob that determines the model; `models/README.md` has the ablations behind the values."""

    vocabulary: int = 24_000  # pieces
    phrases: int = 12_288  # rows for hashed pairs of words
    spoken_phrases: float = 0.5  # at export: in sentences, many pairs of words were hardly seen, and are noise
    phrase_scale: float = 1.0  # of the first random rows of phrases, against those of pieces
    dims: tuple[int, ...] = (64, 128, 256, 384)
    tables: int = 1
    batch: int = 2048
    temperature: float = 0.05
    steps: int = 3600  # may be raised afterwards: training goes on from the checkpoint
    cycle: int = 1200  # steps in which the learning rate falls to zero; each later cycle starts at half the rate
    learning_rate: float = 0.01
    warm_up: int = 50
    grouped: float = 0.5  # of the batches are of one package and language where it has enough: harder negatives
    flatten: float = 0.75  # kinds are drawn by their count to this power
    place_steps: int = 150  # the weights by place come last, the tables kept as they are
    place_rate: float = 0.03
    seed: int = 0


# What is plentiful is thinned, by kind; all of the others is taken.
SHARES = {"half": 0.5, "comment": 0.55, "clone": 0.35, "name": 0.5}
_SAMPLED = {"doc": 0.25, "comment": 0.1, "example": 0.5, "half": 0.1}  # for the vocabulary

# kind of pair → the tasks it teaches, and whether query and passage change sides
TEACHES: dict[str, tuple[tuple[Task, bool], ...]] = {
    "doc": ((Task.NL2CODE, False), (Task.CODE2NL, True)),
    "asked": ((Task.NL2CODE, False), (Task.QA, False), (Task.CODE2NL, True)),
    "name": ((Task.NL2CODE, False),),
    "half": ((Task.CODE2COMPLETION, False),),
    "comment": ((Task.QA, False), (Task.NL2CODE, False)),
    "example": ((Task.QA, False),),
    "section": ((Task.QA, False),),
    "clone": ((Task.CODE2CODE, False),),
    "twin": ((Task.CODE2CODE, False),),
}


def prepare_pairs(
    pairs: Path, work: Path, recipe: StaticRecipe, leaks: BenchmarkTexts
) -> tuple[str, dict[str, TokenizedPairs]]:
    """The tokenizer's text and the token ids of all pairs by kind; kept in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    files = sorted(pairs.absolute().glob("*.jsonl.gz"))
    tokenizer = work / f"tokenizer-{recipe.vocabulary}.json"
    if not tokenizer.exists():
        _keep(tokenizer, learn_vocabulary(_sample(files, recipe.seed), recipe.vocabulary).encode())
    shards = work / f"shards-{recipe.vocabulary}-{recipe.phrases}.pickle"
    if not shards.exists():
        by_kind: dict[str, list[TokenizedPairs]] = {}
        tokenizer = tokenizer.absolute()
        shared = partial(tokenize_pairs, tokenizer=tokenizer, phrases=recipe.phrases, leaks=leaks, shares=SHARES)
        for found in map_in_workers(shared, files, 2):
            for kind, of_kind in found.items():
                by_kind.setdefault(kind, []).append(of_kind)
        _keep(shards, pickle.dumps({kind: concatenate_pairs(found) for kind, found in sorted(by_kind.items())}))
    loaded: dict[str, TokenizedPairs] = pickle.loads(shards.read_bytes())  # noqa: S301 -- written by the lines above
    log.info("%s", {kind: len(found) for kind, found in loaded.items()})
    return tokenizer.read_text("utf-8"), loaded


def _keep(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    partial_file = path.with_suffix(".partial")
    partial_file.write_bytes(content)
    partial_file.replace(path)


def load_benchmark_texts(folder: Path | None) -> BenchmarkTexts:
    """The texts of all retrieval sets below `folder`."""
    sets = [load_benchmark(path.parent) for path in sorted(folder.rglob("meta.json"))] if folder else []
    return BenchmarkTexts(text for found in sets for text in found.queries + found.passages)


def _sample(files: Sequence[Path], seed: int) -> Iterator[str]:
    """About one text in ten, for the vocabulary."""
    random = np.random.default_rng(seed)
    for file in files:
        for pair in read_pairs(file):
            if random.random() < _SAMPLED.get(pair.kind, 0):
                yield pair.query
                yield pair.passage


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """What one step sees."""

    kind: str
    task: Task
    turned: bool  # whether query and passage change sides
    rows: NDArray[np.int64]  # of the kind's pairs


class StaticBatches:
    """Which pairs each step sees: determined by seed and step alone, so that training can be taken up anywhere."""

    def __init__(self, pairs: dict[str, TokenizedPairs], recipe: StaticRecipe) -> None:
        self._pairs = pairs
        self._recipe = recipe
        counts = np.array([len(found) for found in pairs.values()], dtype=np.float64) ** recipe.flatten
        self._chances = counts / counts.sum()
        self._by_group = {kind: np.argsort(found.groups, kind="stable") for kind, found in pairs.items()}

    def choose_batch(self, step: int) -> TrainingBatch:
        random = np.random.default_rng((self._recipe.seed, step))
        kind = list(self._pairs)[int(random.choice(len(self._chances), p=self._chances))]
        task, turned = TEACHES[kind][int(random.integers(len(TEACHES[kind])))]
        count, size = len(self._pairs[kind]), min(self._recipe.batch, len(self._pairs[kind]))
        if random.random() < self._recipe.grouped:
            # Runs of neighbours in the order of packages and languages: each run is of one, or two.
            runs = random.integers(0, max(1, count - size // 4 + 1), 4)
            order = self._by_group[kind]
            rows = np.unique(np.concatenate([order[run : run + size // 4] for run in runs]))
        else:
            rows = (
                random.choice(count, size, replace=False)
                if count < 4 * size
                else np.unique(random.integers(0, count, size))
            )
        return TrainingBatch(kind, task, turned, rows.astype(np.int64))


def train_tables(tokenizer: str, pairs: dict[str, TokenizedPairs], work: Path, recipe: StaticRecipe) -> StaticModel:
    """The trained tables; a checkpoint every CHECKPOINT_STEPS."""
    torch.manual_seed(recipe.seed)
    tokens = len(json.loads(tokenizer)["model"]["vocab"]) + recipe.phrases + len(MARKS)
    model = StaticModel(make_shape(tokens, recipe.dims, recipe.tables), recipe.phrases, recipe.phrase_scale)
    model.places.requires_grad_(False)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learned, lr=recipe.learning_rate, fused=True)
    checkpoint = work / "checkpoint.pt"
    first = _taken_up(checkpoint, model, optimizer, recipe)
    batches = StaticBatches(pairs, recipe)
    started = time.monotonic()
    mean: dict[str, float] = {}
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = compute_learning_rate(recipe, step)
        batch = batches.choose_batch(step)
        loss = _loss(model, pairs[batch.kind], batch, recipe)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean[batch.kind] = 0.9 * mean.get(batch.kind, loss.item()) + 0.1 * loss.item()
        if step % 100 == 99:
            losses = " ".join(f"{name}={value:.3f}" for name, value in sorted(mean.items()))
            log.info("step %d of %d, %.0f s: %s", step + 1, recipe.steps, time.monotonic() - started, losses)
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == recipe.steps:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            content = BytesIO()
            torch.save({**state, "recipe": _identity(recipe)}, content)
            _keep(checkpoint, content.getvalue())
    return model


def learn_positions(model: StaticModel, pairs: dict[str, TokenizedPairs], recipe: StaticRecipe) -> None:
    """What a token weighs by its place, the tables kept as they are: learned with them, it was learned less well.

    Not for completion: pairs are cut anywhere, where people pause at the start of something, and it got worse.
    """
    others = {kind: found for kind, found in pairs.items() if TEACHES[kind][0][0] is not Task.CODE2COMPLETION}
    for parameter in model.parameters():
        parameter.requires_grad_(parameter is model.places)
    optimizer = torch.optim.Adam([model.places])
    batches = StaticBatches(others, recipe)
    for step in range(recipe.place_steps):
        rate = recipe.place_rate * min(1, (step + 1) / recipe.warm_up) * (1 - step / recipe.place_steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batches.choose_batch(recipe.steps + step)
        optimizer.zero_grad()
        loss = _loss(model, others[batch.kind], batch, recipe)
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            log.info("places, step %d of %d: %s %.3f", step + 1, recipe.place_steps, batch.kind, loss.item())


def _taken_up(checkpoint: Path, model: StaticModel, optimizer: torch.optim.Optimizer, recipe: StaticRecipe) -> int:
    """The first step to take: after those of a checkpoint of the same recipe, whose state is put in place."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    if state["recipe"] != _identity(recipe):
        return 0
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def compute_learning_rate(recipe: StaticRecipe, step: int) -> float:
    """Warm-up, then linearly to zero; again from half of it in each further cycle."""
    cycle, within = divmod(step, recipe.cycle)
    peak = recipe.learning_rate * 0.5**cycle
    return peak * min(1, (within + 1) / recipe.warm_up) * (1 - within / recipe.cycle)


def _identity(recipe: StaticRecipe) -> str:
    """What a checkpoint's recipe must share with ours to be taken up: all but the number of steps."""
    return json.dumps({**asdict(recipe), "steps": None})


def _loss(model: StaticModel, pairs: TokenizedPairs, batch: TrainingBatch, recipe: StaticRecipe) -> Tensor:
    sides: list[TokenizedTexts] = [pairs.queries, pairs.passages]
    if batch.turned:
        sides.reverse()
    raw, keys = [], []
    for texts, role in zip(sides, (Role.QUERY, Role.PASSAGE), strict=True):
        ids, starts = texts.take_rows(batch.rows)
        raw.append(model(torch.from_numpy(ids), torch.from_numpy(starts), find_prefix(batch.task, role)))
        keys.append(torch.from_numpy(texts.keys[batch.rows]))
    same = (keys[0][:, None] == keys[0]) | (keys[1][:, None] == keys[1])
    return matryoshka_loss(raw[0], raw[1], LossConfig(recipe.dims, recipe.temperature), same)


def parse_recipe(knobs: Sequence[str]) -> StaticRecipe:
    """The recipe with the knobs that the words name: `--steps 1200 --batch 512`. Raises QueryError for others."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    for name, value in asdict(StaticRecipe()).items():
        if name != "dims":
            parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    try:
        given, unknown = parser.parse_known_args(knobs)
    except argparse.ArgumentError as error:
        raise QueryError(f"{error}. Give a number.") from error
    if unknown:
        known = ", ".join(name.replace("_", "-") for name in vars(given))
        raise QueryError(f"{unknown[0]} is no knob of the recipe. There are: {known}.")
    return StaticRecipe(**vars(given))


def train_static(pairs: Path, work: Path, out: Path, recipe: StaticRecipe, leaks: BenchmarkTexts) -> None:
    """Train on the `*.jsonl.gz` in `pairs`, and write the model to `out`."""
    torch.set_num_threads(1)
    tokenizer, shards = prepare_pairs(pairs, work, recipe, leaks)
    model = train_tables(tokenizer, shards, work, recipe)
    learn_positions(model, shards, recipe)
    counts = {kind: len(found) for kind, found in shards.items()}
    export_model(model, tokenizer, recipe.phrases, out, {**asdict(recipe), "pairs": counts})
