"""Apply the dense layers that some models put after pooling (EmbeddingGemma), as sentence-transformers does."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from codekin.embed.local.checkpoint_files import DenseLayer
from codekin.embed.local.transformer.device import Device
from codekin.embed.local.transformer.weights import Weights


class DenseLayers:
    """Pooled vectors → vectors, by linear layers in float32; the identity without any."""

    def __init__(self, layers: Sequence[DenseLayer], device: Device) -> None:
        """Load the weights. Raises ModelError for damaged or missing ones."""
        self._layers = []
        for layer in layers:
            weights = Weights((layer.weights,), replace(device, dtype=torch.float32))
            weight = weights.load_tensor("linear.weight")
            bias = weights.load_tensor("linear.bias") if "linear.bias" in weights else None
            self._layers.append((weight, bias, layer.has_tanh))

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return the vectors (n, d) after all layers."""
        for weight, bias, has_tanh in self._layers:
            vectors = functional.linear(vectors, weight, bias)
            vectors = vectors.tanh() if has_tanh else vectors
        return vectors
