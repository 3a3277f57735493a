"""The recipe of the static model: its settings, and the tasks that each kind of pair teaches."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from codekin.errors import QueryError
from codekin.types import Task


@dataclass(frozen=True, slots=True)
class StaticRecipe:
    """The settings that determine the model; `models/README.md` has the ablations behind the values."""

    vocabulary: int = 24_000  # pieces
    phrases: int = 12_288  # rows for hashed pairs of words
    spoken_phrases: float = 0.5  # at export: in sentences many word pairs are rare, and their rows noise
    phrase_scale: float = 1.0  # of the initial random rows of phrases, relative to those of pieces
    dims: tuple[int, ...] = (64, 128, 256, 384)
    tables: int = 1
    batch: int = 2048
    temperature: float = 0.05
    steps: int = 3600  # may be raised later: training resumes from the checkpoint
    cycle: int = 1200  # steps in which the learning rate falls to zero; each later cycle starts at half the rate
    learning_rate: float = 0.01
    warm_up: int = 50
    grouped: float = 0.5  # share of batches from one package and language, if it has enough: harder negatives
    flatten: float = 0.75  # kinds are sampled by their count to this power
    place_steps: int = 150  # the weights of positions are learned last, with frozen tables
    place_rate: float = 0.03
    seed: int = 0


# Share of the pairs to keep, by kind: plentiful kinds are thinned, all pairs of the others are kept.
SHARES = {"half": 0.5, "comment": 0.55, "clone": 0.35, "name": 0.5}

# kind of pair → the tasks it teaches, and whether query and passage change sides
TEACHES: dict[str, tuple[tuple[Task, bool], ...]] = {
    "doc": ((Task.NL2CODE, False), (Task.CODE2NL, True)),
    "asked": ((Task.NL2CODE, False), (Task.QA, False), (Task.CODE2NL, True)),
    "name": ((Task.NL2CODE, False),),
    "half": ((Task.CODE2COMPLETION, False),),
    "comment": ((Task.QA, False), (Task.NL2CODE, False)),
    "example": ((Task.QA, False),),
    "section": ((Task.QA, False),),
    "clone": ((Task.CODE2CODE, False),),
    "twin": ((Task.CODE2CODE, False),),
}


def parse_recipe(options: Sequence[str]) -> StaticRecipe:
    """Return the recipe with options like `--steps 1200`, not dims. Raises QueryError for unknown ones or values."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    for option_name, default_value in asdict(StaticRecipe()).items():
        if option_name != "dims":
            parser.add_argument("--" + option_name.replace("_", "-"), type=type(default_value), default=default_value)
    try:
        parsed, unknown = parser.parse_known_args(options)
    except argparse.ArgumentError as error:
        raise QueryError(f"{error}. Give a number.") from error
    if unknown:
        option_names = ", ".join(option_name.replace("_", "-") for option_name in vars(parsed))
        raise QueryError(f"{unknown[0]} is no option of the recipe. There are: {option_names}.")
    return StaticRecipe(**vars(parsed))
