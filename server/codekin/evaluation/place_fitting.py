"""Fit the weights that order the places of a file (search/place_scores.py) on a benchmark, such as a harvest.

    python -m codekin.evaluation.place_fitting BENCH CHECKOUTS > server/codekin/search/place_weights.py

Softmax regression over the places found of each file that answers a question: those that answer it shall have the
probability. Only sentences that are answered by lines count, and repositories of the split `train`. A ridge draws the
weights a little towards `PRIOR_WEIGHTS`. Measure on others: `codekin evaluate --repos`.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from codekin.evaluation.file_mixer_fitting import draw_questions, read_query
from codekin.evaluation.ranking_fitting import (
    Choice,
    RidgePlan,
    collect_in_workers,
    fit_weights,
    format_weights,
    open_search,
)
from codekin.evaluation.repositories import Question, Repository, Target
from codekin.search.rank import QueryResults
from codekin.types import Query, Task

# Set by hand, or fitted to a former harvest, before what texts say and how long they are was known.
PRIOR_WEIGHTS = {
    "cosine": 3.3,
    "share": 3.8,
    "said": 0.0,
    "qualified": 6.0,
    "defined": 2.0,
    "defined alone": 0.0,
    "class": -0.8,
    "defined class": 1.0,
    "rest of a file": -2.4,
    "method": 0.0,
    "constructor": -1.0,
    "test": -0.6,
    "stub": -1.0,
    "lines": 0.0,
}
_PLAN = RidgePlan(PRIOR_WEIGHTS, ("test",), 0.003)
_MAX_ANSWERS = 3  # of a question in one file
_MAX_PLACES = 24  # of a file, that do not answer: the likeliest by the prior


def collect_choices(repository: Repository, checkouts: Path) -> list[Choice]:
    """Index a repository in a temporary folder; return features of places in files that answer drawn questions."""
    checkout = (checkouts / repository.name).resolve()
    choices: list[Choice] = []
    with open_search(checkout / repository.root) as (search, index, roots):
        questions = [question for question in draw_questions(repository) if any(_list_spans(question))]
        for question in questions:
            results = search.retrieve(Query(read_query(question.text, index), Task.NL2CODE), Event())
            if not results.is_for_name:
                choices += make_choices(results, roots, question, checkout, 1 / math.sqrt(len(questions)))
    return choices


def make_choices(
    results: QueryResults, roots: Sequence[Path], question: Question, checkout: Path, weight: float
) -> Iterator[Choice]:
    """Yield a Choice for up to three answers in each file, beside its places that are none; they share the weight."""
    if not results.files():
        return
    locations, features = results.list_place_features(roots)
    rows = np.array([features[name] for name in PRIOR_WEIGHTS]).T
    likeliest = np.argsort(-(rows @ np.array(list(PRIOR_WEIGHTS.values()))), kind="stable").tolist()
    targets = _list_spans(question)
    rows_by_file: dict[Path, list[int]] = {}
    for row in likeliest:
        rows_by_file.setdefault(locations[row].path, []).append(row)
    files = {checkout / target.path for target in targets}
    for path in sorted(files & rows_by_file.keys()):
        relative_path = path.relative_to(checkout).as_posix()
        hits = {row: Target(relative_path, locations[row].span) for row in rows_by_file[path]}
        right = [row for row, hit in hits.items() if any(target.matches(hit) for target in targets)]
        wrong = [row for row in hits if row not in right][:_MAX_PLACES]
        for row in right[:_MAX_ANSWERS] if wrong else ():
            share = weight / len(files) / min(len(right), _MAX_ANSWERS)
            yield Choice(rows[[row, *wrong]], np.eye(1 + len(wrong))[0], share)


def _list_spans(question: Question) -> list[Target]:
    """Return the question's targets that are lines of a file."""
    return [target for target in question.targets if target.span is not None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the weights on the benchmark of `arguments` (None: sys.argv), print them, and return 0."""
    choices_by_repository = collect_in_workers(collect_choices, arguments, __doc__)
    choices = [choice for choices_of_one in choices_by_repository for choice in choices_of_one]
    sys.stdout.write(format_module(fit_weights(choices, _PLAN), sum(map(bool, choices_by_repository)), len(choices)))
    return 0


def format_module(weights: Mapping[str, float], repositories: int, answers: int) -> str:
    """Return the source text of the module that holds the weights; writes no file."""
    return format_weights(
        "Weights of the features of places beside others of their file, in logits: fitted, not chosen.",
        f"Made by codekin.evaluation.place_fitting on {answers:,} answers about {repositories} repositories. "
        "None of these are measured on. Their meaning: search/place_scores.py.",
        "PLACE_WEIGHTS",
        weights,
    )


if __name__ == "__main__":
    from codekin.evaluation import place_fitting  # its functions are called in workers, which find them by name

    sys.exit(place_fitting.main())
