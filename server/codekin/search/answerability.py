"""Decide whether a workspace answers a question at all: silence is better than the best of what says nothing.

Fitted by logistic regression to harvested questions about the train repositories of a harvest (they are answered), to
harvested questions about other repositories (weighed a third: some of them are answered) and to questions that no code
answers; drawn towards the weights of a former fit, since no harvest asks by one abbreviated word as people do. How
often it is wrong: evaluation/README.md.
"""

import math
from dataclasses import dataclass

MIN_ANSWER_LOGIT = 1.5  # below which a question has no answer here

_WEIGHTS = {
    "score": 0.585,  # of `rank`, of the best location
    "known": 3.443,  # the share of the question, by rarity, that the workspace has words for
    "length": -2.339,  # the logarithm of the number of words: of a long question fewer are in any one place
    "known words": 2.981,  # the logarithm of how many of them the workspace has
    "cosine": 15.11,  # the best
    "share": 1.88,  # the best, of the highest possible BM25
    "covered": 1.03,  # of the question, by path and definitions of the best file
    "said": 6.39,  # of the question, in any form of its words, by the best location's text and names
    "size": -1.21,  # the logarithm of the number of contents: of more, the best says more by chance
}
_BIAS = -5.85
_MAX_COUNTED_WORDS = 40
_MIN_SIZE, _MAX_SIZE = 5.0, 10.0  # nats of contents, about as far as the repositories of the harvest go


@dataclass(frozen=True, slots=True)
class AnswerEvidence:
    """What is known of a question and of the best that was found for it."""

    score: float
    known_share: float
    word_count: int
    known_word_count: int
    cosine: float
    share: float
    covered: float
    said: float
    content_count: int

    def compute_logit(self) -> float:
        """Return the log odds that the workspace answers the question."""
        size = min(max(math.log(max(self.content_count, 1)), _MIN_SIZE), _MAX_SIZE) - _MIN_SIZE
        features = {
            "score": self.score,
            "known": self.known_share,
            "length": math.log1p(min(max(self.word_count, 1), _MAX_COUNTED_WORDS)),
            "known words": math.log1p(self.known_word_count),
            "cosine": self.cosine,
            "share": self.share,
            "covered": self.covered,
            "said": self.said,
            "size": size,
        }
        return _BIAS + sum(_WEIGHTS[name] * value for name, value in features.items())
