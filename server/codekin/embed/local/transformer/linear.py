"""Linear layers, x Wᵀ + b, in the number format and memory layout that the device multiplies fastest."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

_LAYOUT_ROWS = 512  # the input rows for which the packed layout is optimised; it serves other counts, too
_UINT8_ZERO_POINT = 128
_MAX_INT8_WEIGHT = 127
_MAX_INT8_INPUT = 126  # one less than a byte holds, so that rounding never overflows
_MIN_ABSOLUTE_MAXIMUM = 1e-12  # keeps scales of zero rows away from a division by zero


class Linear(Protocol):
    """A layer: (t, in) → (t, out)."""

    def __call__(self, hidden_states: Tensor, /) -> Tensor: ...


def make_linear(weight: Tensor, bias: Tensor | None, *, int8: bool) -> Linear:
    """Return the fastest kind of layer for the weight's device; `int8` takes effect on processors only."""
    if weight.device.type != "cpu":
        return PlainLinear(weight, bias)
    if int8:
        return Int8Linear(weight, bias)
    return PackedLinear(weight, bias) if can_pack(weight) else PlainLinear(weight, bias)


def can_pack(weight: Tensor) -> bool:
    """Return whether the weight is bfloat16 on a processor for which this torch has oneDNN's packed layers."""
    has_packed_layers = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    is_packable = weight.device.type == "cpu" and weight.dtype == torch.bfloat16
    return has_packed_layers and is_packable and not _is_limited_to_avx2()


def can_use_int8() -> bool:
    """Return whether this torch has oneDNN's int8 layers, and the processor adds their products exactly."""
    has_int8_layers = torch.backends.mkldnn.is_available() and hasattr(torch.ops.onednn, "qlinear_pointwise")
    return has_int8_layers and not _is_limited_to_avx2()


def _is_limited_to_avx2() -> bool:
    """Return whether the processor is an x86 without AVX-512: oneDNN packs no bfloat16 there, and int8 saturates."""
    return torch.backends.cpu.get_cpu_capability() in ("AVX2", "NO AVX")


class PlainLinear:
    """Layer that multiplies with torch's own kernel."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, hidden_states: Tensor) -> Tensor:
        return functional.linear(hidden_states, self._weight, self._bias)


class PackedLinear:
    """Layer with weights in oneDNN's layout: 1.05 times as fast for 512 rows, 1.4 times for 24, 3.7 for one."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        """`activation` is fused into the product: "swish" or "none"."""
        self._weight, self._bias = torch.ops.mkldnn._reorder_linear_weight(weight, _LAYOUT_ROWS), bias  # noqa: SLF001
        self._activation = activation

    def __call__(self, hidden_states: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            hidden_states, self._weight, self._bias, self._activation, [], ""
        )

    def apply_multiplied(self, hidden_states: Tensor, multiplier: Tensor) -> Tensor:
        """Return the output (t, out), multiplied elementwise by `multiplier`."""
        return torch.ops.mkldnn._linear_pointwise.binary(  # noqa: SLF001
            hidden_states, multiplier, self._weight, self._bias, "mul"
        )


class Int8Linear:
    """Layer that quantises weights per output and inputs per row.

    It needs no calibration, and outliers of one token cost no other token its precision.
    Source: LLM.int8(), arXiv 2208.07339, section 3 (vector-wise quantisation), without its outlier columns.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        scales = weight.float().abs().amax(1).clamp_min(_MIN_ABSOLUTE_MAXIMUM) / _MAX_INT8_WEIGHT
        int8_weight = (weight.float() / scales[:, None]).round_().to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(int8_weight, [_LAYOUT_ROWS, weight.shape[1]])
        self._scales, self._zeros = scales, torch.zeros(len(scales), dtype=torch.int32)
        self._bias, self._dtype = bias, weight.dtype

    def __call__(self, hidden_states: Tensor) -> Tensor:
        outputs, row_scales = self.apply_unscaled(hidden_states)
        outputs *= row_scales
        return outputs if self._bias is None else outputs.add_(self._bias)

    def apply_unscaled(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
        """Return the product (t, out) without bias, and the factors to multiply its rows by, (t, 1)."""
        absolute_maxima = hidden_states.abs().amax(1, keepdim=True).float()
        row_scales = absolute_maxima.clamp_min_(_MIN_ABSOLUTE_MAXIMUM) / _MAX_INT8_INPUT
        int8_inputs = (hidden_states * (1 / row_scales).to(hidden_states.dtype)).round_().to(torch.int8)
        # Without AMX, signed inputs would take oneDNN's reference path, some thousand times slower: unsigned inputs
        # with the zero point 128 are the same bytes with the first bit flipped.
        uint8_inputs = int8_inputs.view(torch.uint8).bitwise_xor_(_UINT8_ZERO_POINT)
        weight_and_scales = self._weight, self._scales, self._zeros
        outputs = torch.ops.onednn.qlinear_pointwise(
            uint8_inputs, 1.0, _UINT8_ZERO_POINT, *weight_and_scales, None, 1.0, 0, self._dtype, "none", [], ""
        )
        return outputs, row_scales.to(hidden_states.dtype)
