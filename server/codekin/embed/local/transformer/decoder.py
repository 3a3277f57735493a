"""Decoders: each token sees those before it. Qwen2, Qwen3, Llama and Mistral differ in which tensors they have.

Sources: Qwen2 (arXiv 2407.10671), Qwen3 (arXiv 2505.09388), Llama (arXiv 2302.13971): RMS norm before each part, rotary
positions, key and value heads shared by several query heads, a gated feed-forward part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from codekin.embed.local.transformer.attention import attend, make_causal_mask, make_padding_mask
from codekin.embed.local.transformer.linear import Linear
from codekin.embed.local.transformer.packing import EMPTY, KeysValues, PackedTokens, PrefixCache
from codekin.embed.local.transformer.rotary import RotaryTable, apply_rotary, make_rotary_table
from codekin.embed.local.transformer.weights import Weights
from codekin.errors import ModelError


@dataclass(frozen=True, slots=True)
class _Layer:
    before_attention: Tensor
    query_key_value: Linear
    query_norm: Tensor | None  # Qwen3's
    key_norm: Tensor | None
    out: Linear
    before_feed: Tensor
    feed: Linear


class Decoder:
    """Packed tokens → last states, before the final norm."""

    def __init__(self, config: Mapping[str, Any], weights: Weights, max_tokens: int) -> None:
        _refuse_unknown(config, max_tokens)
        weights = weights.submodule("embed_tokens.weight")
        self._heads = int(config["num_attention_heads"])
        self._shared = int(config.get("num_key_value_heads") or self._heads)
        self._size = int(config.get("head_dim") or config["hidden_size"] // self._heads)
        self._epsilon = float(config["rms_norm_eps"])
        weights.require("layers.0.self_attn.q_proj.weight", (self._heads * self._size, int(config["hidden_size"])))
        weights.require("layers.0.self_attn.k_proj.weight", (self._shared * self._size, int(config["hidden_size"])))
        self._embeddings = weights.tensor("embed_tokens.weight")
        self.words = len(self._embeddings)  # whose numbers it knows
        self._norm = weights.tensor("norm.weight")
        self._layers = [_layer(weights, f"layers.{at}") for at in range(int(config["num_hidden_layers"]))]
        cos, sin = make_rotary_table(config, self._size, max_tokens)
        self._cos, self._sin = weights.cast(cos)[:, None], weights.cast(sin)[:, None]

    def compute_states(self, packed: PackedTokens) -> Tensor:
        """(t, width): the last layer's."""
        states, _ = self._run(packed, EMPTY, last=False)
        return self._normed(states, self._norm)

    def compute_last_states(self, packed: PackedTokens, known: PrefixCache) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """(n, width): the last layer's of each text's last token; and the keys and values of all tokens."""
        states, layers = self._run(packed, known, last=True)
        return self._normed(states, self._norm), layers

    def _run(self, packed: PackedTokens, known: PrefixCache, *, last: bool) -> tuple[Tensor, tuple[KeysValues, ...]]:
        states = self._embeddings[packed.ids]
        turns = self._cos[packed.positions], self._sin[packed.positions]
        unseen, kept = make_causal_mask(packed, states.dtype), []
        for at, layer in enumerate(self._layers):
            query, *new = self._heads_of(layer, self._normed(states, layer.before_attention), turns, packed)
            if known.layers:
                new = [
                    torch.cat([old.expand(len(one), -1, -1, -1), one], 2)
                    for old, one in zip(known.layers[at], new, strict=True)
                ]
            key, value = new
            kept.append((key, value))
            if last and at == len(self._layers) - 1:
                # Of the last layer only the last tokens are asked for, and they see all of their text.
                query = query.gather(
                    2, (packed.lengths - 1)[:, None, None, None].expand(-1, query.shape[1], 1, query.shape[3])
                )
                mixed = attend(query, key, value, make_padding_mask(packed, states.dtype)).flatten(1)
                states = states[packed.ends]
            else:
                mixed = packed.end_to_end(attend(query, key, value, unseen))
            states = states + layer.out(mixed)
            states += layer.feed(self._normed(states, layer.before_feed))
        return states, tuple(kept)

    def _heads_of(self, layer: _Layer, states: Tensor, turns: RotaryTable, packed: PackedTokens) -> Iterator[Tensor]:
        """Query, key and value, side by side."""
        both = self._heads + self._shared
        heads = layer.query_key_value(states).view(len(states), both + self._shared, self._size)
        turned, value = heads[:, :both], heads[:, both:]
        if layer.query_norm is not None and layer.key_norm is not None:
            query, key = turned[:, : self._heads], turned[:, self._heads :]
            turned = torch.cat([self._normed(query, layer.query_norm), self._normed(key, layer.key_norm)], 1)
        turned = apply_rotary(turned, turns)
        return map(packed.side_by_side, (turned[:, : self._heads], turned[:, self._heads :], value))

    def _normed(self, states: Tensor, weight: Tensor) -> Tensor:
        if states.is_cuda or states.dtype == torch.float32:
            return functional.rms_norm(states, weight.shape, weight, self._epsilon)
        # On a processor torch's own takes twice the time.
        wide = states.float()
        squares = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_()
        return wide.mul_((squares / wide.shape[-1]).add_(self._epsilon).rsqrt_()).mul_(weight).to(states.dtype)


def _layer(weights: Weights, name: str) -> _Layer:
    attention = f"{name}.self_attn"
    has_norms = f"{attention}.q_norm.weight" in weights
    return _Layer(
        weights.tensor(f"{name}.input_layernorm.weight"),
        weights.make_linear(*(f"{attention}.{part}_proj" for part in "qkv")),
        weights.tensor(f"{attention}.q_norm.weight") if has_norms else None,
        weights.tensor(f"{attention}.k_norm.weight") if has_norms else None,
        weights.make_linear(f"{attention}.o_proj"),
        weights.tensor(f"{name}.post_attention_layernorm.weight"),
        weights.make_mlp(*(f"{name}.mlp.{part}_proj" for part in ("gate", "up", "down"))),
    )


def _refuse_unknown(config: Mapping[str, Any], max_tokens: int) -> None:
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    unknown = [f"the activation {config['hidden_act']}"] if config["hidden_act"] != "silu" else []
    unknown += [f"a window of {window} tokens"] if window and window < max_tokens else []
    if unknown:
        raise ModelError(f"The model has {' and '.join(unknown)}, which codekin does not know. Choose another model.")
