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
    probabilities = [mixer.compute_probabilities(example.features) for example in unseen]
    right = [int(np.argmax(values)) == example.target for values, example in zip(probabilities, unseen, strict=True)]
    assert np.mean(right) > 0.8
    assert all(np.isclose(values.sum(), 1) for values in probabilities)


def test_what_the_offsets_say_is_not_learned_again():
    plain = make_examples(2000)
    known = [example._replace(offsets=20.0 * (np.arange(len(example.features)) == example.target)) for example in plain]
    plain_mixer, known_mixer = fit_mixer(plain), fit_mixer(known)
    for example in plain[:10]:
        learned, left = (np.ptp(mixer.compute_scores(example.features)) for mixer in (plain_mixer, known_mixer))
        assert left < max(0.2 * learned, 0.5)


def test_an_example_that_weighs_nothing_teaches_nothing():
    right = make_examples(2000)
    wrong = [example._replace(target=(example.target + 1) % len(example.features), weight=0.0) for example in right]
    mixer = fit_mixer([*right, *wrong])
    found = [int(np.argmax(mixer.compute_probabilities(example.features))) == example.target for example in right]
    assert np.mean(found) > 0.7


def test_the_written_module_has_the_fitted_weights():
    mixer = fit_mixer(make_examples(200))
    namespace: dict[str, object] = {}
    exec(format_module("Weights", "Made of a, b.", "MIXER", mixer), namespace)
    rows = make_examples(1)[0].features
    written = namespace["MIXER"]
    assert isinstance(written, type(mixer))
    assert np.allclose(written.compute_probabilities(rows), mixer.compute_probabilities(rows), atol=0.01)
