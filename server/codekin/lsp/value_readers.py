"""Read plain JSON values as the protocol's types: each reader returns the value, or raises UnreadableError."""

from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any

from lsprotocol import validators

ValueReader = Callable[[Any], Any]


class UnreadableError(ValueError):
    """Raised for a value that does not fit the protocol; `str` says where, and why."""

    def at_key(self, outer_key: str) -> "UnreadableError":
        """Return a new error whose path has `outer_key` in front; this one is unchanged."""
        inner_path, _, reason = str(self).partition(" ")
        outer_path = outer_key if inner_path == "it" else f"{outer_key}.{inner_path}"
        return UnreadableError(f"{outer_path} {reason}")


def keep_value(json_value: Any) -> Any:
    """Return the value unchanged."""
    return json_value


def _read_nothing(_: Any) -> None:
    """Return None: results that are declared null may be anything."""


def _read_integer(json_value: Any) -> int:
    """Return the whole 32-bit number, also of floats like 3.0. Raises UnreadableError, also for a bool."""
    if isinstance(json_value, float) and json_value.is_integer():  # what Lua has for a number
        json_value = int(json_value)
    if isinstance(json_value, bool) or not isinstance(json_value, int):
        raise UnreadableError("it is no whole number")
    if not validators.INTEGER_MIN_VALUE <= json_value <= validators.INTEGER_MAX_VALUE:
        raise UnreadableError("it is out of range")
    return json_value


def read_unsigned_integer(json_value: Any) -> int:
    """Return the integer, clamped to 0 … 2³¹ - 1: clients name a line's end by any number. Raises UnreadableError."""
    if isinstance(json_value, int | float) and not isinstance(json_value, bool):
        json_value = max(0, min(json_value, validators.INTEGER_MAX_VALUE))
    return _read_integer(json_value)


def read_optional_unsigned_integer(json_value: Any) -> int | None:
    """Return the integer, clamped to 0 … 2³¹ - 1; None for null. Raises UnreadableError."""
    return None if json_value is None else read_unsigned_integer(json_value)


def _read_number(json_value: Any) -> float:
    """Return the number. Raises UnreadableError for anything else, also for a bool."""
    if isinstance(json_value, bool) or not isinstance(json_value, int | float):
        raise UnreadableError("it is no number")
    return json_value


def _make_type_reader(expected_type: type, complaint: str) -> ValueReader:
    """Return a reader that returns values of this type unchanged and raises UnreadableError(complaint) for others."""

    def read_typed(json_value: Any) -> Any:
        """Return the value unchanged. Raises UnreadableError if it is of another type."""
        if not isinstance(json_value, expected_type):
            raise UnreadableError(complaint)
        return json_value

    return read_typed


read_object = _make_type_reader(Mapping, "it is no object")
PLAIN_READERS: dict[Any, ValueReader] = {
    NoneType: _read_nothing,
    bool: _make_type_reader(bool, "it is neither true nor false"),
    int: _read_integer,
    float: _read_number,
    str: _make_type_reader(str, "it is no string"),
}


def make_literal_reader(choices: Sequence[Any]) -> ValueReader:
    """Return a reader that returns one of the choices unchanged and raises UnreadableError for any other value."""

    def read_choice(json_value: Any) -> Any:
        """Return the value if `make_literal_reader` was given it as a choice. Raises UnreadableError for others."""
        if json_value not in choices:
            raise UnreadableError(f"it is not {choices[0]!r}")
        return json_value

    return read_choice
