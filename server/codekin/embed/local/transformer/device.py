"""Where a model runs, and with which numbers: the fastest that there is, measured, and said aloud."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from codekin.embed.local.transformer.linear import can_int8
from codekin.errors import ModelError
from codekin.settings import ModelSettings

_SIZE = 512  # of the square matrices that are multiplied to measure
_ROUNDS = 3
_FASTER = 1.3  # less is not worth fewer digits


@dataclass(frozen=True, slots=True)
class Device:
    """A device and the numbers computed with on it."""

    device: torch.device
    dtype: torch.dtype
    int8: bool = False
    problems: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        numbers = "int8" if self.int8 else str(self.dtype).removeprefix("torch.")
        if self.device.type == "cuda":
            return f"{torch.cuda.get_device_name(self.device)} (cuda), {numbers}"
        if self.device.type == "mps":
            return f"Apple GPU (mps), {numbers}"
        threads = torch.get_num_threads()
        return f"cpu, {threads} {'thread' if threads == 1 else 'threads'}, {numbers}"

    @property
    def token_budget(self) -> int:
        """Tokens that are computed together: a processor's caches hold few, a graphics card starves on few."""
        return 512 if self.device.type == "cpu" else 16_384


def choose_device(settings: ModelSettings) -> Device:
    """The place for the settings. Raises ModelError where the device that they name can't be used."""
    device, problems = _device(settings.device)
    asked = settings.precision
    if asked == "int8":
        if device.type == "cpu" and can_int8():
            return Device(device, _fastest(device), True, problems)
        reason = f"model.precision: int8 is for processors{'' if device.type != 'cpu' else ', but not of this torch'}"
        problems += (f"{reason}; {device.type} runs in bfloat16 or float32. Set it to auto.",)
    if asked in ("float32", "bfloat16"):
        return Device(device, getattr(torch, asked), False, problems)
    return Device(device, _fastest(device), False, problems)


def _device(asked: str) -> tuple[torch.device, tuple[str, ...]]:
    """What is asked for, or else the best there is; with what keeps a better one from being used."""
    if asked == "cpu":
        return torch.device("cpu"), ()
    reasons = []
    for kind in (asked,) if asked != "auto" else ("cuda", "mps"):
        reason = _why_not(kind)
        if reason is None:
            return torch.device(kind), ()
        if reason:
            reasons.append(f"A GPU is there, but can't be used: {reason}")
        elif asked != "auto":
            reasons.append(f"There is no {kind} device.")
    if asked != "auto":
        raise ModelError(f'model.device is "{asked}". {" ".join(reasons)} Set it to auto or cpu.')
    return torch.device("cpu"), tuple(f"{reason} The model runs on the processor." for reason in reasons)


def _why_not(kind: str) -> str | None:
    """None where the device works, "" where there is none, else what is wrong with it and what helps."""
    if kind == "cuda" and not torch.cuda.is_available():
        return _idle_nvidia()
    if kind == "mps" and not torch.backends.mps.is_available():
        return ""
    try:
        ones = torch.ones(8, 8, device=kind)
        if float((ones @ ones).sum()) != 512.0:
            return "it computes wrong numbers. Update its driver."
    except RuntimeError as error:
        first = str(error).strip().splitlines()[0]
        return f"{first}. Free its memory or mend its driver, or set model.device to cpu."
    return None


def _idle_nvidia() -> str:
    """Why torch sees no NVIDIA card where the driver's device file says that there is one."""
    if not (Path("/dev/nvidia0").exists() or Path("/proc/driver/nvidia/version").exists()):
        return ""
    if torch.version.cuda is None:
        return "this torch is built without CUDA. Install one with it (see pytorch.org)."
    return (
        f"torch {torch.__version__} for CUDA {torch.version.cuda} does not get on with its driver. Update the driver."
    )


def _fastest(device: torch.device) -> torch.dtype:
    """bfloat16 where it is faster by measurement; processors without its instructions take longer for it."""
    if _seconds(device, torch.bfloat16) * _FASTER < _seconds(device, torch.float32):
        return torch.bfloat16
    return torch.float32


def _seconds(device: torch.device, dtype: torch.dtype) -> float:
    try:
        matrix = torch.ones(_SIZE, _SIZE, device=device, dtype=dtype)
        return min(_once(matrix) for _ in range(_ROUNDS))
    except RuntimeError:  # it has no such numbers
        return float("inf")


def _once(matrix: Tensor) -> float:
    started = time.perf_counter()
    float((matrix @ matrix)[0, 0])  # waits for the device
    return time.perf_counter() - started
