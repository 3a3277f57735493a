"""Load a checkpoint's tensors as the layers of a model."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional

from codekin.embed.local.transformer.device import Device
from codekin.embed.local.transformer.linear import Linear, make_linear
from codekin.embed.local.transformer.mlp import Mlp, make_mlp
from codekin.errors import ModelError


class Norm:
    """Layer norm with weight and optional bias."""

    def __init__(self, weight: Tensor, bias: Tensor | None, epsilon: float) -> None:
        self._weight, self._bias, self._epsilon = weight, bias, epsilon

    def __call__(self, hidden_states: Tensor) -> Tensor:
        """Return the normalised states, (t, hidden size)."""
        return functional.layer_norm(hidden_states, self._weight.shape, self._weight, self._bias, self._epsilon)


class Weights:
    """The tensors of safetensors files by name, in the number format and on the device of the model."""

    def __init__(self, files: Sequence[Path], device: Device) -> None:
        """Open the files; tensors are read on demand. Raises ModelError if a file is damaged."""
        self._device = device
        try:
            safetensors_files = [safe_open(path, framework="pt") for path in files]
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{files[0].parent} has unsound weights ({error}). Download the model again.") from error
        self._file_of = {name: file for file in safetensors_files for name in file.keys()}  # noqa: SIM118 (no dictionary)
        self._folder = files[0].parent
        self._name_prefix = ""

    def select_submodule(self, tensor_name: str) -> "Weights":
        """Resolve names below the module with `tensor_name` from now on; return self. Raises ModelError if none has."""
        for full_name in self._file_of:
            if full_name.endswith(tensor_name):
                self._name_prefix = full_name.removesuffix(tensor_name)
                return self
        problem = f"{self._folder} has no tensor {tensor_name}"
        raise ModelError(f"{problem}: these are another model's weights. Download it again.")

    def require_shape(self, name: str, expected_shape: tuple[int, ...]) -> None:
        """Raise ModelError if the tensor is missing or has another shape."""
        full_name = self._name_prefix + name
        shape = tuple(self._file_of[full_name].get_slice(full_name).get_shape()) if name in self else ()
        if shape != expected_shape:
            problem = f"{name} is {shape}, and by config.json {expected_shape}"
            raise ModelError(f"{self._folder}: {problem}: these are another model's weights. Download the model again.")

    def __contains__(self, name: str) -> bool:
        return self._name_prefix + name in self._file_of

    def cast_tensor(self, tensor: Tensor) -> Tensor:
        """Return a computed tensor on the device and in the number format of the loaded ones."""
        return tensor.to(self._device.device, self._device.dtype)

    def load_tensor(self, name: str) -> Tensor:
        """Return one tensor, on the device. Raises ModelError if there is none of that name."""
        full_name = self._name_prefix + name
        if full_name not in self._file_of:
            raise ModelError(f"{self._folder} has no tensor {full_name}: it is not whole. Download the model again.")
        return self.cast_tensor(self._file_of[full_name].get_tensor(full_name))

    def make_linear(self, *layer_names: str) -> Linear:
        """Return one layer that merges these layers of the same input, outputs concatenated. Raises ModelError."""
        weight = torch.cat([self.load_tensor(f"{layer_name}.weight") for layer_name in layer_names])
        biases = [self.load_tensor(f"{name}.bias") for name in layer_names if f"{name}.bias" in self]
        return make_linear(weight, torch.cat(biases) if biases else None, int8=self._device.int8)

    def make_mlp(self, gate_name: str, up_name: str, down_name: str) -> Linear:
        """Return a gated MLP made of its three layers. Raises ModelError if one is missing."""
        layer_names = gate_name, up_name, down_name
        if any(f"{layer_name}.bias" in self for layer_name in layer_names):
            return Mlp(self.make_linear(gate_name, up_name), self.make_linear(down_name))
        return make_mlp(*(self.load_tensor(f"{name}.weight") for name in layer_names), int8=self._device.int8)

    def make_norm(self, layer_name: str, epsilon: float) -> Norm:
        """Return a layer norm, with its bias if it has one. Raises ModelError if it is missing."""
        bias = self.load_tensor(f"{layer_name}.bias") if f"{layer_name}.bias" in self else None
        return Norm(self.load_tensor(f"{layer_name}.weight"), bias, epsilon)
