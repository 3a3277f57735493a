"""Make clones of a function, of four types, by edits whose effect is known.

Answers which clones a detector must find. It reads only the function's text, and never the index.

Source of the types: Roy, Cordy, Koschke, Comparison and evaluation of code clone detection techniques and tools (2009);
of the edits: Roy and Cordy, A mutation/injection-based framework for evaluating clone detectors (2009).
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

__all__ = ["FULLY_EDITED_LANGUAGES", "LANGUAGES", "CloneType", "Mutant", "make_mutant", "make_single_edit_mutants"]

Change = Callable[[ParsedFunction, Random], str | None]

LANGUAGES = frozenset(LANGUAGE_TEMPLATES)
FULLY_EDITED_LANGUAGES = frozenset(  # with edits of types 3 and 4, too
    ("python", "javascript", "typescript", "tsx", "java", "go", "c", "cpp", "csharp", "php")
)
MAX_EDITS = 4
_MAX_ATTEMPTS = 12  # an edit may find no place, or give a text that does not parse
_MEANING_CHANGING_EDITS = frozenset(("literals changed", "statement removed"))
_NAME_EDITS: Mapping[str, Change] = {name: RENAMINGS[name] for name in ("locals renamed", "function renamed")}
_LITERAL_EDITS: Mapping[str, Change] = {"literals changed": RENAMINGS["literals changed"]}


class CloneType(IntEnum):
    """How a clone differs from its original."""

    LAYOUT = 1
    RENAMED = 2
    EDITED = 3
    REWRITTEN = 4


@dataclass(frozen=True, slots=True)
class Mutant:
    """A clone of a function."""

    clone_type: CloneType
    edits: tuple[str, ...]  # names of the edits, in order
    text: str

    @property
    def keeps_meaning(self) -> bool:
        """Return whether no edit changed what the function does."""
        return not _MEANING_CHANGING_EDITS.intersection(self.edits)


def make_mutant(text: str, language: str, clone_type: CloneType, generator: Random) -> Mutant | None:
    """Make a clone of the type; None where no edit applies, the language lacks them, or either does not parse."""
    original = parse_function(text, language)
    if original is None or (clone_type >= CloneType.EDITED and language not in FULLY_EDITED_LANGUAGES):
        return None
    builder = _MutantBuilder(original, generator)
    for step in _STEPS[clone_type]:
        if step.probability < 1 and generator.random() >= step.probability:
            continue
        edit_count = step.apply_edits(builder, generator)
        if step.is_required and not edit_count:
            return None
    mutated_text = builder.function.text
    return Mutant(clone_type, tuple(builder.edits), mutated_text) if mutated_text != text else None


def make_single_edit_mutants(text: str, language: str, generator: Random) -> dict[str, str]:
    """Apply each edit alone to the function; return edit name → text for those that apply and parse."""
    original = parse_function(text, language)
    if original is None:
        return {}
    has_all_edits = language in FULLY_EDITED_LANGUAGES
    changes = RENAMINGS | LAYOUTS | (STATEMENT_EDITS | CONTROL_EDITS | REWRITES if has_all_edits else {})
    mutants = {
        edit_name: _MutantBuilder(original, generator).try_edit(edit_name, change)
        for edit_name, change in changes.items()
    }
    return {edit_name: mutant.text for edit_name, mutant in mutants.items() if mutant is not None}


class _MutantBuilder:
    """Applies edits to a function one after the other, keeping only those whose text parses."""

    def __init__(self, original: ParsedFunction, generator: Random) -> None:
        self.function = original
        self.edits: list[str] = []
        self._generator = generator

    def try_edit(self, edit_name: str, change: Change) -> ParsedFunction | None:
        """Apply an edit, keep and return the edited function; None, unchanged, where it does not apply or parse."""
        text = change(self.function, self._generator)
        is_changed = text is not None and text != self.function.text
        mutant = parse_function(text, self.function.language) if text is not None and is_changed else None
        if mutant is not None:
            self.function = mutant
            self.edits.append(edit_name)
        return mutant

    def apply_each(self, changes: Mapping[str, Change]) -> int:
        """Try each edit once, on the result of those before; keep those that work, and return their number."""
        return sum(self.try_edit(edit_name, change) is not None for edit_name, change in changes.items())

    def apply_some(self, changes: Mapping[str, Change], count: int) -> int:
        """Apply up to `count` edits of random kinds, in at most twelve attempts; return how many were applied."""
        edit_count = 0
        for _ in range(_MAX_ATTEMPTS):
            if edit_count == count:
                break
            edit_name = self._generator.choice(sorted(changes))
            edit_count += self.try_edit(edit_name, changes[edit_name]) is not None
        return edit_count


_StepFunction = Callable[[_MutantBuilder, Random], int]  # returns how many edits were applied


@dataclass(frozen=True, slots=True)
class _MutationStep:
    """A step in making a clone: edits, whether one of them must apply, and the probability of the step."""

    apply_edits: _StepFunction
    is_required: bool = False  # without one of its edits there is no clone of the type
    probability: float = 1.0


def _apply_random_edits(changes: Mapping[str, Change], minimum: int, maximum: int) -> _StepFunction:
    """Return a function that tries `minimum` to `maximum` random edits on a builder and returns how many worked."""
    return lambda builder, generator: builder.apply_some(changes, generator.randint(minimum, maximum))


def _apply_renamings(builder: _MutantBuilder, generator: Random) -> int:
    """Rename locals and function, in half of the cases change literals; return how many edits were applied."""
    edit_count = builder.apply_each(_NAME_EDITS)
    return edit_count + (builder.apply_some(_LITERAL_EDITS, 1) if generator.random() < 0.5 else 0)


_EDIT_STATEMENTS = _apply_random_edits(STATEMENT_EDITS | CONTROL_EDITS, 1, MAX_EDITS)
_CHANGE_LAYOUT = _MutationStep(_apply_random_edits(LAYOUTS, 1, 3), probability=0.5)

# Each type allows the edits of those below it; only its own edits are required.
_STEPS: Mapping[CloneType, tuple[_MutationStep, ...]] = {
    CloneType.LAYOUT: (_MutationStep(_apply_random_edits(LAYOUTS, 2, 4), is_required=True),),
    CloneType.RENAMED: (_MutationStep(_apply_renamings, is_required=True), _CHANGE_LAYOUT),
    CloneType.EDITED: (
        _MutationStep(_EDIT_STATEMENTS, is_required=True),
        _MutationStep(_apply_renamings, probability=0.5),
        _CHANGE_LAYOUT,
    ),
    CloneType.REWRITTEN: (
        _MutationStep(_apply_random_edits(REWRITES, 1, 2), is_required=True),
        _MutationStep(_EDIT_STATEMENTS),
        _MutationStep(_apply_renamings),
        _CHANGE_LAYOUT,
    ),
}
