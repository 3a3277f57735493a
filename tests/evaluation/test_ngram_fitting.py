"""The mixer's weights are fitted by the gradient of the right candidates' cross-entropy."""

import numpy as np

from codekin.evaluation.ngram_fitting import Example, fit_mixer, format_module


def make_examples(count: int) -> list[Example]:
    """The right candidate is the one with the greatest product of the first two features; the third is noise."""
    chance = np.random.default_rng(1)
    features = [chance.normal(size=(int(chance.integers(2, 6)), 3)) for _ in range(count)]
    return [Example(rows, int(np.argmax(rows[:, 0] * rows[:, 1]))) for rows in features]


def test_what_no_linear_score_can_tell_is_learned():
    mixer = fit_mixer(make_examples(3000))
    unseen = make_examples(3300)[3000:]
    right = [int(np.argmax(mixer.compute_probabilities(rows))) == target for rows, target in unseen]
    assert np.mean(right) > 0.8
    assert all(np.isclose(mixer.compute_probabilities(rows).sum(), 1) for rows, _ in unseen)


def test_the_written_module_has_the_fitted_weights():
    mixer = fit_mixer(make_examples(200))
    namespace: dict[str, object] = {}
    exec(format_module("Weights", "Made of a, b.", "MIXER", mixer), namespace)
    rows = make_examples(1)[0].features
    written = namespace["MIXER"]
    assert isinstance(written, type(mixer))
    assert np.allclose(written.compute_probabilities(rows), mixer.compute_probabilities(rows), atol=0.01)
