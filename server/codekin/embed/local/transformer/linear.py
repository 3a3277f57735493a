"""x Wᵀ + b, in the numbers and the layout that the device multiplies fastest."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

_ROWS = 512  # for which the packed layout is chosen; it serves other counts, too
_ZERO = 128  # of unsigned bytes
_STEPS = 127
_INPUT_STEPS = 126  # so that no rounding ends beyond a byte


class Linear(Protocol):
    """A layer: (t, in) → (t, out)."""

    def __call__(self, x: Tensor, /) -> Tensor: ...


def make_linear(weight: Tensor, bias: Tensor | None, *, int8: bool) -> Linear:
    """The fastest form of the layer. `int8` is for processors; elsewhere it is left out."""
    if weight.device.type != "cpu":
        return PlainLinear(weight, bias)
    if int8:
        return Int8Linear(weight, bias)
    return PackedLinear(weight, bias) if can_pack(weight) else PlainLinear(weight, bias)


def can_pack(weight: Tensor) -> bool:
    """Whether oneDNN's packed layers are the fastest, and this torch has them."""
    has_them = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return has_them and weight.device.type == "cpu" and weight.dtype == torch.bfloat16


def can_int8() -> bool:
    """Whether this torch has oneDNN's byte layers."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.onednn, "qlinear_pointwise")


class PlainLinear:
    """As torch has it."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self._weight, self._bias)


class PackedLinear:
    """With weights laid out for oneDNN beforehand: 1.05 times as fast for 512 rows, 1.4 times for 24, 3.7 for one."""

    def __init__(self, weight: Tensor, bias: Tensor | None, then: str = "none") -> None:
        """`then` is done to the outputs while they are at hand: "swish", or nothing."""
        self._weight, self._bias = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS), bias  # noqa: SLF001
        self._then = then

    def __call__(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, self._then, [], "")  # noqa: SLF001

    def times(self, x: Tensor, other: Tensor) -> Tensor:
        """(t, out), multiplied by `other`."""
        return torch.ops.mkldnn._linear_pointwise.binary(x, other, self._weight, self._bias, "mul")  # noqa: SLF001


class Int8Linear:
    """Weights as bytes, scaled by output; inputs as bytes, scaled by row: no calibration, and outliers of one token
    cost no other token its precision.

    Source: LLM.int8(), arXiv 2208.07339, section 3 (vector-wise quantisation), without its outlier columns.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        scales = weight.float().abs().amax(1).clamp_min(1e-12) / _STEPS
        rounded = (weight.float() / scales[:, None]).round_().to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(rounded, [_ROWS, weight.shape[1]])
        self._scales, self._zeros = scales, torch.zeros(len(scales), dtype=torch.int32)
        self._bias, self._dtype = bias, weight.dtype

    def __call__(self, x: Tensor) -> Tensor:
        made, scales = self.unscaled(x)
        made *= scales
        return made if self._bias is None else made.add_(self._bias)

    def unscaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product, and what its rows must be multiplied by, (t, 1)."""
        scales = x.abs().amax(1, keepdim=True).float().clamp_min_(1e-12) / _INPUT_STEPS
        signed = (x * (1 / scales).to(x.dtype)).round_().to(torch.int8)
        # Without AMX, signed inputs would take oneDNN's reference path, some thousand times slower: unsigned ones
        # around 128 are the same bytes with the first bit turned.
        moved = signed.view(torch.uint8).bitwise_xor_(_ZERO)
        made = torch.ops.onednn.qlinear_pointwise(
            moved, 1.0, _ZERO, self._weight, self._scales, self._zeros, None, 1.0, 0, self._dtype, "none", [], ""
        )
        return made, scales.to(x.dtype)
