"""Decoders: each token sees those before it. Qwen2, Qwen3, Llama and Mistral differ in which tensors they have.

Sources: Qwen2 (arXiv 2407.10671), Qwen3 (arXiv 2505.09388), Llama (arXiv 2302.13971): RMS norm before each part, rotary
positions, key and value heads shared by several query heads, a gated feed-forward part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from codekin.embed.transformer.packing import Packed
from codekin.embed.transformer.weights import Linear, Weights
from codekin.errors import ModelError


@dataclass(frozen=True, slots=True)
class Known:
    """The keys and values of texts' common beginning, so that it is computed once."""

    ids: tuple[int, ...]
    layers: tuple[tuple[Tensor, Tensor], ...]  # of each layer, keys and values: (1, kv heads, len(ids), d)


NOTHING = Known((), ())


@dataclass(frozen=True, slots=True)
class _Layer:
    before_attention: Tensor
    query_key_value: Linear
    query_norm: Tensor | None  # Qwen3's
    key_norm: Tensor | None
    out: Linear
    before_feed: Tensor
    gate_up: Linear
    down: Linear


class Decoder:
    """Packed tokens → last states, before the final norm."""

    def __init__(self, config: Mapping[str, Any], weights: Weights, max_tokens: int) -> None:
        _refuse_unknown(config, max_tokens)
        weights = weights.below("embed_tokens.weight")
        self._heads = int(config["num_attention_heads"])
        self._shared = int(config.get("num_key_value_heads") or self._heads)
        self._size = int(config.get("head_dim") or config["hidden_size"] // self._heads)
        self._epsilon = float(config["rms_norm_eps"])
        self._embeddings = weights.tensor("embed_tokens.weight")
        self._norm = weights.tensor("norm.weight")
        self._layers = [_layer(weights, f"layers.{at}") for at in range(int(config["num_hidden_layers"]))]
        self._cos, self._sin = rotations(_theta(config), self._size, max_tokens, weights)

    def states(self, packed: Packed, known: Known) -> Tensor:
        """(t, width): the last layer's."""
        return self._run(packed, known)[0]

    def final(self, states: Tensor) -> Tensor:
        """The final norm; of the pooled tokens alone where only they are asked for."""
        return self._normed(states, self._norm)

    def known(self, packed: Packed, known: Known) -> Known:
        """What must be known of one text, packed alone, to go on behind it."""
        keys_values = self._run(packed, known)[1]
        return Known((*known.ids, *packed.ids.tolist()), keys_values)

    def _run(self, packed: Packed, known: Known) -> tuple[Tensor, tuple[tuple[Tensor, Tensor], ...]]:
        states = self._embeddings[packed.ids]
        turn = self._cos[packed.positions][:, None], self._sin[packed.positions][:, None]
        kept = []
        for at, layer in enumerate(self._layers):
            past = known.layers[at] if known.layers else None
            attended, keys_values = self._attend(
                layer, self._normed(states, layer.before_attention), turn, packed, past
            )
            kept.append(keys_values)
            states = states + layer.out(attended)
            gate, up = layer.gate_up(self._normed(states, layer.before_feed)).chunk(2, dim=1)
            states = states + layer.down(functional.silu(gate) * up)
        return states, tuple(kept)

    def _attend(
        self,
        layer: _Layer,
        states: Tensor,
        turn: tuple[Tensor, Tensor],
        packed: Packed,
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        both = self._heads + self._shared
        heads = layer.query_key_value(states).view(len(states), both + self._shared, self._size)
        query, key, value = heads[:, : self._heads], heads[:, self._heads : both], heads[:, both:]
        if layer.query_norm is not None and layer.key_norm is not None:
            query, key = self._normed(query, layer.query_norm), self._normed(key, layer.key_norm)
        query, key, value = (packed.side_by_side(part) for part in (rotated(query, turn), rotated(key, turn), value))
        if past is not None:
            key, value = (
                torch.cat([old.expand(len(new), -1, -1, -1), new], 2)
                for old, new in zip(past, (key, value), strict=True)
            )
        seen = None
        if packed.past:
            # What a text may see ends with itself, so that tokens beyond a shorter text's end are never seen.
            seen = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device).tril(packed.past)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, seen, is_causal=seen is None, enable_gqa=self._heads != self._shared
        )
        return packed.end_to_end(mixed), (key, value)

    def _normed(self, states: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(states, weight.shape, weight, self._epsilon)


def _layer(weights: Weights, name: str) -> _Layer:
    attention, feed = f"{name}.self_attn", f"{name}.mlp"
    has_norms = f"{attention}.q_norm.weight" in weights
    return _Layer(
        weights.tensor(f"{name}.input_layernorm.weight"),
        weights.linear(*(f"{attention}.{part}_proj" for part in "qkv")),
        weights.tensor(f"{attention}.q_norm.weight") if has_norms else None,
        weights.tensor(f"{attention}.k_norm.weight") if has_norms else None,
        weights.linear(f"{attention}.o_proj"),
        weights.tensor(f"{name}.post_attention_layernorm.weight"),
        weights.linear(f"{feed}.gate_proj", f"{feed}.up_proj"),
        weights.linear(f"{feed}.down_proj"),
    )


def rotations(theta: float, size: int, count: int, weights: Weights) -> tuple[Tensor, Tensor]:
    """Cosines and sines (count, size) of the angles by which positions turn halves of a head (arXiv 2104.09864)."""
    frequencies = theta ** -(torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.arange(count, dtype=torch.float32)[:, None] * frequencies.repeat(2)
    return angles.cos().to(weights.device, weights.dtype), angles.sin().to(weights.device, weights.dtype)


def rotated(heads: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """(t, heads, d), each head turned by its token's position."""
    cos, sin = turn
    first, second = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat([-second, first], dim=-1) * sin


def _theta(config: Mapping[str, Any]) -> float:
    told = config.get("rope_parameters") or {}
    return float(told.get("rope_theta") or config.get("rope_theta") or 10_000.0)


def _refuse_unknown(config: Mapping[str, Any], max_tokens: int) -> None:
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    unknown = [f"rotary positions of the kind {kind}"] if kind != "default" else []
    unknown += [f"the activation {config['hidden_act']}"] if config["hidden_act"] != "silu" else []
    unknown += [f"a window of {window} tokens"] if window and window < max_tokens else []
    if unknown:
        raise ModelError(f"The model has {' and '.join(unknown)}, which codekin does not know. Choose another model.")
