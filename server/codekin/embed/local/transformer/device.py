"""Choose the device and the number format for a model: the fastest by measurement."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from codekin.embed.local.transformer.linear import can_use_int8
from codekin.errors import ModelError
from codekin.settings import ModelSettings

_MATRIX_SIZE = 512  # of the square matrices whose product is timed
_TIMING_ROUNDS = 3
_MIN_BFLOAT16_SPEEDUP = 1.3  # a smaller one is not worth the lost digits


@dataclass(frozen=True, slots=True)
class Device:
    """A device, the number format of computations on it, and problems of better devices."""

    device: torch.device
    dtype: torch.dtype
    int8: bool = False
    problems: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        number_format = "int8" if self.int8 else str(self.dtype).removeprefix("torch.")
        if self.device.type == "cuda":
            return f"{torch.cuda.get_device_name(self.device)} (cuda), {number_format}"
        if self.device.type == "mps":
            return f"Apple GPU (mps), {number_format}"
        threads = torch.get_num_threads()
        return f"cpu, {threads} {'thread' if threads == 1 else 'threads'}, {number_format}"

    @property
    def token_budget(self) -> int:
        """Return the tokens per batch: 512 on a processor, which fit its caches; 16,384 on a graphics card."""
        return 512 if self.device.type == "cpu" else 16_384


def choose_device(settings: ModelSettings) -> Device:
    """Return the device (best one that works) and number format (by timing), unless the settings fix them."""
    device, problems = _find_device(settings.device)
    precision = settings.precision
    if precision == "int8":
        if device.type == "cpu" and can_use_int8():
            return Device(device, _choose_dtype(device), True, problems)
        limits = "" if device.type != "cpu" else ", but not with this one or this torch"
        reason = f"model.precision: int8 is for processors{limits}"
        problems += (f"{reason}; {device.type} runs in bfloat16 or float32. Set it to auto.",)
    if precision in ("float32", "bfloat16"):
        return Device(device, getattr(torch, precision), False, problems)
    return Device(device, _choose_dtype(device), False, problems)


def _find_device(device_setting: str) -> tuple[torch.device, tuple[str, ...]]:
    """Return the device of the setting (for "auto", the best), and problems of better devices. Raises ModelError."""
    if device_setting == "cpu":
        return torch.device("cpu"), ()
    reasons = []
    for device_type in (device_setting,) if device_setting != "auto" else ("cuda", "mps"):
        reason = _diagnose_device(device_type)
        if reason is None:
            return torch.device(device_type), ()
        if reason:
            reasons.append(f"A GPU is there, but can't be used: {reason}")
        elif device_setting != "auto":
            reasons.append(f"There is no {device_type} device.")
    if device_setting != "auto":
        raise ModelError(f'model.device is "{device_setting}". {" ".join(reasons)} Set it to auto or cpu.')
    return torch.device("cpu"), tuple(f"{reason} The model runs on the processor." for reason in reasons)


def _diagnose_device(device_type: str) -> str | None:
    """Return None if the device works, "" if there is none, else the problem and its remedy."""
    if device_type == "cuda" and not torch.cuda.is_available():
        return _diagnose_nvidia()
    if device_type == "mps" and not torch.backends.mps.is_available():
        return ""
    try:
        matrix = torch.ones(8, 8, device=device_type)
        if float((matrix @ matrix).sum()) != 512.0:
            return "it computes wrong numbers. Update its driver."
    except RuntimeError as error:
        first_line = str(error).strip().splitlines()[0]
        return f"{first_line}. Free its memory or repair its driver, or set model.device to cpu."
    return None


def _diagnose_nvidia() -> str:
    """Return why torch sees no NVIDIA card although the driver has a device file; "" if there is no card."""
    if not (Path("/dev/nvidia0").exists() or Path("/proc/driver/nvidia/version").exists()):
        return ""
    if torch.version.cuda is None:
        return "this torch is built without CUDA. Install one with it (see pytorch.org)."
    return (
        f"torch {torch.__version__} for CUDA {torch.version.cuda} does not get on with its driver. Update the driver."
    )


def _choose_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 if a measurement shows it 1.3 times as fast, else float32.

    Processors without instructions for bfloat16 take longer for it than for float32.
    """
    if _measure_product_s(device, torch.bfloat16) * _MIN_BFLOAT16_SPEEDUP < _measure_product_s(device, torch.float32):
        return torch.bfloat16
    return torch.float32


def _measure_product_s(device: torch.device, dtype: torch.dtype) -> float:
    """Return the seconds of a matrix product, the best of three; infinity if the device lacks the format."""
    try:
        matrix = torch.ones(_MATRIX_SIZE, _MATRIX_SIZE, device=device, dtype=dtype)
        return min(_time_product_s(matrix) for _ in range(_TIMING_ROUNDS))
    except RuntimeError:  # the device lacks this number format
        return float("inf")


def _time_product_s(matrix: Tensor) -> float:
    """Return the seconds that one product of the matrix with itself takes."""
    started = time.perf_counter()
    float((matrix @ matrix)[0, 0])  # waits for the device
    return time.perf_counter() - started
