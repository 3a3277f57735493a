"""The weights of places are fitted to which of a file's places answer."""

from pathlib import Path

import numpy as np

from codekin.evaluation.place_fitting import PRIOR_WEIGHTS, collect_choices, format_module
from codekin.evaluation.repositories import Question, Repository, Target
from codekin.search.place_weights import PLACE_WEIGHTS
from codekin.types import Span

NAMES = list(PRIOR_WEIGHTS)
MAIL = (
    "def send(server):\n    return server\n\n\ndef post(letter, server):\n    stamp(letter)\n    server.send(letter)\n"
)


def test_the_weights_in_use_are_of_the_features_that_are_fitted() -> None:
    assert list(PLACE_WEIGHTS) == NAMES
    scope: dict[str, object] = {}
    exec(format_module(PLACE_WEIGHTS, 2, 1_000), scope)
    assert scope["PLACE_WEIGHTS"] == PLACE_WEIGHTS


def test_each_answer_is_a_choice_beside_the_places_of_its_file_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mail.py").write_text(MAIL)
    questions = (
        Question("1", "commit", "send a stamped letter", (Target("mail.py", Span(4, 7)),)),
        Question("2", "commit", "send a letter", (Target("mail.py"),)),  # anywhere in the file
        Question("3", "definition", "send", (Target("mail.py", Span(0, 2)),)),  # a name
    )
    repository = Repository("small", "python", "", "", "", questions)
    (choice,) = collect_choices(repository, tmp_path)
    assert choice.targets.tolist() == [1.0, 0.0]
    right, wrong = choice.rows
    assert right[NAMES.index("said")] > wrong[NAMES.index("said")]
    assert right[NAMES.index("lines")] == np.log1p(3)
    assert choice.weight == 1 / np.sqrt(2)


def test_a_repository_without_code_has_no_choices(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    question = Question("1", "commit", "send a stamped letter", (Target("mail.py", Span(4, 7)),))
    assert collect_choices(Repository("empty", "python", "", "", "", (question,)), tmp_path) == []
