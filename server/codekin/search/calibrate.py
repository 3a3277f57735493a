"""Turn scores into confidence: the probability that a hit is what was searched for.

`calibrate_search` was fitted by logistic regression on the hits of harvested questions about eight repositories, and of
60 questions each that no code answers, asked of the same. How much the size of a repository takes off is set by hand,
checked on 13,000 to 90,000 contents with a former model. How well both hold: evaluation/README.md.
"""

import math

from codekin.types import Kinship

MIN_HIT = 0.02  # probability below which a further hit is dropped; whether there are any: search/answerability.py
_MIN_COUNTED_WORDS, _MAX_COUNTED_WORDS = 4, 30  # few harvested questions are as short as one word that stands somewhere
# Similar code ends where kin end. Of hits in other languages (mbxp_code2code) 15 % below a probability of .2 are
# right, 36 % from .2 to .3; leaving out what is below .1, or a fifth of the best, costs .003 NDCG@10.
MIN_SIMILAR = 0.1  # probability below which similar code that is not the best is dropped
MIN_RELATIVE = 0.2  # share of the best hit's probability below which further similar code is dropped
# What a kinship may be worth, so that score and label agree: proven kin are likelier than not, and nothing unproven is
# certain. Of hits that are only similar, of a score of .9 or more, 86 % are right.
_BOUNDS = {Kinship.RENAMED: (0.5, 0.99), Kinship.EDITED: (0.5, 0.98), Kinship.SIMILAR: (0.0, 0.9)}
MIN_RELATIVE_ANSWER = 0.05  # the same for a question: of what answers it, some has little to do with its words


def calibrate_search(score: float, known_share: float, word_count: int, content_count: int) -> float:
    """Return the probability, 0 to 1, that a location ranked with this logit answers a question in words.

    `known_share` is the share of the question that the workspace has words for, `word_count` the number of its words:
    of a long question fewer words are in any one place. Larger corpora raise the best score of irrelevant locations.
    """
    size_penalty = max(math.log(max(content_count, 1)) - 7.0, 0.0)
    length_bonus = 0.97 * math.log1p(min(max(word_count, _MIN_COUNTED_WORDS), _MAX_COUNTED_WORDS))
    return _to_probability(0.42 * score + 0.83 * known_share + length_bonus - 0.3 * size_penalty - 6.7)


def calibrate_similarity(score: float, kinship: Kinship = Kinship.SIMILAR) -> float:
    """Return the probability that code of this fused score (0 to 1) is the query's kin, bounded as its kinship allows.

    Identical code is certain, and other kinships have bounds.

    Fitted to 1,059 edited, rewritten and translated functions, and to 512 of other code bases that have no kin in the
    same 189,000 snippets.
    """
    low, high = _BOUNDS.get(kinship, (1.0, 1.0))
    return min(max(_to_probability(15.3 * score - 5.3), low), high)


def _to_probability(logit: float) -> float:
    """Return the logistic function of `logit`."""
    return 1 / (1 + math.exp(-logit))
