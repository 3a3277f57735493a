"""Compare codekin with plain retrievers on a benchmark of repositories, such as a harvest, by the files that answer.

    python -m codekin.evaluation.baselines BENCH CHECKOUTS [--split test] [--category report] [--workers 2]

All systems are asked in one run about the same files, each file once, in the order of its best part:

- *BM25 over files* and *over functions*: evaluation/bm25.py;
- *static vectors*: the cosine of the embedded model, over functions;
- *BM25 + vectors*: both of them fused by rank (Cormack et al. 2009), as tools that search by a static model do;
- *codekin*: the engine, with its hits beyond the first of a file left out.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from threading import Event

import numpy as np
import numpy.typing as npt

from codekin.embed.embedder import Embedder, load_embedder
from codekin.engine import Engine
from codekin.evaluation import markdown
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.metrics import compute_ndcg
from codekin.evaluation.ranking_fitting import list_repositories
from codekin.evaluation.repositories import Question, Repository, require_checkouts
from codekin.evaluation.signature import describe_codekin, describe_model, format_signature
from codekin.indexing.pool import map_in_workers
from codekin.settings import CacheSettings, Settings
from codekin.types import Role, SnippetKind, Task

SYSTEMS = ("codekin", "BM25 over files", "BM25 over functions", "static vectors", "BM25 + vectors")

_MAX_FILES = 10  # that count
_MAX_HITS = 30  # of the engine, several of which may be of one file
_FUSION_CONSTANT = 60  # of reciprocal rank fusion

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AnsweredByAll:
    """A question's category, its answers, and the files that each system puts first, best first."""

    category: str
    answers: frozenset[str]
    files: Mapping[str, Sequence[str]]  # by system


@dataclass(frozen=True, slots=True)
class _Corpus:
    """The code of a workspace, as the baselines search it."""

    paths: tuple[str, ...]  # from the repository's top
    texts: tuple[str, ...]  # of the files
    parts: tuple[str, ...]  # functions, and what else the files are cut into
    owners: npt.NDArray[np.int64]  # of each part, its file's number


def ask_all_systems(repository: Repository, checkouts: Path, category: str = "") -> list[AnsweredByAll]:
    """Index a checkout in a temporary folder; return per question of `category` its answers and each system's files.

    All questions where the category is "".
    """
    checkout = (checkouts / repository.name).resolve()
    questions = [question for question in repository.questions if category in ("", question.category)]
    if not questions:
        return []
    with TemporaryDirectory(prefix="codekin-evaluate-") as cache:
        settings = Settings(cache=CacheSettings(directory=cache))
        with closing(Engine([checkout / repository.root], settings)) as engine:
            engine.refresh(lambda _: None, Event(), workers=1)
            corpus = _read_corpus(engine, checkout)
            found = [_ask_engine(engine, question, checkout) for question in questions]
        rankings = {"codekin": found, **_rank_by_baselines(corpus, questions, load_embedder(settings.model))}
    return [
        AnsweredByAll(
            question.category,
            frozenset(target.path for target in question.targets),
            {system: ranking[number] for system, ranking in rankings.items()},
        )
        for number, question in enumerate(questions)
    ]


def format_comparison(answers_by_repository: Sequence[Sequence[AnsweredByAll]]) -> str:
    """Return a Markdown table, a row per system: shares answered first, in 3, in 5; NDCG@10; share without files.

    NDCG@10 is the mean over repositories; the last figure is the share of questions without an answer.
    """
    answers = [answer for repository_answers in answers_by_repository for answer in repository_answers]
    rows = []
    for system in SYSTEMS:
        ranks = [_find_rank(answer, system) for answer in answers]
        ndcg = fmean(
            fmean(_measure_ndcg(answer, system) for answer in repository_answers)
            for repository_answers in answers_by_repository
            if repository_answers
        )
        shares = [fmean(rank is not None and rank <= limit for rank in ranks) for limit in (1, 3, 5)]
        silent_share = fmean(not answer.files[system] for answer in answers)
        rows.append([system, *(f"{figure:.3f}" for figure in (*shares, ndcg, silent_share))])
    header = ["files", "first", "in three", "in five", "NDCG@10", "silent"]
    return markdown.format_table(header, rows)


def _read_corpus(engine: Engine, checkout: Path) -> _Corpus:
    """Read all files that the engine searches, without documentation pages, as a _Corpus of texts and snippets."""
    paths, texts, parts, owners = list[str](), list[str](), list[str](), list[int]()
    for file in engine.walk_files():
        snippets = [snippet for snippet in engine.list_snippets(file.path) if snippet.kind is not SnippetKind.SECTION]
        if snippets:
            owners += [len(paths)] * len(snippets)
            parts += [snippet.text for snippet in snippets]
            paths.append(file.path.relative_to(checkout).as_posix())
            texts.append(file.path.read_text("utf-8", "replace"))
    return _Corpus(tuple(paths), tuple(texts), tuple(parts), np.array(owners, np.int64))


def _ask_engine(engine: Engine, question: Question, checkout: Path) -> list[str]:
    """Ask the engine; return the paths of up to ten files with hits, best first, no documentation pages."""
    hits = [hit for hit in engine.search(question.text, _MAX_HITS).hits if hit.place.kind is not SnippetKind.SECTION]
    return list(dict.fromkeys(hit.place.path.relative_to(checkout).as_posix() for hit in hits))[:_MAX_FILES]


def _rank_by_baselines(
    corpus: _Corpus, questions: Sequence[Question], embedder: Embedder
) -> dict[str, list[list[str]]]:
    """Return baseline name → up to ten files for each question, best first; embeds all of the corpus."""
    texts = [question.text for question in questions]
    file_scores = compute_bm25_scores(texts, corpus.texts)
    part_scores = compute_bm25_scores(texts, corpus.parts)
    passages = embedder.embed(corpus.parts, Task.NL2CODE, Role.PASSAGE)
    cosines = embedder.embed(texts, Task.NL2CODE, Role.QUERY) @ passages.T
    fused = np.stack([_fuse_by_rank(*rows) for rows in zip(part_scores, cosines, strict=True)])
    return {
        "BM25 over files": [_list_best(scores, corpus) for scores in file_scores],
        "BM25 over functions": [_list_best(_find_file_scores(scores, corpus), corpus) for scores in part_scores],
        "static vectors": [_list_best(_find_file_scores(scores, corpus), corpus) for scores in cosines],
        "BM25 + vectors": [_list_best(_find_file_scores(scores, corpus), corpus) for scores in fused],
    }


def _fuse_by_rank(*score_rows: Scores) -> Scores:
    """Return each item's sum of 1 / (60 + its rank) in several rows of scores: reciprocal rank fusion."""
    ranks = [np.argsort(np.argsort(-scores, kind="stable"), kind="stable") for scores in score_rows]
    return np.asarray(sum(1 / (_FUSION_CONSTANT + 1 + rank) for rank in ranks), np.float32)


def _find_file_scores(part_scores: Scores, corpus: _Corpus) -> Scores:
    """Return, as an array, each file's best score among its parts'."""
    scores = np.full(len(corpus.paths), -np.inf, np.float32)
    np.maximum.at(scores, corpus.owners, part_scores)
    return scores


def _list_best(scores: Scores, corpus: _Corpus) -> list[str]:
    """Return the paths of up to ten files, best first, without those whose score is 0."""
    order = np.argsort(-scores, kind="stable")[:_MAX_FILES]
    return [corpus.paths[number] for number in order if scores[number] != 0]


def _find_rank(answer: AnsweredByAll, system: str) -> int | None:
    """Return the rank, from 1, of the first file that answers; None where none of the ten does."""
    ranked = enumerate(answer.files[system], start=1)
    return next((rank for rank, path in ranked if path in answer.answers), None)


def _measure_ndcg(answer: AnsweredByAll, system: str) -> float:
    """Return NDCG@10 of a system's files for a question."""
    numbers = {path: number for number, path in enumerate({*answer.answers, *answer.files[system]})}
    ranked = [numbers[path] for path in answer.files[system]]
    return compute_ndcg(ranked, {numbers[path]: 1.0 for path in answer.answers})


def _parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse benchmark, checkouts, `--split`, `--category` and `--workers` from the arguments (None: sys.argv)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, metavar="BENCH")
    parser.add_argument("checkouts", type=Path, metavar="CHECKOUTS")
    parser.add_argument("--split", default="", help="only repositories of this split")
    parser.add_argument("--category", default="", help="only questions of this category")
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask all systems the questions of a benchmark, print the comparison and its signature, and return 0."""
    options = _parse_options(arguments)
    repositories = list(list_repositories(options.benchmark, options.split))
    require_checkouts(repositories, options.checkouts)
    ask = partial(ask_all_systems, checkouts=options.checkouts, category=options.category)
    results = list(map_in_workers(ask, repositories, options.workers))
    count = sum(map(len, results))
    facts = {**describe_codekin(), **describe_model(load_embedder(Settings().model))}
    facts["benchmark"] = f"{count:,} questions, {sum(map(bool, results))} repositories"
    sys.stdout.write(f"{format_comparison(results)}\n\n{format_signature(facts)}\n")
    return 0


if __name__ == "__main__":
    from codekin.evaluation import baselines  # its functions are called in workers, which find them by name

    sys.exit(baselines.main())
