"""From a text's token states to its one vector: the three ways that the paper compares.

Source: arXiv 2508.21290, section 5.2: last-token pooling was the best of them for a decoder. Latent attention is
NV-Embed's (arXiv 2405.17428, section 3.1).
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

PoolingName = Literal["last", "mean", "latent"]
POOLING_NAMES: tuple[PoolingName, ...] = get_args(PoolingName)


class LastTokenPooling(nn.Module):
    """The last token alone: with causal attention it is the only one that has seen the whole text."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (n, t, d), mask (n, t), 1 where there is a token, at whichever side the others are; (n, d)."""
        places = torch.arange(mask.shape[1], device=mask.device)
        last = (mask * (places + 1)).argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), last]


class MeanPooling(nn.Module):
    """The mean over all tokens, those of the instruction among them."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)


class LatentAttentionPooling(nn.Module):
    """Each token asks a learned dictionary of latents, what it is told goes through a small network, and their mean
    is the vector. It has weights of its own, which no other program knows to read.
    """

    def __init__(self, width: int, latents: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(latents, width) * width**-0.5)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mean = MeanPooling()

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        latents = self.latents.expand(len(states), -1, -1)
        states = states + self.attention(self.before(states), latents, latents, need_weights=False)[0]
        states = states + self.network(self.between(states))
        return self.mean(states, mask)


def make_pooling(way: PoolingName, width: int) -> nn.Module:
    """The way of that name, for states of `width` numbers."""
    if way == "latent":
        return LatentAttentionPooling(width)
    return LastTokenPooling() if way == "last" else MeanPooling()
