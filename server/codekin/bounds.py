"""Bounds of settings: number ranges, choices, scopes, and the check of values."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import partial
from typing import Any, get_args, get_origin, get_type_hints

MAX_HITS = 1_000  # of one answer, whoever asks
MAX_DIMENSIONS = 16_384  # of a vector; models of today have 8,192 at most
_MAX_LIST_CHARACTERS = 65_536  # of a list's strings together: a stranger's list must cost nothing to speak of
_MAX_PATTERNS = 1_000  # of a table: nobody has more kinds of files
_NOT_IN_A_NAME = frozenset("/\\\n\r\0")
_MAX_SHOWN_FAULTS = 5  # of one table
_MAX_SHOWN_CHARACTERS = 60  # of a wrong value, in a message


class Scope(Enum):
    """Who may change a setting."""

    ANYONE = "anyone"  # a file of the workspace, too, which a stranger may have written
    USER = "user"  # the user alone: it costs the machine something, or names a path, a model or an endpoint


class Machine(Enum):
    """A bound that depends on the machine."""

    PROCESSORS = "the number of processors"

    def value_here(self) -> int:
        """Return this machine's number of processors, at least 1."""
        return os.cpu_count() or 1


def setting(
    default: Any,
    description: str,
    *,
    between: tuple[float, float | Machine] | None = None,
    choices: tuple[str, ...] = (),
    scope: Scope = Scope.ANYONE,
) -> Any:
    """Declare a dataclass field for a setting: default, description for users, inclusive bounds, who may change it."""
    metadata = {"description": description, "between": between, "choices": choices, "scope": scope}
    return field(default=default, metadata=metadata)


users_setting: Callable[..., Any] = partial(setting, scope=Scope.USER)


def patterns_setting(description: str, *, choices: Collection[str]) -> Any:
    """Declare a dataclass field for a table of file name patterns, empty by default, with values from `choices`."""
    metadata = {"description": description, "between": None, "choices": (), "scope": Scope.ANYONE, "values": choices}
    return field(default_factory=dict, metadata=metadata)


def convert_value(leaf: Field[Any], hint: Any, value: Any) -> Any:
    """Return `value` converted to the setting's type. Raises ValueError, whose message completes "must be …"."""
    if hint is bool or isinstance(value, bool):
        if hint is not bool or not isinstance(value, bool):
            raise ValueError("true or false" if hint is bool else _describe_type(hint))
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ValueError("a list of strings")
        if sum(len(item) + 1 for item in value) > _MAX_LIST_CHARACTERS:
            raise ValueError(f"a list of at most {_MAX_LIST_CHARACTERS:,} characters in all")
        return tuple(value)
    if get_origin(hint) is Mapping:
        return _convert_patterns(value, leaf.metadata["values"])
    is_whole = hint is float and isinstance(value, int)
    if not isinstance(value, hint) and not is_whole:
        raise ValueError(_describe_type(hint))
    _check_bounds(leaf, value)
    if (choices := leaf.metadata["choices"]) and value not in choices:
        raise ValueError("one of " + ", ".join(choices))
    return float(value) if is_whole else value  # after the bounds: float() of a huge integer would raise


def _convert_patterns(value: Any, choices: Collection[str]) -> dict[str, str]:
    """Return a table of file name patterns as it is. Raises ValueError, whose message completes "must be …"."""
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for item in value.items() for text in item):
        raise ValueError('a table such as {"*.inc" = "php"}')
    if len(value) > _MAX_PATTERNS or sum(map(len, value)) > _MAX_LIST_CHARACTERS:
        raise ValueError(f"a table of at most {_MAX_PATTERNS:,} patterns, {_MAX_LIST_CHARACTERS:,} characters in all")
    for fault in find_pattern_faults(value, choices).values():
        raise ValueError(f"a table of file name patterns and languages, but {fault}")
    return dict(value)


def find_pattern_faults(table: Mapping[Any, Any], choices: Collection[str]) -> dict[str, str]:
    """Return what is wrong with patterns and their values, by pattern; what is no text is left to others."""
    faults = {}
    for pattern, choice in table.items():
        if not isinstance(pattern, str) or not isinstance(choice, str):
            continue
        if not pattern.strip() or pattern[0] in "!#" or not _NOT_IN_A_NAME.isdisjoint(pattern):
            faults[pattern] = f'{format_value(pattern)} is no pattern of file names such as "*.inc"'
        elif choice not in choices:
            remedy = f" ({suggestion})" if (suggestion := suggest_choices(choice, choices)) else ""
            faults[pattern] = f"{format_value(choice)} is unknown{remedy}"
    return faults


def suggest_choices(name: str, choices: Collection[str]) -> str:
    """Return "do you mean php?" with up to three choices whose names are similar; "" if there are none."""
    from difflib import get_close_matches  # only now: it is seldom needed, and imports much

    close_choices = get_close_matches(name[:_MAX_SHOWN_CHARACTERS].lower(), sorted(choices), n=3)
    return f"do you mean {' or '.join(close_choices)}?" if close_choices else ""


def _check_bounds(leaf: Field[Any], value: Any) -> None:
    """Raise ValueError if `value` is outside the setting's range; the message completes "must be …"."""
    if leaf.metadata["between"] is None:
        return
    minimum, maximum = leaf.metadata["between"]
    if not value >= minimum:  # not `<`: NaN compares false either way
        raise ValueError(f"at least {minimum:,}")
    if isinstance(maximum, Machine):
        if value > maximum.value_here():
            raise ValueError(f"at most {maximum.value_here()}, {maximum.value}")
    elif value > maximum:
        raise ValueError(f"at most {maximum:,}")


def format_value(value: Any) -> str:
    """Return `value` as text for a message, cut to 60 characters: any client may have sent it."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or lists nested too deeply
        return f"a value that is too long to show ({type(value).__name__})"
    text = text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}…"
    return repr(text) if isinstance(value, str) else text


def _describe_type(hint: Any) -> str:
    """Return the type's name for people, with an article: "a whole number"."""
    names = {int: "a whole number", float: "a number", str: "a string"}
    return names.get(hint, "a list of strings" if get_args(hint) else str(hint))


@dataclass
class SettingsOverride:
    """Applies the values of one source to the tree of settings, and collects what is wrong with them."""

    source: str  # for messages
    problems: list[str] = field(default_factory=list)

    def apply(self, node: Any, values: Mapping[str, Any], *, prefix: str) -> Any:
        """Return `node` (one group of settings, or all) with its members in `values` replaced; collect problems."""
        members = {member.name: member for member in fields(node)}
        hints = get_type_hints(type(node))
        changes: dict[str, Any] = {}
        for key, value in values.items():
            name, path = to_snake_case(str(key)), f"{prefix}{format_value(str(key))[1:-1]}"
            if name not in members:
                known_names = ", ".join(prefix + member for member in members)
                self._report(f"there is no setting {path}. There are: {known_names}.")
            elif value is None:  # editors send null for a setting that nobody set
                continue
            elif is_dataclass(group := getattr(node, name)):
                changes[name] = self._apply_group(group, value, path)
            else:
                changes[name] = self._check_leaf(members[name], hints[name], value, path, getattr(node, name))
        return replace(node, **changes)

    def _apply_group(self, group: Any, value: Any, path: str) -> Any:
        """Return the group with `value` applied; if that is no mapping, report it and return the group unchanged."""
        if isinstance(value, Mapping):
            return self.apply(group, value, prefix=f"{path}.")
        self._report(f"{path} is a group of settings, not {format_value(value)}.")
        return group

    def _check_leaf(self, leaf: Field[Any], hint: Any, value: Any, path: str, current: Any) -> Any:
        """Return the value converted to the setting's type; if it is invalid, report it and return `current`."""
        if get_origin(hint) is Mapping and isinstance(value, Mapping):
            value = self._leave_out_faulty_patterns(leaf, value, path)
        try:
            return convert_value(leaf, hint, value)
        except ValueError as error:
            self._report(f"{path} is {format_value(value)}, but must be {error}; {current!r} is used.")
            return current

    def _leave_out_faulty_patterns(self, leaf: Field[Any], table: Mapping[Any, Any], path: str) -> Mapping[Any, Any]:
        """Return the table without the patterns that mean nothing, which are reported."""
        faults = find_pattern_faults(table, leaf.metadata["values"])
        for fault in [*faults.values()][:_MAX_SHOWN_FAULTS]:
            self._report(f"{path}: {fault}; this pattern is left out.")
        if len(faults) > _MAX_SHOWN_FAULTS:
            self._report(f"{path}: {len(faults) - _MAX_SHOWN_FAULTS:,} more patterns like these are left out.")
        return {pattern: choice for pattern, choice in table.items() if pattern not in faults}

    def _report(self, problem: str) -> None:
        """Append the problem, after the source of the settings."""
        self.problems.append(f"{self.source}: {problem}")


def to_snake_case(key: str) -> str:
    """Convert `maxFileBytes`, as editors write it, to `max_file_bytes`."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in key)
