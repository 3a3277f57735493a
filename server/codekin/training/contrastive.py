"""Make an embedder out of a language model: `codekin train contrastive`, the training of jina-code-embeddings.

Reads top to bottom: the knobs with their reasons, what is trained on, the loss of a step, how good the model is, the
run. Source: arXiv 2508.21290, section 4. What it does not say (rate, optimizer, warm-up, weights) is chosen here.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codekin.embed.embedder import load_embedder
from codekin.embed.tasks import find_prefix
from codekin.errors import ModelError
from codekin.settings import ModelSettings
from codekin.training import gradient_cache, held_out, jsonl
from codekin.training.backbone import EmbedderBuild, TextEncoder
from codekin.training.corpus import BlockList
from codekin.training.docs_pages import TextPair
from codekin.training.jsonl import PairFile, TaskBatches, TaskPair
from codekin.training.losses import LossConfig, find_equal_texts, matryoshka_loss
from codekin.training.pairs import extract_package_pairs
from codekin.training.shards import read_pairs
from codekin.training.train import SHARES, TEACHES
from codekin.training.training_loop import TrainingFolders, TrainingPlan, TrainingTask, run_training
from codekin.types import Role, Task

log = logging.getLogger(__name__)
_PULL = 10.0  # the teacher's weight at first, beside a contrastive loss near 1 whose cosines are divided by temperature


@dataclass(frozen=True, slots=True)
class ContrastiveRecipe:
    """Every knob that determines the model beside the backbone and the pairs."""

    batch: int = 512  # pairs: the paper's for 0.5b; 256 for 1.5b
    temperature: float = 0.05  # the paper's
    both_ways: bool = False  # the paper's loss goes from queries to passages
    bf16: bool = True  # products; weights, norms, loss and optimizer stay float32
    teacher: str = ""  # what model.name may be: the vectors are drawn to this embedder's at first
    teacher_steps: int = 500  # in which the pull falls from _PULL to nothing
    budget: int = 16_384  # tokens computed at once: as many as the memory holds; it changes nothing but the time
    held_every: int = 50  # one pair in so many is held, where no held pairs are given
    held_limit: int = 500  # held pairs of a task


@dataclass(frozen=True, slots=True)
class ContrastiveCorpus:
    """What is learned from, and what it is measured on: files of pairs, or folders that give some."""

    pairs: Path
    held: Path | None = None


def train_contrastive(
    corpus: ContrastiveCorpus,
    build: EmbedderBuild,
    recipe: ContrastiveRecipe,
    plan: TrainingPlan,
    folders: TrainingFolders,
) -> None:
    """Train, watch, and write the embedder's folder. Raises ModelError."""
    work = folders.work
    work.mkdir(parents=True, exist_ok=True)
    pairs = PairFile(gather_pairs(corpus.pairs, work / "pairs.jsonl", plan.seed))
    taught, watched = pairs.split_held_out(recipe.held_every)
    held_pairs = pairs.read_rows(watched)
    if corpus.held is not None:
        taught = np.arange(len(pairs))
        others = PairFile(gather_pairs(corpus.held, work / "held.jsonl", plan.seed))
        held_pairs = others.read_rows(range(len(others)))
    trainer = ContrastiveObjective(build, recipe, pairs, taught, plan.seed)
    sets = held_out.make_held_out_sets(held_pairs, recipe.held_limit)
    lexical = held_out.measure_bm25(sets)
    log.info("%d pairs on %s; held, BM25: %s", len(taught), trainer.device, _said(lexical))
    determined = {**asdict(build), **asdict(replace(recipe, budget=0)), **plan.weight_settings()}
    determined |= {"pairs": len(taught), "digest": pairs.digest}
    determined |= {"teacher": trainer.teacher.fingerprint if trainer.teacher else ""}
    watch = lambda: held_out.measure_dense(sets, trainer.encode, trainer.model.dims)  # noqa: E731
    curve = run_training(trainer.model, plan, TrainingTask(trainer.backward, watch, determined), work)
    trainer.model.save(folders.out, {"recipe": determined, "bm25": lexical, "curve": curve})
    (work / "curve.json").write_text(json.dumps({"bm25": lexical, "curve": curve}, indent=1) + "\n", "utf-8")


def _said(measures: held_out.Measures) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in measures.items())


class ContrastiveObjective:
    """The model while it learns, and what a step teaches it."""

    def __init__(
        self, build: EmbedderBuild, recipe: ContrastiveRecipe, pairs: PairFile, taught: NDArray[np.int64], seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.device = _device()
        self.model = TextEncoder(build).to(self.device).train()
        self._recipe, self._pairs = recipe, pairs
        groups = [np.intersect1d(pairs.select_task(task), taught) for task in Task]
        self._batches = TaskBatches(groups, recipe.batch, seed)
        self._objective = LossConfig(self.model.dims, recipe.temperature, recipe.both_ways)
        self.teacher = (
            load_embedder(ModelSettings(name=recipe.teacher, dim=self.model.width)) if recipe.teacher else None
        )

    def backward(self, step: int) -> float:
        """Fills the gradients; the loss."""
        pairs = self._pairs.read_rows(self._batches.choose_rows(step))
        queries, passages = [pair.query for pair in pairs], [pair.passage for pair in pairs]
        task, same = pairs[0].task, find_equal_texts(queries, passages).to(self.device)
        texts = [find_prefix(task, Role.QUERY) + text for text in queries]
        texts += [find_prefix(task, Role.PASSAGE) + text for text in passages]
        drawn = self._drawn(step, pairs)

        def loss_of(vectors: Tensor) -> Tensor:
            return matryoshka_loss(vectors[: len(pairs)], vectors[len(pairs) :], self._objective, same) + drawn(vectors)

        return gradient_cache.backward_in_parts(self._vectors, self.model.tokenize(texts), loss_of, self._recipe.budget)

    def _drawn(self, step: int, pairs: Sequence[TaskPair]) -> Callable[[Tensor], Tensor | float]:
        """Vectors of all queries, then all passages → how far they are from the teacher's, times its pull by now."""
        left = 1 - step / self._recipe.teacher_steps
        if self.teacher is None or left <= 0:
            return lambda _: 0.0
        sides = ([pair.query for pair in pairs], Role.QUERY), ([pair.passage for pair in pairs], Role.PASSAGE)
        met = np.concatenate([self.teacher.embed(texts, pairs[0].task, role) for texts, role in sides])
        goal = torch.from_numpy(met).to(self.device)
        return lambda vectors: _PULL * left * (1 - functional.cosine_similarity(vectors, goal)).mean()

    def _vectors(self, ids: Sequence[Sequence[int]]) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._recipe.bf16):
            vectors: Tensor = self.model(ids)
        return vectors.float()

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Raw vectors (n, d) of texts that stand behind their instruction already."""
        self.model.eval()
        ids = self.model.tokenize(texts)
        vectors = np.zeros((len(ids), self.model.width), dtype=np.float32)
        for part in gradient_cache.split_by_length(ids, self._recipe.budget):
            vectors[part] = self._vectors([ids[row] for row in part]).cpu().numpy()
        self.model.train()
        return vectors


def _device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def gather_pairs(source: Path, kept: Path, seed: int) -> Path:
    """A file of pairs: `source` itself, or what a folder gives, which `kept` then holds.

    The folder is a source tree, or what `codekin train pairs` wrote. Raises ModelError where nothing is found.
    """
    if source.is_file():
        return source
    if not kept.exists():
        count = jsonl.write_task_pairs(_taught(_pairs_of(source, seed), Random(seed)), kept)  # noqa: S311 -- sampling
        log.info("%s: %d pairs", source, count)
    if not kept.stat().st_size:
        kept.unlink()
        raise ModelError(f"{source} gives no pairs. Name a file of pairs, or a folder with documented source code.")
    return kept


def _pairs_of(folder: Path, seed: int) -> Iterator[TextPair]:
    files = sorted(folder.glob("*.jsonl.gz"))
    for file in files:
        yield from read_pairs(file)
    if not files:
        yield from extract_package_pairs(folder, BlockList(None), seed)


def _taught(pairs: Iterator[TextPair], random: Random) -> Iterator[TaskPair]:
    """Each pair for one of the tasks that its kind teaches; what is plentiful is thinned."""
    for pair in pairs:
        if random.random() < SHARES.get(pair.kind, 1.0):
            task, turned = random.choice(TEACHES[pair.kind])
            query, passage = (pair.passage, pair.query) if turned else (pair.query, pair.passage)
            yield TaskPair(task, query, passage)
