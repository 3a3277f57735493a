"""Turn scores into confidence: the probability that a hit is what was searched for.

`calibrate_search` was fitted by logistic regression on the hits of harvested questions about eight repositories, and of
60 questions each that no code answers, asked of the same. How much the size of a repository takes off is set by hand,
checked on 13,000 to 90,000 contents with a former model. How well both hold: evaluation/README.md.
"""

import math

MIN_BEST = 0.04  # probability of the best hit, below which a question has no answer here
# Below which there is no context for a task: of 360 harvested questions about six repositories 1 % were less probable,
# of 20 questions that no code answers, asked of each, 86 %. At MIN_BEST it is 3 and 94 %.
MIN_CONTEXT = 0.75 * MIN_BEST
MIN_HIT = 0.02  # probability below which a further hit is dropped
_MIN_COUNTED_WORDS, _MAX_COUNTED_WORDS = 4, 30  # few harvested questions are as short as one word that stands somewhere
MIN_RELATIVE = 0.1  # share of the best hit's probability below which further similar code is dropped
MIN_RELATIVE_ANSWER = 0.05  # the same for a question: of what answers it, some has little to do with its words


def calibrate_search(score: float, known_share: float, word_count: int, content_count: int) -> float:
    """Return the probability, 0 to 1, that a location with this score of `rank` answers a question in words.

    `known_share` is the share of the question that the workspace has words for, `word_count` the number of its words:
    of a long question fewer words are in any one place. Larger corpora raise the best score of irrelevant locations.
    """
    size_penalty = max(math.log(max(content_count, 1)) - 7.0, 0.0)
    length_bonus = 0.97 * math.log1p(min(max(word_count, _MIN_COUNTED_WORDS), _MAX_COUNTED_WORDS))
    return _to_probability(0.42 * score + 0.83 * known_share + length_bonus - 0.3 * size_penalty - 6.7)


def calibrate_similarity(score: float) -> float:
    """Return the probability, 0 to 1, that code with this fused score (0 to 1) is kin to the query's code.

    Fitted to 1,059 edited, rewritten and translated functions, and to 512 of other code bases that have no kin in the
    same 189,000 snippets.
    """
    return _to_probability(15.3 * score - 5.3)


def _to_probability(logit: float) -> float:
    """Return the logistic function of `logit`."""
    return 1 / (1 + math.exp(-logit))
