"""Measure models on retrieval sets by exact search: `python -m codekin.evaluation.run SETS [MODEL_FOLDER …]`.

Every number of the table is NDCG@10 and stands beside a signature of what determined it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import MODELS, Embedder
from codekin.embed.static import StaticEncoder
from codekin.evaluation.benchmarks import Benchmark, load_benchmark
from codekin.evaluation.bm25 import bm25_scores
from codekin.evaluation.metrics import ndcg, recall, reciprocal_rank
from codekin.types import Role

DENSE_WEIGHT = 0.75  # of the convex sum of z-scores: the best of .4 to .8 on the sets for our own model

Scores = NDArray[np.float32]  # (queries, passages)
Scorer = Callable[[Benchmark], Scores]


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one set."""

    model: str
    set: str
    ndcg10: float
    mrr10: float
    recall10: float
    recall100: float
    signature: str


def dense_scores(embedder: Embedder, benchmark: Benchmark) -> Scores:
    """Cosines, (queries, passages)."""
    queries = embedder.embed(benchmark.queries, benchmark.task, Role.QUERY)
    passages = embedder.embed(benchmark.passages, benchmark.task, Role.PASSAGE)
    return queries @ passages.T


def fused(dense: Scores, lexical: Scores, weight: float = DENSE_WEIGHT) -> Scores:
    """The convex sum of both scores, each made a z-score per query."""
    return weight * _z(dense) + (1 - weight) * _z(lexical)


def _z(scores: Scores) -> Scores:
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1), dtype=np.float32)


def measure(name: str, benchmark: Benchmark, scores: Scores, signature: str) -> Measured:
    """The metrics of one model's scores on one set, averaged over the queries."""
    rows = []
    for query, own in enumerate(benchmark.own):
        of_query = scores[query].copy()
        if own is not None:
            of_query[own] = -np.inf
        ranked = np.argsort(-of_query, kind="stable")[:100].tolist()
        relevance = benchmark.relevance[query]
        rows.append(
            (
                ndcg(ranked, relevance),
                reciprocal_rank(ranked, relevance),
                recall(ranked, relevance, 10),
                recall(ranked, relevance, 100),
            )
        )
    first, second, third, fourth = (round(float(mean), 4) for mean in np.mean(rows, axis=0))
    return Measured(name, benchmark.name, first, second, third, fourth, signature)


def evaluate(folders: Iterable[Path], models: dict[str, tuple[Scorer, str]]) -> list[Measured]:
    """BM25, each model, and each model fused with BM25, on each set."""
    rows = []
    for folder in folders:
        benchmark = load_benchmark(folder)
        lexical = bm25_scores(benchmark.queries, benchmark.passages)
        rows.append(measure("bm25", benchmark, lexical, "k1=1.2 b=0.75 words and joined identifiers"))
        for name, (scorer, signature) in models.items():
            dense = scorer(benchmark)
            rows.append(measure(name, benchmark, dense, signature))
            both = fused(dense, lexical)
            rows.append(measure(f"{name}+bm25", benchmark, both, f"{signature} z-sum {DENSE_WEIGHT}"))
    return rows


def table(rows: Sequence[Measured]) -> str:
    """NDCG@10 as Markdown, one line a model, one column a set, signatures below."""
    sets = list(dict.fromkeys(row.set for row in rows))
    models = list(dict.fromkeys(row.model for row in rows))
    at = {(row.model, row.set): row for row in rows}
    lines = ["| NDCG@10 | " + " | ".join(sets) + " |", "|---" * (len(sets) + 1) + "|"]
    lines += [f"| {m} | " + " | ".join(f"{at[m, s].ndcg10:.3f}".lstrip("0") for s in sets) + " |" for m in models]
    signatures = dict.fromkeys(f"{row.model}: {row.signature}" for row in rows)
    return "\n".join([*lines, "", *signatures])


def static_model(folder: Path, dim: int = 0) -> tuple[Scorer, str]:
    """A static model of a folder and its signature."""
    encoder = StaticEncoder(folder)
    embedder = Embedder(encoder, dim)
    signature = f"{encoder.name} {encoder.fingerprint} dim={embedder.dim} numpy={np.__version__}"
    return (lambda benchmark: dense_scores(embedder, benchmark)), f"{signature} tokenizers={version('tokenizers')}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, help="the folder with the sets")
    parser.add_argument("models", type=Path, nargs="*", help="folders of static models; the shipped one by default")
    parser.add_argument("--dim", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    folders = sorted(path.parent for path in options.sets.glob("*/meta.json"))
    models = {folder.name: static_model(folder, options.dim) for folder in options.models or [MODELS]}
    rows = evaluate(folders, models)
    text = json.dumps([asdict(row) for row in rows], indent=1) if options.json else table(rows)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
