"""How two pieces of code are kin, and what shows it; from their texts as they are now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from codekin.code.fingerprints import MIN_RUNS, RUN_TOKENS, digest_codes, hash_runs, renumber_names
from codekin.code.tokens import MARK, NAME, NO_TOKENS, NUMBER, STRING, Codes, tokenize
from codekin.types import Kinship

# Edited: share + kept / 2 >= _BASE + _CHANCE / runs, where `share` is that of the runs of tokens that both have and
# `kept` that of names and literals (Dice): the shorter, the likelier by chance. Chosen so that among the five nearest
# of each of 6,336 functions put to code bases of others 0.7 % had one that is called renamed or edited, most of them
# the same boilerplate (equals, generated code); 89 % of edited functions pass, 87 % of edited and renamed ones. Of the
# 5,743 of projects that it was not chosen on, put to others, 0.3 % had one among the ten nearest.
_BASE, _CHANCE = 0.7, 9.0
_LEAST_SHARE = 0.6
# Duplicates. Of 880 edited ones by structure alone, 23 had fewer than half of their tokens in common (difflib); with
# names and literals 13 of 863, in another order or repeated, and 7 of the other 857 were lost.
_TWIN_SHARE, _TWIN_KEPT = 0.8, 0.4
_TOLD = 3  # names that a reason says
_LONG = 28  # characters of a name or literal that is said


@dataclass(frozen=True, slots=True)
class CloneEvidence:
    """A kinship that can be shown."""

    kinship: Kinship
    why: str
    share: float  # of the structure, 0 … 1
    kept: float = 1.0  # of names and literals, 0 … 1, where it is edited

    @property
    def is_near_duplicate(self) -> bool:
        """Whether the two are so alike that they could be one."""
        return self.share >= _TWIN_SHARE and self.kept >= _TWIN_KEPT


class TokenProfile:
    """A text as it is compared: made once, compared with many. Without a language it has no structure."""

    def __init__(self, text: str, language: str | None, name: str = "") -> None:
        """`name` is what the text defines; it is shown beside every reason, and in none."""
        self.text = text
        self.name = name
        self.tokens = (tokenize(text, language) if language else None) or NO_TOKENS

    @cached_property
    def runs(self) -> Codes:
        """As structure.runs has them: by position."""
        return hash_runs(self.tokens)

    @cached_property
    def distinct(self) -> Codes:
        """The runs, each once; ascending."""
        return np.unique(self.runs)

    @cached_property
    def words(self) -> Codes:
        """Names and literals, each once; ascending."""
        return np.unique(self.tokens.codes[self.tokens.kinds != MARK])

    @cached_property
    def shape(self) -> bytes:
        """Equal where only names, consistently, or literals are others."""
        return digest_codes(renumber_names(self.tokens))

    @cached_property
    def calls(self) -> dict[str, None]:
        """The names that are called, in order."""
        texts = self.tokens.texts
        named = np.flatnonzero(self.tokens.kinds[:-1] == NAME).tolist()
        return dict.fromkeys(texts[i] for i in named if texts[i + 1] == "(")


def classify(one: TokenProfile, other: TokenProfile) -> CloneEvidence | None:
    """How `other` is kin to `one`; None where only words or meaning may say so."""
    if one.text == other.text:
        return CloneEvidence(Kinship.IDENTICAL, "identical text", 1.0)
    if not one.tokens.texts or not other.tokens.texts:
        return None
    if np.array_equal(one.tokens.codes, other.tokens.codes):
        return CloneEvidence(Kinship.IDENTICAL, _layout(one.text, other.text), 1.0)
    share, kept = _dice(one.distinct, other.distinct), _dice(one.words, other.words)
    count = min(len(one.distinct), len(other.distinct))
    if count < MIN_RUNS or share < _LEAST_SHARE or share + kept / 2 < _BASE + _CHANCE / count:
        return None
    if one.shape == other.shape:
        return CloneEvidence(Kinship.RENAMED, f"same structure, {_changes(one, other)}", 1.0)
    changed = _renamed(one, other)
    told = f", {_counted(changed, 'identifier', 'renamed')}" if changed else ""
    return CloneEvidence(Kinship.EDITED, f"{_percent(share)} of the structure{told}", share, kept)


def _renamed(one: TokenProfile, other: TokenProfile) -> list[tuple[str, str]]:
    """Which names have others in their places, where the two run in parallel, and nearly always."""
    mine, its = one.tokens, other.tokens
    here, there = _parallel(one.runs, other.runs)
    both = (mine.kinds[here] == NAME) & (its.kinds[there] == NAME)
    places = dict.fromkeys(zip(here[both].tolist(), there[both].tolist(), strict=True))
    pairs = Counter((mine.texts[i], its.texts[j]) for i, j in places)
    old_names, new_names = Counter(mine.texts), Counter(its.texts)
    found: dict[str, str] = {}
    for (old, new), count in pairs.most_common():
        elsewhere = old in new_names or new in old_names or old in found or new in found.values() or new == other.name
        if not elsewhere and 2 * count > max(old_names[old], new_names[new]):
            found[old] = new
    return sorted(found.items(), key=lambda pair: mine.texts.index(pair[0]))


def _dice(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> float:
    """What two sets, ascending, have in common, as a share of what they have: 0 … 1."""
    both = np.concatenate([one, other])
    both.sort()
    return 2 * int(np.count_nonzero(both[1:] == both[:-1])) / len(both) if len(both) else 0.0


def _parallel(one: Codes, other: Codes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The positions of tokens in runs that come just once in either."""
    found = []
    for each in (one, other):
        values, first, counts = np.unique(each, return_index=True, return_counts=True)
        found.append((values[counts == 1], first[counts == 1]))
    (mine, here), (its, there) = found
    _, at, to = np.intersect1d(mine, its, assume_unique=True, return_indices=True)
    steps = np.arange(RUN_TOKENS)
    order = np.argsort(here[at])
    return (here[at][order, None] + steps).ravel(), (there[to][order, None] + steps).ravel()


def _layout(one: str, other: str) -> str:
    """What an identical text differs in."""
    spaced = "".join(one.split()) == "".join(other.split())
    return "identical but for formatting" if spaced else "identical but for formatting or comments"


def _changes(one: TokenProfile, other: TokenProfile) -> str:
    """What is different between two that have the same shape."""
    mine, its = one.tokens, other.tokens
    at = np.flatnonzero(mine.codes != its.codes).tolist()
    names = dict.fromkeys((mine.texts[i], its.texts[i]) for i in at if mine.kinds[i] == NAME)
    values = [(mine.texts[i], its.texts[i]) for i in at if mine.kinds[i] in (STRING, NUMBER)]
    inner = [pair for pair in names if pair[1] != other.name]
    told = [_counted(inner, "identifier", "renamed")] if inner else []
    told += [_counted(values, "literal", "changed")] if values else []
    return "; ".join(told) or "another name"


def _counted(pairs: Sequence[tuple[str, str]], noun: str, verb: str) -> str:
    """`2 identifiers renamed: total→sum, xs→items`."""
    told = ", ".join(f"{_short(old)}→{_short(new)}" for old, new in pairs[:_TOLD])
    more = ", …" if len(pairs) > _TOLD else ""
    return f"{len(pairs)} {noun}{'s' if len(pairs) != 1 else ''} {verb}: {told}{more}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else line[: _LONG - 1] + "…"


def _percent(share: float) -> str:
    """Never all of it, which would be `renamed`."""
    return f"{min(round(100 * share), 99)}%"
