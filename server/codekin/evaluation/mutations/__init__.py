"""A function → its clones of four types, by edits of which each kind's effect is known.

Source of the types: Roy, Cordy, Koschke, Comparison and evaluation of code clone detection techniques and tools (2009);
of making them by edits: Roy and Cordy, A mutation/injection-based framework for evaluating clone detectors (2009).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from codekin.evaluation.mutations.control import CONTROL_EDITS
from codekin.evaluation.mutations.forms import LANGUAGE_TEMPLATES
from codekin.evaluation.mutations.layout import LAYOUTS
from codekin.evaluation.mutations.renaming import RENAMINGS
from codekin.evaluation.mutations.rewrites import REWRITES
from codekin.evaluation.mutations.source import ParsedFunction, parse_function
from codekin.evaluation.mutations.statements import STATEMENT_EDITS

__all__ = ["EDITED", "LANGUAGES", "CloneType", "Mutant", "make_mutant", "make_single_edit_mutants"]

Change = Callable[[ParsedFunction, Random], str | None]

LANGUAGES = frozenset(LANGUAGE_TEMPLATES)
EDITED = frozenset(
    ("python", "javascript", "typescript", "tsx", "java", "go", "c", "cpp", "csharp", "php")
)  # types 3 and 4, too
MOST_EDITS = 4
_CHANGING = frozenset(("literals changed", "statement removed"))  # these do not claim to keep the meaning
_TRIES = 12


class CloneType(IntEnum):
    """How a clone differs from its original."""

    LAYOUT = 1
    RENAMED = 2
    EDITED = 3
    REWRITTEN = 4


@dataclass(frozen=True, slots=True)
class Mutant:
    """A clone of a function."""

    type: CloneType
    edits: tuple[str, ...]  # what was done, in order
    text: str

    @property
    def keeps_meaning(self) -> bool:
        """Whether it claims to do what the original does."""
        return not _CHANGING.intersection(self.edits)


def make_mutant(text: str, language: str, type: CloneType, rng: Random) -> Mutant | None:  # noqa: A002
    """A clone of this type that parses as the original did; None where none was found, or the original has faults."""
    original = parse_function(text, language)
    if original is None or (type >= CloneType.EDITED and language not in EDITED):
        return None
    made = _Made(original, rng)
    if type is CloneType.REWRITTEN and not made.some(REWRITES, rng.randint(1, 2)):
        return None
    if type >= CloneType.EDITED:
        done = made.some(STATEMENT_EDITS | CONTROL_EDITS, rng.randint(1, MOST_EDITS))
        if type is CloneType.EDITED and not done:
            return None
    if type is CloneType.RENAMED or type is CloneType.REWRITTEN or (type is CloneType.EDITED and rng.random() < 0.5):
        renamed = made.each({name: RENAMINGS[name] for name in ("locals renamed", "function renamed")})
        renamed += made.some(_LITERALS, 1) if rng.random() < 0.5 else 0
        if type is CloneType.RENAMED and not renamed:
            return None
    if type is CloneType.LAYOUT or rng.random() < 0.5:
        laid_out = made.some(LAYOUTS, rng.randint(2, 4) if type is CloneType.LAYOUT else rng.randint(1, 3))
        if type is CloneType.LAYOUT and not laid_out:
            return None
    return Mutant(type, tuple(made.edits), made.now.text) if made.now.text != text else None


def make_single_edit_mutants(text: str, language: str, rng: Random) -> dict[str, str]:
    """What each edit alone makes of the function, where it finds a place."""
    original = parse_function(text, language)
    if original is None:
        return {}
    changes = RENAMINGS | LAYOUTS | (STATEMENT_EDITS | CONTROL_EDITS | REWRITES if language in EDITED else {})
    made = {name: _Made(original, rng).tried(name, change) for name, change in changes.items()}
    return {name: after.text for name, after in made.items() if after is not None}


_LITERALS: Mapping[str, Change] = {"literals changed": RENAMINGS["literals changed"]}


class _Made:
    """A function on its way to being another."""

    def __init__(self, original: ParsedFunction, rng: Random) -> None:
        self.now = original
        self.edits: list[str] = []
        self._rng = rng

    def tried(self, name: str, change: Change) -> ParsedFunction | None:
        """After one edit; None, and all as before, where it finds no place or its text does not parse."""
        text = change(self.now, self._rng)
        after = parse_function(text, self.now.language) if text is not None and text != self.now.text else None
        if after is not None:
            self.now = after
            self.edits.append(name)
        return after

    def each(self, changes: Mapping[str, Change]) -> int:
        """How many of the edits were made, each tried once."""
        return sum(self.tried(name, change) is not None for name, change in changes.items())

    def some(self, changes: Mapping[str, Change], count: int) -> int:
        """How many of up to `count` edits, some perhaps of one kind, were made."""
        done = 0
        for _ in range(_TRIES):
            if done == count:
                break
            name = self._rng.choice(sorted(changes))
            done += self.tried(name, changes[name]) is not None
        return done
