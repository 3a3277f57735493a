"""Next year's clients are understood: over all messages that codekin handles, as lsprotocol's classes describe them."""

import collections.abc
import copy
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
import pytest
from lsprotocol import types

from codekin.lsp.main import create_server
from codekin.lsp.protocol import make_converter
from codekin.lsp.structuring import structure_value
from codekin.lsp.value_readers import UnreadableError

CLIENTS = sorted((Path(__file__).parents[1] / "e2e/clients").glob("*.json"))
CONVERTER = make_converter()
ODD = (None, "odd", -1, 2**40, 1.5, True, [], [None], {}, {"odd": []})
PLAIN: dict[Any, Any] = {bool: True, int: 3, float: 1.5, str: "text", Any: {"any": 1}, NoneType: None}
ESSENTIAL = {  # and nothing else
    *("textDocument", "notebookDocument", "uri", "position", "range", "line", "character", "start", "end"),
    *("text", "contentChanges", "command", "token"),
}


def handled() -> dict[str, Any]:
    """The parameters of every message that the server takes in."""
    manager = create_server().protocol.fm
    methods = {**manager.features, **manager.builtin_features}
    kinds = {method: types.METHOD_TO_TYPES[method][2] for method in methods if method in types.METHOD_TO_TYPES}
    return {method: kind for method, kind in kinds.items() if kind is not None}


HANDLED = handled()
Path_ = tuple[str | int, ...]


def sample(kind: Any, path: Path_ = ()) -> Iterator[tuple[Any, list[tuple[Path_, Any]]]]:
    """Values with all there is in them, one for each class of a union; with the paths and types of all their parts."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Union:
        options = [option for option in arguments if option is not NoneType]
        for option in options:
            yield from sample(option, path)
    elif origin is collections.abc.Sequence:
        for value, parts in sample(arguments[0], (*path, 0)):
            yield [value], [(path, kind), *parts]
    elif origin is Literal:
        yield arguments[0], [(path, kind)]
    elif isinstance(kind, type) and attrs.has(kind):
        value: dict[str, Any] = {}
        parts: list[tuple[Path_, Any]] = [(path, kind)]
        for attribute in attrs.fields(kind):
            key = key_of(attribute.name)
            value[key], inner = next(sample(attribute.type, (*path, key)))
            parts += inner
        yield value, parts
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield next(iter(kind)).value, [(path, kind)]
    else:
        yield copy.copy(PLAIN.get(kind, {})), [(path, kind)]


def key_of(name: str) -> str:
    first, *name_parts = name.rstrip("_").split("_")
    return first + "".join(part.title() for part in name_parts)


def with_part(value: Any, path: Path_, part: Any) -> Any:
    """The value, where at the path there is another part; without it where that is `...`."""
    value = copy.copy(value)
    if len(path) > 1:
        value[path[0]] = with_part(value[path[0]], path[1:], part)
    elif part is ...:
        del value[path[0]]
    else:
        value[path[0]] = part
    return value


def part_of(value: Any, path: Path_) -> Any:
    for key in path:
        value = value[key]
    return value


def parts_of(kind: Any) -> Iterator[tuple[Any, Path_, Any]]:
    for value, parts in sample(kind):
        for path, part in parts:
            if path:
                yield value, path, part


@pytest.mark.parametrize("method", sorted(HANDLED))
def test_an_unknown_value_of_an_enumeration_stays_what_it_is(method: str) -> None:
    kind, count = HANDLED[method], 0
    for value, path, part in parts_of(kind):
        if isinstance(part, type) and issubclass(part, Enum):
            unknown = "something/new" if isinstance(next(iter(part)).value, str) else 987
            read = structure_value(with_part(value, path, unknown), kind)
            assert part_of(CONVERTER.unstructure(read), path) == unknown, path
            count += 1
    assert count or kind is not types.InitializeParams


@pytest.mark.parametrize("method", sorted(HANDLED))
def test_whatever_is_absent_is_defaulted_or_named(method: str) -> None:
    """Only without an address, a position, a text, a name of a command or an id nothing can be done."""
    kind = HANDLED[method]
    for value, path, _ in parts_of(kind):
        try:
            structure_value(with_part(value, path, ...), kind)
        except UnreadableError as error:
            assert kind is not types.InitializeParams
            assert path[-1] in ESSENTIAL, path
            assert str(error).startswith(f"{path[0]}"), (path, str(error))


@pytest.mark.parametrize("method", sorted(HANDLED))
def test_whatever_is_odd_is_dropped_or_refused_with_its_place(method: str) -> None:
    kind = HANDLED[method]
    for value, path, _ in parts_of(kind):
        for odd in ODD if kind is not types.InitializeParams else ODD[:: len(path) % 3 + 2]:
            try:
                CONVERTER.unstructure(structure_value(with_part(value, path, odd), kind))
            except UnreadableError as error:
                assert kind is not types.InitializeParams
                assert str(error).startswith(f"{path[0]}"), (path, odd, str(error))


@pytest.mark.parametrize("client", CLIENTS, ids=lambda path: path.stem)
def test_recorded_clients_are_understood_as_before(client: Path) -> None:
    message = json.loads(client.read_text("utf-8"))
    assert structure_value(message, types.InitializeParams) == CONVERTER.structure(message, types.InitializeParams)


def test_initialize_can_always_be_read() -> None:
    for params in (None, {}, [], {"capabilities": None}, {"capabilities": 5, "workspaceFolders": 7, "processId": "x"}):
        assert structure_value(params, types.InitializeParams).capabilities == types.ClientCapabilities()
    folders = [{"uri": "file:///a"}, {"name": "no address"}, None, {"uri": "file:///b", "name": "b", "more": 1}]
    params = structure_value({"workspaceFolders": folders, "trace": "compact"}, types.InitializeParams)
    assert [(folder.uri, folder.name) for folder in params.workspace_folders] == [("file:///a", ""), ("file:///b", "b")]
    assert params.trace == "compact"


AT = {"line": 1, "character": 2}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"text": "x"}, types.TextDocumentContentChangeWholeDocument("x")),
        ({"text": "x", "range": None, "rangeLength": 4}, types.TextDocumentContentChangeWholeDocument("x")),
        ({"text": "x", "range": {"start": AT, "end": {"line": 1.0, "character": 1e30}}}, (1, 2**31 - 1)),
        ({"text": "x", "range": {"start": AT, "end": {"line": -1, "character": -7}}, "rangeLength": "no"}, (0, 0)),
    ],
)
def test_an_edit_is_the_whole_text_only_where_it_has_no_range(change: dict[str, Any], expected: Any) -> None:
    params = {"textDocument": {"uri": "file:///a"}, "contentChanges": [change]}
    (read,) = structure_value(params, types.DidChangeTextDocumentParams).content_changes
    assert read == expected or (read.range.end.line, read.range.end.character) == expected


@pytest.mark.parametrize(
    "change", [{"text": "x", "range": {"start": AT}}, {"text": "x", "range": "all"}, {"range": AT}]
)
def test_edits_are_taken_whole_or_not_at_all(change: dict[str, Any]) -> None:
    """The others of the same message would make another text of the document."""
    params = {"textDocument": {"uri": "file:///a"}, "contentChanges": [{"text": "good"}, change]}
    with pytest.raises(UnreadableError, match=r"contentChanges\.1"):
        structure_value(params, types.DidChangeTextDocumentParams)


@pytest.mark.parametrize("version", [{}, {"version": None}, {"version": "7"}, {"version": 2**53}])
def test_documents_need_no_version(version: dict[str, Any]) -> None:
    opened = structure_value({"textDocument": {"uri": "a", "text": "x"} | version}, types.DidOpenTextDocumentParams)
    assert (opened.text_document.version, opened.text_document.language_id) == (None, "")
    changed = structure_value(
        {"textDocument": {"uri": "a"} | version, "contentChanges": []}, types.DidChangeTextDocumentParams
    )
    assert changed.text_document.version is None
