"""Measure retrieval sets: BM25, models alone, models fused with BM25, and codekin itself, over a set's whole corpus."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import Embedder
from codekin.embed.local import small
from codekin.evaluation import markdown
from codekin.evaluation.benchmarks import Benchmark, BenchmarkError
from codekin.evaluation.bm25 import SIGNATURE, compute_bm25_scores
from codekin.evaluation.metrics import compute_ndcg, compute_recall, compute_reciprocal_rank
from codekin.evaluation.signature import describe_model, format_signature
from codekin.search.blend import HEAVY_WEIGHT
from codekin.search.language_means import compute_mean
from codekin.types import Role, Task

DENSE_WEIGHT = 0.8  # of the convex sum of z-scores: the best of .6 to .9 on the sets for our own model

Scores = NDArray[np.float32]  # (queries, passages); higher is better
Rankings = list[list[int]]  # of each query the passages, best first, without the query's own
Ranker = Callable[[Benchmark], Rankings]

_MAX_RANKED = 100


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """The metrics of one ranker on one set, or on its queries in one language."""

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
    """Embed queries and passages; return cosines, float32 (queries, passages), in Code2Code less language means.

    Those of Code2Code sets are without the mean of the passages of their language, as codekin compares similar code.
    """
    queries = embedder.embed(benchmark.queries, benchmark.task, Role.QUERY)
    passages = embedder.embed(benchmark.passages, benchmark.task, Role.PASSAGE)
    if benchmark.task is Task.CODE2CODE:
        names = np.array(benchmark.passage_languages)
        means = {name: compute_mean(passages[names == name]) for name in dict.fromkeys(benchmark.passage_languages)}
        queries = subtract_language_means(queries, benchmark.languages, means)
        passages = subtract_language_means(passages, benchmark.passage_languages, means)
    return queries @ passages.T


def subtract_language_means(vectors: Scores, languages: Sequence[str], means: Mapping[str, Scores]) -> Scores:
    """Return unit vectors (n, dim) without the mean of their language, of length 1; of an unknown one as they are."""
    zeros = np.zeros(vectors.shape[1], np.float32)
    centered = vectors - np.stack([means.get(language, zeros) for language in languages])
    norms = np.sqrt(np.einsum("ij,ij->i", centered, centered))
    return np.asarray(centered / np.maximum(norms, 1e-6)[:, None], np.float32)


def fuse_scores(dense: Scores, lexical: Scores, weight: float = DENSE_WEIGHT) -> Scores:
    """Return `weight` × dense + (1 - `weight`) × lexical scores, standardized per query, (queries, passages)."""
    return weight * _to_z_scores(dense) + (1 - weight) * _to_z_scores(lexical)


def _to_z_scores(scores: Scores) -> Scores:
    """Return the scores with mean 0 and deviation 1 per query; 0 where all are equal."""
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1), dtype=np.float32)


def rank_passages(benchmark: Benchmark, scores: Scores) -> Rankings:
    """Return per query at most 100 passage indices, best first; its own passage counts as the worst of all."""
    rankings = []
    for query, own_passage in enumerate(benchmark.own_passages):
        query_scores = scores[query].copy()
        if own_passage is not None:
            query_scores[own_passage] = -np.inf
        rankings.append(np.argsort(-query_scores, kind="stable")[:_MAX_RANKED].tolist())
    return rankings


def measure_rankings(
    ranker_name: str, benchmark: Benchmark, rankings: Rankings, signature: str
) -> list[RetrievalResult]:
    """Return the RetrievalResult of all queries (≥ 1) and, if they have several languages, one for each of these."""
    depth = max(map(len, rankings), default=0)
    rows = []
    for query, passages in enumerate(rankings):
        relevance = benchmark.relevance[query]
        recalls = [compute_recall(passages, relevance, k) for k in (10, _MAX_RANKED)]
        rows.append([compute_ndcg(passages, relevance), compute_reciprocal_rank(passages, relevance), *recalls])
    languages = sorted(set(benchmark.languages))
    results = []
    for language in ["", *languages] if len(languages) > 1 else [""]:
        positions = [
            position for position in range(len(rows)) if not language or benchmark.languages[position] == language
        ]
        ndcg10, mrr10, recall10, recall100 = (
            round(float(mean), 4) for mean in np.mean([rows[position] for position in positions], axis=0)
        )
        shown_recall100 = recall100 if depth > 10 else None
        silent_count = sum(not rankings[position] for position in positions)
        metrics = (ndcg10, mrr10, recall10, shown_recall100)
        results.append(
            RetrievalResult(ranker_name, benchmark.name, language, len(positions), *metrics, silent_count, signature)
        )
    return results


def evaluate_benchmark(
    benchmark: Benchmark,
    embedders: Mapping[str, Embedder],
    rankers: Mapping[str, tuple[Ranker, str]],
    light_model: str = "",
) -> Iterator[list[RetrievalResult]]:
    """Yield the results of BM25, of each model alone and fused, then of each ranker, a list each, as they are made.

    `rankers` has name → (ranker, signature). With `light_model`, the name of one of the embedders, each other one is
    also fused with that and BM25, as codekin fuses a heavy model with the light one.
    """
    all_scores: dict[str, Scores] = {}
    lexical = compute_bm25_scores(benchmark.queries, benchmark.passages)
    yield measure_rankings("bm25", benchmark, rank_passages(benchmark, lexical), SIGNATURE)
    for ranker_name, embedder in embedders.items():
        signature = format_signature(describe_model(embedder))
        dense = all_scores[ranker_name] = compute_dense_scores(embedder, benchmark)
        yield measure_rankings(ranker_name, benchmark, rank_passages(benchmark, dense), signature)
        fused_rankings = rank_passages(benchmark, fuse_scores(dense, lexical))
        yield measure_rankings(f"{ranker_name}+bm25", benchmark, fused_rankings, f"{signature} · z-sum {DENSE_WEIGHT}")
    for heavy_model in [name for name in embedders if light_model and name != light_model]:
        weight = small.BLEND_WEIGHTS[benchmark.task] if heavy_model == small.TITLE else HEAVY_WEIGHT
        dense = fuse_scores(all_scores[heavy_model], all_scores[light_model], weight)
        signature = f"z-sum {weight} of {heavy_model} with {light_model}, z-sum {DENSE_WEIGHT} of both"
        fused_rankings = rank_passages(benchmark, fuse_scores(dense, lexical))
        yield measure_rankings(f"{light_model}+{heavy_model}+bm25", benchmark, fused_rankings, signature)
    for ranker_name, (ranker, signature) in rankers.items():
        yield measure_rankings(ranker_name, benchmark, ranker(benchmark), signature)


def find_sets(folder: Path) -> list[Path]:
    """Return the folders of retrieval sets directly in `folder`, sorted. Raises BenchmarkError where there are none."""
    folders = sorted(path.parent for path in folder.glob("*/meta.json"))
    if not folders:
        raise BenchmarkError(f"There is no retrieval set in {folder}: none of its folders has a meta.json.")
    return folders


def format_tables(results: Sequence[RetrievalResult]) -> str:
    """Return Markdown tables: NDCG@10 of all sets side by side, each set with all metrics, and the signatures."""
    sets = list(dict.fromkeys(result.set for result in results))
    parts = [_format_overview(results, sets)] if len(sets) > 1 else []
    parts += [_format_set([result for result in results if result.set == set_name]) for set_name in sets]
    signatures = dict.fromkeys(f"{result.model}: {result.signature}" for result in results)
    return "\n\n".join([*parts, "\n".join(signatures)])


def _format_overview(results: Sequence[RetrievalResult], sets: Sequence[str]) -> str:
    """Return a Markdown table of NDCG@10 over all languages, one row per model, one column per set."""
    result_of = {(result.model, result.set): result for result in results if not result.language}
    models = dict.fromkeys(result.model for result in results)
    rows = [[model, *(_format_ndcg(result_of.get((model, set_name))) for set_name in sets)] for model in models]
    return markdown.format_table(["NDCG@10", *sets], rows)


def _format_set(results: Sequence[RetrievalResult]) -> str:
    """Return a table of one set: a row per model with all metrics, and NDCG@10 for each language."""
    result_of = {(result.model, result.language): result for result in results}
    models = [model for model, language in result_of if not language]
    languages = list(dict.fromkeys(result.language for result in results if result.language))
    header = [results[0].set, "NDCG@10", "MRR@10", "Recall@10", "Recall@100", "silent", *languages]
    rows = []
    for model in models:
        row = result_of[model, ""]
        metrics = [_format_number(value) for value in (row.ndcg10, row.mrr10, row.recall10, row.recall100)]
        by_language = [_format_ndcg(result_of.get((model, language))) for language in languages]
        rows.append([model, *metrics, str(row.silent), *by_language])
    counts = [str(result_of[models[0], language].queries) for language in ["", *languages]]
    return markdown.format_table(header, [*rows, ["queries", counts[0], "", "", "", "", *counts[1:]]])


def _format_ndcg(result: RetrievalResult | None) -> str:
    """Return the result's NDCG@10, formatted; – for None."""
    return _format_number(result.ndcg10 if result else None)


def _format_number(value: float | None) -> str:
    """Return the number with three decimals; – for None."""
    return "–" if value is None else f"{value:.3f}"


def to_json(results: Sequence[RetrievalResult]) -> list[dict[str, Any]]:
    """Return all results for JSON: a list with a dict for each ranker, set and language."""
    return [asdict(result) for result in results]
