"""How well held pairs find each other, while training goes on: NDCG@10 by task, beside BM25's."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from codekin.embed.tasks import find_prefix
from codekin.evaluation.benchmarks import Benchmark
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.metrics import compute_ndcg
from codekin.evaluation.retrieval import rank_passages
from codekin.training.jsonl import TaskPair
from codekin.types import Role, Task

Encode = Callable[[Sequence[str]], NDArray[np.float32]]  # whole texts → raw vectors (n, d)
Measures = dict[str, float]

_SEED = 0


def make_held_out_sets(pairs: Sequence[TaskPair], limit: int) -> list[Benchmark]:
    """A retrieval set for each task, of at most `limit` of its pairs: every passage of theirs is a candidate for all.

    They are drawn from all, for neighbours in a file are of one package; and always the same, so that two trainings can
    be compared whatever their seeds.
    """
    found = []
    for task in Task:
        of_task = [pair for pair in pairs if pair.task is task]
        if len(of_task) > limit:
            of_task = Random(_SEED).sample(of_task, limit)  # noqa: S311 -- sampling
        passages = {text: number for number, text in enumerate(dict.fromkeys(pair.passage for pair in of_task))}
        answers: dict[str, dict[int, float]] = {}
        for pair in of_task:
            answers.setdefault(pair.query, {})[passages[pair.passage]] = 1.0
        if len(passages) > 1:
            own = (None,) * len(answers)
            found.append(Benchmark(str(task), task, tuple(answers), tuple(passages), tuple(answers.values()), own))
    return found


def measure_bm25(held: Sequence[Benchmark]) -> Measures:
    """BM25's NDCG@10 by task, and their mean."""
    return _with_mean({str(one.task): _ndcg10(one, compute_bm25_scores(one.queries, one.passages)) for one in held})


def measure_dense(held: Sequence[Benchmark], encode: Encode, dims: Sequence[int]) -> Measures:
    """The model's NDCG@10 by task, their mean, and that of vectors cut to each smaller dimension."""
    by_dim: dict[int, Measures] = {dim: {} for dim in dims}
    for one in held:
        queries = encode([find_prefix(one.task, Role.QUERY) + text for text in one.queries])
        passages = encode([find_prefix(one.task, Role.PASSAGE) + text for text in one.passages])
        for dim, measured in by_dim.items():
            measured[str(one.task)] = _ndcg10(one, _cut(queries, dim) @ _cut(passages, dim).T)
    cut = {f"mean@{dim}": _with_mean(by_dim[dim])["mean"] for dim in dims[:-1]}
    return _with_mean(by_dim[dims[-1]]) | cut


def _cut(vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    part = vectors[:, :dim]
    return np.asarray(part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _ndcg10(held: Benchmark, scores: NDArray[np.float32]) -> float:
    rankings = rank_passages(held, scores)
    return float(
        np.mean([compute_ndcg(found, relevant) for found, relevant in zip(rankings, held.relevance, strict=True)])
    )


def _with_mean(measured: Measures) -> Measures:
    return measured | ({"mean": sum(measured.values()) / len(measured)} if measured else {})
