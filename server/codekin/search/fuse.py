"""Fuse the candidates of several retrievers into one ranking."""

from collections.abc import Sequence

from codekin.types import Candidate


def fuse_candidates(rankings: Sequence[tuple[float, Sequence[Candidate]]]) -> list[Candidate]:
    """Return each content once, best first, with its scores' mean weighted by ranking; 0 counts where it lacks one.

    A content that a retriever did not find has score 0 there. Every retriever normalizes its scores by their
    theoretical bounds (Bruch, Gai, Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval"), so that a poor
    best candidate keeps a poor score. Equal ones stay in the order that the retrievers gave them.
    """
    scores: dict[int, float] = {}
    for weight, candidates in rankings:
        for candidate in candidates:
            scores[candidate.content] = scores.get(candidate.content, 0.0) + weight * candidate.score
    total_weight = sum(weight for weight, _ in rankings)
    ranked_scores = sorted(scores.items(), key=lambda item: -item[1])
    return [Candidate(content, score / total_weight) for content, score in ranked_scores]
