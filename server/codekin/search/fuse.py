"""One order from several retrievers' candidates."""

from collections.abc import Sequence

from codekin.types import Candidate


def fuse_candidates(answers: Sequence[tuple[float, Sequence[Candidate]]]) -> list[Candidate]:
    """The convex sum of the scores in (weight, candidates); a content that a retriever did not find has 0 there.

    Every retriever normalises its scores by their theoretical bounds (Bruch, Gai, Ingber 2023, "An Analysis of Fusion
    Functions for Hybrid Retrieval"), so that a poor best answer stays a poor one. Equal ones stay in the order that the
    retrievers gave them.
    """
    scores: dict[int, float] = {}
    for weight, candidates in answers:
        for candidate in candidates:
            scores[candidate.content] = scores.get(candidate.content, 0.0) + weight * candidate.score
    total = sum(weight for weight, _ in answers)
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return [Candidate(content, score / total) for content, score in ranked]
