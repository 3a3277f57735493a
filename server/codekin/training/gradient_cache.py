"""Gradients of a loss over all vectors of a batch, in the memory of a part of it.

Source: Gao et al., Scaling deep contrastive learning batch size under memory limited setup (arXiv 2101.06983).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Ids = Sequence[Sequence[int]]


def backward_in_parts(
    model: Callable[[Ids], Tensor], ids: Ids, loss_of: Callable[[Tensor], Tensor], budget: int
) -> float:
    """Adds the gradients of `loss_of` (all vectors in the order of `ids` → a number) to the model's; the loss.

    No more than `budget` padded tokens are computed at once. Where they are not enough for all, the vectors are made
    twice: first without memory of how, and again part by part, once the loss has said where each ought to go.
    """
    parts = split_by_length(ids, budget)
    if len(parts) == 1:
        loss = loss_of(model(ids))
        loss.backward()
        return loss.item()
    seeds = torch.randint(2**62, (len(parts),)).tolist()  # the second time, dropout must drop the same
    with torch.no_grad():
        made = [_seeded(model, ids, part, seed) for part, seed in zip(parts, seeds, strict=True)]
    order = torch.tensor([row for part in parts for row in part], device=made[0].device)
    vectors = torch.cat(made)[order.argsort()].requires_grad_()
    loss = loss_of(vectors)
    loss.backward()
    wanted: Any = vectors.grad
    for part, seed in zip(parts, seeds, strict=True):
        (_seeded(model, ids, part, seed) * wanted[part]).sum().backward()
    return loss.item()


def split_by_length(ids: Ids, budget: int) -> list[list[int]]:
    """The texts' numbers in parts of like length: each, padded, of at most `budget` tokens, and at least one text."""
    parts: list[list[int]] = []
    for row in sorted(range(len(ids)), key=lambda row: -len(ids[row])):
        if parts and len(ids[parts[-1][0]]) * (len(parts[-1]) + 1) <= budget:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def _seeded(model: Callable[[Ids], Tensor], ids: Ids, part: Sequence[int], seed: int) -> Tensor:
    torch.manual_seed(seed)
    return model([ids[row] for row in part])
