"""Bounds of settings: number ranges, choices, scopes, and the check of values."""

import json
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


def convert_value(setting_field: Field[Any], type_hint: Any, setting_value: Any) -> Any:
    """Return `setting_value` in the setting's type. Raises ValueError, whose message completes "must be …"."""
    if type_hint is bool or isinstance(setting_value, bool):
        if type_hint is not bool or not isinstance(setting_value, bool):
            raise ValueError("true or false" if type_hint is bool else _describe_type(type_hint))
        return setting_value
    if get_origin(type_hint) is tuple:
        if not isinstance(setting_value, list | tuple) or not all(
            isinstance(list_item, str) for list_item in setting_value
        ):
            raise ValueError("a list of strings")
        if sum(len(list_item) + 1 for list_item in setting_value) > _MAX_LIST_CHARACTERS:
            raise ValueError(f"a list of at most {_MAX_LIST_CHARACTERS:,} characters in all")
        return tuple(setting_value)
    if get_origin(type_hint) is Mapping:
        return _convert_patterns(setting_value, setting_field.metadata["values"])
    is_whole = type_hint is float and isinstance(setting_value, int)
    if not isinstance(setting_value, type_hint) and not is_whole:
        raise ValueError(_describe_type(type_hint))
    _check_bounds(setting_field, setting_value)
    if (choices := setting_field.metadata["choices"]) and setting_value not in choices:
        raise ValueError("one of " + ", ".join(choices))
    return (
        float(setting_value) if is_whole else setting_value
    )  # after the bounds: float() of a huge integer would raise


def _convert_patterns(pattern_table: Any, choices: Collection[str]) -> dict[str, str]:
    """Check a table of file name patterns, and return it as a dict. Raises ValueError, to complete "must be …"."""
    if not isinstance(pattern_table, Mapping) or not all(
        isinstance(pattern_part, str) for table_item in pattern_table.items() for pattern_part in table_item
    ):
        raise ValueError('a table such as {"*.inc" = "php"}')
    if len(pattern_table) > _MAX_PATTERNS or sum(map(len, pattern_table)) > _MAX_LIST_CHARACTERS:
        raise ValueError(f"a table of at most {_MAX_PATTERNS:,} patterns, {_MAX_LIST_CHARACTERS:,} characters in all")
    for pattern_fault in find_pattern_faults(pattern_table, choices).values():
        raise ValueError(f"a table of file name patterns and languages, but {pattern_fault}")
    return dict(pattern_table)


def find_pattern_faults(pattern_table: Mapping[Any, Any], choices: Collection[str]) -> dict[str, str]:
    """Return pattern → what is wrong with it or its value; entries that are not strings are passed over."""
    faults_by_pattern = {}
    for pattern, choice in pattern_table.items():
        if not isinstance(pattern, str) or not isinstance(choice, str):
            continue
        if not pattern.strip() or pattern[0] in "!#" or not _NOT_IN_A_NAME.isdisjoint(pattern):
            faults_by_pattern[pattern] = f'{format_value(pattern)} is no pattern of file names such as "*.inc"'
        elif choice not in choices:
            remedy = f" ({suggestion})" if (suggestion := suggest_choices(choice, choices)) else ""
            faults_by_pattern[pattern] = f"{format_value(choice)} is unknown{remedy}"
    return faults_by_pattern


def suggest_choices(unknown_name: str, choices: Collection[str]) -> str:
    """Return "do you mean php?" with up to three choices whose names are similar; "" if there are none."""
    from difflib import get_close_matches  # only now: it is seldom needed, and imports much

    close_choices = get_close_matches(unknown_name[:_MAX_SHOWN_CHARACTERS].lower(), sorted(choices), n=3)
    return f"do you mean {' or '.join(close_choices)}?" if close_choices else ""


def _check_bounds(setting_field: Field[Any], setting_value: Any) -> None:
    """Raise ValueError if `setting_value` is outside the setting's range; the message completes "must be …"."""
    if setting_field.metadata["between"] is None:
        return
    minimum, maximum = setting_field.metadata["between"]
    if not setting_value >= minimum:  # not `<`: NaN compares false either way
        raise ValueError(f"at least {minimum:,}")
    if isinstance(maximum, Machine):
        if setting_value > maximum.value_here():
            raise ValueError(f"at most {maximum.value_here()}, {maximum.value}")
    elif setting_value > maximum:
        raise ValueError(f"at most {maximum:,}")


def format_value(value: Any) -> str:
    """Return `value` as text for a message, cut to 60 characters: any client may have sent it."""
    try:
        value_text = value if isinstance(value, str) else _to_toml(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or lists nested too deeply
        return f"a value that is too long to show ({type(value).__name__})"
    value_text = value_text if len(value_text) <= _MAX_SHOWN_CHARACTERS else f"{value_text[:_MAX_SHOWN_CHARACTERS]}…"
    return repr(value_text) if isinstance(value, str) else value_text


def _to_toml(value: Any) -> str:
    """Return a setting's value as a configuration file has it: `true`, not `True`. Raises as json.dumps does."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _describe_type(type_hint: Any) -> str:
    """Return the type's name for people, with an article: "a whole number"."""
    type_names = {int: "a whole number", float: "a number", str: "a string"}
    return type_names.get(type_hint, "a list of strings" if get_args(type_hint) else str(type_hint))


@dataclass
class SettingsOverride:
    """Applies the values of one source to the tree of settings, and collects what is wrong with them."""

    source: str  # for messages
    problems: list[str] = field(default_factory=list)

    def apply(self, settings_node: Any, override_values: Mapping[str, Any], *, prefix: str) -> Any:
        """Return `settings_node`, a group or all, with the members in `override_values` replaced; collect problems."""
        member_fields = {member_field.name: member_field for member_field in fields(settings_node)}
        type_hints = get_type_hints(type(settings_node))
        changed_members: dict[str, Any] = {}
        for setting_key, setting_value in override_values.items():
            setting_name, setting_path = (
                to_snake_case(str(setting_key)),
                f"{prefix}{format_value(str(setting_key))[1:-1]}",
            )
            if setting_name not in member_fields:
                known_names = ", ".join(prefix + member_name for member_name in member_fields)
                self._report(f"there is no setting {setting_path}. There are: {known_names}.")
            elif setting_value is None:  # editors send null for a setting that nobody set
                continue
            elif is_dataclass(member_group := getattr(settings_node, setting_name)):
                changed_members[setting_name] = self._apply_group(member_group, setting_value, setting_path)
            else:
                changed_members[setting_name] = self._check_leaf(
                    member_fields[setting_name],
                    type_hints[setting_name],
                    setting_value,
                    setting_path,
                    getattr(settings_node, setting_name),
                )
        return replace(settings_node, **changed_members)

    def _apply_group(self, settings_group: Any, setting_value: Any, setting_path: str) -> Any:
        """Return the group with the mapping `setting_value` applied; report any other value, and return the group."""
        if isinstance(setting_value, Mapping):
            return self.apply(settings_group, setting_value, prefix=f"{setting_path}.")
        self._report(f"{setting_path} is a group of settings, not {format_value(setting_value)}.")
        return settings_group

    def _check_leaf(
        self, setting_field: Field[Any], type_hint: Any, setting_value: Any, setting_path: str, current_value: Any
    ) -> Any:
        """Return the value converted to the setting's type; if it is invalid, report it and return `current_value`."""
        if get_origin(type_hint) is Mapping and isinstance(setting_value, Mapping):
            setting_value = self._leave_out_faulty_patterns(setting_field, setting_value, setting_path)
        try:
            return convert_value(setting_field, type_hint, setting_value)
        except ValueError as error:
            fault = f"{setting_path} is {format_value(setting_value)}, but must be {error}"
            self._report(f"{fault}; {_to_toml(current_value)} is used.")
            return current_value

    def _leave_out_faulty_patterns(
        self, setting_field: Field[Any], pattern_table: Mapping[Any, Any], setting_path: str
    ) -> Mapping[Any, Any]:
        """Return the table without the patterns that mean nothing, which are reported."""
        faults_by_pattern = find_pattern_faults(pattern_table, setting_field.metadata["values"])
        for pattern_fault in [*faults_by_pattern.values()][:_MAX_SHOWN_FAULTS]:
            self._report(f"{setting_path}: {pattern_fault}; this pattern is left out.")
        if len(faults_by_pattern) > _MAX_SHOWN_FAULTS:
            self._report(
                f"{setting_path}: {len(faults_by_pattern) - _MAX_SHOWN_FAULTS:,} more patterns like these are left out."
            )
        return {pattern: choice for pattern, choice in pattern_table.items() if pattern not in faults_by_pattern}

    def _report(self, problem: str) -> None:
        """Append "SOURCE: problem" to `problems`."""
        self.problems.append(f"{self.source}: {problem}")


def to_snake_case(setting_key: str) -> str:
    """Convert `maxFileBytes`, as editors write it, to `max_file_bytes`."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in setting_key)
