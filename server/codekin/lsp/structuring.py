"""Convert JSON to lsprotocol's types, tolerantly: clients may use values, or omit fields, that are not known yet.

An unknown enum value stays a plain value. A field of the wrong type counts as absent; an
absent one gets its default, or a substitute (an empty list, a folder without a name); an unreadable member of a
list is left out; unknown fields are ignored; numbers out of range are clamped. Only an object that lacks a field
without a substitute (a document's URI, a position, an edit's text) is unreadable.
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

from codekin.lsp.value_readers import (
    PLAIN_READERS,
    UnreadableError,
    ValueReader,
    keep_value,
    make_literal_reader,
    read_object,
    read_optional_unsigned_integer,
    read_unsigned_integer,
)


@attrs.define
class TextDocumentItem(types.TextDocumentItem):
    """lsprotocol's class, with every field optional that is not needed."""

    language_id: str = ""
    version: int | None = None  # type: ignore[assignment]


_REPLACEMENTS: dict[type, type] = {
    types.TextDocumentItem: TextDocumentItem,
    types.VersionedTextDocumentIdentifier: types.OptionalVersionedTextDocumentIdentifier,  # Coc sends no version
}
_SUBSTITUTES: dict[tuple[type, str], Any] = {
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
# Lists that are meaningless with a member left out.
_INDIVISIBLE = {
    (types.DidChangeTextDocumentParams, "content_changes"),
    (types.NotebookDocumentCellContentChanges, "changes"),
}


def structure_value(json_value: Any, value_type: Any) -> Any:
    """Return the JSON value as `value_type`, or a substitute (None, (), False). Raises UnreadableError for neither."""
    try:
        return _make_reader(value_type)(json_value)
    except UnreadableError as error:
        return _make_substitute(value_type, error)


def _make_substitute(value_type: Any, problem: UnreadableError) -> Any:
    """Return None, (), False or an object of substitutes for an unreadable required value; else raise the problem."""
    if value_type is Any or NoneType in get_args(value_type):
        return None
    if get_origin(value_type) is collections.abc.Sequence:
        return ()
    if value_type is bool:
        return False
    if isinstance(value_type, type) and attrs.has(value_type):
        try:
            return _make_reader(value_type)({})
        except UnreadableError:
            raise problem from None
    raise problem


@cache
def _make_reader(value_type: Any) -> ValueReader:
    """Return the function that converts JSON to this type, cached; the function raises UnreadableError."""
    generic_type, type_arguments = get_origin(value_type), get_args(value_type)
    if value_type is Any or generic_type is tuple:
        return keep_value
    if generic_type in (Union, UnionType):
        return _make_union_reader(type_arguments)
    if generic_type is collections.abc.Sequence:
        return _make_list_reader(type_arguments[0])
    if generic_type is Literal:
        return make_literal_reader(type_arguments)
    if isinstance(value_type, type):
        return _make_class_reader(value_type)
    return read_object


def _make_class_reader(value_class: type[Any]) -> ValueReader:
    """Return a reader of an lsprotocol class, an enum or a plain type; for any other class, of any object."""
    if attrs.has(value_class):
        return _ObjectReader(value_class)
    if issubclass(value_class, Enum):
        return _make_enum_reader(value_class)
    return PLAIN_READERS.get(value_class, read_object)


def _make_enum_reader(enum_type: type[Enum]) -> ValueReader:
    """Return a reader of the enum's members; a value of its type that it does not have stays plain."""
    read_value = PLAIN_READERS[type(next(iter(enum_type)).value)]

    def read_member(json_value: Any) -> Any:
        """Return the enum's member, or the plain value if there is no such member. Raises UnreadableError."""
        json_value = read_value(json_value)
        try:
            return enum_type(json_value)
        except ValueError:
            return json_value

    return read_member


def _make_list_reader(item_type: Any, *, is_divisible: bool = True) -> ValueReader:
    """Return a reader of lists as tuples; unreadable items are left out, or raise unless `is_divisible`."""
    read_item = _make_reader(item_type)

    def read_list(json_value: Any) -> tuple[Any, ...]:
        """Return the list's items; if it is divisible, without unreadable ones. Raises UnreadableError otherwise."""
        if not isinstance(json_value, list):
            raise UnreadableError("it is no list")
        read_items = []
        for item_index, json_item in enumerate(json_value):
            try:
                read_items.append(read_item(json_item))
            except UnreadableError as error:
                if not is_divisible:
                    raise error.at_key(str(item_index)) from None
        return tuple(read_items)

    return read_list


def _make_union_reader(member_types: Sequence[Any]) -> ValueReader:
    """Return a reader of a union: the object type with most fields present, else the first plain type that fits."""
    if Any in member_types:
        return keep_value
    object_types = [kind for kind in member_types if isinstance(kind, type) and attrs.has(kind)]
    plain_types = [kind for kind in member_types if kind not in (*object_types, NoneType)]
    plain_types.sort(key=lambda kind: not (isinstance(kind, type) and issubclass(kind, Enum)))
    plain_readers = [_make_reader(kind) for kind in plain_types]
    object_readers = [_ObjectReader(kind) for kind in object_types]

    def read_value(json_value: Any) -> Any:
        """Return the value read by the member type that suits it best. Raises UnreadableError if none does."""
        if json_value is None and NoneType in member_types:
            return None
        if isinstance(json_value, Mapping) and object_readers:
            return max(object_readers, key=lambda candidate: candidate.score_match(json_value))(json_value)
        for plain_reader in plain_readers:
            try:
                return plain_reader(json_value)
            except UnreadableError:
                continue
        raise UnreadableError("it is of no type that the protocol has there")

    return read_value


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a protocol class and how it is read."""

    key: str  # in JSON
    name: str  # in Python
    value_type: Any
    read_value: ValueReader
    is_required: bool
    make_substitute: Callable[[UnreadableError], Any]


class _ObjectReader:
    """Reads JSON objects as instances of one of lsprotocol's classes, or of its replacement."""

    def __init__(self, protocol_class: type[Any]) -> None:
        self._protocol_class = protocol_class
        self._result_class = _REPLACEMENTS.get(protocol_class, protocol_class)

    @cached_property
    def _field_readers(self) -> list[_Field]:
        """Return a list of the class's fields, each with its reader, resolved at the first use (cached)."""
        attrs.resolve_types(self._result_class, types.ALL_TYPES_MAP, {})
        return [self._make_field(attribute) for attribute in attrs.fields(self._result_class)]

    def _make_field(self, attribute: "attrs.Attribute[Any]") -> _Field:
        """Return a field with its reader and its substitute."""
        field_id = (self._protocol_class, attribute.name)
        value_type: Any = attribute.type
        read_value = _make_reader(value_type)
        if getattr(attribute.validator, "validator", attribute.validator) is validators.uinteger_validator:
            read_value = read_optional_unsigned_integer if NoneType in get_args(value_type) else read_unsigned_integer
        elif field_id in _INDIVISIBLE:
            read_value = _make_list_reader(get_args(value_type)[0], is_divisible=False)

        def make_substitute(problem: UnreadableError) -> Any:
            """Return the field's substitute; raise `problem` if it has none."""
            if field_id in _INDIVISIBLE:
                raise problem
            return _SUBSTITUTES[field_id] if field_id in _SUBSTITUTES else _make_substitute(value_type, problem)

        return _Field(
            _to_json_key(attribute.name),
            attribute.name,
            value_type,
            read_value,
            attribute.default is attrs.NOTHING,
            make_substitute,
        )

    def score_match(self, json_object: Mapping[str, Any]) -> tuple[bool, int]:
        """Return (whether all required fields are present, number of present ones), to compare types; reads none."""
        present_fields = [field for field in self._field_readers if json_object.get(field.key) is not None]
        required_fields = [field for field in self._field_readers if field.is_required]
        return all(field in present_fields for field in required_fields), len(present_fields)

    def __call__(self, json_value: Any) -> Any:
        """Return the object as an instance. Raises UnreadableError where a required field has no substitute."""
        json_object = read_object(json_value)
        field_values: dict[str, Any] = {}
        for field in self._field_readers:
            problem = UnreadableError("it is missing")
            if field.key in json_object:
                try:
                    field_values[field.name] = field.read_value(json_object[field.key])
                    continue
                except UnreadableError as error:
                    problem = error
            if field.is_required:
                field_values[field.name] = field.make_substitute(problem.at_key(field.key))
        return self._result_class(**field_values)


def _to_json_key(attribute_name: str) -> str:
    """Return an attribute's name in JSON: `text_document` gives `textDocument`; one final _ is dropped."""
    first_word, *other_words = attribute_name.removesuffix("_").split("_")
    return first_word + "".join(part.title() for part in other_words)
