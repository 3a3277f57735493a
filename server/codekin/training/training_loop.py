"""Train any model: learning rate, gradients, optimizer, and checkpoints from which a run resumes exactly.

A step is determined by seed and step alone (its batch, its random numbers), so a checkpoint needs no more than the
weights, the optimizer and the count of steps: a run that was killed ends like one that was not.
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

logger = logging.getLogger(__name__)
Measures = dict[str, float]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The settings of the optimizer and of the loop."""

    steps: int
    learning_rate: float
    warm_up: int  # steps to the full rate; from there it falls linearly to zero
    cool_down: int = (
        0  # steps in which it falls; until then it stays full, and the run may be made longer. 0: all steps
    )
    weight_decay: float = 0.01  # of matrices only
    rows_rate: float = (
        1.0  # factor of the embedding rows' rate: below 1 if they are pre-trained and the other weights are not
    )
    clip: float = 1.0  # the gradients' norm
    seed: int = 0
    checkpoint_steps: int = 100
    watch_steps: int = 100
    minutes: float = 0  # after which the run ends, to be resumed later; 0: never

    def weight_settings(self) -> dict[str, Any]:
        """Return name → value of the settings that the weights depend on; not `steps` if there is a cool-down."""
        ignored_settings = {"checkpoint_steps", "watch_steps", "minutes", "cool_down"}
        if self.cool_down:  # before it, no step depends on how many there are
            ignored_settings.add("steps")
        return {
            setting_name: value for setting_name, value in asdict(self).items() if setting_name not in ignored_settings
        }

    def is_time_up(self, started: float) -> bool:
        """Return whether `minutes` have passed since `started`, in seconds of the monotonic clock; never if 0."""
        return bool(self.minutes) and time.monotonic() - started >= 60 * self.minutes


@dataclass(frozen=True, slots=True)
class TrainingFolders:
    """The folders that a training writes."""

    work: Path  # checkpoint and caches, to resume after an interruption
    out: Path  # the model


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """The callbacks of a training, and the settings that identify it."""

    backward: Callable[[int], float]  # computes the gradients of a step, and returns the loss
    watch: Callable[[], Measures]  # measures the model
    recipe: Mapping[str, Any]  # settings that a checkpoint must share to be resumed


def run_training(model: nn.Module, plan: TrainingPlan, task: TrainingTask, work_folder: Path) -> list[Measures]:
    """Take the steps left after `work_folder`'s checkpoint, writing new ones; return all measures, a dict per watch.

    Stops earlier, at a checkpoint, where the plan's minutes are over. Writes checkpoints. Raises ModelError if the
    checkpoint is of another recipe.
    """
    work_folder.mkdir(parents=True, exist_ok=True)
    checkpoint_path = work_folder / "checkpoint.pt"
    optimizer = _make_optimizer(model, plan)
    start = _resume_training(checkpoint_path, model, optimizer, task.recipe)
    measure_curve, mean_loss, started = start.curve, start.loss, time.monotonic()
    for step in range(start.step, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = compute_learning_rate(plan, step) * group["share"]
        torch.manual_seed(plan.seed * 1_000_003 + step)
        optimizer.zero_grad(set_to_none=True)
        loss = task.backward(step)
        nn.utils.clip_grad_norm_([parameter for parameter in model.parameters() if parameter.requires_grad], plan.clip)
        optimizer.step()
        steps_done = step + 1
        is_last = steps_done == plan.steps or plan.is_time_up(started)
        mean_loss = 0.95 * mean_loss + 0.05 * loss if step else loss
        if steps_done % plan.watch_steps == 0 or is_last:
            measure_curve.append({"step": steps_done, "loss": mean_loss, **task.watch()})
            logger.info("%s, %.0f s", _format_measures(measure_curve[-1]), time.monotonic() - started)
        if steps_done % plan.checkpoint_steps == 0 or is_last:
            checkpoint = {
                "step": steps_done,
                "curve": measure_curve,
                "loss": mean_loss,
                "recipe": _format_recipe(task.recipe),
            }
            _write_checkpoint(checkpoint_path, checkpoint | _collect_state(model, optimizer))
        if is_last:
            break
    return measure_curve


def _format_measures(measures: Measures) -> str:
    """Return the measures on one line, with four significant digits."""
    return " ".join(f"{measure_name} {value:.4g}" for measure_name, value in measures.items())


def use_threads(count: int) -> None:
    """Limit PyTorch to `count` threads within operations, in this process."""
    torch.set_num_threads(count)


def compute_learning_rate(plan: TrainingPlan, step: int) -> float:
    """Return the learning rate of a step from 0: a linear warm-up, then linear to zero at `plan.steps`.

    With a cool-down the rate stays full until that begins. Source: warm-up, stable, decay, arXiv 2404.06395.
    """
    remaining_share = (plan.steps - step) / max(1, plan.cool_down or plan.steps - plan.warm_up)
    return plan.learning_rate * min(1.0, (step + 1) / max(1, plan.warm_up), remaining_share)


def _make_optimizer(model: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """Return AdamW for the trainable parameters, by group: embeddings, other matrices, vectors, which don't decay."""
    trainable = {id(parameter): parameter for parameter in model.parameters() if parameter.requires_grad}
    embedding_weights = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    trained_embeddings = [
        parameter for parameter in embedding_weights if trainable.pop(id(parameter), None) is not None
    ]
    other_parameters = trainable.values()
    groups = [
        {"params": trained_embeddings, "weight_decay": plan.weight_decay, "share": plan.rows_rate},
        {
            "params": [parameter for parameter in other_parameters if parameter.ndim > 1],
            "weight_decay": plan.weight_decay,
            "share": 1.0,
        },
        {
            "params": [parameter for parameter in other_parameters if parameter.ndim <= 1],
            "weight_decay": 0.0,
            "share": 1.0,
        },
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=plan.learning_rate, betas=(0.9, 0.98))


def _collect_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the trained parameters (not copied) and the optimizer's state, for a checkpoint."""
    trained_parameters = {
        parameter_name: value.detach() for parameter_name, value in model.named_parameters() if value.requires_grad
    }
    return {"learned": trained_parameters, "optimizer": optimizer.state_dict()}


@dataclass(frozen=True, slots=True)
class _StartingPoint:
    """Where a run starts: the first step, and the measures and mean loss so far."""

    step: int  # the first step to take
    curve: list[Measures]
    loss: float


def _resume_training(
    checkpoint_path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Mapping[str, Any]
) -> _StartingPoint:
    """Load the checkpoint, if any, into model and optimizer; return its step, measures and mean loss, else zeros.

    Raises ModelError for another recipe.
    """
    if not checkpoint_path.exists():
        return _StartingPoint(0, [], 0.0)
    state = torch.load(checkpoint_path, map_location="cpu", weights_only=True)
    if state["recipe"] != _format_recipe(recipe):
        old_recipe, new_recipe = json.loads(state["recipe"]), json.loads(_format_recipe(recipe))
        differences = ", ".join(
            sorted(
                setting_name
                for setting_name in old_recipe | new_recipe
                if old_recipe.get(setting_name) != new_recipe.get(setting_name)
            )
        )
        raise ModelError(
            f"{checkpoint_path} is of a training with another {differences}. Name another folder, or the same options."
        )
    model.load_state_dict(state["learned"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    logger.info("resuming after step %d", state["step"])
    return _StartingPoint(int(state["step"]), list(state["curve"]), float(state["loss"]))


def _format_recipe(recipe: Mapping[str, Any]) -> str:
    """Return the recipe as comparable JSON text."""
    return json.dumps(recipe, sort_keys=True, default=str)


def _write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state atomically and durably: a process killed meanwhile leaves the previous checkpoint."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
