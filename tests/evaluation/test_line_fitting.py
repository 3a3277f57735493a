"""How lines are weighed is fitted on cuts of real code, with the features that the product computes."""

from pathlib import Path

import numpy as np

from codekin.completion.line_weights import LINE_MIXER
from codekin.evaluation.line_fitting import collect_examples, main


def test_an_example_has_the_lines_features_and_which_is_right(shop: Path):
    examples = collect_examples(shop, 12, seed=1)
    assert examples
    assert all(example.features.shape[1] == len(LINE_MIXER.means) for example in examples)
    assert all(0 <= example.target < len(example.features) for example in examples)
    assert any(example.target < len(example.features) - 1 for example in examples)


def test_the_printed_module_can_be_used(shop: Path, capsys):
    assert main([str(shop), "--cuts", "8", "--workers", "1"]) == 0
    namespace: dict[str, object] = {}
    exec(capsys.readouterr().out, namespace)
    mixer = namespace["LINE_MIXER"]
    assert isinstance(mixer, type(LINE_MIXER))
    assert np.isfinite(mixer.compute_probabilities(np.zeros((2, len(mixer.means))))).all()
