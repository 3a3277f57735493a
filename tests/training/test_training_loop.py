"""Claims about training's loop: killed at any moment, it goes on from a whole checkpoint and ends the same."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
from codekin.training.training_loop import TrainingPlan, TrainingTask, compute_learning_rate, run_training  # noqa: E402 -- needs torch, which the core does without


def _train(folder: Path) -> list[Any]:
    """The weights that a small training ends with."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))

    def backward(_step: int) -> float:
        loss = model(torch.randn(16, 8)).square().mean()
        loss.backward()
        return float(loss.detach())

    run_training(
        model, TrainingPlan(40, 0.01, 4, checkpoint_steps=10, watch_steps=20), TrainingTask(backward, dict, {}), folder
    )
    return [value.detach() for value in model.parameters()]


def _dies_while_it_keeps(folder: Path, step: int) -> None:
    save = torch.save

    def saves(state: Any, stream: Any) -> None:
        save(state, stream)
        if state["step"] == step:
            stream.flush()
            os.truncate(stream.name, 100)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = saves
    _train(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system on which a process can be forked and killed")
def test_killed_while_a_checkpoint_is_written_it_goes_on_from_the_one_before(tmp_path: Path) -> None:
    uninterrupted = _train(tmp_path / "whole")
    victim = multiprocessing.get_context("fork").Process(target=_dies_while_it_keeps, args=(tmp_path / "parts", 20))
    victim.start()
    victim.join(120)
    assert victim.exitcode == -signal.SIGKILL
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"] == 10
    parts = _train(tmp_path / "parts")
    assert all(torch.equal(a, b) for a, b in zip(uninterrupted, parts, strict=True))


def test_the_rate_rises_then_falls_to_zero() -> None:
    rates = [compute_learning_rate(TrainingPlan(100, 1.0, 10), step) for step in range(100)]
    assert max(rates) == rates[9] == 1
    assert rates[0] == pytest.approx(0.1)
    assert rates[99] == pytest.approx(1 / 90)
    assert rates == rates[:10] + sorted(rates[10:], reverse=True)


def test_before_the_cool_down_a_run_does_not_depend_on_its_steps() -> None:
    short, long = TrainingPlan(40, 1.0, 4, cool_down=10), TrainingPlan(100, 1.0, 4, cool_down=20)
    assert short.weight_settings() == long.weight_settings()
    assert [compute_learning_rate(short, step) for step in range(30)] == [
        compute_learning_rate(long, step) for step in range(30)
    ]
    assert compute_learning_rate(short, 29) == 1
    assert compute_learning_rate(short, 39) == pytest.approx(0.1)
    assert TrainingPlan(40, 1.0, 4).weight_settings() != TrainingPlan(100, 1.0, 4).weight_settings()


def test_words_that_are_known_already_may_change_less_than_the_rest(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Embedding(4, 8), torch.nn.Linear(8, 1))
    before = [value.detach().clone() for value in model.parameters()]

    def backward(_step: int) -> float:
        loss = model(torch.arange(4)).sum()
        loss.backward()
        return float(loss.detach())

    run_training(
        model, TrainingPlan(1, 0.01, 0, weight_decay=0.0, rows_rate=0.1), TrainingTask(backward, dict, {}), tmp_path
    )
    moved = [(new - old).abs().max().item() for new, old in zip(model.parameters(), before, strict=True)]
    assert moved == pytest.approx([0.001, 0.01, 0.01], rel=0.01)
