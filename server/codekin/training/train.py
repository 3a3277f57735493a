"""Train the static model: vocabulary, token ids, tables. Each is cached, so that an interrupted run resumes."""

import hashlib
import json
import logging
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codekin.embed.tasks import find_prefix
from codekin.embed.vocabulary import MARKS
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
from codekin.training.static_recipe import SHARES, TEACHES, StaticRecipe
from codekin.types import Role, Task

logger = logging.getLogger(__name__)
CHECKPOINT_STEPS = 500
_VOCABULARY_SHARES = {"doc": 0.25, "comment": 0.1, "example": 0.5, "half": 0.1}  # by kind of pair


def prepare_pairs(
    pairs_folder: Path, work_folder: Path, recipe: StaticRecipe, benchmark_texts: BenchmarkTexts
) -> tuple[str, dict[str, TokenizedPairs]]:
    """Return the text of `tokenizer.json` and kind → tokenized pairs; both are cached in `work_folder`.

    They are made again if anything that they depend on is another: pairs, vocabulary, phrases, seed, benchmark texts.
    """
    work_folder.mkdir(parents=True, exist_ok=True)
    pair_files = sorted(pairs_folder.absolute().glob("*.jsonl.gz"))
    vocabulary_key = _make_key([*_describe_files(pair_files), recipe.vocabulary, recipe.seed])
    tokenizer_path = work_folder / f"tokenizer-{vocabulary_key}.json"
    if not tokenizer_path.exists():
        vocabulary = learn_vocabulary(_sample_texts(pair_files, recipe.seed), recipe.vocabulary)
        _write_atomically(tokenizer_path, vocabulary.encode())
    shards_key = _make_key([vocabulary_key, recipe.phrases, benchmark_texts.digest(), SHARES])
    shards_path = work_folder / f"shards-{shards_key}.pickle"
    if not shards_path.exists():
        parts_by_kind: dict[str, list[TokenizedPairs]] = {}
        tokenize_package = partial(
            tokenize_pairs,
            tokenizer=tokenizer_path.absolute(),
            phrases=recipe.phrases,
            benchmark_texts=benchmark_texts,
            shares=SHARES,
        )
        for package_pairs in map_in_workers(tokenize_package, pair_files, 2):
            for kind, kind_pairs in package_pairs.items():
                parts_by_kind.setdefault(kind, []).append(kind_pairs)
        shards = {kind: concatenate_pairs(parts) for kind, parts in sorted(parts_by_kind.items())}
        _write_atomically(shards_path, pickle.dumps(shards))
    pairs_by_kind: dict[str, TokenizedPairs] = pickle.loads(shards_path.read_bytes())  # noqa: S301 -- written by the lines above
    logger.info("%s", {kind: len(kind_pairs) for kind, kind_pairs in pairs_by_kind.items()})
    return tokenizer_path.read_text("utf-8"), pairs_by_kind


def _make_key(inputs: Sequence[object]) -> str:
    """Return 16 hexadecimal digits that tell these inputs, by their JSON, from others."""
    return hashlib.blake2b(json.dumps(inputs, sort_keys=True).encode(), digest_size=8).hexdigest()


def _describe_files(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Return name, size in bytes and time in ns of each file, to recognise a changed one without reading it."""
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def _write_atomically(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, replacing it; through a `.partial` file beside it, not synced."""
    partial_file = path.with_suffix(".partial")
    partial_file.write_bytes(content)
    partial_file.replace(path)


def load_benchmark_texts(benchmarks_folder: Path | None) -> BenchmarkTexts:
    """Return the hashed texts of all retrieval sets anywhere below the folder; an empty set of them for None."""
    benchmarks = (
        [load_benchmark(path.parent) for path in sorted(benchmarks_folder.rglob("meta.json"))]
        if benchmarks_folder
        else []
    )
    return BenchmarkTexts(text for benchmark in benchmarks for text in benchmark.queries + benchmark.passages)


def _sample_texts(files: Sequence[Path], seed: int) -> Iterator[str]:
    """Yield both texts of a random share of the pairs, which depends on the kind, for the vocabulary."""
    generator = np.random.default_rng(seed)
    for file in files:
        for pair in read_pairs(file):
            if generator.random() < _VOCABULARY_SHARES.get(pair.kind, 0):
                yield pair.query
                yield pair.passage


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The kind, task and rows of the pairs of one step."""

    kind: str
    task: Task
    is_swapped: bool  # query and passage change sides
    rows: NDArray[np.int64]  # of the kind's pairs


class StaticBatches:
    """Chooses the pairs of each step by seed and step alone, so that training can resume at any step."""

    def __init__(self, pairs: dict[str, TokenizedPairs], recipe: StaticRecipe) -> None:
        """Compute the kinds' probabilities by their numbers of pairs; there must be a pair."""
        self._pairs = pairs
        self._recipe = recipe
        kind_weights = np.array([len(kind_pairs) for kind_pairs in pairs.values()], dtype=np.float64) ** recipe.flatten
        self._kind_probabilities = kind_weights / kind_weights.sum()
        self._rows_by_group = {kind: np.argsort(kind_pairs.groups, kind="stable") for kind, kind_pairs in pairs.items()}

    def choose_batch(self, step: int) -> TrainingBatch:
        """Return the step's kind, task and distinct rows; some batches are of few packages: hard negatives."""
        generator = np.random.default_rng((self._recipe.seed, step))
        kind = list(self._pairs)[int(generator.choice(len(self._kind_probabilities), p=self._kind_probabilities))]
        task, is_swapped = TEACHES[kind][int(generator.integers(len(TEACHES[kind])))]
        count, batch_size = len(self._pairs[kind]), min(self._recipe.batch, len(self._pairs[kind]))
        if generator.random() < self._recipe.grouped:
            # Rows are sorted by package and language, so that each run of neighbours is of one or two of them.
            run_starts = generator.integers(0, max(1, count - batch_size // 4 + 1), 4)
            grouped_rows = self._rows_by_group[kind]
            rows = np.unique(
                np.concatenate([grouped_rows[run_start : run_start + batch_size // 4] for run_start in run_starts])
            )
        else:
            rows = (
                generator.choice(count, batch_size, replace=False)
                if count < 4 * batch_size
                else np.unique(generator.integers(0, count, batch_size))
            )
        return TrainingBatch(kind, task, is_swapped, rows.astype(np.int64))


def train_tables(
    tokenizer: str, pairs: dict[str, TokenizedPairs], work_folder: Path, recipe: StaticRecipe
) -> StaticModel:
    """Train and return the model, resuming from the checkpoint, which is written every 500 steps and at the end."""
    torch.manual_seed(recipe.seed)
    tokens = len(json.loads(tokenizer)["model"]["vocab"]) + recipe.phrases + len(MARKS)
    model = StaticModel(make_shape(tokens, recipe.dims, recipe.tables), recipe.phrases, recipe.phrase_scale)
    model.places.requires_grad_(False)
    trained_parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained_parameters, lr=recipe.learning_rate, fused=True)
    checkpoint, identity = work_folder / "checkpoint.pt", _format_identity(recipe, tokenizer, pairs)
    first_step = _resume_training(checkpoint, model, optimizer, identity)
    batches = StaticBatches(pairs, recipe)
    started = time.monotonic()
    mean_losses: dict[str, float] = {}
    for step in range(first_step, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = compute_learning_rate(recipe, step)
        batch = batches.choose_batch(step)
        loss = _compute_loss(model, pairs[batch.kind], batch, recipe)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean_losses[batch.kind] = 0.9 * mean_losses.get(batch.kind, loss.item()) + 0.1 * loss.item()
        if step % 100 == 99:
            losses = " ".join(f"{kind_name}={value:.3f}" for kind_name, value in sorted(mean_losses.items()))
            logger.info("step %d of %d, %.0f s: %s", step + 1, recipe.steps, time.monotonic() - started, losses)
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == recipe.steps:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            _write_checkpoint(checkpoint, {**state, "recipe": identity})
    return model


def _write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state to the file, atomically; the whole of it is in memory twice meanwhile."""
    buffer = BytesIO()
    torch.save(state, buffer)
    _write_atomically(path, buffer.getvalue())


def learn_positions(model: StaticModel, pairs: dict[str, TokenizedPairs], recipe: StaticRecipe) -> None:
    """Train only the weights of positions, in place; the tables are frozen from now on. Writes no checkpoint.

    Learned together with the tables they were worse. Completion pairs are left out, because they are cut anywhere,
    while people pause where something starts.
    """
    usable_pairs = {
        kind: kind_pairs for kind, kind_pairs in pairs.items() if TEACHES[kind][0][0] is not Task.CODE2COMPLETION
    }
    for parameter in model.parameters():
        parameter.requires_grad_(parameter is model.places)
    optimizer = torch.optim.Adam([model.places])
    batches = StaticBatches(usable_pairs, recipe)
    for step in range(recipe.place_steps):
        learning_rate = recipe.place_rate * min(1, (step + 1) / recipe.warm_up) * (1 - step / recipe.place_steps)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        batch = batches.choose_batch(recipe.steps + step)
        optimizer.zero_grad()
        loss = _compute_loss(model, usable_pairs[batch.kind], batch, recipe)
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            logger.info("places, step %d of %d: %s %.3f", step + 1, recipe.place_steps, batch.kind, loss.item())


def _resume_training(checkpoint: Path, model: StaticModel, optimizer: torch.optim.Optimizer, identity: str) -> int:
    """Restore model and optimizer from a checkpoint of that identity; return the step to take, 0 without one."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    if state["recipe"] != identity:
        return 0
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def compute_learning_rate(recipe: StaticRecipe, step: int) -> float:
    """Return a step's rate: warm-up, then linear to zero, in cycles, each with half the former's peak."""
    cycle, cycle_step = divmod(step, recipe.cycle)
    peak_rate = recipe.learning_rate * 0.5**cycle
    return peak_rate * min(1, (cycle_step + 1) / recipe.warm_up) * (1 - cycle_step / recipe.cycle)


def _format_identity(recipe: StaticRecipe, tokenizer: str, pairs: Mapping[str, TokenizedPairs]) -> str:
    """Return, as JSON, what a checkpoint must share to be resumed: tokenizer, texts, all settings but `steps`."""
    digest = hashlib.blake2b(tokenizer.encode(), digest_size=8)
    for kind_pairs in pairs.values():
        digest.update(kind_pairs.queries.keys.tobytes() + kind_pairs.passages.keys.tobytes())
    return json.dumps({**asdict(recipe), "steps": None, "pairs": digest.hexdigest()})


def _compute_loss(model: StaticModel, pairs: TokenizedPairs, batch: TrainingBatch, recipe: StaticRecipe) -> Tensor:
    """Return the Matryoshka loss of one batch, with gradients; equal texts are no negatives."""
    text_sides: list[TokenizedTexts] = [pairs.queries, pairs.passages]
    if batch.is_swapped:
        text_sides.reverse()
    raw_vectors, text_keys = [], []
    for texts, role in zip(text_sides, (Role.QUERY, Role.PASSAGE), strict=True):
        token_ids, text_starts = texts.take_rows(batch.rows)
        raw_vectors.append(
            model(torch.from_numpy(token_ids), torch.from_numpy(text_starts), find_prefix(batch.task, role))
        )
        text_keys.append(torch.from_numpy(texts.keys[batch.rows]))
    equal_texts = (text_keys[0][:, None] == text_keys[0]) | (text_keys[1][:, None] == text_keys[1])
    return matryoshka_loss(raw_vectors[0], raw_vectors[1], LossConfig(recipe.dims, recipe.temperature), equal_texts)


def train_static(
    pairs_folder: Path, work_folder: Path, model_folder: Path, recipe: StaticRecipe, benchmark_texts: BenchmarkTexts
) -> None:
    """Train the static model on the folder's `*.jsonl.gz`, resuming, and write it; sets PyTorch to one thread."""
    torch.set_num_threads(1)
    tokenizer, pairs_by_kind = prepare_pairs(pairs_folder, work_folder, recipe, benchmark_texts)
    model = train_tables(tokenizer, pairs_by_kind, work_folder, recipe)
    learn_positions(model, pairs_by_kind, recipe)
    pair_counts = {kind: len(kind_pairs) for kind, kind_pairs in pairs_by_kind.items()}
    export_model(model, tokenizer, recipe.phrases, model_folder, {**asdict(recipe), "pairs": pair_counts})
