"""Rotary position embeddings: rotate queries and keys by position, so that their product depends on their distance.

Source: RoFormer, arXiv 2104.09864. The two halves of a head are rotated against each other, as in GPT-NeoX.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from codekin.errors import ModelError

RotaryTable = tuple[Tensor, Tensor]  # cosines and sines

_DEFAULT_ROPE_THETA = 10_000.0  # RoFormer's


def make_rotary_table(config: Mapping[str, Any], head_dim: int, max_positions: int) -> RotaryTable:
    """Return each position's cosines and signed sines, float32 (max_positions, head_dim). Raises ModelError if scaled.

    The sines of the first half are negative, as `apply_rotary` needs them. Scaled positions are not supported.
    """
    rope_parameters = config.get("rope_parameters") or {}
    rope_scaling = rope_parameters or config.get("rope_scaling") or {}
    rope_type = rope_scaling.get("rope_type") or rope_scaling.get("type") or "default"
    if rope_type != "default":
        raise ModelError(f"The model has rotary positions of the kind {rope_type}, which codekin does not know.")
    configured_thetas = rope_parameters.get("rope_theta"), config.get("rope_theta"), config.get("rotary_emb_base")
    rope_theta = float(next(filter(None, configured_thetas), _DEFAULT_ROPE_THETA))
    frequencies = rope_theta ** -(torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    angles = torch.arange(max_positions, dtype=torch.float32)[:, None] * frequencies
    return angles.cos().repeat(1, 2), torch.cat([-angles.sin(), angles.sin()], 1)


def apply_rotary(heads: Tensor, rotary: RotaryTable) -> Tensor:
    """Return heads (t, heads, d) rotated by their positions; `rotary` has each token's (t, 1, d) cosines and sines."""
    cosines, sines = rotary
    first_half, second_half = heads.chunk(2, dim=-1)
    return (heads * cosines).addcmul_(torch.cat([second_half, first_half], dim=-1), sines)
