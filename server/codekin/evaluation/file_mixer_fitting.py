"""Fit the network that orders the likeliest files (search/file_mixer.py) on a benchmark, such as a harvest.

    python -m codekin.evaluation.file_mixer_fitting BENCH CHECKOUTS > server/codekin/search/file_mixer_weights.py

A softmax over the 40 files with the highest sums of signals: the network is fitted to what these sums leave to be
said. Several networks, begun with other random numbers, are joined to one that says their mean, made smaller. Only
repositories of the split `train` are used. Measure on others: `codekin evaluate --repos`.
"""

import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from codekin.evaluation.ngram_fitting import Example, FittingPlan, fit_mixer, format_module
from codekin.evaluation.ranking_fitting import CATEGORY_WEIGHTS, collect_in_workers, open_search
from codekin.evaluation.repositories import Question, Repository
from codekin.index.index import Index
from codekin.search.issue_report import read_issue_report
from codekin.search.limits import read_question
from codekin.search.rank import QueryResults
from codekin.search.report_ranking import write_query
from codekin.types import Query, Task
from codekin.vectors.mixer import Mixer

_PLAN = FittingPlan(hidden_units=8, epochs=8, decay=1e-2)
_NETWORKS = 4
_SHRINKAGE = 0.8  # of what the networks say: commits, most of a harvest, ask otherwise than people do
_MAX_ANSWERS = 3  # of a question, each of which is an example
# Of each repository at most so many questions of a category, drawn by its name.
_MAX_QUESTIONS = {"commit": 90, "report": 50, "addition": 50, "documentation": 50, "definition": 30}


def draw_questions(repository: Repository) -> list[Question]:
    """Return at most 30 to 90 of the repository's questions of each category, always the same ones."""
    questions = list(repository.questions)
    random.Random(repository.name).shuffle(questions)  # noqa: S311
    counts: Counter[str] = Counter()
    drawn = []
    for question in questions:
        counts[question.category] += 1
        if counts[question.category] <= _MAX_QUESTIONS.get(question.category, len(questions)):
            drawn.append(question)
    return drawn


def collect_examples(repository: Repository, checkouts: Path) -> list[Example]:
    """Index a repository in a temporary folder; return training examples: files to order, for some of its questions."""
    checkout = (checkouts / repository.name).resolve()
    questions = draw_questions(repository)
    examples: list[Example] = []
    with open_search(checkout / repository.root) as (search, index, roots):
        for question in questions:
            results = search.retrieve(Query(read_query(question.text, index), Task.NL2CODE), Event())
            answers = {checkout / target.path for target in question.targets}
            weight = CATEGORY_WEIGHTS.get(question.category, 1.0) / math.sqrt(len(questions))
            examples += make_examples(results, roots, answers, weight)
    return examples


def read_query(text: str, index: Index) -> str:
    """Return the text that the engine would search for: the question, or a report's title and up to 24 tokens of it."""
    question = read_question(text)
    report = read_issue_report(question)
    return (report and write_query(report, index)) or question


def make_examples(results: QueryResults, roots: Sequence[Path], answers: set[Path], weight: float) -> Iterator[Example]:
    """Yield an example for each of up to three answers among the 40 best files, beside those that are no answer."""
    files = results.list_files()
    if not files:
        return
    scores, best = results.compare_files(roots)
    are_answers = np.array([files[row] in answers for row in best.rows.tolist()], np.bool_)
    for answer in np.flatnonzero(are_answers)[:_MAX_ANSWERS].tolist():
        is_kept = ~are_answers
        is_kept[answer] = True
        target = int(np.count_nonzero(is_kept[:answer]))
        share = weight / np.count_nonzero(are_answers)
        yield Example(best.inputs[is_kept], target, scores[best.rows][is_kept], float(share))


def join_mixers(mixers: Sequence[Mixer], factor: float = 1.0) -> Mixer:
    """Return a mixer whose scores are `factor` times the means of those of several, fitted to the same examples."""
    return Mixer(
        mixers[0].means,
        mixers[0].scales,
        factor * np.mean([mixer.linear for mixer in mixers], axis=0),
        np.hstack([mixer.hidden for mixer in mixers]),
        np.concatenate([mixer.hidden_biases for mixer in mixers]),
        factor / len(mixers) * np.concatenate([mixer.output for mixer in mixers]),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the network on the benchmark of `arguments` (None: sys.argv), print the module, and return 0."""
    examples_by_repository = collect_in_workers(collect_examples, arguments, __doc__)
    examples = [example for examples_of_one in examples_by_repository for example in examples_of_one]
    mixer = join_mixers([fit_mixer(examples, _PLAN, seed) for seed in range(_NETWORKS)], _SHRINKAGE)
    origin = (
        f"Made by codekin.evaluation.file_mixer_fitting on {len(examples):,} answers to questions about "
        f"{sum(map(bool, examples_by_repository))} repositories, none of which are measured on."
    )
    sys.stdout.write(format_module("Weights of the network that orders files", origin, "FILE_MIXER", mixer))
    return 0


if __name__ == "__main__":
    from codekin.evaluation import file_mixer_fitting  # its functions are called in workers, which find them by name

    sys.exit(file_mixer_fitting.main())
