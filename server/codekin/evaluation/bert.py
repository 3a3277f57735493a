"""Sentence encoders of BERT's architecture in numpy: the well-known models that ours are measured against.

Sources: Devlin et al., BERT (arXiv 1810.04805), section 3; Reimers and Gurevych, Sentence-BERT (arXiv 1908.10084): a
text's vector is the mean of its tokens' last states. Only measured with, never served: simple rather than fast.
"""

import hashlib
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from codekin.embed.tasks import PREFIXES
from codekin.errors import ModelError

Array = NDArray[np.float32]

_BATCH_TOKENS = 4096  # padded; more gains nothing on a processor


class BertEncoder:
    """A folder in sentence-transformers' layout: `config.json`, `tokenizer.json`, `model.safetensors`."""

    device = "cpu"
    prefixes = PREFIXES
    problems: tuple[str, ...] = ()

    def __init__(self, folder: Path, name: str = "") -> None:
        """`name` is the folder's own by default. Raises ModelError where the folder has no such model."""
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            if config["model_type"] != "bert" or config["hidden_act"] != "gelu":
                raise ValueError(f"model_type {config['model_type']}, hidden_act {config['hidden_act']}")
            self._weights = read_safetensors(folder / "model.safetensors")
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            longest = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
        except (OSError, KeyError, ValueError, struct.error) as error:
            raise ModelError(f"{folder} has no sentence encoder of BERT's kind ({error}). Name another one.") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(longest)
        self._layers, self._heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self.name = name or folder.name
        self.dims = (int(config["hidden_size"]),)
        self.fingerprint = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:16]

    def encode(self, texts: Sequence[str], prefix: str) -> Array:
        """float32 (n, dims[-1]); the instruction is left out, for these models were trained without any."""
        del prefix
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(encoded[row]))
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and len(encoded[order[end]]) * (end + 1 - start) <= _BATCH_TOKENS:
                end += 1
            rows = order[start:end]
            vectors[rows] = self._pooled([encoded[row] for row in rows])
            start = end
        return vectors

    def _pooled(self, batch: Sequence[Sequence[int]]) -> Array:
        longest = max(map(len, batch))
        ids = np.zeros((len(batch), longest), dtype=np.intp)
        there = np.zeros((len(batch), longest), dtype=np.float32)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)], there[row, : len(tokens)] = tokens, 1
        hidden = self._hidden(ids, there)
        return np.asarray((hidden * there[:, :, None]).sum(1) / there.sum(1, keepdims=True), dtype=np.float32)

    def _hidden(self, ids: NDArray[np.intp], there: Array) -> Array:
        """The last layer's states, (n, tokens, hidden)."""
        weights = self._weights
        summed = weights["embeddings.word_embeddings.weight"][ids]
        summed = summed + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        states = self._normed(summed + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        unseen = (1 - there[:, None, None, :]) * np.float32(-1e9)
        for layer in range(self._layers):
            name = f"encoder.layer.{layer}"
            attended = self._linear(self._attention(states, unseen, name), f"{name}.attention.output.dense")
            states = self._normed(states + attended, f"{name}.attention.output.LayerNorm")
            wide = _gelu(self._linear(states, f"{name}.intermediate.dense"))
            states = self._normed(states + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return states

    def _attention(self, states: Array, unseen: Array, layer: str) -> Array:
        count, tokens, width = states.shape
        query, key, value = (
            self._linear(states, f"{layer}.attention.self.{part}")
            .reshape(count, tokens, self._heads, -1)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(width // self._heads)) + unseen
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ value
        return np.asarray(mixed.transpose(0, 2, 1, 3).reshape(count, tokens, width))

    def _linear(self, states: Array, name: str) -> Array:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        flat = states.reshape(-1, weight.shape[1]) @ weight.T + bias
        return np.asarray(flat.reshape(*states.shape[:-1], weight.shape[0]))

    def _normed(self, states: Array, name: str) -> Array:
        centred = states - states.mean(-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(self._epsilon))
        return np.asarray(centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"])


def _gelu(x: Array) -> Array:
    """x · Φ(x), Φ by the error function of Abramowitz and Stegun 7.1.26, whose error of 1.5e-7 is float32's own."""
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * t
    tail = series * np.exp(-z * z) / 2
    return np.asarray(x * np.where(x >= 0, 1 - tail, tail), dtype=np.float32)


def read_safetensors(path: Path) -> dict[str, Array]:
    """The float32 tensors of a file; others are left out.

    Source: huggingface/safetensors, README, "Format". Raises OSError, ValueError, KeyError, struct.error.
    """
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, told in header.items():
        if name != "__metadata__" and told["dtype"] == "F32":
            start, end = told["data_offsets"]
            # Copied: a file's numbers may stand at odd addresses, where matrices are multiplied a hundred times slower.
            flat = np.frombuffer(data[8 + size + start : 8 + size + end], np.float32)
            tensors[name] = flat.reshape(told["shape"])
    return tensors
