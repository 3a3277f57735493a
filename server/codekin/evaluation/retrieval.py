"""Retrieval sets: BM25, models alone, models fused with BM25, and codekin itself, each ranking a set's whole corpus."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import Embedder
from codekin.evaluation.benchmarks import Benchmark, BenchmarkError
from codekin.evaluation.bm25 import SIGNATURE, compute_bm25_scores
from codekin.evaluation.metrics import compute_ndcg, compute_recall, compute_reciprocal_rank
from codekin.evaluation.signature import describe_model, format_signature
from codekin.types import Role

DENSE_WEIGHT = 0.8  # of the convex sum of z-scores: the best of .6 to .9 on the sets for our own model

Scores = NDArray[np.float32]  # (queries, passages); higher is better
Rankings = list[list[int]]  # of each query the passages, best first, without the query's own
Ranker = Callable[[Benchmark], Rankings]

_DEPTH = 100


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """One way of ranking on one set, or on those of its queries whose code is in one language."""

    model: str
    set: str
    language: str  # "": all
    queries: int
    ndcg10: float
    mrr10: float
    recall10: float
    recall100: float | None  # None where no more than ten are ranked
    silent: int  # queries for which nothing was ranked
    signature: str


def compute_dense_scores(embedder: Embedder, benchmark: Benchmark) -> Scores:
    """Cosines, (queries, passages)."""
    queries = embedder.embed(benchmark.queries, benchmark.task, Role.QUERY)
    passages = embedder.embed(benchmark.passages, benchmark.task, Role.PASSAGE)
    return queries @ passages.T


def fuse_scores(dense: Scores, lexical: Scores, weight: float = DENSE_WEIGHT) -> Scores:
    """The convex sum of both scores, each made a z-score per query."""
    return weight * _z(dense) + (1 - weight) * _z(lexical)


def _z(scores: Scores) -> Scores:
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1), dtype=np.float32)


def rank_passages(benchmark: Benchmark, scores: Scores) -> Rankings:
    """The hundred best of each query."""
    rankings = []
    for query, own in enumerate(benchmark.own):
        of_query = scores[query].copy()
        if own is not None:
            of_query[own] = -np.inf
        rankings.append(np.argsort(-of_query, kind="stable")[:_DEPTH].tolist())
    return rankings


def measure_rankings(name: str, benchmark: Benchmark, rankings: Rankings, signature: str) -> list[RetrievalResult]:
    """The metrics, averaged over all queries and, where the set has several languages, over those of each."""
    depth = max(map(len, rankings), default=0)
    rows = []
    for query, passages in enumerate(rankings):
        relevance = benchmark.relevance[query]
        recalls = [compute_recall(passages, relevance, k) for k in (10, _DEPTH)]
        rows.append([compute_ndcg(passages, relevance), compute_reciprocal_rank(passages, relevance), *recalls])
    languages = sorted(set(benchmark.languages))
    measured = []
    for language in ["", *languages] if len(languages) > 1 else [""]:
        asked = [at for at in range(len(rows)) if not language or benchmark.languages[at] == language]
        ndcg10, mrr10, recall10, recall100 = (
            round(float(mean), 4) for mean in np.mean([rows[at] for at in asked], axis=0)
        )
        deep = recall100 if depth > 10 else None
        silent = sum(not rankings[at] for at in asked)
        metrics = (ndcg10, mrr10, recall10, deep)
        measured.append(RetrievalResult(name, benchmark.name, language, len(asked), *metrics, silent, signature))
    return measured


def evaluate_benchmark(
    benchmark: Benchmark, embedders: Mapping[str, Embedder], rankers: Mapping[str, tuple[Ranker, str]]
) -> Iterator[list[RetrievalResult]]:
    """BM25, each model alone and fused with BM25, then each of `rankers` (with its signature)."""
    lexical = compute_bm25_scores(benchmark.queries, benchmark.passages)
    yield measure_rankings("bm25", benchmark, rank_passages(benchmark, lexical), SIGNATURE)
    for name, embedder in embedders.items():
        signature = format_signature(describe_model(embedder))
        dense = compute_dense_scores(embedder, benchmark)
        yield measure_rankings(name, benchmark, rank_passages(benchmark, dense), signature)
        both = rank_passages(benchmark, fuse_scores(dense, lexical))
        yield measure_rankings(f"{name}+bm25", benchmark, both, f"{signature} · z-sum {DENSE_WEIGHT}")
    for name, (ranker, signature) in rankers.items():
        yield measure_rankings(name, benchmark, ranker(benchmark), signature)


def find_sets(folder: Path) -> list[Path]:
    """The sets that lie in a folder. Raises BenchmarkError where there are none."""
    found = sorted(path.parent for path in folder.glob("*/meta.json"))
    if not found:
        raise BenchmarkError(f"There is no retrieval set in {folder}: none of its folders has a meta.json.")
    return found


def format_tables(rows: Sequence[RetrievalResult]) -> str:
    """NDCG@10 of all sets side by side, then each set with all metrics and its languages; signatures last."""
    sets, models = (list(dict.fromkeys(of)) for of in ([row.set for row in rows], [row.model for row in rows]))
    at = {(row.model, row.set, row.language): row for row in rows}
    parts = []
    if len(sets) > 1:
        parts.append(_markdown(["NDCG@10", *sets], [[m, *(_ndcg(at.get((m, s, ""))) for s in sets)] for m in models]))
    for name in sets:
        there = [model for model in models if (model, name, "") in at]
        languages = list(dict.fromkeys(row.language for row in rows if row.set == name and row.language))
        head = [name, "NDCG@10", "MRR@10", "Recall@10", "Recall@100", "silent", *languages]
        lines = []
        for model in there:
            row = at[model, name, ""]
            metrics = [_number(value) for value in (row.ndcg10, row.mrr10, row.recall10, row.recall100)]
            lines.append(
                [model, *metrics, str(row.silent), *(_ndcg(at.get((model, name, language))) for language in languages)]
            )
        counts = [str(at[there[0], name, language].queries) for language in ["", *languages]]
        parts.append(_markdown(head, [*lines, ["queries", counts[0], "", "", "", "", *counts[1:]]]))
    signatures = dict.fromkeys(f"{row.model}: {row.signature}" for row in rows)
    return "\n\n".join([*parts, "\n".join(signatures)])


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" + "|---:" * (len(head) - 1) + "|", *lines[1:]])


def _ndcg(row: RetrievalResult | None) -> str:
    return _number(row.ndcg10 if row else None)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def to_json(rows: Sequence[RetrievalResult]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [asdict(row) for row in rows]
