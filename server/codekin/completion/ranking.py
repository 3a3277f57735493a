"""How probable is each line that the clues point to? Two logistic regressions, one above the other.

The first says of a clue alone how probable its line is; clues that point to the same line are then one vote, and the
second says how probable the line is by its best clue, its share of all votes and what it is made of.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codekin.completion.candidates import LineCandidate
from codekin.completion.features import FEATURES
from codekin.completion.weights import CANDIDATE_WEIGHTS, LINE_WEIGHTS

LINE_FEATURES = (
    "best", "share", "evidence", "clues", "unresolved", "already", "aligned", "length", "same_line", "known", "here",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RankedLine:
    """A next line, how probable it is, and the clues that point to it, best first."""

    line: str
    probability: float
    clues: tuple[LineCandidate, ...]


def rank_lines(
    clues: Sequence[LineCandidate],
    weights: tuple[Mapping[str, float], Mapping[str, float]] = (CANDIDATE_WEIGHTS, LINE_WEIGHTS),
) -> list[RankedLine]:
    """The lines, most probable first. `weights` are those of FEATURES and of LINE_FEATURES, each with a bias."""
    of_lines = weights[1]
    found = []
    for pointing, features in group_by_line(clues, weights[0]):
        logit = of_lines["bias"] + sum(
            of_lines[name] * value for name, value in zip(LINE_FEATURES, features, strict=True)
        )
        found.append(RankedLine(pointing[0].line, _probability(logit), pointing))
    return sorted(found, key=lambda belief: (-belief.probability, belief.line))


def group_by_line(
    clues: Sequence[LineCandidate], of_clues: Mapping[str, float]
) -> list[tuple[tuple[LineCandidate, ...], tuple[float, ...]]]:
    """The clues by the line they point to, best first, and each line's features."""
    row = [of_clues[name] for name in FEATURES]
    by_line: dict[str, list[tuple[float, LineCandidate]]] = {}
    for clue in clues:
        logit = of_clues["bias"] + sum(weight * value for weight, value in zip(row, clue.features, strict=True))
        by_line.setdefault("".join(clue.line.split()), []).append((logit, clue))
    everything = sum(_probability(logit) for voices in by_line.values() for logit, _ in voices)
    found = []
    for voices in by_line.values():
        voices.sort(key=lambda voice: -voice[0])
        best, probabilities = voices[0][1], [_probability(logit) for logit, _ in voices]
        told = dict(zip(FEATURES, best.features, strict=True))
        features = (
            voices[0][0],
            math.log(sum(probabilities) / everything + 1e-4),
            math.log(-sum(math.log1p(-min(probability, 0.999)) for probability in probabilities) + 1e-4),
            math.log(len(voices)),
            *(told[name] for name in LINE_FEATURES[4:]),
        )
        found.append((tuple(clue for _, clue in voices), features))
    return found


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))
