"""Pool a text's hidden states into one vector, in the three ways that the paper compares.

Source: arXiv 2508.21290, section 5.2: last-token pooling was the best of them for a decoder. Latent attention is
NV-Embed's (arXiv 2405.17428, section 3.1).
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

PoolingName = Literal["last", "mean", "latent"]
POOLING_NAMES: tuple[PoolingName, ...] = get_args(PoolingName)


class LastTokenPooling(nn.Module):
    """Takes each text's last token: with causal attention, only that one has seen the whole text."""

    def forward(self, hidden_states: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the state (n, d) of each text's last token, where the mask (n, t) is 1, of states (n, t, d)."""
        positions = torch.arange(attention_mask.shape[1], device=attention_mask.device)
        last_positions = (attention_mask * (positions + 1)).argmax(dim=1)
        return hidden_states[torch.arange(len(hidden_states), device=hidden_states.device), last_positions]


class MeanPooling(nn.Module):
    """Averages all tokens, including those of the instruction."""

    def forward(self, hidden_states: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the mean (n, d) of the states (n, t, d) where the mask (n, t) is 1; NaN where it never is."""
        token_weights = attention_mask.unsqueeze(-1).to(hidden_states.dtype)
        return (hidden_states * token_weights).sum(dim=1) / token_weights.sum(dim=1)


class LatentAttentionPooling(nn.Module):
    """Lets each token attend to learned latents, transforms the result by an MLP, and averages it.

    Its own weights can't be read by other programs.
    """

    def __init__(self, hidden_size: int, num_latents: int = 64, num_heads: int = 4) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(num_latents, hidden_size) * hidden_size**-0.5)
        self.before, self.between = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.attention = nn.MultiheadAttention(hidden_size, num_heads, batch_first=True)
        self.network = nn.Sequential(
            nn.Linear(hidden_size, 4 * hidden_size), nn.GELU(), nn.Linear(4 * hidden_size, hidden_size)
        )
        self.mean = MeanPooling()

    def forward(self, hidden_states: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the pooled states (n, d), not normalized, of states (n, t, d) by mask (n, t)."""
        latents = self.latents.expand(len(hidden_states), -1, -1)
        hidden_states = (
            hidden_states + self.attention(self.before(hidden_states), latents, latents, need_weights=False)[0]
        )
        hidden_states = hidden_states + self.network(self.between(hidden_states))
        return self.mean(hidden_states, attention_mask)


def make_pooling(pooling_name: PoolingName, hidden_size: int) -> nn.Module:
    """Return a new pooling module of that name for states of `hidden_size` numbers; only "latent" has weights."""
    if pooling_name == "latent":
        return LatentAttentionPooling(hidden_size)
    return LastTokenPooling() if pooling_name == "last" else MeanPooling()
