"""One order of the contents that one model knows whole and a better one in part."""

from collections.abc import Mapping

import numpy as np

from codekin.types import Candidate

# The heavy model's say, as much as costs nothing where it is no better at code: all-MiniLM-L6-v2 behind 181 questions
# about nine repositories, NDCG@10 .914 without, half filled .912 (at .3), .905 (.4), .907 (.5), filled .915, .914,
# .911. By vectors alone, on 250 questions of csn_nl2code, .696 without, half filled .737 (.3) and .738 (.5), filled
# .781 and .805. A much better model deserves more: with the light one cut to 64 numbers (.573) filled .727 (.3), .769
# (.5 and .7).
_HEAVY = 0.3


def blend_rankings(light: Mapping[int, float], heavy: Mapping[int, float], weight: float = _HEAVY) -> list[Candidate]:
    """Contents by score, best first. `light` has a cosine for each, `heavy` one in another space for some.

    Equal ones stay in the order of `light`.
    """
    both = [content for content in light if content in heavy]
    scores = dict(light)
    if len(both) > 1:
        own, other = (np.array([cosines[content] for content in both]) for cosines in (light, heavy))
        opinion = weight * _normalised(other) + (1 - weight) * _normalised(own)
        for content, score in zip(
            (both[at] for at in np.argsort(-opinion, kind="stable")), -np.sort(-own), strict=True
        ):
            scores[content] = float(score)
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return [Candidate(content, score) for content, score in ranked]


def _normalised(scores: np.ndarray) -> np.ndarray:
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread else np.zeros_like(scores)
