"""Choose names, comments and messages for edits: plausible ones, in the naming style of what they replace."""

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
_SHORT_NAMES = "abcdeghkmnpqrstuvwxyz"
_COMMENTS = (
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
_MESSAGES = ("got here", "step done", "entering", "next step", "still working", "about to go on", "checkpoint reached")


def choose_name(old_name: str, taken_names: set[str], generator: Random) -> str:
    """Return a random name in the style of `old_name` that is not taken, and add it to `taken_names`."""
    for _ in range(200):
        name = _make_name(old_name, generator)
        if name not in taken_names:
            taken_names.add(name)
            return name
    raise ValueError(f"no name is left for {old_name}")  # of tens of thousands: unreachable


def choose_function_name(old_name: str, taken_names: set[str], generator: Random) -> str:
    """Return a free name in `old_name`'s style, beginning with a verb if possible; add it to `taken_names`."""

    for _ in range(200):
        name = _join_words([_choose_word(_VERBS, generator), _choose_word(_WORDS, generator)], old_name)
        if name not in taken_names:
            taken_names.add(name)
            return name
    return choose_name(old_name, taken_names, generator)


def choose_comment(generator: Random) -> str:
    """Return a random text of a comment, without the comment's marks."""
    return generator.choice(_COMMENTS)


def choose_message(generator: Random) -> str:
    """Return a random text for a statement to print."""
    return generator.choice(_MESSAGES)


def change_string(old_text: str, generator: Random) -> str:
    """Return the string with each word of two letters or more replaced by a random one, in the same case."""
    return re.sub(r"[A-Za-z]{2,}", lambda match: _match_case(_choose_word(_WORDS, generator), match[0]), old_text)


def change_number(old_digits: str, generator: Random) -> str:
    """Return a random decimal number, without leading zeros, with as many digits; perhaps the same."""
    minimum = 10 ** (len(old_digits) - 1) + 1
    return str(generator.randrange(minimum, 10 ** len(old_digits)))


def _choose_word(words: str, generator: Random) -> str:
    """Return a random word of the list, which is separated by blanks."""
    return generator.choice(words.split())


def _make_name(old_name: str, generator: Random) -> str:
    """Return a random name of one or two words, or of one letter, in the style of `old_name`."""
    if len(old_name) == 1 and generator.random() < 0.7:
        return generator.choice(_SHORT_NAMES)
    words = [_choose_word(_WORDS, generator) for _ in range(generator.choice((1, 2)) if len(old_name) > 3 else 1)]
    return _join_words(words, old_name)


def _join_words(words: list[str], example: str) -> str:
    """Join the words in the naming style of the example: its underscores, capitals or camel case."""
    underscores = example[: len(example) - len(example.lstrip("_"))]
    bare_example = example[len(underscores) :]
    if bare_example.isupper() and len(bare_example) > 1:
        return underscores + "_".join(words).upper()
    if "_" in bare_example or (bare_example.islower() and len(words) > 1 and len(bare_example) < 2):
        return underscores + "_".join(words)
    capitalize: Callable[[str], str] = str.capitalize
    remainder = "".join(map(capitalize, words[1:]))
    return underscores + (capitalize(words[0]) if bare_example[:1].isupper() else words[0]) + remainder


def _match_case(word: str, example: str) -> str:
    """Return the word in upper case, capitalized or unchanged, to match the example, which must not be ""."""
    if example.isupper():
        return word.upper()
    return word.capitalize() if example[0].isupper() else word
