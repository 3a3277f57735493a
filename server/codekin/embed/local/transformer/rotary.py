"""Rotary positions: a token's place turns its queries and keys, so that their product tells how far apart they are.

Source: RoFormer, arXiv 2104.09864; halves of a head are turned against each other, as GPT-NeoX does.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from codekin.errors import ModelError

RotaryTable = tuple[Tensor, Tensor]


def make_rotary_table(config: Mapping[str, Any], size: int, count: int) -> RotaryTable:
    """Cosines and sines, float32 (count, size), of the angles for each position. Raises ModelError for other kinds.

    The sines of the first half are negative, as `rotated` wants them.
    """
    told = config.get("rope_parameters") or {}
    scaling = told or config.get("rope_scaling") or {}
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    if kind != "default":
        raise ModelError(f"The model has rotary positions of the kind {kind}, which codekin does not know.")
    theta = float(told.get("rope_theta") or config.get("rope_theta") or config.get("rotary_emb_base") or 10_000.0)
    frequencies = theta ** -(torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.arange(count, dtype=torch.float32)[:, None] * frequencies
    return angles.cos().repeat(1, 2), torch.cat([-angles.sin(), angles.sin()], 1)


def apply_rotary(heads: Tensor, turns: RotaryTable) -> Tensor:
    """(t, heads, d), each head turned; `turns` are (t, 1, d), of each token's position."""
    cos, sin = turns
    first, second = heads.chunk(2, dim=-1)
    return (heads * cos).addcmul_(torch.cat([second, first], dim=-1), sin)
