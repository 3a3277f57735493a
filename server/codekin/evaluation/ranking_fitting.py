"""Fit the weights of files' features (search/rank.py) on a benchmark of repositories, such as a harvest.

    python -m codekin.evaluation.ranking_fitting BENCH CHECKOUTS > server/codekin/search/ranking_weights.py

Softmax regression over the files found for each question, by Newton's method: the files that answer it shall have the
probability. A ridge draws the weights towards `PRIOR_WEIGHTS`, which were set by hand, because commits, most of a
harvest's questions, ask otherwise than people do. Only repositories of the split `train` are used. Measure on others:
`codekin evaluate --repos`.
"""

import argparse
import json
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codekin.embed.factory import load_light_model
from codekin.engine import Engine
from codekin.evaluation.harvest.harvest import choose_split
from codekin.evaluation.repositories import Question, Repository, load_repositories, require_checkouts
from codekin.index.index import Index
from codekin.indexing.pool import map_in_workers
from codekin.search.limits import read_question
from codekin.search.search import SearchEngine
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import locate_index
from codekin.types import Query, Task
from codekin.workspace.workspace import Workspace

_Collected = TypeVar("_Collected")
Floats = npt.NDArray[np.float64]

PRIOR_WEIGHTS = {
    "nearest": 6.5,
    "near": 3.6,
    "wordiest": 3.5,
    "many": 0.8,
    "covered": 4.0,
    "title_precise": 2.9,
    "place_name": 4.0,
    "called": 2.6,
    "defined": 0.4,
    "named": 4.0,
    "exact": 6.0,
    "exact_title": 3.0,
    "test": -3.5,
    "internal": -1.0,
    "legacy": -2.0,
    "foreign": -2.0,
    "former": -2.0,
    "prose": -4.2,
}
# Of each question, by category: those that are most like people's count most.
CATEGORY_WEIGHTS = {"commit": 0.3, "report": 0.2, "addition": 2.0, "documentation": 1.5, "definition": 0.5}
_NEWTON_STEPS = 30
_MAX_FILES_PER_QUESTION = 40  # the likeliest by the prior


@dataclass(frozen=True, slots=True)
class Choice:
    """A question's candidates, files or places of one: their features, and which of them answer it."""

    rows: Floats  # (candidates, features)
    targets: Floats  # (candidates,), of sum 1
    weight: float


@dataclass(frozen=True, slots=True)
class RidgePlan:
    """What weights are drawn towards, and how much."""

    prior_weights: Mapping[str, float]
    fixed: Sequence[str]
    ridge_penalty: float  # of a feature's weight times its deviation, beside the mean loss of a question


_FILE_PLAN = RidgePlan(PRIOR_WEIGHTS, ("test", "prose"), 0.1)  # these answer no question of a harvest, by its making


def collect_choices(repository: Repository, checkouts: Path) -> list[Choice]:
    """Index a repository in a temporary folder; return features of a question's files, if an answer is among them."""
    checkout = (checkouts / repository.name).resolve()
    choices: list[Choice] = []
    with open_search(checkout / repository.root) as (search, _, roots):
        for question in repository.questions:
            results = search.retrieve(Query(read_question(question.text), Task.NL2CODE), Event())
            signals = {
                path.relative_to(checkout).as_posix(): features
                for path, features in results.list_signals(roots).items()
            }
            choices += _make_choices(question, signals, 1 / math.sqrt(len(repository.questions)))
    return choices


@contextmanager
def open_search(root: Path) -> Iterator[tuple[SearchEngine, Index, Sequence[Path]]]:
    """Index a folder in a temporary one; yield its search engine, index and roots; the index is removed at the end."""
    with TemporaryDirectory(prefix="codekin-evaluate-") as cache:
        settings = Settings(cache=CacheSettings(directory=cache))
        with closing(Engine([root], settings)) as engine:
            engine.refresh(lambda _: None, Event(), workers=1)
            roots = engine.status().roots
        embedder = load_light_model(settings.model)
        index_paths, space = locate_index(roots, settings), embedder.space(Task.CODE2CODE)
        with closing(Index(index_paths, space, embedder.dim, print)) as index:
            index.follow()
            yield SearchEngine(index, Workspace(roots, settings.index), embedder), index, roots


def fit_weights(choices: Sequence[Choice], plan: RidgePlan = _FILE_PLAN) -> dict[str, float]:
    """Return name → weight, fitted to one choice or more, two decimals; for the plan's fixed ones the prior's."""
    names = list(plan.prior_weights)
    scale = np.concatenate([choice.rows for choice in choices]).std(axis=0) + 1e-6
    prior = np.array(list(plan.prior_weights.values())) * scale
    is_free = np.array([name not in plan.fixed for name in names], float)
    total_weight = sum(choice.weight for choice in choices)
    weights = prior.copy()
    for _ in range(_NEWTON_STEPS):
        gradient = 2 * plan.ridge_penalty * (weights - prior)
        hessian = 2 * plan.ridge_penalty * np.eye(len(names))
        for choice in choices:
            rows, share = choice.rows / scale, choice.weight / total_weight
            probabilities = _softmax(rows @ weights)
            mean_row = probabilities @ rows
            gradient += share * (mean_row - choice.targets @ rows)
            hessian += share * ((rows * probabilities[:, None]).T @ rows - np.outer(mean_row, mean_row))
        free = np.flatnonzero(is_free)
        weights[free] -= np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
    return {name: round(float(weight), 2) for name, weight in zip(names, weights / scale, strict=True)}


def format_module(weights: Mapping[str, float], repositories: int, questions: int) -> str:
    """Return the source text of the module that holds the weights; writes no file."""
    return format_weights(
        "Weights of the features of files, in logits: fitted, not chosen, except for those of tests and prose.",
        f"Made by codekin.evaluation.ranking_fitting on {questions:,} questions about {repositories} repositories, "
        "none of which answers are measured on. Their meaning: search/rank.py.",
        "FILE_WEIGHTS",
        weights,
    )


def format_weights(title: str, origin: str, constant: str, weights: Mapping[str, float]) -> str:
    """Return the source text of a module that holds named weights as `constant`; writes no file."""
    return "\n".join(
        [
            f'"""{title}',
            "",
            *textwrap.wrap(origin, 116),
            '"""',
            "",
            f"{constant} = {{",
            *(f'    "{name}": {weight},' for name, weight in weights.items()),
            "}",
            "",
        ]
    )


def _make_choices(
    question: Question, signals: Mapping[str, Mapping[str, float]], repository_weight: float
) -> Iterator[Choice]:
    """Yield one choice: a question's 40 likeliest files and all answers; nothing where no candidate is an answer."""
    answers = {target.path for target in question.targets}
    are_answers = np.array([path in answers for path in signals], float)
    if not are_answers.any():
        return
    rows = np.array([[features[name] for name in PRIOR_WEIGHTS] for features in signals.values()])
    order = np.argsort(-(rows @ np.array(list(PRIOR_WEIGHTS.values()))), kind="stable")
    is_kept = are_answers > 0
    is_kept[order[:_MAX_FILES_PER_QUESTION]] = True
    weight = repository_weight * CATEGORY_WEIGHTS.get(question.category, 1.0)
    yield Choice(rows[is_kept], are_answers[is_kept] / are_answers.sum(), weight)


def _softmax(scores: Floats) -> Floats:
    """Return the probabilities of these logits."""
    exponentials = np.exp(scores - scores.max())
    return np.asarray(exponentials / exponentials.sum())


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the weights on the benchmark of `arguments` (None: sys.argv), print the module, and return 0."""
    choices_by_repository = collect_in_workers(collect_choices, arguments, __doc__)
    choices = [choice for choices_of_one in choices_by_repository for choice in choices_of_one]
    sys.stdout.write(format_module(fit_weights(choices), len(choices_by_repository), len(choices)))
    return 0


def collect_in_workers(
    collect: Callable[..., list[_Collected]], arguments: Sequence[str] | None, description: str | None
) -> list[list[_Collected]]:
    """Parse the arguments; return a list of what `collect` returns for each repository of the split `train`.

    It is called, in worker processes, with a repository and the folder of the checkouts, as `checkouts`.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, metavar="BENCH")
    parser.add_argument("checkouts", type=Path, metavar="CHECKOUTS")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    repositories = list(list_repositories(options.benchmark, "train"))
    require_checkouts(repositories, options.checkouts)
    return list(map_in_workers(partial(collect, checkouts=options.checkouts), repositories, options.workers))


def list_repositories(benchmark: Path, split: str = "") -> Iterator[Repository]:
    """Yield the benchmark's repositories of a split ("": all), by repos.json, else by a hash of their names."""
    splits = {row["name"]: row.get("split") for row in json.loads((benchmark / "repos.json").read_text("utf-8"))}
    for repository in load_repositories(benchmark):
        if split in ("", splits[repository.name] or choose_split(repository.name)):
            yield repository


if __name__ == "__main__":
    from codekin.evaluation import ranking_fitting  # its functions are called in workers, which find them by name

    sys.exit(ranking_fitting.main())
