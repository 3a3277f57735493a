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

from codekin.code.words import split_words

_TOKEN = re.compile(r"\w+")
_NAME = re.compile(r"\w+(?:(?:::|->|[.#:/\\])\w+)*\(?\)?[!?]?")  # `open`, `Store.open`, `Foo::bar()`, `empty?`
_IDLE_WORDS = """
    a about after all an and any are as at be been before by can did do does during each for from had has have he
    her his how i if in into is it its me my no nor not of off on or our out over she so some such than that the
    their them then there these they this those through to under up us use used uses using via was we were what
    when where which while who why will with you your
"""
_IDLE = frozenset(_IDLE_WORDS.split())  # they say nothing of what is looked for
_SAME, _BEGUN, _ABBREVIATED, _AKIN = 1.0, 0.8, 0.5, 0.6  # what relations of two words are worth
_BEGINNING = 3  # characters that related words have in common
_JOINED = (2, 3, 4)  # so many neighbouring words may be one identifier
_MUCH = 20.0  # nats: three rare words


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How well a name answers a question."""

    cover: float  # 0 … 1, the share of the question's telling words that the name has, weighted by how rare they are
    precision: float  # 0 … 1, the share of the name's words that the question has
    _told: float = 0.0  # how much of the question the name has, in nats

    @property
    def both(self) -> float:
        """High only where the name says what the question says, and little else: 0 … 1."""
        return self.cover * self.precision

    @property
    def telling(self) -> float:
        """The same, sharper, and a name that answers with three rare words counts for more than one with one: 0 … 2."""
        return self.both**2 * min(self._told, _MUCH) / (_MUCH / 2)


_NONE = NameMatch(0.0, 0.0)


class QueryTerms:
    """What a question in words asks for."""

    def __init__(self, question: str, frequency: Callable[[str], int], total: int) -> None:
        """`frequency` says in how many of the `total` contents a word occurs."""
        parts = split_words(question)
        telling = dict.fromkeys([word for word in parts if word not in _IDLE and len(word) > 1] or parts)
        tokens = [token for token in _TOKEN.findall(question) if token.lower() not in _IDLE]
        self.tokens = frozenset(tokens)  # as they are written
        # `Store`, `open` of a question that is nothing but the name `Store.open`
        self.name = tuple(tokens) if _NAME.fullmatch(question.strip()) else ()
        self.spoken = " ".join(tokens) or question  # without idle words
        runs = [parts[i : i + n] for n in _JOINED for i in range(len(parts) - n + 1)]
        # What a definition may be called: "handle request" asks for `handleRequest` and `handle_request`.
        self.symbols = [*self.tokens, *("".join(run) for run in runs), *("_".join(run) for run in runs)]
        self.words = list(telling)
        self._folded = {token.lower() for token in tokens}
        self._weights = [_idf(frequency(word), total) for word in telling]
        self._sum = sum(self._weights)
        known = sum(w for word, w in zip(telling, self._weights, strict=True) if any(map(frequency, _forms(word))))
        self.known = known / self._sum if self._sum else 0.0  # the share that the workspace has words for
        # "thread pool" asks for `threadpool`, too.
        self._compounds = {one + other: (one, other) for one, other in pairwise(parts)}
        self.parts = [*telling, *self._compounds]  # what a file's name may have
        self._beginnings = {word[:_BEGINNING] for word in telling}
        self._relations: dict[str, list[float] | None] = {}  # a name's word → how much of it each of ours says

    def match_name(self, parts: Sequence[str]) -> NameMatch:
        """How well a name of these words answers."""
        relations = [relation for part in parts if (relation := self._relation(part))]
        if not relations or not self._sum:
            return _NONE
        covered = relations[0] if len(relations) == 1 else list(map(max, *relations))
        cover = sum(map(mul, covered, self._weights)) / self._sum
        return NameMatch(cover, sum(map(max, relations)) / len(parts), self._sum * cover)

    def match_definition(self, name: str) -> float:
        """Whether the question names this very definition: 1; but for upper and lower case: a half; else 0."""
        return 1.0 if name in self.tokens else 0.5 if name.lower() in self._folded else 0.0

    def match_single_name(self, name: str, qualified_name: str) -> float:
        """How much of a name there is in a question that is nothing but one: 0 … 1."""
        if not self.name:
            return 0.0
        path = tuple(_TOKEN.findall(qualified_name))[-len(self.name) :]
        if path == self.name:
            return 1.0
        if [part.lower() for part in path] == [part.lower() for part in self.name]:
            return 0.9
        return 0.7 if self.name[-1].lower() in name.lower() else 0.0

    def _relation(self, part: str) -> list[float] | None:
        """None where none of ours says anything of it, as is so of most."""
        if part not in self._relations:
            joined = self._compounds.get(part, ())
            akin = joined or part[:_BEGINNING] in self._beginnings
            found = [_SAME if word in joined else word_similarity(word, part) for word in self.words] if akin else None
            self._relations[part] = found
        return self._relations[part]


def word_similarity(one: str, other: str) -> float:
    """How much of the same two words say, 0 … 1, by what they begin with."""
    if one == other:
        return _SAME
    short, long = (one, other) if len(one) < len(other) else (other, one)
    if long.startswith(short):
        return _BEGUN if len(short) >= 4 else _ABBREVIATED if len(short) == 3 else 0.0
    common = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return _AKIN if common >= 5 and common >= 0.6 * len(long) else 0.0


def _forms(word: str) -> list[str]:
    """The word, and what may be left of it without an ending: `extend` of extending, `cache` of caching."""
    return [word, *(word[:end] for end in (-1, -2, -3) if len(word) + end >= 4), word[:-3] + "e"]


def _idf(frequency: int, total: int) -> float:
    return math.log(1 + (max(total - frequency, 0) + 0.5) / (frequency + 0.5))
