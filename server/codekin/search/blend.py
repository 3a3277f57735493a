"""Blend the ranking of a model that has vectors of all contents with that of a better model that has some."""

from collections.abc import Mapping

import numpy as np

from codekin.types import Candidate

# The heavy model's weight, which costs nothing where it is no better at code: all-MiniLM-L6-v2 behind 181 questions
# about nine repositories, NDCG@10 .914 without, half filled .912 (at .3), .905 (.4), .907 (.5), filled .915, .914,
# .911. By vectors alone, on 250 questions of csn_nl2code, .696 without, half filled .737 (.3) and .738 (.5), filled
# .781 and .805. A much better model deserves more: with the light one cut to 64 numbers (.573) filled .727 (.3), .769
# (.5 and .7).
HEAVY_WEIGHT = 0.3


def blend_rankings(
    light_cosines: Mapping[int, float], heavy_cosines: Mapping[int, float], heavy_weight: float = HEAVY_WEIGHT
) -> list[Candidate]:
    """Return Candidates of all contents, best first; those with both cosines swap light ones into blended order.

    `light_cosines` has a cosine for each content, `heavy_cosines` one in another space for some. The contents with both
    are ordered by the weighted mean of both cosines, standardized, and the light cosines are dealt out among them in
    that order, highest first. All other contents keep their light cosine. Ties keep the order of `light_cosines`.
    """
    scores = dict(light_cosines)
    shared_contents = [content for content in light_cosines if content in heavy_cosines]
    if len(shared_contents) > 1:
        light_scores = np.array([light_cosines[content] for content in shared_contents])
        heavy_scores = np.array([heavy_cosines[content] for content in shared_contents])
        blended_scores = heavy_weight * _standardize(heavy_scores) + (1 - heavy_weight) * _standardize(light_scores)
        order = np.argsort(-blended_scores, kind="stable")
        for position, score in zip(order, -np.sort(-light_scores), strict=True):
            scores[shared_contents[position]] = float(score)
    ranked_scores = sorted(scores.items(), key=lambda item: -item[1])
    return [Candidate(content, score) for content, score in ranked_scores]


def _standardize(scores: np.ndarray) -> np.ndarray:
    """Return the scores shifted and scaled to mean 0 and standard deviation 1; all 0 where they are equal."""
    deviation = float(scores.std())
    return (scores - scores.mean()) / deviation if deviation else np.zeros_like(scores)
