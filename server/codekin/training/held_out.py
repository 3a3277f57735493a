"""Measure during training how well held-out pairs find each other: NDCG@10 by task, beside BM25's."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from codekin.embed.tasks import PREFIXES, Prefixes
from codekin.evaluation.benchmarks import Benchmark
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.metrics import compute_ndcg
from codekin.evaluation.retrieval import rank_passages
from codekin.training.jsonl import TaskPair
from codekin.types import Role, Task

Encode = Callable[[Sequence[str]], NDArray[np.float32]]  # texts with their instruction → raw vectors (n, d)
Measures = dict[str, float]

_SAMPLING_SEED = 0


def make_held_out_sets(pairs: Sequence[TaskPair], max_pairs: int) -> list[Benchmark]:
    """Return a retrieval set per task, of at most `max_pairs` pairs; the passages of just these are candidates.

    A task with fewer than two passages has no set. Pairs are sampled from the whole file, because neighbours in a file
    are of one package. The sample is always the same, so that trainings with different seeds can be compared.
    """
    benchmarks = []
    for task in Task:
        task_pairs = [pair for pair in pairs if pair.task is task]
        if len(task_pairs) > max_pairs:
            task_pairs = Random(_SAMPLING_SEED).sample(task_pairs, max_pairs)  # noqa: S311 -- sampling
        passages = {
            text: passage_index for passage_index, text in enumerate(dict.fromkeys(pair.passage for pair in task_pairs))
        }
        answers: dict[str, dict[int, float]] = {}
        for pair in task_pairs:
            answers.setdefault(pair.query, {})[passages[pair.passage]] = 1.0
        if len(passages) > 1:
            own_passages = (None,) * len(answers)
            benchmarks.append(
                Benchmark(str(task), task, tuple(answers), tuple(passages), tuple(answers.values()), own_passages)
            )
    return benchmarks


def measure_bm25(benchmarks: Sequence[Benchmark]) -> Measures:
    """Return BM25's NDCG@10, 0 to 1, by task, and "mean"; {} without sets."""
    return _add_mean(
        {
            str(benchmark.task): _compute_mean_ndcg10(
                benchmark, compute_bm25_scores(benchmark.queries, benchmark.passages)
            )
            for benchmark in benchmarks
        }
    )


def measure_dense(
    benchmarks: Sequence[Benchmark], encode: Encode, dimensions: Sequence[int], prefixes: Prefixes = PREFIXES
) -> Measures:
    """Return the model's NDCG@10 by task, "mean", and "mean@D" for smaller dimensions; {} without sets."""
    if not benchmarks:
        return {}
    measures_by_dim: dict[int, Measures] = {dimension: {} for dimension in dimensions}
    for benchmark in benchmarks:
        queries = encode([prefixes[benchmark.task, Role.QUERY] + text for text in benchmark.queries])
        passages = encode([prefixes[benchmark.task, Role.PASSAGE] + text for text in benchmark.passages])
        for dimension, measures in measures_by_dim.items():
            measures[str(benchmark.task)] = _compute_mean_ndcg10(
                benchmark, _truncate_vectors(queries, dimension) @ _truncate_vectors(passages, dimension).T
            )
    truncated_means = {
        f"mean@{dimension}": _add_mean(measures_by_dim[dimension])["mean"] for dimension in dimensions[:-1]
    }
    return _add_mean(measures_by_dim[dimensions[-1]]) | truncated_means


def _truncate_vectors(vectors: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """Return the first numbers of each vector, normalized to length 1; a zero vector stays zero."""
    truncated = vectors[:, :dimension]
    return np.asarray(truncated / np.maximum(np.linalg.norm(truncated, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _compute_mean_ndcg10(benchmark: Benchmark, scores: NDArray[np.float32]) -> float:
    """Return the mean NDCG@10 of the rankings by these scores."""
    rankings = rank_passages(benchmark, scores)
    return float(
        np.mean(
            [compute_ndcg(ranking, relevance) for ranking, relevance in zip(rankings, benchmark.relevance, strict=True)]
        )
    )


def _add_mean(measures: Measures) -> Measures:
    """Return a copy of the measures with their "mean"; {} for {}."""
    return measures | ({"mean": sum(measures.values()) / len(measures)} if measures else {})
