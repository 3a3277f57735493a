"""Measure search on questions about real repositories, through the engine, by where the hits point.

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

from codekin.embed.embedder import load_embedder
from codekin.engine import Engine
from codekin.errors import CodekinError
from codekin.evaluation.benchmarks import BenchmarkError
from codekin.evaluation.signature import describe_checkouts, describe_codekin, describe_model
from codekin.settings import CacheSettings, Settings
from codekin.types import Hit, Span

MAX_HITS = 10  # hits that count
CATEGORIES = ("semantic", "architecture", "symbol")


class CheckoutError(CodekinError):
    """A checkout of the benchmark's repositories is missing."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place, in a file or at lines of it, that answers a question or that a hit points to."""

    path: str  # from the repository's top, with /
    span: Span | None = None  # None: anywhere in the file

    def __str__(self) -> str:
        """Return the right answer's or hit's place as PATH or, with 1-based lines, PATH:FIRST-LAST."""
        return self.path if self.span is None else f"{self.path}:{self.span.start + 1}-{self.span.end}"

    def matches(self, hit_target: "Target") -> bool:
        """Return whether a hit there answers this target: same file and, where both have lines, overlapping ones."""
        if self.path != hit_target.path or self.span is None or hit_target.span is None:
            return self.path == hit_target.path
        return self.span.start < hit_target.span.end and hit_target.span.start < self.span.end


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a repository, and every place that counts as an answer."""

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
    """A question and the places of its first ten hits."""

    question: Question
    places: tuple[Target, ...]

    @property
    def target_ranks(self) -> list[int | None]:
        """Return for each target the rank (from 1) of the first hit that matches it; None if none of the ten does."""
        ranked = list(enumerate(self.places[:MAX_HITS], start=1))
        return [
            next((rank for rank, hit_target in ranked if target.matches(hit_target)), None)
            for target in self.question.targets
        ]

    @property
    def ndcg(self) -> float:
        """Return NDCG@10 with binary relevance; 0 if no target is found, above 1 if one hit matches several."""
        return compute_ndcg_of_ranks(self.target_ranks)


@dataclass(frozen=True, slots=True)
class RepositoryResult:
    """The answers for one repository, with the seconds that each took in a warm process."""

    repository: Repository
    answered_questions: tuple[AnsweredQuestion, ...]
    seconds: tuple[float, ...]
    snippets: int

    @property
    def ndcg(self) -> float:
        """Return the mean NDCG@10 over the questions; NaN without questions."""
        return compute_mean_ndcg(self.answered_questions)


def compute_ndcg_of_ranks(ranks: Sequence[int | None]) -> float:
    """Return NDCG@10 of targets found at these ranks (from 1; None: not found), above 1 if they share ranks; 0 of none.

    The ideal has each target at a rank of its own, so the result is above 1 where one hit matches several targets, such
    as lines of one function.
    """
    ideal_gain = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(ranks), MAX_HITS) + 1))
    actual_gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank is not None and rank <= MAX_HITS)
    return actual_gain / ideal_gain if ideal_gain else 0.0


def compute_mean_ndcg(answered_questions: Sequence[AnsweredQuestion]) -> float:
    """Return NDCG@10 averaged over the questions; NaN without questions."""
    return fmean(answer.ndcg for answer in answered_questions) if answered_questions else math.nan


def load_repositories(folder: Path) -> list[Repository]:
    """Return the repositories of a benchmark that have questions, in order. Raises BenchmarkError for a bad folder."""
    try:
        rows = json.loads((folder / "repos.json").read_text("utf-8"))
        lines = (folder / "queries.jsonl").read_text("utf-8").split("\n")
        questions_of: dict[str, list[Question]] = {json_object["name"]: [] for json_object in rows}
        for line in filter(None, lines):
            json_object = json.loads(line)
            questions_of[json_object["repo"]].append(_parse_question(json_object))
        return [
            _parse_repository(json_object, questions_of[json_object["name"]])
            for json_object in rows
            if questions_of[json_object["name"]]
        ]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(
            f"{folder} is no benchmark of repositories ({error!r}). It needs repos.json and queries.jsonl."
        ) from error


def _parse_repository(json_object: Mapping[str, Any], questions: Sequence[Question]) -> Repository:
    """Return the repository in a row of repos.json, with its questions. Raises KeyError where a field is missing."""
    url = f"https://github.com/{json_object['repository']}"
    return Repository(
        json_object["name"],
        json_object["language"],
        url,
        json_object["revision"],
        json_object["root"],
        tuple(questions),
    )


def _parse_question(json_object: Mapping[str, Any]) -> Question:
    """Return the question in a row of queries.jsonl, secondary targets last. Raises KeyError for a missing field."""
    targets = tuple(_parse_target(place) for place in (*json_object["relevant"], *json_object["secondary"]))
    return Question(json_object["_id"], json_object["category"], json_object["text"], targets)


def _parse_target(place: Mapping[str, Any]) -> Target:
    """Return a place of a row; its 1-based, inclusive lines, if any, become a 0-based, half-open span."""
    return Target(place["path"], Span(place["start_line"] - 1, place["end_line"]) if "start_line" in place else None)


def measure_repositories(
    repositories: Sequence[Repository], checkouts: Path, settings: Settings
) -> Iterator[RepositoryResult]:
    """Index each checkout in a temporary folder, ask its questions, yield its result in turn. Raises CheckoutError.

    No existing index is used: it could have been made by other rules. A missing checkout raises before anything is
    indexed.
    """
    require_checkouts(repositories, checkouts)
    with TemporaryDirectory(prefix="codekin-evaluate-") as cache:
        temporary_settings = replace(settings, cache=CacheSettings(directory=cache))
        for repository in repositories:
            yield _measure_repository(repository, (checkouts / repository.name).resolve(), temporary_settings)


def require_checkouts(repositories: Sequence[Repository], checkouts: Path) -> None:
    """Raise CheckoutError, with the commands that fetch them, where checkouts' roots are missing; runs nothing."""
    missing = [
        repository for repository in repositories if not (checkouts / repository.name / repository.root).is_dir()
    ]
    if missing:
        commands = [
            f"  git clone {repository.url} {folder} && git -C {folder} checkout {repository.revision}"
            for repository in missing
            for folder in (checkouts / repository.name,)
        ]
        plural_subject = f"{len(missing)} of {len(repositories)} repositories are"
        subject = "1 repository is" if len(missing) == 1 else plural_subject
        raise CheckoutError("\n".join([f"{subject} not in {checkouts}. Run:", *commands]))


def describe_measurement(repositories: Sequence[Repository], checkouts: Path, settings: Settings) -> dict[str, str]:
    """Return name → text of what determines the figures: versions, model, settings, questions, revisions (by git)."""
    targets = {
        (repository.name, target.path)
        for repository in repositories
        for question in repository.questions
        for target in question.targets
    }
    absent_count = sum(not (checkouts / name / path).exists() for name, path in targets)
    question_count = sum(len(repository.questions) for repository in repositories)
    return {
        **describe_codekin(),
        **describe_model(load_embedder(settings.model)),
        "settings": ", ".join(f"search.{name}={value}" for name, value in asdict(settings.search).items()),
        "benchmark": f"{question_count} questions, {len(repositories)} repositories",
        "revisions": describe_checkouts(
            {checkouts / repository.name: repository.revision for repository in repositories}
        ),
        "answers": f"{len(targets)} files, {absent_count} of them absent",
    }


def _measure_repository(repository: Repository, checkout: Path, settings: Settings) -> RepositoryResult:
    """Index one checkout, with any heavy model; ask its questions twice; return the second answers and seconds."""
    with closing(Engine([checkout / repository.root], settings)) as engine:
        report = engine.refresh(lambda _: None, Event(), workers=1)
        engine.embed_with_heavy_model(lambda _: None, Event())
        for question in repository.questions:  # once to warm up
            engine.search(question.text, MAX_HITS)
        answered_questions, seconds = [], []
        for question in repository.questions:
            started = time.perf_counter()
            answer = engine.search(question.text, MAX_HITS)
            seconds.append(time.perf_counter() - started)
            answered_questions.append(
                AnsweredQuestion(question, tuple(_to_target(hit, checkout) for hit in answer.hits))
            )
    return RepositoryResult(repository, tuple(answered_questions), tuple(seconds), report.snippets)


def _to_target(hit: Hit, checkout: Path) -> Target:
    """Return a hit as a target: its path relative to the checkout, and its span."""
    return Target(hit.place.path.relative_to(checkout).as_posix(), hit.place.span)


def compute_overall_ndcg(results: Sequence[RepositoryResult]) -> float:
    """Return the mean of the repositories' (≥ 1) mean NDCG@10, whatever their size: the headline figure."""
    return fmean(result.ndcg for result in results)
