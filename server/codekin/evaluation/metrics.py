"""Ranking metrics of information retrieval, as pure functions of ranks and relevance grades.

Source: BEIR (arXiv 2104.08663) and trec_eval's definitions; gains are linear in the relevance.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def compute_ndcg(ranked: Sequence[int], relevance: Mapping[int, float], k: int = 10) -> float:
    """Return NDCG@k, 0 to 1, of the passages `ranked` best first, for one query; 0 where nothing is relevant."""
    gains = [relevance.get(passage, 0.0) for passage in ranked[:k]]
    ideal = sorted(relevance.values(), reverse=True)[:k]
    ideal_gain = _discount_gains(ideal)
    return _discount_gains(gains) / ideal_gain if ideal_gain > 0 else 0.0


def compute_reciprocal_rank(ranked: Sequence[int], relevance: Mapping[int, float], k: int = 10) -> float:
    """Return 1 / rank of the first relevant passage among the first k, else 0; its mean over queries is MRR@k."""
    for rank, passage in enumerate(ranked[:k], start=1):
        if relevance.get(passage, 0.0) > 0:
            return 1 / rank
    return 0.0


def compute_recall(ranked: Sequence[int], relevance: Mapping[int, float], k: int) -> float:
    """Return the share of the relevant passages among the first k, 0 to 1; 0 where nothing is relevant."""
    relevant = {passage for passage, grade in relevance.items() if grade > 0}
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def _discount_gains(gains: Sequence[float]) -> float:
    """Return the discounted cumulative gain (log2) of the gains in rank order; 0 for none."""
    discounts = 1 / np.log2(np.arange(2, len(gains) + 2))
    return float(np.dot(gains, discounts))
