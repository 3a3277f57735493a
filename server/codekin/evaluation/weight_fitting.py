"""Fit the weights of the completion's features.

    python -m codekin.evaluation.weight_fitting ROOT … > server/codekin/completion/weights.py

Two logistic regressions (see completion/ranking.py) on cuts of these repositories, by Newton's method with a ridge.
Measure on others: `python -m codekin.evaluation.completion`.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import numpy.typing as npt

from codekin.completion.candidates import LineCandidate
from codekin.completion.context import read_context
from codekin.completion.features import FEATURES
from codekin.completion.ranking import LINE_FEATURES, group_by_line
from codekin.completion.sources import SourceSnippet
from codekin.evaluation.completion import make_cursor, open_temporary_completer, parse_cut_options
from codekin.evaluation.hold_out import strip_blanks
from codekin.indexing.pool import map_in_workers
from codekin.settings import Settings
from codekin.types import SnippetKind

Floats = npt.NDArray[np.float64]
Example = tuple[
    tuple[dict[str, float], str, bool], ...
]  # of a cut: each clue's features, its line, whether it is right

CUTS = 250  # per repository
_RIDGE_PENALTY = 1.0
_NEWTON_STEPS = 40
_MAX_LINES_PER_CUT = 10  # of a cut: the likeliest; all others are easy negatives, which would dominate
_NO_SOURCE = SourceSnippet(Path(), 0, (), "", SnippetKind.LINES, -1)


def collect_examples(root: Path, count: int, seed: int) -> list[Example]:
    """Index a repository, return the candidates of up to `count` cuts, each with whether its line is right."""
    examples = []
    with open_temporary_completer(root, Settings()) as (completer, corpus):
        for cut in corpus.choose_cuts(count, seed):
            excluded = frozenset(corpus.hashes[snippet_number] for snippet_number in cut.excluded)
            context = read_context(make_cursor(cut))
            candidates = completer.list_candidates(context, Event(), excluded) if context.can_continue else []
            true_line = strip_blanks(cut.truth[0])
            examples.append(
                tuple(
                    (candidate.features, candidate.line, strip_blanks(candidate.line) == true_line)
                    for candidate in candidates
                )
            )
    return examples


def fit_weights(cuts: Sequence[Example]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the fitted weights of FEATURES and of LINE_FEATURES, each with a bias; needs candidates."""
    rows = [candidate for cut in cuts for candidate in cut]
    candidate_weights = _fit_logistic_regression(
        [features for features, _, _ in rows], [is_right for _, _, is_right in rows], FEATURES
    )
    line_features: list[dict[str, float]] = []
    is_right_line: list[bool] = []
    for cut in cuts:
        true_lines = {strip_blanks(line) for _, line, is_right in cut if is_right}
        grouped = group_by_line(
            [LineCandidate(_NO_SOURCE, 0, 0, 0.0, line=line, features=features) for features, line, _ in cut],
            candidate_weights,
        )
        for candidates, features in sorted(grouped, key=lambda group: -group[1]["best"])[:_MAX_LINES_PER_CUT]:
            line_features.append(features)
            is_right_line.append(strip_blanks(candidates[0].line) in true_lines)
    return candidate_weights, _fit_logistic_regression(line_features, is_right_line, LINE_FEATURES)


def _fit_logistic_regression(
    examples: Sequence[Mapping[str, float]], is_right: Sequence[bool], names: Sequence[str]
) -> dict[str, float]:
    """Return name → weight of a ridge logistic regression, with a "bias", rounded to two decimals."""
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


def format_module(weights: tuple[dict[str, float], dict[str, float]], names: Sequence[str], cuts: int) -> str:
    """Return the source text of the module that holds the weights; writes no file."""
    origin = f"by codekin.evaluation.weight_fitting on {cuts:,} cuts of {', '.join(names)}"
    lines = [
        '"""Weights of the features of candidates and of lines, in logits: fitted, not chosen.',
        "",
        f"Made {origin}.",
        '"""',
    ]
    for table_name, table in zip(("CANDIDATE_WEIGHTS", "LINE_WEIGHTS"), weights, strict=True):
        lines += [
            "",
            f"{table_name} = {{",
            *(f'    "{feature_name}": {value},' for feature_name, value in table.items()),
            "}",
        ]
    return "\n".join(lines) + "\n"


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
