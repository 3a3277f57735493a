"""JSON → lsprotocol's types, tolerantly: next year's clients name values and leave out fields that we don't know yet.

An unknown value of an enumeration stays the plain value it is. A field of the wrong type is as if it were absent; an
absent one has its default, or what stands in for it (an empty list, a folder without a name); an unreadable member of a
list is left out; unknown fields are ignored; numbers out of range are taken to the nearest in range. Only without what
nothing can stand in for (a document's address, a position, an edit's text) is the whole unreadable.
"""

import collections.abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from lsprotocol import types, validators

Reader = Callable[[Any], Any]


class UnreadableError(ValueError):
    """A value is not what the protocol has there; `str` says where, and why not."""

    def within(self, key: str) -> "UnreadableError":
        """Return the same, seen from one level further out."""
        place, is_nested, reason = str(self).partition(" ")
        return UnreadableError(f"{key}.{place}{is_nested}{reason}" if place != "it" else f"{key} {reason}")


@attrs.define
class TextDocumentItem(types.TextDocumentItem):
    """lsprotocol's, but with everything absent that is not needed."""

    language_id: str = ""
    version: int | None = None  # type: ignore[assignment]


_REPLACEMENTS: dict[type, type] = {
    types.TextDocumentItem: TextDocumentItem,
    types.VersionedTextDocumentIdentifier: types.OptionalVersionedTextDocumentIdentifier,  # Coc sends no version
}
_STAND_INS: dict[tuple[type, str], Any] = {
    (types.ClientInfo, "name"): "",
    (types.Command, "title"): "",
    (types.Diagnostic, "message"): "",
    (types.DiagnosticRelatedInformation, "message"): "",
    (types.FileEvent, "type"): types.FileChangeType.Changed,
    (types.InlineCompletionContext, "trigger_kind"): types.InlineCompletionTriggerKind.Automatic,
    (types.NotebookCell, "kind"): types.NotebookCellKind.Code,
    (types.NotebookDocument, "notebook_type"): "",
    (types.NotebookDocument, "version"): 0,
    (types.ResponseError, "code"): 0,
    (types.ResponseError, "message"): "",
    (types.SetTraceParams, "value"): types.TraceValue.Off,
    (types.VersionedNotebookDocumentIdentifier, "version"): 0,
    (types.WorkspaceFolder, "name"): "",
    (types.WorkspaceSymbolParams, "query"): "",
}
# Of these lists a part says something else than the whole.
_INDIVISIBLE = {
    (types.DidChangeTextDocumentParams, "content_changes"),
    (types.NotebookDocumentCellContentChanges, "changes"),
}


def structure(value: Any, kind: Any) -> Any:
    """Return `value` as a `kind`, or what stands in for it. Raises UnreadableError."""
    try:
        return _reader_of(kind)(value)
    except UnreadableError as error:
        return _stand_in(kind, error)


def _stand_in(kind: Any, problem: UnreadableError) -> Any:
    """Return what a required value of that kind is where it is absent or unreadable; else raise the problem."""
    if kind is Any or NoneType in get_args(kind):
        return None
    if get_origin(kind) is collections.abc.Sequence:
        return ()
    if kind is bool:
        return False
    if isinstance(kind, type) and attrs.has(kind):
        try:
            return _reader_of(kind)({})
        except UnreadableError:
            raise problem from None
    raise problem


@cache
def _reader_of(kind: Any) -> Reader:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or origin is tuple:
        return _keep
    if origin in (Union, UnionType):
        return _union_reader(arguments)
    if origin is collections.abc.Sequence:
        return _list_reader(arguments[0])
    if origin is Literal:
        return _choice_reader(arguments)
    if isinstance(kind, type) and attrs.has(kind):
        return _ObjectReader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    return _PLAIN_READERS.get(kind, _read_object)


def _keep(value: Any) -> Any:
    return value


def _read_nothing(_: Any) -> None:
    """Results that are declared null may be anything."""


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnreadableError("it is neither true nor false")
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():  # what Lua has for a number
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableError("it is no whole number")
    if not validators.INTEGER_MIN_VALUE <= value <= validators.INTEGER_MAX_VALUE:
        raise UnreadableError("it is out of range")
    return value


def _read_count(value: Any) -> int:
    """Beyond the end is the end: clients say the last column of a line in many ways."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = max(0, min(value, validators.INTEGER_MAX_VALUE))
    return _read_integer(value)


def _read_optional_count(value: Any) -> int | None:
    return None if value is None else _read_count(value)


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError("it is no number")
    return value


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise UnreadableError("it is no string")
    return value


def _read_object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableError("it is no object")
    return value


_PLAIN_READERS: dict[Any, Reader] = {
    NoneType: _read_nothing,
    bool: _read_bool,
    int: _read_integer,
    float: _read_number,
    str: _read_text,
}


def _choice_reader(choices: Sequence[Any]) -> Reader:
    def read(value: Any) -> Any:
        if value not in choices:
            raise UnreadableError(f"it is not {choices[0]!r}")
        return value

    return read


def _enum_reader(kind: type[Enum]) -> Reader:
    read_value = _PLAIN_READERS[type(next(iter(kind)).value)]

    def read(value: Any) -> Any:
        value = read_value(value)
        try:
            return kind(value)
        except ValueError:
            return value

    return read


def _list_reader(kind: Any, *, is_divisible: bool = True) -> Reader:
    read_item = _reader_of(kind)

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise UnreadableError("it is no list")
        items = []
        for number, item in enumerate(value):
            try:
                items.append(read_item(item))
            except UnreadableError as error:
                if not is_divisible:
                    raise error.within(str(number)) from None
        return tuple(items)

    return read


def _union_reader(kinds: Sequence[Any]) -> Reader:
    if Any in kinds:
        return _keep
    objects = [kind for kind in kinds if isinstance(kind, type) and attrs.has(kind)]
    others = [kind for kind in kinds if kind not in (*objects, NoneType)]
    others.sort(key=lambda kind: not (isinstance(kind, type) and issubclass(kind, Enum)))
    readers = [_reader_of(kind) for kind in others]
    candidates = [_ObjectReader(kind) for kind in objects]

    def read(value: Any) -> Any:
        if value is None and NoneType in kinds:
            return None
        if isinstance(value, Mapping) and candidates:
            return max(candidates, key=lambda candidate: candidate.likeness(value))(value)
        for reader in readers:
            try:
                return reader(value)
            except UnreadableError:
                continue
        raise UnreadableError("it is of no type that the protocol has there")

    return read


@dataclass(frozen=True, slots=True)
class _Field:
    key: str  # in JSON
    name: str  # in Python
    kind: Any
    read: Reader
    is_required: bool
    stand_in: Callable[[UnreadableError], Any]


class _ObjectReader:
    """Reads objects of one of lsprotocol's classes."""

    def __init__(self, kind: type[Any]) -> None:
        self._kind = kind
        self._class = _REPLACEMENTS.get(kind, kind)

    @cached_property
    def _fields(self) -> list[_Field]:
        attrs.resolve_types(self._class, types.ALL_TYPES_MAP, {})
        return [self._to_field(attribute) for attribute in attrs.fields(self._class)]

    def _to_field(self, attribute: "attrs.Attribute[Any]") -> _Field:
        place = (self._kind, attribute.name)
        kind: Any = attribute.type
        read = _reader_of(kind)
        if getattr(attribute.validator, "validator", attribute.validator) is validators.uinteger_validator:
            read = _read_optional_count if NoneType in get_args(kind) else _read_count
        elif place in _INDIVISIBLE:
            read = _list_reader(get_args(kind)[0], is_divisible=False)

        def stand_in(problem: UnreadableError) -> Any:
            if place in _INDIVISIBLE:
                raise problem
            return _STAND_INS[place] if place in _STAND_INS else _stand_in(kind, problem)

        return _Field(_to_key(attribute.name), attribute.name, kind, read, attribute.default is attrs.NOTHING, stand_in)

    def likeness(self, value: Mapping[str, Any]) -> tuple[bool, int]:
        """Return whether all that is required is there, and how many of the fields are."""
        present = [field for field in self._fields if value.get(field.key) is not None]
        required = [field for field in self._fields if field.is_required]
        return all(field in present for field in required), len(present)

    def __call__(self, value: Any) -> Any:
        given = _read_object(value)
        values: dict[str, Any] = {}
        for field in self._fields:
            problem = UnreadableError("it is missing")
            if field.key in given:
                try:
                    values[field.name] = field.read(given[field.key])
                    continue
                except UnreadableError as error:
                    problem = error
            if field.is_required:
                values[field.name] = field.stand_in(problem.within(field.key))
        return self._class(**values)


def _to_key(name: str) -> str:
    """`text_document` as JSON has it, `textDocument`."""
    first, *others = name.removesuffix("_").split("_")
    return first + "".join(part.title() for part in others)
