"""Training's loop, whatever is trained: rate, gradients, optimizer, and checkpoints from which it goes on exactly.

What a step does is determined by seed and step alone (its batch, its random numbers), so a checkpoint needs no more
than the weights, the optimizer and the count of steps: a run that was killed ends like one that was not.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from codekin.errors import ModelError

log = logging.getLogger(__name__)
Measures = dict[str, float]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a model is led down its loss."""

    steps: int
    learning_rate: float
    warm_up: int  # steps to the full rate; from there it falls linearly to zero
    weight_decay: float = 0.01  # of matrices only
    rows_rate: float = 1.0  # of the rate, for the words' rows: less where they are known already, and the rest is not
    clip: float = 1.0  # the gradients' norm
    seed: int = 0
    checkpoint_steps: int = 100
    watch_steps: int = 100

    def weight_settings(self) -> dict[str, Any]:
        """What of it the weights depend on."""
        return {name: value for name, value in asdict(self).items() if name not in ("checkpoint_steps", "watch_steps")}


@dataclass(frozen=True, slots=True)
class TrainingFolders:
    """Where a training writes."""

    work: Path  # what it needs to go on after an interruption
    out: Path  # the model


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What is done at each step."""

    backward: Callable[[int], float]  # fills the gradients for a step; the loss
    watch: Callable[[], Measures]  # how good the model is now
    recipe: Mapping[str, Any]  # what must be the same for a checkpoint to be taken up


def run_training(model: nn.Module, plan: TrainingPlan, work: TrainingTask, folder: Path) -> list[Measures]:
    """Takes the steps that are left after those of `folder`'s checkpoint; the curve: what was watched, and when.

    Raises ModelError where the checkpoint is of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "checkpoint.pt"
    optimizer = _optimizer(model, plan)
    begun = _taken_up(path, model, optimizer, work.recipe)
    curve, mean, started = begun.curve, begun.loss, time.monotonic()
    for step in range(begun.step, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = compute_learning_rate(plan, step) * group["share"]
        torch.manual_seed(plan.seed * 1_000_003 + step)
        optimizer.zero_grad(set_to_none=True)
        loss = work.backward(step)
        nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], plan.clip)
        optimizer.step()
        done = step + 1
        mean = 0.95 * mean + 0.05 * loss if step else loss
        if done % plan.watch_steps == 0 or done == plan.steps:
            curve.append({"step": done, "loss": mean, **work.watch()})
            log.info("%s, %.0f s", " ".join(f"{k} {v:.4g}" for k, v in curve[-1].items()), time.monotonic() - started)
        if done % plan.checkpoint_steps == 0 or done == plan.steps:
            kept = {"step": done, "curve": curve, "loss": mean, "recipe": _text(work.recipe)}
            _keep(path, kept | _state(model, optimizer))
    return curve


def use_threads(count: int) -> None:
    """Compute with no more threads than these."""
    torch.set_num_threads(count)


def compute_learning_rate(plan: TrainingPlan, step: int) -> float:
    """Warm-up, then linearly to zero."""
    left = (plan.steps - step) / max(1, plan.steps - plan.warm_up)
    return plan.learning_rate * min(1.0, (step + 1) / max(1, plan.warm_up), left)


def _optimizer(model: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    learned = {id(parameter): parameter for parameter in model.parameters() if parameter.requires_grad}
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    rows = [parameter for parameter in tables if learned.pop(id(parameter), None) is not None]
    others = learned.values()
    groups = [
        {"params": rows, "weight_decay": plan.weight_decay, "share": plan.rows_rate},
        {"params": [one for one in others if one.ndim > 1], "weight_decay": plan.weight_decay, "share": 1.0},
        {"params": [one for one in others if one.ndim <= 1], "weight_decay": 0.0, "share": 1.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=plan.learning_rate, betas=(0.9, 0.98))


def _state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    learned = {name: value.detach() for name, value in model.named_parameters() if value.requires_grad}
    return {"learned": learned, "optimizer": optimizer.state_dict()}


@dataclass(frozen=True, slots=True)
class _Begun:
    step: int  # the first to take
    curve: list[Measures]
    loss: float


def _taken_up(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Mapping[str, Any]) -> _Begun:
    """Where a checkpoint had come to, its state put in place."""
    if not path.exists():
        return _Begun(0, [], 0.0)
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["recipe"] != _text(recipe):
        was, now = json.loads(state["recipe"]), json.loads(_text(recipe))
        other = ", ".join(sorted(name for name in was | now if was.get(name) != now.get(name)))
        raise ModelError(f"{path} is of a training with another {other}. Name another folder, or the same options.")
    model.load_state_dict(state["learned"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    log.info("goes on after step %d", state["step"])
    return _Begun(int(state["step"]), list(state["curve"]), float(state["loss"]))


def _text(recipe: Mapping[str, Any]) -> str:
    return json.dumps(recipe, sort_keys=True, default=str)


def _keep(path: Path, state: Mapping[str, Any]) -> None:
    """Whole or not at all: who is killed meanwhile finds the checkpoint before it."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
