"""Questions about real repositories, asked by the product's own path and scored by where its hits point.

A benchmark's folder holds `repos.json` (name, language, repository, revision, root: the folder that is searched) and
`queries.jsonl` (`_id`, repo, category, text, `relevant` and `secondary`: the places that answer it, each a path from
the repository's top and, where less than the file is meant, 1-based inclusive lines).
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import numpy as np

from codekin.embed.embedder import load
from codekin.engine import Engine
from codekin.errors import CodekinError
from codekin.evaluation.benchmarks import BenchmarkError
from codekin.evaluation.signature import describe_checkouts, describe_codekin, describe_model
from codekin.settings import CacheSettings, Settings
from codekin.types import Hit, Span

K = 10  # hits that count
CATEGORIES = ("semantic", "architecture", "symbol")


class CheckoutError(CodekinError):
    """A repository of the benchmark is not on the disk."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place that answers a question, or that a hit points to."""

    path: str  # from the repository's top, with /
    span: Span | None = None  # None: anywhere in the file

    def __str__(self) -> str:
        return self.path if self.span is None else f"{self.path}:{self.span.start + 1}-{self.span.end}"

    def matches(self, found: "Target") -> bool:
        """Whether a hit there answers: the same file and, where lines are asked for, one of them."""
        if self.path != found.path or self.span is None or found.span is None:
            return self.path == found.path
        return self.span.start < found.span.end and found.span.start < self.span.end


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and every place that counts as an answer."""

    name: str
    category: str
    text: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """One code base and the questions about it."""

    name: str
    language: str
    url: str
    revision: str
    root: str  # the folder that is searched, from the repository's top
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A question and the first ten hits' places."""

    question: Question
    places: tuple[Target, ...]

    @property
    def target_ranks(self) -> list[int | None]:
        """Of each target, the rank (from 1) of the first hit that meets it; None where none of the ten does."""
        ranked = list(enumerate(self.places[:K], start=1))
        return [
            next((rank for rank, found in ranked if target.matches(found)), None) for target in self.question.targets
        ]

    @property
    def ndcg(self) -> float:
        """NDCG@10 with binary relevance; 0 where nothing is found."""
        return compute_ndcg_of_ranks(self.target_ranks)


@dataclass(frozen=True, slots=True)
class RepositoryResult:
    """One repository's answers, and how long each took in a warm process."""

    repository: Repository
    answered: tuple[AnsweredQuestion, ...]
    seconds: tuple[float, ...]
    snippets: int

    @property
    def ndcg(self) -> float:
        """The mean over the questions."""
        return compute_mean_ndcg(self.answered)


def compute_ndcg_of_ranks(ranks: Sequence[int | None]) -> float:
    """NDCG@10 of targets found at these ranks (from 1; None: not found). The ideal has each at a rank of its own.

    It is above 1 where one hit meets several targets, as a hit may where they are lines of one function.
    """
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(ranks), K) + 1))
    gained = sum(1 / math.log2(rank + 1) for rank in ranks if rank is not None and rank <= K)
    return gained / ideal if ideal else 0.0


def compute_mean_ndcg(answered: Sequence[AnsweredQuestion]) -> float:
    """NDCG@10 averaged over the questions; NaN where there are none."""
    return fmean(answer.ndcg for answer in answered) if answered else math.nan


def load_repositories(folder: Path) -> list[Repository]:
    """The repositories of a benchmark that have questions. Raises BenchmarkError."""
    try:
        rows = json.loads((folder / "repos.json").read_text("utf-8"))
        lines = (folder / "queries.jsonl").read_text("utf-8").split("\n")
        asked: dict[str, list[Question]] = {row["name"]: [] for row in rows}
        for line in filter(None, lines):
            row = json.loads(line)
            asked[row["repo"]].append(_question(row))
        return [_repository(row, asked[row["name"]]) for row in rows if asked[row["name"]]]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(
            f"{folder} is no benchmark of repositories ({error!r}). It needs repos.json and queries.jsonl."
        ) from error


def _repository(row: Mapping[str, Any], questions: Sequence[Question]) -> Repository:
    url = f"https://github.com/{row['repository']}"
    return Repository(row["name"], row["language"], url, row["revision"], row["root"], tuple(questions))


def _question(row: Mapping[str, Any]) -> Question:
    targets = tuple(_target(place) for place in (*row["relevant"], *row["secondary"]))
    return Question(row["_id"], row["category"], row["text"], targets)


def _target(place: Mapping[str, Any]) -> Target:
    return Target(place["path"], Span(place["start_line"] - 1, place["end_line"]) if "start_line" in place else None)


def measure_repositories(
    repositories: Sequence[Repository], checkouts: Path, settings: Settings
) -> Iterator[RepositoryResult]:
    """Index each checkout's root and ask its questions, one repository after another.

    The index is made anew in a temporary folder: one of before could have been made by other rules.
    Raises CheckoutError, before anything is indexed, where a checkout is missing.
    """
    require_checkouts(repositories, checkouts)
    with TemporaryDirectory(prefix="codekin-evaluate-") as cache:
        apart = replace(settings, cache=CacheSettings(directory=cache))
        for repository in repositories:
            yield _measure(repository, (checkouts / repository.name).resolve(), apart)


def require_checkouts(repositories: Sequence[Repository], checkouts: Path) -> None:
    """Raises CheckoutError with the commands that get what is missing."""
    missing = [one for one in repositories if not (checkouts / one.name / one.root).is_dir()]
    if missing:
        commands = [
            f"  git clone {one.url} {checkouts / one.name} && git -C {checkouts / one.name} checkout {one.revision}"
            for one in missing
        ]
        many = f"{len(missing)} of {len(repositories)} repositories are"
        which = "1 repository is" if len(missing) == 1 else many
        raise CheckoutError("\n".join([f"{which} not in {checkouts}. Run:", *commands]))


def describe_measurement(repositories: Sequence[Repository], checkouts: Path, settings: Settings) -> dict[str, str]:
    """What determined the numbers."""
    targets = {(one.name, target.path) for one in repositories for ask in one.questions for target in ask.targets}
    absent = sum(not (checkouts / name / path).exists() for name, path in targets)
    questions = sum(len(one.questions) for one in repositories)
    return {
        **describe_codekin(),
        **describe_model(load(settings.model)),
        "settings": ", ".join(f"search.{name}={value}" for name, value in asdict(settings.search).items()),
        "benchmark": f"{questions} questions, {len(repositories)} repositories",
        "revisions": describe_checkouts({checkouts / one.name: one.revision for one in repositories}),
        "answers": f"{len(targets)} files, {absent} of them absent",
    }


def _measure(repository: Repository, top: Path, settings: Settings) -> RepositoryResult:
    with closing(Engine([top / repository.root], settings)) as engine:
        report = engine.refresh(lambda _: None, Event(), workers=1)
        engine.heavy.fill(lambda _: None, Event())
        for question in repository.questions:  # once to warm up
            engine.search(question.text, K)
        answered, seconds = [], []
        for question in repository.questions:
            started = time.perf_counter()
            answer = engine.search(question.text, K)
            seconds.append(time.perf_counter() - started)
            answered.append(AnsweredQuestion(question, tuple(_pointed(hit, top) for hit in answer.hits)))
    return RepositoryResult(repository, tuple(answered), tuple(seconds), report.snippets)


def _pointed(hit: Hit, top: Path) -> Target:
    return Target(hit.place.path.relative_to(top).as_posix(), hit.place.span)


def format_table(measured: Sequence[RepositoryResult]) -> str:
    """A line a repository, in Markdown; below them all, NDCG@10 averaged over the repositories.

    A category's NDCG@10 is the mean over its questions, also of all repositories. `missed` counts questions none of
    whose targets is among the hits, `silent` of them those without a hit. Latencies are of the warm second asking.
    """
    everything = [answer for one in measured for answer in one.answered]
    head = ["repository", "snippets", "questions", "NDCG@10", *CATEGORIES, "missed", "silent", "p50 ms", "p95 ms"]
    rows = [
        [one.repository.name, f"{one.snippets:,}", *_cells(one.ndcg, one.answered, one.seconds)] for one in measured
    ]
    snippets, seconds = sum(one.snippets for one in measured), [s for one in measured for s in one.seconds]
    rows.append(["**all**", f"{snippets:,}", *_cells(compute_overall_ndcg(measured), everything, seconds)])
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" + "|---:" * (len(head) - 1) + "|", *lines[1:]])


def compute_overall_ndcg(measured: Sequence[RepositoryResult]) -> float:
    """The headline: NDCG@10 averaged per repository, then over the repositories."""
    return fmean(one.ndcg for one in measured)


def _cells(ndcg: float, answered: Sequence[AnsweredQuestion], seconds: Sequence[float]) -> list[str]:
    by_category = [
        compute_mean_ndcg([a for a in answered if a.question.category == category]) for category in CATEGORIES
    ]
    scores = ["–" if math.isnan(score) else f"{score:.3f}" for score in (ndcg, *by_category)]
    missed, silent = sum(not any(a.target_ranks) for a in answered), sum(not a.places for a in answered)
    latencies = [f"{1000 * float(value):.1f}" for value in np.percentile(seconds, (50, 95))]
    return [str(len(answered)), *scores, str(missed), str(silent), *latencies]


def to_json(measured: Sequence[RepositoryResult]) -> dict[str, Any]:
    """All of it for a program. What a question says has no times in it: two runs can be compared by `diff`."""
    return {
        "ndcg10": round(compute_overall_ndcg(measured), 4),
        "repositories": [
            {
                "name": one.repository.name,
                "ndcg10": round(one.ndcg, 4),
                "snippets": one.snippets,
                "p50_ms": round(1000 * float(np.percentile(one.seconds, 50)), 2),
                "p95_ms": round(1000 * float(np.percentile(one.seconds, 95)), 2),
            }
            for one in measured
        ],
        "questions": [
            {"repository": one.repository.name} | _row(answer) for one in measured for answer in one.answered
        ],
    }


def _row(answered: AnsweredQuestion) -> dict[str, Any]:
    asked = answered.question
    return {
        "id": asked.name,
        "category": asked.category,
        "text": asked.text,
        "ndcg10": round(answered.ndcg, 4),
        "targets": [
            {"at": str(target), "rank": rank} for target, rank in zip(asked.targets, answered.target_ranks, strict=True)
        ],
        "found": [str(found) for found in answered.places],
    }
