"""Train an embedder from a language model: `codekin train contrastive`, the training of jina-code-embeddings.

Reads top to bottom: the recipe with its reasons, the corpus, the loss of a step, the measures, the run. Source: arXiv
2508.21290, section 4. What it does not specify (rate, optimizer, warm-up, weights) is chosen here.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.training import gradient_cache, held_out
from codekin.training.auxiliary_losses import AuxiliaryLoss, SentenceLoss, TeacherLoss
from codekin.training.backbone import SHAPE_MULTIPLE, EmbedderBuild, TextEncoder, load_trained_weights
from codekin.training.hard_negatives import mine_negatives
from codekin.training.jsonl import PairFile, TaskBatches
from codekin.training.losses import LossConfig, find_equal_texts, matryoshka_loss
from codekin.training.pair_sampling import gather_pairs
from codekin.training.train import load_benchmark_texts
from codekin.training.training_loop import TrainingFolders, TrainingPlan, TrainingTask, run_training
from codekin.training.weight_average import average_with_backbone
from codekin.types import Role, Task

logger = logging.getLogger(__name__)
_LONG_TEXT_INTERVAL = 4  # one batch in so many has texts of `max_tokens` where the others have short ones


@dataclass(frozen=True, slots=True)
class ContrastiveRecipe:
    """The settings that determine the trained model, besides the backbone and the pairs."""

    batch: int = 512  # pairs: the paper's for 0.5b; 256 for 1.5b
    temperature: float = 0.05  # the paper's
    both_ways: bool = False  # the paper's loss goes from queries to passages
    bf16: bool = True  # products; weights, norms, loss and optimizer stay float32
    teacher: str = ""  # any value of model.name: at first the vectors learn to be near this embedder's
    teacher_steps: int = 500  # in which the teacher's weight falls to nothing
    short_tokens: int = 0  # that three batches in four read of a text: long texts are slow, and a few of them suffice
    grouped: bool = False  # every second batch is of one language, if the pairs say which
    sentence_weight: float = 0.0  # of the loss that keeps sentences as similar as they are to the backbone
    start: str = ""  # folder of a model that was trained from the same backbone, to go on from
    budget: int = 16_384  # padded tokens per pass, limited by memory; the model does not depend on it
    cached: bool = True  # computes vectors twice, which saves memory; False needs it for the whole batch
    shares: tuple[float, ...] = ()  # of the trained weights beside the backbone's: the best on held pairs is exported
    held_every: int = 50  # one pair in so many is held out, if no held-out pairs are given
    held_limit: int = 500  # held-out pairs of a task


@dataclass(frozen=True, slots=True)
class ContrastiveCorpus:
    """The training pairs and the held-out pairs: files of pairs, or folders to extract them from."""

    pairs: Path
    held: Path | None = None
    limit: int = 0  # pairs to draw from the folder of pairs; 0: all, but for plentiful kinds
    benchmarks: Path | None = None  # folder of retrieval sets; what holds a text of theirs is not extracted
    miner: str = ""  # any value of model.name: chooses a hard negative for each pair; "": there are none

    def open_training_pairs(self, work_folder: Path, seed: int) -> PairFile:
        """Gather pairs and mine negatives into `work_folder` unless it has them; open the file. Raises ModelError."""
        benchmark_texts = load_benchmark_texts(self.benchmarks)
        pairs_path = gather_pairs(self.pairs, work_folder / "pairs.jsonl", seed, benchmark_texts, self.limit)
        if self.miner:
            pairs_path = mine_negatives(pairs_path, work_folder, self.miner)
        return PairFile(pairs_path)


def train_contrastive(
    corpus: ContrastiveCorpus,
    build: EmbedderBuild,
    recipe: ContrastiveRecipe,
    plan: TrainingPlan,
    folders: TrainingFolders,
) -> None:
    """Train and measure the embedder, resuming from `folders.work`, and write its folder. Raises ModelError.

    Writes `curve.json` and, for folders of sources, the pairs to the work folder, too.
    """
    work_folder = folders.work
    work_folder.mkdir(parents=True, exist_ok=True)
    pair_file = corpus.open_training_pairs(work_folder, plan.seed)
    training_rows, held_out_rows = pair_file.split_held_out(recipe.held_every)
    held_out_pairs = pair_file.read_rows(held_out_rows)
    if corpus.held is not None:
        training_rows = np.arange(len(pair_file))
        held_out_file = PairFile(gather_pairs(corpus.held, work_folder / "held.jsonl", plan.seed))
        held_out_pairs = held_out_file.read_rows(range(len(held_out_file)))
    objective = ContrastiveObjective(build, recipe, pair_file, training_rows, plan.seed)
    held_out_sets = held_out.make_held_out_sets(held_out_pairs, recipe.held_limit)
    bm25_measures = held_out.measure_bm25(held_out_sets)
    logger.info("%d pairs on %s; held, BM25: %s", len(training_rows), objective.device, _format_measures(bm25_measures))
    identity = {**asdict(build), **asdict(replace(recipe, budget=0, cached=True, shares=())), **plan.weight_settings()}
    identity |= {"pairs": len(training_rows), "digest": pair_file.digest}
    identity |= {"teacher": objective.teacher.fingerprint if objective.teacher else "", "start": objective.start_digest}
    measure_model = partial(
        held_out.measure_dense, held_out_sets, objective.encode, objective.model.dims, build.prefixes
    )
    measure_curve = run_training(
        objective.model, plan, TrainingTask(objective.backward, measure_model, identity), work_folder
    )
    measures: dict[str, Any] = {"bm25": bm25_measures, "curve": measure_curve}
    if recipe.shares:
        measures["shares"] = average_with_backbone(objective.model, recipe.shares, measure_model)
    objective.model.save(folders.out, {"recipe": identity, **measures})
    (work_folder / "curve.json").write_text(json.dumps(measures, indent=1) + "\n", "utf-8")


def _format_measures(measures: held_out.Measures) -> str:
    """Return the measures on one line, with three decimals."""
    return " ".join(f"{measure_name} {value:.3f}" for measure_name, value in measures.items())


class ContrastiveObjective:
    """The embedder in training, and the loss of each step."""

    def __init__(
        self,
        build: EmbedderBuild,
        recipe: ContrastiveRecipe,
        pair_file: PairFile,
        training_rows: NDArray[np.int64],
        seed: int,
    ) -> None:
        """Seed PyTorch, load the backbone and any teacher. Raises ModelError, also where no task fills a batch."""
        torch.manual_seed(seed)
        self.device = _choose_device()
        self.model = TextEncoder(build).to(self.device).train()
        self._recipe, self._pair_file, self._prefixes = recipe, pair_file, build.prefixes
        rows_by_task = [np.intersect1d(pair_file.select_task(task), training_rows) for task in Task]
        self.start_digest = load_trained_weights(self.model, recipe.start) if recipe.start else ""
        group_numbers = pair_file.group_numbers if recipe.grouped else None
        self._batches = TaskBatches(rows_by_task, recipe.batch, seed, group_numbers)
        self._part_size = gradient_cache.PartSize(recipe.budget, SHAPE_MULTIPLE)
        self._loss_config = LossConfig(self.model.dims, recipe.temperature, recipe.both_ways)
        self.teacher = (
            load_embedder(ModelSettings(name=recipe.teacher, dim=self.model.hidden_size)) if recipe.teacher else None
        )
        self._auxiliary_losses = self._make_auxiliary_losses(build)

    def _make_auxiliary_losses(self, build: EmbedderBuild) -> list[AuxiliaryLoss]:
        """Return the losses beside the contrastive one that the recipe asks for."""
        losses: list[AuxiliaryLoss] = []
        if self.teacher:
            losses.append(TeacherLoss(self.teacher, self._recipe.teacher_steps))
        if self._recipe.sentence_weight:
            original = TextEncoder(build).to(self.device).eval()
            losses.append(SentenceLoss(partial(self._encode_without_gradients, original), self._recipe.sentence_weight))
        return losses

    def backward(self, step: int) -> float:
        """Add the gradients of a step's batch (of one task) to the model's; return the loss."""
        pairs = self._pair_file.read_rows(self._batches.choose_rows(step))
        queries, passages = [pair.query for pair in pairs], [pair.passage for pair in pairs]
        negatives = [pair.negative for pair in pairs if pair.negative]
        task, equal_texts = pairs[0].task, find_equal_texts(queries, passages, negatives).to(self.device)
        texts = [self._prefixes[task, Role.QUERY] + text for text in queries]
        texts += [self._prefixes[task, Role.PASSAGE] + text for text in passages + negatives]
        auxiliary_losses = [auxiliary_loss.prepare(step, pairs) for auxiliary_loss in self._auxiliary_losses]

        def compute_loss(vectors: Tensor) -> Tensor:
            """Return the loss of the batch's vectors: queries, passages, hard negatives."""
            queries, passages = vectors[: len(pairs)], vectors[len(pairs) :]
            loss = matryoshka_loss(queries, passages, self._loss_config, equal_texts)
            pair_vectors = vectors[: 2 * len(pairs)]
            return sum((compute_auxiliary(pair_vectors) for compute_auxiliary in auxiliary_losses), loss)

        max_tokens = 0 if step % _LONG_TEXT_INTERVAL == 0 else self._recipe.short_tokens
        token_lists = self.model.tokenize(texts, max_tokens)
        return gradient_cache.backward_in_parts(
            self._encode_tokens, token_lists, compute_loss, self._part_size, self._recipe.cached
        )

    def _encode_tokens(self, token_lists: Sequence[Sequence[int]], encoder: TextEncoder | None = None) -> Tensor:
        """Return the raw vectors of the model, or of `encoder`, float32; computed in bfloat16 if the recipe says so."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._recipe.bf16):
            vectors: Tensor = (encoder or self.model)(token_lists)
        return vectors.float()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return raw vectors (n, d), float32, of texts that begin with their instruction; no gradients."""
        self.model.eval()
        vectors = self._encode_without_gradients(self.model, texts).cpu().numpy()
        self.model.train()
        return np.asarray(vectors, dtype=np.float32)

    @torch.no_grad()
    def _encode_without_gradients(self, encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
        """Return the raw vectors (n, d), float32, of the texts as they stand."""
        token_lists = encoder.tokenize(texts)
        vectors = torch.zeros(len(token_lists), encoder.hidden_size, device=self.device)
        for text_indices in gradient_cache.split_by_length(token_lists, self._part_size):
            vectors[text_indices] = self._encode_tokens([token_lists[index] for index in text_indices], encoder)
        return vectors


def _choose_device() -> torch.device:
    """Return CUDA, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
