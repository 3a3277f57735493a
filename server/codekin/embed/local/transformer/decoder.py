"""Decoders, in which each token sees the tokens before it: Qwen2, Qwen3, Llama and Mistral.

They differ only in which tensors they have. Sources: Qwen2 (arXiv 2407.10671), Qwen3 (arXiv 2505.09388), Llama
(arXiv 2302.13971): RMS norm before each part, rotary positions, grouped-query attention, a gated MLP.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from codekin.embed.local.transformer.attention import compute_attention, make_causal_mask, make_padding_mask
from codekin.embed.local.transformer.linear import Linear
from codekin.embed.local.transformer.packing import EMPTY, KeysValues, PackedTokens, PrefixCache
from codekin.embed.local.transformer.rotary import RotaryTable, apply_rotary, make_rotary_table
from codekin.embed.local.transformer.weights import Weights
from codekin.errors import ModelError


@dataclass(frozen=True, slots=True)
class _DecoderLayer:
    """The weights of one decoder layer."""

    attention_norm: Tensor  # before attention
    qkv_proj: Linear  # query, key and value in one product
    query_norm: Tensor | None  # Qwen3's
    key_norm: Tensor | None
    out_proj: Linear
    mlp_norm: Tensor  # before the MLP
    gated_mlp: Linear


class Decoder:
    """Packed tokens → hidden states of the last layer, after the final norm."""

    def __init__(self, config: Mapping[str, Any], weights: Weights, max_tokens: int) -> None:
        """Load the weights. Raises ModelError for wrong ones, and for an architecture that codekin does not support."""
        _refuse_unknown(config, max_tokens)
        weights = weights.select_submodule("embed_tokens.weight")
        hidden_size = int(config["hidden_size"])
        self._num_heads = int(config["num_attention_heads"])
        self._num_key_value_heads = int(config.get("num_key_value_heads") or self._num_heads)
        self._head_dim = int(config.get("head_dim") or hidden_size // self._num_heads)
        self._epsilon = float(config["rms_norm_eps"])
        for projection, num_heads in (("q_proj", self._num_heads), ("k_proj", self._num_key_value_heads)):
            weights.require_shape(f"layers.0.self_attn.{projection}.weight", (num_heads * self._head_dim, hidden_size))
        self._embeddings = weights.load_tensor("embed_tokens.weight")
        self.vocab_size = len(self._embeddings)
        self._final_norm = weights.load_tensor("norm.weight")
        self._layers = [_load_layer(weights, f"layers.{index}") for index in range(int(config["num_hidden_layers"]))]
        cosines, sines = make_rotary_table(config, self._head_dim, max_tokens)
        self._cosines, self._sines = weights.cast_tensor(cosines)[:, None], weights.cast_tensor(sines)[:, None]

    def compute_states(self, packed: PackedTokens) -> Tensor:
        """Return the hidden states of the last layer, (t, hidden size), after the final norm."""
        hidden_states, _ = self._run_layers(packed, EMPTY, only_last=False)
        return self._apply_norm(hidden_states, self._final_norm)

    def compute_last_states(self, packed: PackedTokens, prefix: PrefixCache) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Return each text's last hidden state, (n, hidden size), and all tokens' keys and values by layer."""
        hidden_states, key_values = self._run_layers(packed, prefix, only_last=True)
        return self._apply_norm(hidden_states, self._final_norm), key_values

    def _run_layers(
        self, packed: PackedTokens, prefix: PrefixCache, *, only_last: bool
    ) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Return the hidden states before the final norm, of all tokens or each text's last, and keys and values."""
        hidden_states = self._embeddings[packed.input_ids]
        rotary = self._cosines[packed.position_ids], self._sines[packed.position_ids]
        causal_mask, key_values = make_causal_mask(packed, hidden_states.dtype), []
        for index, layer in enumerate(self._layers):
            attention_inputs = self._apply_norm(hidden_states, layer.attention_norm)
            query, key, value = self._project_heads(layer, attention_inputs, rotary, packed)
            if prefix.past_key_values:
                past_key, past_value = prefix.past_key_values[index]
                key, value = _prepend_past(past_key, key), _prepend_past(past_value, value)
            key_values.append((key, value))
            if only_last and index == len(self._layers) - 1:
                # After the last layer only the last tokens are read, and they see their whole text.
                query = _select_last_tokens(query, packed)
                padding_mask = make_padding_mask(packed, hidden_states.dtype)
                context = compute_attention(query, key, value, padding_mask).flatten(1)
                hidden_states = hidden_states[packed.last_rows]
            else:
                context = packed.to_packed(compute_attention(query, key, value, causal_mask))
            hidden_states = hidden_states + layer.out_proj(context)
            hidden_states += layer.gated_mlp(self._apply_norm(hidden_states, layer.mlp_norm))
        return hidden_states, tuple(key_values)

    def _project_heads(
        self, layer: _DecoderLayer, hidden_states: Tensor, rotary: RotaryTable, packed: PackedTokens
    ) -> Iterator[Tensor]:
        """Return an iterator of query and key, rotated, and value, each padded to (n, heads, longest, d)."""
        num_rotary_heads = self._num_heads + self._num_key_value_heads
        num_all_heads = num_rotary_heads + self._num_key_value_heads
        heads = layer.qkv_proj(hidden_states).view(len(hidden_states), num_all_heads, self._head_dim)
        rotary_heads, value = heads[:, :num_rotary_heads], heads[:, num_rotary_heads:]
        if layer.query_norm is not None and layer.key_norm is not None:
            query, key = rotary_heads[:, : self._num_heads], rotary_heads[:, self._num_heads :]
            normalized = self._apply_norm(query, layer.query_norm), self._apply_norm(key, layer.key_norm)
            rotary_heads = torch.cat(normalized, 1)
        rotary_heads = apply_rotary(rotary_heads, rotary)
        query, key = rotary_heads[:, : self._num_heads], rotary_heads[:, self._num_heads :]
        return map(packed.to_padded, (query, key, value))

    def _apply_norm(self, hidden_states: Tensor, weight: Tensor) -> Tensor:
        """Return the RMS norm of the states, multiplied by `weight`."""
        if hidden_states.is_cuda or hidden_states.dtype == torch.float32:
            return functional.rms_norm(hidden_states, weight.shape, weight, self._epsilon)
        # On a processor, torch's own takes twice the time for bfloat16.
        float_states = hidden_states.float()
        square_sums = torch.linalg.vector_norm(float_states, dim=-1, keepdim=True).square_()
        inverse_rms = (square_sums / float_states.shape[-1]).add_(self._epsilon).rsqrt_()
        return float_states.mul_(inverse_rms).mul_(weight).to(hidden_states.dtype)


def _prepend_past(past_states: Tensor, states: Tensor) -> Tensor:
    """Concatenate cached keys or values, (1, heads, past, d), with those of each text, (n, heads, t, d)."""
    return torch.cat([past_states.expand(len(states), -1, -1, -1), states], 2)


def _select_last_tokens(query: Tensor, packed: PackedTokens) -> Tensor:
    """Return the query of each text's last token: (n, heads, longest, d) → (n, heads, 1, d)."""
    last_positions = (packed.lengths - 1)[:, None, None, None]
    return query.gather(2, last_positions.expand(-1, query.shape[1], 1, query.shape[3]))


def _load_layer(weights: Weights, layer_name: str) -> _DecoderLayer:
    """Load a layer's weights by their names in the checkpoint. Raises ModelError."""
    attention_name = f"{layer_name}.self_attn"
    has_head_norms = f"{attention_name}.q_norm.weight" in weights
    return _DecoderLayer(
        weights.load_tensor(f"{layer_name}.input_layernorm.weight"),
        weights.make_linear(*(f"{attention_name}.{part}_proj" for part in "qkv")),
        weights.load_tensor(f"{attention_name}.q_norm.weight") if has_head_norms else None,
        weights.load_tensor(f"{attention_name}.k_norm.weight") if has_head_norms else None,
        weights.make_linear(f"{attention_name}.o_proj"),
        weights.load_tensor(f"{layer_name}.post_attention_layernorm.weight"),
        weights.make_mlp(*(f"{layer_name}.mlp.{part}_proj" for part in ("gate", "up", "down"))),
    )


def _refuse_unknown(config: Mapping[str, Any], max_tokens: int) -> None:
    """Raise ModelError for an activation or an attention window that codekin does not support."""
    sliding_window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    unknown = [f"the activation {config['hidden_act']}"] if config["hidden_act"] != "silu" else []
    unknown += [f"a window of {sliding_window} tokens"] if sliding_window and sliding_window < max_tokens else []
    if unknown:
        raise ModelError(f"The model has {' and '.join(unknown)}, which codekin does not know. Choose another model.")
