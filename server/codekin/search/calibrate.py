"""Scores → confidence: how probable it is that a hit is what was asked for.

`in_words` was fitted by logistic regression on the hits of 321 questions about 16 repositories, of every second
question of two retrieval sets whose passages are files by themselves, and of 65 questions that no code answers, put to
all these; what a repository's size takes off is set by hand, checked on 13,000 to 90,000 contents with the model before
and on 13,000 with this one. How often both hold: evaluation/README.md.
"""

import math

MIN_BEST = 0.05  # a question whose best hit is less probable than this has no answer here
MIN_HIT = 0.02  # once it has one, what is less probable than this is not worth a line
MIN_RELATIVE = 0.1  # nor is what is less probable than this share of the best


def calibrate_search(score: float, known: float, contents: int) -> float:
    """Of a place that `rank` gave this score. `known`: the share of the question that the workspace has words for.

    The more there is, the better is the best of what says nothing: of e times as many contents by half a point.
    """
    chance = max(math.log(max(contents, 1)) - 7.0, 0.0)
    return _logistic(0.38 * score + 1.95 * known - 0.3 * chance - 5.84)


def calibrate_similarity(score: float) -> float:
    """Of code that retrieval and structure together gave this score, 0 … 1: that it is of the asked code's kin.

    Fitted to 1,059 edited, rewritten and translated functions, and to 512 of elsewhere that have no kin in the same
    189,000 snippets.
    """
    return _logistic(15.3 * score - 5.3)


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
