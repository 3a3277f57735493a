"""Claims about fitting the weights of files' features, on made-up choices and on a repository of two files."""

from pathlib import Path

import numpy as np

from codekin.evaluation.ranking_fitting import PRIOR_WEIGHTS, Choice, collect_choices, fit_weights, format_module
from codekin.evaluation.repositories import Question, Repository, Target
from codekin.search.ranking_weights import FILE_WEIGHTS

NAMES = list(PRIOR_WEIGHTS)


def choose(feature: str, *values: float, answer: int) -> Choice:
    """Return the choice among files that differ in one feature."""
    rows = np.zeros((len(values), len(NAMES)))
    rows[:, NAMES.index(feature)] = values
    return Choice(rows, np.eye(len(values))[answer], 1.0)


def test_a_feature_that_answers_have_weighs_more_than_before_and_one_that_they_lack_less() -> None:
    right = [choose("covered", 0.9, 0.1, answer=0) for _ in range(50)]
    wrong = [choose("many", 2.0, 0.5, answer=1) for _ in range(50)]
    weights = fit_weights([*right, *wrong])
    assert weights["covered"] > PRIOR_WEIGHTS["covered"]
    assert weights["many"] < PRIOR_WEIGHTS["many"]
    assert weights["nearest"] == PRIOR_WEIGHTS["nearest"]


def test_the_weight_of_tests_stays_whatever_the_answers_are() -> None:
    assert fit_weights([choose("test", 0, 1, answer=0)] * 50)["test"] == PRIOR_WEIGHTS["test"]


def test_the_weights_in_use_are_of_the_features_that_are_fitted() -> None:
    assert list(FILE_WEIGHTS) == NAMES
    scope: dict[str, object] = {}
    exec(format_module(FILE_WEIGHTS, 2, 1_000), scope)
    assert scope["FILE_WEIGHTS"] == FILE_WEIGHTS


def test_choices_are_collected_from_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mail.py").write_text("def send_letter(server):\n    return server.send()\n")
    (tmp_path / "small" / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    questions = (
        Question("1", "commit", "send a letter", (Target("mail.py"),)),
        Question("2", "commit", "send a letter", (Target("gone.py"),)),
    )
    repository = Repository("small", "python", "", "", "", questions)
    (choice,) = collect_choices(repository, tmp_path)
    assert choice.targets.tolist() == [1.0, 0.0]
    assert choice.rows[0, NAMES.index("place_name")] >= choice.rows[1, NAMES.index("place_name")]
