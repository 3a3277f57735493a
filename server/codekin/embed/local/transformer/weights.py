"""A checkpoint's tensors, as a model's layers ask for them."""

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
    """Layer norm."""

    def __init__(self, weight: Tensor, bias: Tensor | None, epsilon: float) -> None:
        self._weight, self._bias, self._epsilon = weight, bias, epsilon

    def __call__(self, x: Tensor) -> Tensor:
        """(t, width) → the same."""
        return functional.layer_norm(x, self._weight.shape, self._weight, self._bias, self._epsilon)


class Weights:
    """The tensors of safetensors files by name, in the numbers and on the device that the model computes with."""

    def __init__(self, files: Sequence[Path], place: Device) -> None:
        """Raises ModelError where a file is unsound."""
        self._place = place
        try:
            opened = [safe_open(path, framework="pt") for path in files]
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{files[0].parent} has unsound weights ({error}). Download the model again.") from error
        self._of = {name: file for file in opened for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
        self._folder = files[0].parent
        self._before = ""

    def submodule(self, mark: str) -> "Weights":
        """Names are from now on those below the module in which `mark` stands ("model.", "bert." or nothing)."""
        for name in self._of:
            if name.endswith(mark):
                self._before = name.removesuffix(mark)
                return self
        raise ModelError(f"{self._folder} has no tensor {mark}: these are another model's weights. Download it again.")

    def require(self, name: str, shape: tuple[int, ...]) -> None:
        """Raises ModelError where the tensor has another shape than the configuration says."""
        found = tuple(self._of[self._before + name].get_slice(self._before + name).get_shape()) if name in self else ()
        if found != shape:
            told = f"{name} is {found}, and by config.json {shape}"
            raise ModelError(f"{self._folder}: {told}: these are another model's weights. Download the model again.")

    def __contains__(self, name: str) -> bool:
        return self._before + name in self._of

    def cast(self, tensor: Tensor) -> Tensor:
        """A tensor that was computed, where the others are."""
        return tensor.to(self._place.device, self._place.dtype)

    def tensor(self, name: str) -> Tensor:
        """Raises ModelError where there is none."""
        name = self._before + name
        if name not in self._of:
            raise ModelError(f"{self._folder} has no tensor {name}: it is not whole. Download the model again.")
        return self.cast(self._of[name].get_tensor(name))

    def make_linear(self, *names: str) -> Linear:
        """Several layers that read the same, as one that writes their outputs side by side."""
        weight = torch.cat([self.tensor(f"{name}.weight") for name in names])
        biases = [self.tensor(f"{name}.bias") for name in names if f"{name}.bias" in self]
        return make_linear(weight, torch.cat(biases) if biases else None, int8=self._place.int8)

    def make_mlp(self, gate: str, up: str, down: str) -> Linear:
        """A gated feed-forward part."""
        if any(f"{name}.bias" in self for name in (gate, up, down)):
            return Mlp(self.make_linear(gate, up), self.make_linear(down))
        return make_mlp(*(self.tensor(f"{name}.weight") for name in (gate, up, down)), int8=self._place.int8)

    def make_norm(self, name: str, epsilon: float) -> Norm:
        """A layer norm, with its bias where it has one."""
        bias = self.tensor(f"{name}.bias") if f"{name}.bias" in self else None
        return Norm(self.tensor(f"{name}.weight"), bias, epsilon)
