"""Rank the lines that the candidates propose by probability.

A logistic regression gives each candidate a probability. Candidates with the same line are then one vote for it. A
small network weighs the lines with most votes against each other and against all others: by their best candidate, their
share of the votes, and what the n-gram model says of their tokens.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codekin.completion.back_off import Weights
from codekin.completion.candidates import LineCandidate
from codekin.completion.features import FEATURES
from codekin.completion.line_scorer import LineScore, LineScorer
from codekin.completion.line_weights import LINE_MIXER
from codekin.completion.weights import CANDIDATE_WEIGHTS

MAX_LINES = 3  # that are weighed against each other: those with the best candidates; five are not better
_BEST_CANDIDATE_FEATURES = ("unresolved", "already", "aligned", "length", "same_line", "known", "here")
_MIN_VOTE = 1e-4  # keeps logarithms finite
_MAX_PROBABILITY = 0.999
_MAX_LOGIT = 30.0
_MIN_TOTAL = -30.0  # of a line's logarithm


@dataclass(frozen=True, slots=True)
class RankedLine:
    """A next line, its probability, and the candidates that propose it, best first."""

    line: str
    probability: float
    candidates: tuple[LineCandidate, ...]


@dataclass(frozen=True, slots=True)
class LineVotes:
    """The candidates that propose one line, and what they say of it."""

    candidates: tuple[LineCandidate, ...]  # best first
    features: dict[str, float]

    @property
    def line(self) -> str:
        """Return the line, as the best candidate has it."""
        return self.candidates[0].line


def rank_lines(candidates: Sequence[LineCandidate], scorer: LineScorer | None) -> list[RankedLine]:
    """Return the lines with most votes, with probability and candidates, most probable first; equal ones by line.

    The candidates must have all features. Without `scorer` the n-gram model says nothing of any line.
    """
    groups = select_lines(candidates)
    if not groups:
        return []
    probabilities = LINE_MIXER.compute_probabilities(extract_line_features(groups, scorer))[:-1].tolist()
    ranked_lines = [
        RankedLine(votes.line, probability, votes.candidates)
        for votes, probability in zip(groups, probabilities, strict=True)
    ]
    return sorted(ranked_lines, key=lambda ranked_line: (-ranked_line.probability, ranked_line.line))


def select_lines(candidates: Sequence[LineCandidate]) -> list[LineVotes]:
    """Return the lines with the best candidates, at most MAX_LINES; equal ones by line."""
    groups = group_by_line(candidates, CANDIDATE_WEIGHTS)
    return sorted(groups, key=lambda votes: (-votes.features["best"], votes.line))[:MAX_LINES]


def extract_line_features(groups: Sequence[LineVotes], scorer: LineScorer | None) -> Weights:
    """Return a row of features for each line, and a last one for all lines that are none of these.

    A line is scored only if a document that proposes it has been read: of others the n-gram model knows nothing.
    """
    scores = [scorer.score(votes.line) if scorer and _is_read(votes, scorer) else None for votes in groups]
    most_probable = max((score.total for score in scores if score), default=0.0)
    rows = [
        [*votes.features.values(), *_describe_score(score, most_probable), 0.0]
        for votes, score in zip(groups, scores, strict=True)
    ]
    return np.array([*rows, [0.0] * (len(rows[0]) - 1) + [1.0]])


def _is_read(votes: LineVotes, scorer: LineScorer) -> bool:
    """Return whether the n-gram model has read a document that proposes the line."""
    return any(scorer.has_read(candidate.source.path) for candidate in votes.candidates)


def _describe_score(score: LineScore | None, most_probable: float) -> list[float]:
    """Return the features of what the n-gram model says of a line, and whether it says nothing."""
    if score is None:
        return [0.0] * 7 + [1.0]
    total = max(score.total, _MIN_TOTAL)
    return [
        total,
        total / max(score.tokens, 1),
        score.least,
        score.first,
        float(score.total == most_probable),
        max(score.total - most_probable, _MIN_TOTAL),
        math.log1p(score.tokens),
        0.0,
    ]


def group_by_line(candidates: Sequence[LineCandidate], candidate_weights: Mapping[str, float]) -> list[LineVotes]:
    """Group candidates by line, ignoring white space; return groups, unordered."""
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
        line_groups.append(LineVotes(tuple(candidate for _, candidate in voters), features))
    return line_groups


def _count_votes(candidate_logits: Sequence[float], total_probability: float) -> dict[str, float]:
    """Return the four features of the votes that the candidates of one line give it.

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
