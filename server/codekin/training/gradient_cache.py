"""Compute the gradients of a loss over all vectors of a batch, with the memory that a part of the batch needs.

Source: Gao et al., Scaling deep contrastive learning batch size under memory limited setup (arXiv 2101.06983).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

TokenLists = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class PartSize:
    """The number of padded tokens that are computed at once, and the multiple to which lengths are padded."""

    token_budget: int
    length_multiple: int = 1


def backward_in_parts(
    model: Callable[[TokenLists], Tensor],
    token_lists: TokenLists,
    compute_loss: Callable[[Tensor], Tensor],
    part_size: PartSize,
    is_cached: bool = True,
) -> float:
    """Add the gradients of `compute_loss` (all vectors in order → a number) to the model's; return the loss.

    No more padded tokens than the budget are computed at once, except for a single text. If the batch has more, the
    vectors are computed twice: first without gradients, then part by part with the gradients that the loss has for
    them. Without `is_cached` they are computed once, and what the gradients need stays in memory for the whole batch.
    """
    parts = split_by_length(token_lists, part_size)
    seeds = torch.randint(2**62, (len(parts),)).tolist()  # dropout must drop the same in both passes
    with torch.set_grad_enabled(not is_cached or len(parts) == 1):
        part_vectors = [
            _encode_part(model, token_lists, text_indices, seed)
            for text_indices, seed in zip(parts, seeds, strict=True)
        ]
    row_order = torch.tensor(
        [text_index for text_indices in parts for text_index in text_indices], device=part_vectors[0].device
    )
    vectors = torch.cat(part_vectors)[row_order.argsort()]
    if vectors.requires_grad:
        loss = compute_loss(vectors)
        loss.backward()
        return loss.item()
    vectors.requires_grad_()
    loss = compute_loss(vectors)
    loss.backward()
    gradients: Any = vectors.grad
    for text_indices, seed in zip(parts, seeds, strict=True):
        (_encode_part(model, token_lists, text_indices, seed) * gradients[text_indices]).sum().backward()
    return loss.item()


def split_by_length(token_lists: TokenLists, part_size: PartSize) -> list[list[int]]:
    """Return texts' indices, longest first, in parts of at most the budget of padded tokens, or of a single text."""
    parts: list[list[int]] = []
    multiple = part_size.length_multiple
    for text_index in sorted(range(len(token_lists)), key=lambda text_index: -len(token_lists[text_index])):
        padded_length = -(-len(token_lists[parts[-1][0]]) // multiple) * multiple if parts else 0
        if parts and padded_length * (len(parts[-1]) + 1) <= part_size.token_budget:
            parts[-1].append(text_index)
        else:
            parts.append([text_index])
    return parts


def _encode_part(
    model: Callable[[TokenLists], Tensor], token_lists: TokenLists, text_indices: Sequence[int], seed: int
) -> Tensor:
    """Return the vectors of these texts, after seeding PyTorch with `seed`, so that dropout can be repeated."""
    torch.manual_seed(seed)
    return model([token_lists[text_index] for text_index in text_indices])
