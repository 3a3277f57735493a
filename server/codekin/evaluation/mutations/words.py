"""Names and remarks that edits put in: plausible ones, in the writing of what they stand for."""

import re
from collections.abc import Callable
from random import Random

_WORDS = (
    "account active amount area argument axis balance batch border bottom branch bucket buffer bundle button camera "
    "canvas carrier cell chain channel chart chunk circle client closing cluster color column counter current "
    "cursor customer daily delta depth detail device digest distance domain draft driver edge element engine entity "
    "entry extra factor figure filter folder frame gadget garden gauge group handle header height holder "
    "image initial item journal kept label latest layer ledger left letter level limit margin marker "
    "matrix maximum measure member middle minimum mode model moment monthly nearest offset option orange order "
    "origin outer output owner packet panel parcel pattern phase picture piece pixel planet player pointer "
    "portion position primary product profile quantity quota radius reading region remote report result "
    "right river route sample scale score second section segment sensor series shape shelf signal size slot source "
    "square stage station street stride subject table target ticket token total track trial upper vehicle volume "
    "weight width window winter worker"
)
_VERBS = "apply arrange calculate collect derive evaluate gather handle obtain perform prepare produce settle"
_SHORT = "abcdeghkmnpqrstuvwxyz"
_REMARKS = (
    "see the notes on the format",
    "this used to be slower",
    "the caller has checked this before",
    "kept for older clients",
    "nothing to do for the empty case",
    "order matters here",
    "first the simple part",
    "may be called more than once",
    "bounds are inclusive",
    "TODO: measure again",
)
_LOGGED = ("got here", "step done", "entering", "next step", "still working", "about to go on", "checkpoint reached")


def choose_name(old: str, taken: set[str], rng: Random) -> str:
    """A name in `old`'s writing that is not `taken`; it is, from now on."""
    for _ in range(200):
        name = _written(old, rng)
        if name not in taken:
            taken.add(name)
            return name
    raise ValueError(f"no name is left for {old}")  # of tens of thousands: unreachable


def choose_function_name(old: str, taken: set[str], rng: Random) -> str:
    """A fresh name that says to do something."""

    def verbal(_: str, rng: Random) -> str:
        return _joined([_one_of(_VERBS, rng), _one_of(_WORDS, rng)], old)

    for _ in range(200):
        name = verbal(old, rng)
        if name not in taken:
            taken.add(name)
            return name
    return choose_name(old, taken, rng)


def choose_comment(rng: Random) -> str:
    """What a comment says."""
    return rng.choice(_REMARKS)


def choose_message(rng: Random) -> str:
    """What a statement prints."""
    return rng.choice(_LOGGED)


def change_string(old: str, rng: Random) -> str:
    """Other words where there were words: as many, parted by what parted them."""
    return re.sub(r"[A-Za-z]{2,}", lambda word: _cased(_one_of(_WORDS, rng), word[0]), old)


def change_number(old: str, rng: Random) -> str:
    """Another whole decimal number of about the same size, written as long."""
    least = 10 ** (len(old) - 1) + 1
    return str(rng.randrange(least, 10 ** len(old)))


def _one_of(words: str, rng: Random) -> str:
    return rng.choice(words.split())


def _written(old: str, rng: Random) -> str:
    if len(old) == 1 and rng.random() < 0.7:
        return rng.choice(_SHORT)
    parts = [_one_of(_WORDS, rng) for _ in range(rng.choice((1, 2)) if len(old) > 3 else 1)]
    return _joined(parts, old)


def _joined(parts: list[str], like: str) -> str:
    lead = like[: len(like) - len(like.lstrip("_"))]
    bare = like[len(lead) :]
    if bare.isupper() and len(bare) > 1:
        return lead + "_".join(parts).upper()
    if "_" in bare or (bare.islower() and len(parts) > 1 and len(bare) < 2):
        return lead + "_".join(parts)
    capital: Callable[[str], str] = str.capitalize
    rest = "".join(map(capital, parts[1:]))
    return lead + (capital(parts[0]) if bare[:1].isupper() else parts[0]) + rest


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word
