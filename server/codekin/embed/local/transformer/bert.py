"""Encoders: each token sees all of its text. BERT, and Nomic BERT with rotary positions and a gated feed-forward part.

Sources: BERT (arXiv 1810.04805), Nomic Embed (arXiv 2402.01613).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

from codekin.embed.local.transformer.attention import attend, make_padding_mask
from codekin.embed.local.transformer.linear import Linear
from codekin.embed.local.transformer.packing import PackedTokens
from codekin.embed.local.transformer.rotary import apply_rotary, make_rotary_table
from codekin.embed.local.transformer.weights import Norm, Weights
from codekin.errors import ModelError

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
}


@dataclass(frozen=True, slots=True)
class _Layer:
    query_key_value: Linear
    out: Linear
    after_attention: Norm
    up: Linear  # gated: what is let through beside the gate
    down: Linear
    after_feed: Norm


class Bert:
    """Packed tokens → last states."""

    def __init__(self, config: Mapping[str, Any], weights: Weights, max_tokens: int) -> None:
        """Raises ModelError for kinds that codekin does not know."""
        weights = weights.submodule("embeddings.word_embeddings.weight")
        self._is_nomic = config["model_type"] == "nomic_bert"
        self._heads = int(config.get("num_attention_heads") or config["n_head"])
        self._words = weights.tensor("embeddings.word_embeddings.weight")
        self.words = len(self._words)  # whose numbers it knows
        self._kind = weights.tensor("embeddings.token_type_embeddings.weight")[0]
        epsilon = float(config.get("layer_norm_eps") or config.get("layer_norm_epsilon") or 1e-12)
        count = int(config.get("num_hidden_layers") or config["n_layer"])
        if self._is_nomic:
            _refuse_unknown_nomic(config)
            size = self._words.shape[1] // self._heads
            self._positions = [weights.cast(turns)[:, None] for turns in make_rotary_table(config, size, max_tokens)]
            self._norm = weights.make_norm("emb_ln", epsilon)
            self._layers = [_nomic_layer(weights, f"encoder.layers.{at}", epsilon) for at in range(count)]
        else:
            self._activation = _activation(config)
            self._positions = [weights.tensor("embeddings.position_embeddings.weight")]
            self._norm = weights.make_norm("embeddings.LayerNorm", epsilon)
            self._layers = [_bert_layer(weights, f"encoder.layer.{at}", epsilon) for at in range(count)]

    def compute_states(self, packed: PackedTokens) -> Tensor:
        """(t, width): the last layer's."""
        states = self._words[packed.ids] + self._kind
        positions = [table[packed.positions] for table in self._positions]
        if not self._is_nomic:
            states += positions[0]
        states = self._norm(states)
        unseen = make_padding_mask(packed, states.dtype)
        for layer in self._layers:
            query, key, value = layer.query_key_value(states).view(len(states), 3, self._heads, -1).unbind(1)
            if self._is_nomic:
                turns = (positions[0], positions[1])
                query, key = apply_rotary(query, turns), apply_rotary(key, turns)
            query, key, value = (packed.side_by_side(part) for part in (query, key, value))
            mixed = packed.end_to_end(attend(query, key, value, unseen))
            states = layer.after_attention(states + layer.out(mixed))
            states = layer.after_feed(states + layer.down(self._fed(layer.up(states))))
        return states

    def _fed(self, wide: Tensor) -> Tensor:
        if not self._is_nomic:
            return self._activation(wide)
        up, gate = wide.chunk(2, dim=1)
        return functional.silu(gate) * up


def _bert_layer(weights: Weights, name: str, epsilon: float) -> _Layer:
    return _Layer(
        weights.make_linear(*(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))),
        weights.make_linear(f"{name}.attention.output.dense"),
        weights.make_norm(f"{name}.attention.output.LayerNorm", epsilon),
        weights.make_linear(f"{name}.intermediate.dense"),
        weights.make_linear(f"{name}.output.dense"),
        weights.make_norm(f"{name}.output.LayerNorm", epsilon),
    )


def _nomic_layer(weights: Weights, name: str, epsilon: float) -> _Layer:
    return _Layer(
        weights.make_linear(f"{name}.attn.Wqkv"),
        weights.make_linear(f"{name}.attn.out_proj"),
        weights.make_norm(f"{name}.norm1", epsilon),
        weights.make_linear(f"{name}.mlp.fc11", f"{name}.mlp.fc12"),
        weights.make_linear(f"{name}.mlp.fc2"),
        weights.make_norm(f"{name}.norm2", epsilon),
    )


def _activation(config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    name, positions = config["hidden_act"], config.get("position_embedding_type", "absolute")
    if name not in _ACTIVATIONS or positions != "absolute":
        raise ModelError(f"The model has {name} and {positions} positions, which codekin does not know.")
    return _ACTIVATIONS[name]


def _refuse_unknown_nomic(config: Mapping[str, Any]) -> None:
    usual = {
        "prenorm": False,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_scaling_factor": None,
    }
    unusual = [f"{key} {config[key]}" for key, value in usual.items() if config.get(key, value) != value]
    if unusual or config.get("activation_function", "swiglu") != "swiglu" or config.get("hidden_act", "silu") != "silu":
        raise ModelError(f"The model is a Nomic BERT of a kind that codekin does not know ({', '.join(unusual)}).")
