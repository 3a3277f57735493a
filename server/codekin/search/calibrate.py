"""Turn scores into confidence: the probability that a hit is what was searched for.

`calibrate_search` was fitted by logistic regression to the ten best hits of harvested questions about 95 repositories,
and of 30 questions each that no code answers, asked of the same. How well it holds: evaluation/README.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.types import Kinship, Location, SnippetKind

MIN_HIT = 0.005  # probability below which a further hit is dropped; whether there are any: search/answerability.py
_WEIGHTS = {
    "known": 0.66,
    "length": 0.7,
    "size": -0.15,
    "rank": -0.54,
    "margin": 0.43,
    "said": 1.87,
    "says nothing": -0.67,
    "defined": 0.28,
    "defined alone": 2.1,
}
_BIAS = -3.16
_MIN_SIZE = 7.0  # nats of contents
_MIN_MARGIN, _MAX_MARGIN = -6.0, 8.0  # logits: further ones say no more
_MIN_RIVALS = 4.5  # logit of all other files together: 95 % of 7,468 harvested questions about repositories have more
PROSE_BONUS = 3.2  # logits, of the 4.2 by which documentation is ranked behind code
_MIN_COUNTED_WORDS, _MAX_COUNTED_WORDS = 4, 30  # few harvested questions are as short as one word that stands somewhere
# Similar code ends where kin end. Of hits in other languages (mbxp_code2code) 15 % below a probability of .2 are
# right, 36 % from .2 to .3; leaving out what is below .1, or a fifth of the best, costs .003 NDCG@10.
MIN_SIMILAR = 0.1  # probability below which similar code that is not the best is dropped
MIN_RELATIVE = 0.2  # share of the best hit's probability below which further similar code is dropped
# What a kinship may be worth, so that score and label agree: proven kin are likelier than not, and nothing unproven is
# certain. Of hits that are only similar, of a score of .9 or more, 86 % are right.
_BOUNDS = {Kinship.RENAMED: (0.5, 0.99), Kinship.EDITED: (0.5, 0.98), Kinship.SIMILAR: (0.0, 0.9)}
MIN_RELATIVE_ANSWER = 0.01  # the same for a question: of what answers it, some has little to do with its words


@dataclass(frozen=True, slots=True)
class HitEvidence:
    """What is known of a question, and of one location among those that were ranked for it."""

    known_share: float  # of the question, by rarity, that the workspace has words for
    word_count: int  # of the question
    content_count: int
    rank: int  # of the location, from 0
    margin: float  # logits: its score against all other files' best ones together
    said: float = 0.0  # of the question, by rarity, in its text or names
    defined: float = 0.0  # whether the question has its name, 0 to 1
    defined_alone: float = 0.0  # the same, times the share of the question that this is


def calibrate_search(evidence: HitEvidence) -> float:
    """Return the probability, 0 to 1, that the location of this evidence answers a question in words.

    Of a long question fewer words are in any one place. Larger corpora raise the best score of irrelevant locations.
    """
    size = max(math.log(max(evidence.content_count, 1)) - _MIN_SIZE, 0.0)
    words = min(max(evidence.word_count, _MIN_COUNTED_WORDS), _MAX_COUNTED_WORDS)
    features = {
        "known": evidence.known_share,
        "length": math.log1p(words),
        "size": size,
        "rank": math.log1p(evidence.rank),
        "margin": min(max(evidence.margin, _MIN_MARGIN), _MAX_MARGIN),
        "said": evidence.said,
        "says nothing": float(evidence.said == 0),
        "defined": evidence.defined,
        "defined alone": evidence.defined_alone,
    }
    return _to_probability(_BIAS + sum(_WEIGHTS[name] * value for name, value in features.items()))


def compute_margins(scored_locations: Sequence[tuple[Location, float]]) -> list[float]:
    """Return each location's score less the log of the sum of exp(score) of the other files' best ones, in logits.

    The locations come best first. A sum that is less than usual, as of few files, counts as usual: to be the best of
    them says little.
    """
    best_scores: dict[Path, float] = {}
    for location, score in scored_locations:
        best_scores.setdefault(location.path, score)
    highest = max(best_scores.values(), default=0.0)
    strengths = {path: math.exp(score - highest) for path, score in best_scores.items()}
    is_prose = any(location.kind is SnippetKind.SECTION for location, _ in scored_locations[:1])
    min_strength = math.exp(min(max(_MIN_RIVALS - PROSE_BONUS * is_prose - highest, -50.0), 50.0))
    total = sum(strengths.values())
    return [
        score - highest - math.log(max(total - strengths[location.path], min_strength))
        for location, score in scored_locations
    ]


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
