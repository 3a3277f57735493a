"""The network is fitted to which of the best files answer, and joined networks say the mean of what each says."""

from pathlib import Path

import numpy as np

from codekin.evaluation.file_mixer_fitting import collect_examples, draw_questions, join_mixers
from codekin.evaluation.ngram_fitting import Example, FittingPlan, fit_mixer
from codekin.evaluation.repositories import Question, Repository, Target
from codekin.search.file_mixer_weights import FILE_MIXER


def make_repository(*questions: Question) -> Repository:
    return Repository("small", "python", "", "", "", questions)


def test_each_answer_is_an_example_beside_the_files_that_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "mail.py").write_text("def send_letter(server):\n    return server.send()\n")
    (folder / "post.py").write_text("def send_letter_again(server):\n    return server.send()\n")
    (folder / "sums.py").write_text("def add_letters(a, b):\n    return a + b\n")
    questions = (
        Question("1", "addition", "send a letter", (Target("mail.py"), Target("post.py"))),
        Question("2", "addition", "send a letter", (Target("gone.py"),)),
    )
    examples = collect_examples(make_repository(*questions), tmp_path)
    assert len(examples) == 2
    for example in examples:
        assert example.features.shape == (2, len(FILE_MIXER.means))
        assert example.offsets is not None
        assert len(example.offsets) == 2
        assert 0 <= example.target < 2
    assert sum(example.weight for example in examples) == 2.0 / np.sqrt(2)


def test_the_same_questions_are_drawn_again_and_no_category_has_them_all() -> None:
    questions = [Question(f"{number}", "commit", "send", (Target("mail.py"),)) for number in range(300)]
    repository = make_repository(*questions, Question("d", "addition", "send", (Target("mail.py"),)))
    drawn = draw_questions(repository)
    assert drawn == draw_questions(repository)
    assert 0 < sum(question.category == "commit" for question in drawn) < 300
    assert drawn.count(repository.questions[-1]) == 1


def test_joined_networks_say_the_mean_of_what_each_says() -> None:
    chance = np.random.default_rng(1)
    examples = [Example(chance.normal(size=(3, 4)), number % 3) for number in range(60)]
    mixers = [fit_mixer(examples, FittingPlan(5, 2, 1e-3), seed) for seed in range(3)]
    rows = chance.normal(size=(7, 4))
    mean = np.mean([mixer.compute_scores(rows) for mixer in mixers], axis=0)
    assert np.allclose(join_mixers(mixers).compute_scores(rows), mean)
    assert np.allclose(join_mixers(mixers, 0.5).compute_scores(rows), mean / 2)
