"""Losses of training, as pure functions of tensors: InfoNCE over in-batch negatives, Matryoshka, kept cosines."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_MAX_EXACT_PAIRS = 512  # the mean over more pairs hides the rounding of single scores


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The dimensions, temperature and directions of the contrastive loss."""

    dims: tuple[int, ...]  # Matryoshka
    temperature: float = 0.05  # ≥ 0.015, or exp overflows float32
    both_ways: bool = True  # passages must find their queries, too; in the paper only queries search


def info_nce_loss(
    queries: Tensor, passages: Tensor, loss_config: LossConfig, equal_texts: Tensor | None = None
) -> Tensor:
    """Return the mean cross entropy of finding passage i for query i (with `both_ways` also query i) in the batch.

    queries: (n, d), passages: (m, d), m ≥ n, unit rows; passages from row n on are wrong answers, which no query has.
    `equal_texts` (n, m) is true where passage j is no wrong answer to query i (its text equals passage i's, or query
    j's equals query i's): such a pair is no negative; the diagonal is ignored.
    Source: arXiv 2508.21290, section 4 (the printed sum is over all i, j; the diagonal is meant).
    """
    scaled_queries = queries / loss_config.temperature
    pair_count = len(queries)
    positives = (scaled_queries * passages[:pair_count]).sum(dim=1)  # (n,)
    # Cosines are bounded: exp needs no shift by the maximum, and one matrix serves both directions.
    exponentials = _multiply_transposed(scaled_queries, passages).exp()  # (n, m)
    if equal_texts is not None:
        exponentials = exponentials * (~equal_texts).fill_diagonal_(True)
    log_totals = exponentials.sum(dim=1).log()
    if loss_config.both_ways:
        log_totals = (log_totals + exponentials[:, :pair_count].sum(dim=0).log()) / 2
    return (log_totals - positives).mean()


def _multiply_transposed(queries: Tensor, passages: Tensor) -> Tensor:
    """Return queries @ passages.T, float32; above 512 rows computed in bfloat16, up to four times as fast."""
    if len(queries) <= _MAX_EXACT_PAIRS:
        return queries @ passages.T
    return (queries.bfloat16() @ passages.bfloat16().T).float()


def matryoshka_loss(
    queries: Tensor, passages: Tensor, loss_config: LossConfig, equal_texts: Tensor | None = None
) -> Tensor:
    """Return the mean `info_nce_loss` over each dimension d: the first d numbers of the raw rows, normalized.

    Source: Matryoshka representation learning, arXiv 2205.13147, with equal weights.
    """
    losses = [
        info_nce_loss(
            functional.normalize(queries[:, :dimension], dim=1),
            functional.normalize(passages[:, :dimension], dim=1),
            loss_config,
            equal_texts,
        )
        for dimension in loss_config.dims
    ]
    return torch.stack(losses).mean()


def find_equal_texts(queries: list[str], passages: list[str], negatives: Sequence[str] = ()) -> Tensor:
    """Return a matrix (n, n + m), true where two pairs share a query or a passage; so on the diagonal, too.

    Its last m columns are of the `negatives`: true where one is a passage of a pair that shares query or passage.
    """
    text_numbers: dict[tuple[int, str], int] = {}
    text_keys = [
        torch.tensor([text_numbers.setdefault((side, text), len(text_numbers)) for text in texts])
        for side, texts in enumerate((queries, passages))
    ]
    equal_texts = (text_keys[0][:, None] == text_keys[0]) | (text_keys[1][:, None] == text_keys[1])
    negative_keys = torch.tensor([text_numbers.get((1, text), -1) for text in negatives], dtype=torch.long)
    answers = (equal_texts.float() @ (text_keys[1][:, None] == negative_keys).float()) > 0
    return torch.cat([equal_texts, answers], dim=1)


def similarity_loss(vectors: Tensor, reference_vectors: Tensor) -> Tensor:
    """Return the mean squared difference between the cosines of all pairs of rows and those of a reference.

    vectors, reference_vectors: (n, d) and (n, e), n ≥ 2, raw. Source: similarity-preserving distillation, as in
    arXiv 1907.09682.
    """
    cosines, reference_cosines = (
        rows @ rows.T for rows in (functional.normalize(vectors, dim=1), functional.normalize(reference_vectors, dim=1))
    )
    row_count = len(vectors)
    return (cosines - reference_cosines).square().sum() / (row_count * (row_count - 1))  # the diagonal differs by 0
