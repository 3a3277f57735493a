"""Rank the lines that the candidates propose by probability, with two logistic regressions in sequence.

The first gives each candidate a probability. Candidates with the same line are then one vote for it, and the second
regression gives the line a probability by its best candidate and by its share of all votes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codekin.completion.candidates import LineCandidate
from codekin.completion.features import FEATURES
from codekin.completion.weights import CANDIDATE_WEIGHTS, LINE_WEIGHTS

_VOTE_FEATURES = ("best", "share", "evidence", "clues")
_BEST_CANDIDATE_FEATURES = ("unresolved", "already", "aligned", "length", "same_line", "known", "here")
LINE_FEATURES = (*_VOTE_FEATURES, *_BEST_CANDIDATE_FEATURES)
_MIN_VOTE = 1e-4  # keeps logarithms finite
_MAX_PROBABILITY = 0.999
_MAX_LOGIT = 30.0


@dataclass(frozen=True, slots=True)
class RankedLine:
    """A next line, its probability, and the candidates that propose it, best first."""

    line: str
    probability: float
    candidates: tuple[LineCandidate, ...]


def rank_lines(
    candidates: Sequence[LineCandidate],
    weights: tuple[Mapping[str, float], Mapping[str, float]] = (CANDIDATE_WEIGHTS, LINE_WEIGHTS),
) -> list[RankedLine]:
    """Return each proposed line with probability and candidates, most probable first; equal ones by line.

    `weights` are those of FEATURES and of LINE_FEATURES, each with a bias. The candidates must have all features.
    """
    candidate_weights, line_weights = weights
    ranked_lines = []
    for line_candidates, features in group_by_line(candidates, candidate_weights):
        probability = _to_probability(_compute_logit(features, line_weights, LINE_FEATURES))
        ranked_lines.append(RankedLine(line_candidates[0].line, probability, line_candidates))
    return sorted(ranked_lines, key=lambda ranked_line: (-ranked_line.probability, ranked_line.line))


def group_by_line(
    candidates: Sequence[LineCandidate], candidate_weights: Mapping[str, float]
) -> list[tuple[tuple[LineCandidate, ...], dict[str, float]]]:
    """Group candidates by line, ignoring white space; return groups, unordered, each best first, with features."""
    voters_by_line: dict[str, list[tuple[float, LineCandidate]]] = {}
    for candidate in candidates:
        candidate_logit = _compute_logit(candidate.features, candidate_weights, FEATURES)
        voters_by_line.setdefault("".join(candidate.line.split()), []).append((candidate_logit, candidate))
    total_probability = sum(
        _to_probability(candidate_logit) for voters in voters_by_line.values() for candidate_logit, _ in voters
    )
    line_groups = []
    for voters in voters_by_line.values():
        voters.sort(key=lambda voter: -voter[0])
        best_candidate = voters[0][1]
        features = _count_votes([candidate_logit for candidate_logit, _ in voters], total_probability)
        features |= {feature_name: best_candidate.features[feature_name] for feature_name in _BEST_CANDIDATE_FEATURES}
        line_groups.append((tuple(candidate for _, candidate in voters), features))
    return line_groups


def _count_votes(candidate_logits: Sequence[float], total_probability: float) -> dict[str, float]:
    """Return the four vote features, _VOTE_FEATURES, that the candidates of one line give it.

    `candidate_logits` are the line's candidates', best first; `total_probability` sums up all candidates'.
    """
    probabilities = [_to_probability(logit) for logit in candidate_logits]
    any_right = -sum(math.log1p(-min(probability, _MAX_PROBABILITY)) for probability in probabilities)  # in nats
    return {
        "best": candidate_logits[0],
        "share": math.log(sum(probabilities) / total_probability + _MIN_VOTE),
        "evidence": math.log(any_right + _MIN_VOTE),
        "clues": math.log(len(candidate_logits)),
    }


def _compute_logit(features: Mapping[str, float], weights: Mapping[str, float], feature_names: Sequence[str]) -> float:
    """Return the bias plus the weighted sum of the features in `feature_names`; raises KeyError if one is missing."""
    return weights["bias"] + sum(weights[feature_name] * features[feature_name] for feature_name in feature_names)


def _to_probability(logit: float) -> float:
    """Return the logistic function of `logit`, which is clamped so that it can't overflow."""
    return 1 / (1 + math.exp(-max(min(logit, _MAX_LOGIT), -_MAX_LOGIT)))
