"""A question in words: which of them tell something, and how well a name answers them.

Names abbreviate and inflect (`config` for configuration, `router` for routing), so words are compared by what they
begin with: no stemmer knows the first kind, and one for the second gained nothing on top (evaluation/README.md).
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

from codekin.code.words import words

_TOKEN = re.compile(r"\w+")
_NAME = re.compile(r"\w+(?:(?:::|->|[.#:/\\])\w+)*(?:\(\))?[!?]?")  # `open`, `Store.open`, `Foo::bar()`, `empty?`
_IDLE_WORDS = """
    a about after all an and any are as at be been before by can did do does during each for from had has have he
    her his how i if in into is it its me my no nor not of off on or our out over she so some such than that the
    their them then there these they this those through to under up us use used uses using via was we were what
    when where which while who why will with you your
"""
_IDLE = frozenset(_IDLE_WORDS.split())  # they say nothing of what is looked for
_SAME, _BEGUN, _ABBREVIATED, _AKIN = 1.0, 0.8, 0.5, 0.6  # what relations of two words are worth


@dataclass(frozen=True, slots=True)
class Match:
    """How well a name answers a question, each 0 … 1."""

    cover: float  # the share of the question's telling words that the name has, weighted by how rare they are
    precision: float  # the share of the name's words that the question has

    @property
    def both(self) -> float:
        """High only where the name says what the question says, and little else."""
        return self.cover * self.precision


_NONE = Match(0.0, 0.0)


class Wording:
    """What a question in words asks for."""

    def __init__(self, question: str, frequency: Callable[[str], int], total: int) -> None:
        """`frequency` says in how many of the `total` contents a word occurs."""
        parts = words(question)
        telling = dict.fromkeys([word for word in parts if word not in _IDLE and len(word) > 1] or parts)
        tokens = [token for token in _TOKEN.findall(question) if token.lower() not in _IDLE]
        self.tokens = frozenset(tokens)  # as they are written
        self.name = tokens[-1] if tokens and _NAME.fullmatch(question.strip()) else ""  # of a question that is one
        self.spoken = " ".join(tokens) or question  # without idle words
        self.words = list(telling)
        self._folded = {token.lower() for token in tokens}
        self._weights = [_idf(frequency(word), total) for word in telling]
        self._sum = sum(self._weights)
        # "thread pool" asks for `threadpool`, too.
        self._compounds = {one + other: (one, other) for one, other in pairwise(parts)}
        self.parts = [*telling, *self._compounds]  # what a file's name may have
        self._relations: dict[str, list[float]] = {}  # a name's word → how much of it each of ours says

    def match(self, parts: Sequence[str]) -> Match:
        """How well a name of these words answers."""
        if not parts or not self._sum:
            return _NONE
        relations = [self._relation(part) for part in parts]
        covered = relations[0] if len(relations) == 1 else list(map(max, *relations))
        cover = sum(map(mul, covered, self._weights)) / self._sum
        return Match(cover, sum(map(max, relations)) / len(parts))

    def defines(self, name: str) -> float:
        """Whether the question names this very definition: 1; but for upper and lower case: a half; else 0."""
        if name in self.tokens:
            return 1.0
        return 0.5 if name.lower() in self._folded else 0.0

    def _relation(self, part: str) -> list[float]:
        found = self._relations.get(part)
        if found is None:
            joined = self._compounds.get(part, ())
            found = [_SAME if word in joined else related(word, part) for word in self.words]
            self._relations[part] = found
        return found


def related(one: str, other: str) -> float:
    """How much of the same two words say, 0 … 1, by what they begin with."""
    if one == other:
        return _SAME
    short, long = (one, other) if len(one) < len(other) else (other, one)
    if long.startswith(short):
        return _BEGUN if len(short) >= 4 else _ABBREVIATED if len(short) == 3 else 0.0
    common = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return _AKIN if common >= 5 and common >= 0.6 * len(long) else 0.0


def _idf(frequency: int, total: int) -> float:
    return math.log(1 + (max(total - frequency, 0) + 0.5) / (frequency + 0.5))
