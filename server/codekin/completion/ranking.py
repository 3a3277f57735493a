"""Rank the lines that the candidates propose by probability.

A logistic regression gives each candidate a probability. Candidates with the same line are then one vote for it. More
lines are written by the n-gram model. A small network weighs the best of both against each other and against all
others: by their best candidate, their share of the votes, and what the n-gram model says of their tokens.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from codekin.completion.back_off import Weights
from codekin.completion.candidates import LineCandidate
from codekin.completion.features import FEATURES
from codekin.completion.line_scorer import LineScore, LineScorer
from codekin.completion.line_weights import LINE_MIXER
from codekin.completion.line_words import strip_blanks
from codekin.completion.weights import CANDIDATE_WEIGHTS

MAX_VOTED_LINES = 5  # that are weighed against each other: those with the best candidates
MAX_WRITTEN_LINES = 5  # that are weighed besides
_BEST_CANDIDATE_FEATURES = ("unresolved", "already", "aligned", "length", "same_line", "known", "here")
_MIN_VOTE = 1e-4  # keeps logarithms finite
_MAX_PROBABILITY = 0.999
_MAX_LOGIT = 30.0
_MIN_TOTAL = -30.0  # of a line's logarithm
_NO_VOTES = {  # of a line without a candidate
    "best": -8.0,
    "share": math.log(_MIN_VOTE),
    "evidence": math.log(_MIN_VOTE),
    "clues": 0.0,
} | dict.fromkeys(_BEST_CANDIDATE_FEATURES, 0.0)


@dataclass(frozen=True, slots=True)
class RankedLine:
    """A next line, its probability, and the candidates that propose it, best first."""

    line: str
    probability: float
    candidates: tuple[LineCandidate, ...]
    symbols: tuple[int, ...] = ()  # of a line that the n-gram model writes


@dataclass(frozen=True, slots=True)
class LineVotes:
    """What proposes one line, and what that says of it."""

    line: str  # as the best candidate has it
    candidates: tuple[LineCandidate, ...]  # best first; () where the n-gram model alone proposes it
    features: dict[str, float]
    symbols: tuple[int, ...] = ()  # of a line that the n-gram model writes
    written_rank: int = 0  # of it among the lines that are written, from 1 on; 0 for none


def rank_lines(candidates: Sequence[LineCandidate], scorer: LineScorer | None) -> list[RankedLine]:
    """Return the best candidates' 5 lines and the n-gram model's 5, at most, by falling probability, then by text.

    The candidates must have all features. Without `scorer` the n-gram model says nothing of any line.
    """
    groups = select_lines(candidates, scorer)
    if not groups:
        return []
    probabilities = LINE_MIXER.compute_probabilities(extract_line_features(groups, scorer))[:-1].tolist()
    ranked_lines = [
        RankedLine(votes.line, probability, votes.candidates, votes.symbols)
        for votes, probability in zip(groups, probabilities, strict=True)
    ]
    return sorted(ranked_lines, key=lambda ranked_line: (-ranked_line.probability, ranked_line.line))


def select_lines(candidates: Sequence[LineCandidate], scorer: LineScorer | None) -> list[LineVotes]:
    """Return up to 5 lines with the best candidates, then up to 5 by the n-gram model, equal ones merged."""
    groups = group_by_line(candidates, CANDIDATE_WEIGHTS)
    groups.sort(key=lambda votes: (-votes.features["best"], votes.line))
    lines = {strip_blanks(votes.line): votes for votes in groups[:MAX_VOTED_LINES]}
    groups_by_line = {strip_blanks(votes.line): votes for votes in groups}
    written_lines = scorer.write_lines(MAX_WRITTEN_LINES) if scorer else []
    for written_rank, written_line in enumerate(written_lines, 1):
        line_key = strip_blanks(written_line.text)
        votes = groups_by_line.get(line_key) or LineVotes(written_line.text, (), _NO_VOTES)
        lines[line_key] = replace(votes, symbols=written_line.symbols, written_rank=written_rank)
    return list(lines.values())


def extract_line_features(groups: Sequence[LineVotes], scorer: LineScorer | None) -> Weights:
    """Return a row of features for each line, (n + 1, features), and a last one for all lines that are none of these.

    A line is scored only if a document that proposes it has been read: of others the n-gram model knows nothing.
    """
    scores = [scorer.score(votes.line) if scorer and _is_read(votes, scorer) else None for votes in groups]
    most_probable = max((score.total for score in scores if score), default=_MIN_TOTAL)
    rows = [
        [
            *votes.features.values(),
            *_describe_score(score, most_probable),
            *_describe_origin(votes),
            *_describe_names(votes, scorer),
            0.0,
        ]
        for votes, score in zip(groups, scores, strict=True)
    ]
    return np.array([*rows, [0.0] * (len(rows[0]) - 1) + [1.0]])


def _describe_origin(votes: LineVotes) -> tuple[float, ...]:
    """Return two features: whether the line has no candidate, and 1 / its rank among the written lines, 0 for none."""
    return float(not votes.candidates), 1 / votes.written_rank if votes.written_rank else 0.0


def _describe_names(votes: LineVotes, scorer: LineScorer | None) -> tuple[float, ...]:
    """Return four features of how the line uses the names above it; zeros without a scorer."""
    if scorer is None:
        return (0.0,) * 4
    name_use = scorer.find_name_use(votes.line)
    return (
        math.log1p(name_use.unused_names),
        float(name_use.uses_last_line),
        float(name_use.leaves_last_line),
        float(name_use.is_repeated),
    )


def _is_read(votes: LineVotes, scorer: LineScorer) -> bool:
    """Return whether the n-gram model writes the line, or has read a document that proposes it."""
    return votes.written_rank > 0 or any(scorer.has_read(candidate.source.path) for candidate in votes.candidates)


def _describe_score(score: LineScore | None, most_probable: float) -> list[float]:
    """Return eight features of the line's log probabilities; zeros and a last 1 where it was not scored."""
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
    """Return the candidates grouped by line, white space ignored, each group with its features; in no order."""
    voters_by_line: dict[str, list[tuple[float, LineCandidate]]] = {}
    for candidate in candidates:
        candidate_logit = _compute_logit(candidate.features, candidate_weights, FEATURES)
        voters_by_line.setdefault(strip_blanks(candidate.line), []).append((candidate_logit, candidate))
    total_probability = sum(
        _to_probability(candidate_logit) for voters in voters_by_line.values() for candidate_logit, _ in voters
    )
    line_groups = []
    for voters in voters_by_line.values():
        voters.sort(key=lambda voter: -voter[0])
        best_candidate = voters[0][1]
        features = _count_votes([candidate_logit for candidate_logit, _ in voters], total_probability)
        features |= {feature_name: best_candidate.features[feature_name] for feature_name in _BEST_CANDIDATE_FEATURES}
        line_groups.append(LineVotes(best_candidate.line, tuple(candidate for _, candidate in voters), features))
    return line_groups


def _count_votes(candidate_logits: Sequence[float], total_probability: float) -> dict[str, float]:
    """Return name → feature of the candidates that propose one line: best logit; logarithms of share, evidence, number.

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
