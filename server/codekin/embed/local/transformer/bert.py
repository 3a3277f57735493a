"""Encoders, in which each token sees its whole text: BERT, and Nomic BERT with rotary positions and a gated MLP.

Sources: BERT (arXiv 1810.04805), Nomic Embed (arXiv 2402.01613).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

from codekin.embed.local.transformer.attention import compute_attention, make_padding_mask
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
class _BertLayer:
    """The weights of one encoder layer."""

    qkv_proj: Linear  # query, key and value in one product
    out_proj: Linear
    attention_norm: Norm  # after attention and its residual
    up_proj: Linear  # Nomic's writes the up states, then the gate
    down_proj: Linear
    output_norm: Norm  # after the MLP and its residual


class Bert:
    """Packed tokens → hidden states of the last layer."""

    def __init__(self, config: Mapping[str, Any], weights: Weights, max_tokens: int) -> None:
        """Load the layers. Raises ModelError for kinds that codekin does not support, and for missing tensors."""
        weights = weights.select_submodule("embeddings.word_embeddings.weight")
        self._is_nomic = config["model_type"] == "nomic_bert"
        self._num_heads = int(config.get("num_attention_heads") or config["n_head"])
        self._word_embeddings = weights.load_tensor("embeddings.word_embeddings.weight")
        self.vocab_size = len(self._word_embeddings)
        self._token_type_embedding = weights.load_tensor("embeddings.token_type_embeddings.weight")[0]
        epsilon = float(config.get("layer_norm_eps") or config.get("layer_norm_epsilon") or 1e-12)
        layer_indices = range(int(config.get("num_hidden_layers") or config["n_layer"]))
        if self._is_nomic:
            _refuse_unknown_nomic(config)
            head_dim = self._word_embeddings.shape[1] // self._num_heads
            rotary = make_rotary_table(config, head_dim, max_tokens)
            self._position_tables = [weights.cast_tensor(table)[:, None] for table in rotary]
            self._embedding_norm = weights.make_norm("emb_ln", epsilon)
            self._layers = [_load_nomic_layer(weights, f"encoder.layers.{index}", epsilon) for index in layer_indices]
        else:
            self._activation = _choose_activation(config)
            self._position_tables = [weights.load_tensor("embeddings.position_embeddings.weight")]
            self._embedding_norm = weights.make_norm("embeddings.LayerNorm", epsilon)
            self._layers = [_load_bert_layer(weights, f"encoder.layer.{index}", epsilon) for index in layer_indices]

    def compute_states(self, packed: PackedTokens) -> Tensor:
        """Return the hidden states of the last layer, (t, hidden size)."""
        hidden_states = self._word_embeddings[packed.input_ids] + self._token_type_embedding
        positions = [table[packed.position_ids] for table in self._position_tables]
        if not self._is_nomic:
            hidden_states += positions[0]
        hidden_states = self._embedding_norm(hidden_states)
        attention_mask = make_padding_mask(packed, hidden_states.dtype)
        for layer in self._layers:
            heads = layer.qkv_proj(hidden_states).view(len(hidden_states), 3, self._num_heads, -1)
            query, key, value = heads.unbind(1)
            if self._is_nomic:
                rotary = (positions[0], positions[1])
                query, key = apply_rotary(query, rotary), apply_rotary(key, rotary)
            query, key, value = (packed.to_padded(heads) for heads in (query, key, value))
            context = packed.to_packed(compute_attention(query, key, value, attention_mask))
            hidden_states = layer.attention_norm(hidden_states + layer.out_proj(context))
            intermediate = self._activate(layer.up_proj(hidden_states))
            hidden_states = layer.output_norm(hidden_states + layer.down_proj(intermediate))
        return hidden_states

    def _activate(self, intermediate: Tensor) -> Tensor:
        """Apply the MLP's activation; Nomic's is gated: half of the columns multiply the other half."""
        if not self._is_nomic:
            return self._activation(intermediate)
        up_states, gate_states = intermediate.chunk(2, dim=1)
        return functional.silu(gate_states) * up_states


def _load_bert_layer(weights: Weights, layer_name: str, epsilon: float) -> _BertLayer:
    """Load a BERT layer's weights by their names in the checkpoint. Raises ModelError."""
    return _BertLayer(
        weights.make_linear(*(f"{layer_name}.attention.self.{part}" for part in ("query", "key", "value"))),
        weights.make_linear(f"{layer_name}.attention.output.dense"),
        weights.make_norm(f"{layer_name}.attention.output.LayerNorm", epsilon),
        weights.make_linear(f"{layer_name}.intermediate.dense"),
        weights.make_linear(f"{layer_name}.output.dense"),
        weights.make_norm(f"{layer_name}.output.LayerNorm", epsilon),
    )


def _load_nomic_layer(weights: Weights, layer_name: str, epsilon: float) -> _BertLayer:
    """Load a Nomic BERT layer's weights by their names in the checkpoint. Raises ModelError."""
    return _BertLayer(
        weights.make_linear(f"{layer_name}.attn.Wqkv"),
        weights.make_linear(f"{layer_name}.attn.out_proj"),
        weights.make_norm(f"{layer_name}.norm1", epsilon),
        weights.make_linear(f"{layer_name}.mlp.fc11", f"{layer_name}.mlp.fc12"),
        weights.make_linear(f"{layer_name}.mlp.fc2"),
        weights.make_norm(f"{layer_name}.norm2", epsilon),
    )


def _choose_activation(config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    """Return the MLP's activation. Raises ModelError where codekin does not support it, or the position embeddings."""
    activation, position_type = config["hidden_act"], config.get("position_embedding_type", "absolute")
    if activation not in _ACTIVATIONS or position_type != "absolute":
        raise ModelError(f"The model has {activation} and {position_type} positions, which codekin does not know.")
    return _ACTIVATIONS[activation]


def _refuse_unknown_nomic(config: Mapping[str, Any]) -> None:
    """Raise ModelError for options of Nomic BERT that codekin does not support."""
    supported = {
        "prenorm": False,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_scaling_factor": None,
    }
    unknown = [
        f"{option} {config[option]}" for option, value in supported.items() if config.get(option, value) != value
    ]
    is_swiglu = config.get("activation_function", "swiglu") == "swiglu" and config.get("hidden_act", "silu") == "silu"
    if unknown or not is_swiglu:
        raise ModelError(f"The model is a Nomic BERT of a kind that codekin does not know ({', '.join(unknown)}).")
