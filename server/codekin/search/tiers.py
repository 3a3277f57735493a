"""One order of the contents that one model knows whole and a better one in part."""

from collections.abc import Mapping

import numpy as np

from codekin.types import Candidate

# The heavy model's say. Flat from .5 to .7: NDCG@10 of vectors alone, all-MiniLM-L6-v2 as the heavy model (.744 alone,
# the light one .696) on 250 questions of csn_nl2code: half filled .738 (.5) and .727 (.7), filled .805 and .804; on 250
# of mbpp_nl2code (.727 and .645) .689 and .688, .741 and .749. The better the heavy model, the more it should say.
_HEAVY = 0.6


def blended(light: Mapping[int, float], heavy: Mapping[int, float], weight: float = _HEAVY) -> list[Candidate]:
    """Contents by score, best first. `light` has a cosine for each, `heavy` one in another space for some."""
    both = [content for content in light if content in heavy]
    scores = dict(light)
    if len(both) > 1:
        own, other = (np.array([cosines[content] for content in both]) for cosines in (light, heavy))
        opinion = weight * _normalised(other) + (1 - weight) * _normalised(own)
        for content, score in zip(
            (both[at] for at in np.argsort(-opinion, kind="stable")), -np.sort(-own), strict=True
        ):
            scores[content] = float(score)
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Candidate(content, score) for content, score in ranked]


def _normalised(scores: np.ndarray) -> np.ndarray:
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread else np.zeros_like(scores)
