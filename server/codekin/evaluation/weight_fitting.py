"""Fit the weights of the features of the completion's candidates.

    python -m codekin.evaluation.weight_fitting ROOT … > server/codekin/completion/weights.py

A logistic regression (see completion/ranking.py) on cuts of these repositories, by Newton's method with a ridge. Fit
how lines are weighed, with `python -m codekin.evaluation.line_fitting`, after it. Measure on others: `python -m
codekin.evaluation.completion`.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import numpy.typing as npt

from codekin.completion.context import read_context
from codekin.completion.features import FEATURES
from codekin.completion.line_words import strip_blanks
from codekin.evaluation.completion import make_cursor, open_temporary_completer, parse_cut_options
from codekin.evaluation.ranking_fitting import format_weights
from codekin.indexing.pool import map_in_workers
from codekin.settings import Settings

Floats = npt.NDArray[np.float64]
Example = tuple[tuple[dict[str, float], bool], ...]  # of a cut: each candidate's features, whether its line is right

CUTS = 250  # per repository
_RIDGE_PENALTY = 1.0
_NEWTON_STEPS = 40


def collect_examples(root: Path, count: int, seed: int) -> list[Example]:
    """Index a repository in a temporary folder; return, per cut, each candidate's features and whether it is right."""
    examples = []
    with open_temporary_completer(root, Settings()) as (completer, corpus):
        for cut in corpus.choose_cuts(count, seed):
            excluded = frozenset(corpus.hashes[snippet_number] for snippet_number in cut.excluded)
            context = read_context(make_cursor(cut))
            candidates = completer.list_candidates(context, Event(), excluded) if context.can_continue else []
            true_line = strip_blanks(cut.truth[0])
            examples.append(
                tuple((candidate.features, strip_blanks(candidate.line) == true_line) for candidate in candidates)
            )
    return examples


def fit_weights(cuts: Sequence[Example]) -> dict[str, float]:
    """Return name → fitted weight, of FEATURES and a "bias"; needs candidates."""
    rows = [candidate for cut in cuts for candidate in cut]
    return _fit_logistic_regression([features for features, _ in rows], [is_right for _, is_right in rows], FEATURES)


def _fit_logistic_regression(
    examples: Sequence[Mapping[str, float]], is_right: Sequence[bool], names: Sequence[str]
) -> dict[str, float]:
    """Fit a ridge logistic regression; return name → weight, with a "bias", rounded to two decimals."""
    rows: Floats = np.array([[*(features[feature_name] for feature_name in names), 1.0] for features in examples])
    targets: Floats = np.array(is_right, float)
    weights = np.zeros(rows.shape[1])
    for _ in range(_NEWTON_STEPS):
        probabilities = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        gradient = rows.T @ (probabilities - targets) + _RIDGE_PENALTY * weights
        hessian = (rows * (probabilities * (1 - probabilities))[:, None]).T @ rows + _RIDGE_PENALTY * np.eye(
            len(weights)
        )
        weights -= np.linalg.solve(hessian, gradient)
    return dict(zip((*names, "bias"), (round(float(weight), 2) for weight in weights), strict=True))


def format_module(weights: Mapping[str, float], names: Sequence[str], cuts: int) -> str:
    """Return the source text of the module that holds the weights; writes no file."""
    return format_weights(
        "Weights of the features of candidates, in logits: fitted, not chosen.",
        f"Made by codekin.evaluation.weight_fitting on {cuts:,} cuts of {', '.join(names)}.",
        "CANDIDATE_WEIGHTS",
        weights,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the weights on the repositories of `arguments` (None: sys.argv), print the module, and return 0."""
    options = parse_cut_options(arguments, __doc__, CUTS, seed=1)
    roots = [root.resolve() for root in options.roots]
    examples_of = partial(collect_examples, count=options.cuts, seed=options.seed)
    cuts = [cut for examples in map_in_workers(examples_of, roots, options.workers) for cut in examples]
    sys.stdout.write(format_module(fit_weights(cuts), [root.name for root in roots], len(cuts)))
    return 0


if __name__ == "__main__":
    from codekin.evaluation import weight_fitting  # its functions are called in workers, which must find them by name

    sys.exit(weight_fitting.main())
