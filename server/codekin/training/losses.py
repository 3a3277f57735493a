"""What training minimises: InfoNCE over in-batch negatives at every Matryoshka dimension. Pure functions of tensors."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_LARGE = 512  # pairs: the mean over more hides the rounding of single scores


@dataclass(frozen=True, slots=True)
class LossConfig:
    """What is asked of the vectors."""

    dims: tuple[int, ...]  # Matryoshka
    temperature: float = 0.05  # ≥ 0.015, or exp overflows float32
    both_ways: bool = True  # passages must find their queries, too; the paper asks queries alone


def info_nce_loss(queries: Tensor, passages: Tensor, objective: LossConfig, same: Tensor | None = None) -> Tensor:
    """The mean cross entropy of finding passage i for query i (and query i for passage i) among the batch.

    queries, passages: (n, d), unit rows. `same` (n, n), true where passage j is no wrong answer to query i (its text
    equals passage i's, or query j's text equals query i's): such a pair is no negative; the diagonal is ignored.
    Source: arXiv 2508.21290, section 4 (the printed sum is over all i, j; the diagonal is meant).
    """
    scaled = queries / objective.temperature
    positives = (scaled * passages).sum(dim=1)  # (n,)
    # Cosines are bounded: exp needs no shift by the maximum, and one matrix serves both directions.
    exponentials = _product(scaled, passages).exp()  # (n, n)
    if same is not None:
        exponentials = exponentials * (~same).fill_diagonal_(True)
    totals = exponentials.sum(dim=1).log()
    if objective.both_ways:
        totals = (totals + exponentials.sum(dim=0).log()) / 2
    return (totals - positives).mean()


def _product(queries: Tensor, passages: Tensor) -> Tensor:
    """queries @ passages.T, in bfloat16 where batches are large: four times as fast on processors that have it."""
    if len(queries) <= _LARGE:
        return queries @ passages.T
    return (queries.bfloat16() @ passages.bfloat16().T).float()


def matryoshka_loss(queries: Tensor, passages: Tensor, objective: LossConfig, same: Tensor | None = None) -> Tensor:
    """The mean of `info_nce` over the first d numbers of the raw rows, re-normalised, for each d of the objective.

    Source: Matryoshka representation learning, arXiv 2205.13147, with equal weights.
    """
    losses = [
        info_nce_loss(
            functional.normalize(queries[:, :dim], dim=1),
            functional.normalize(passages[:, :dim], dim=1),
            objective,
            same,
        )
        for dim in objective.dims
    ]
    return torch.stack(losses).mean()


def find_equal_texts(queries: list[str], passages: list[str]) -> Tensor:
    """(n, n), true where two pairs share a query or a passage, and so are no negatives of each other."""
    numbers: dict[tuple[int, str], int] = {}
    keys = [
        torch.tensor([numbers.setdefault((side, text), len(numbers)) for text in texts])
        for side, texts in enumerate((queries, passages))
    ]
    return (keys[0][:, None] == keys[0]) | (keys[1][:, None] == keys[1])
