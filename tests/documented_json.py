"""What README says about the JSON of each command, to be compared with what the command prints."""

import re
from functools import cache
from pathlib import Path
from typing import Any

_README = Path(__file__).parents[1] / "README.md"
_TOKEN = re.compile(r'"(?P<key>\w+)"(?P<optional>\??)|(?P<name>[A-Z]+)|(?P<mark>[{}\[\]:,])|\s+')

Shape = dict[str, Any] | list[Any] | None  # None: no structure, or a list without one


@cache
def read_shapes() -> dict[str, Shape]:
    """Parse README's JSON block: command → shape of its document; a key that need not be there ends in `?`."""
    block = _README.read_text("utf-8").partition("<!-- json -->\n```\n")[2].partition("```")[0]
    entries = re.sub(r"\n +", " ", block).strip().split("\n")
    shapes: dict[str, Shape] = {}
    for commands, text in (entry.split(": ", 1) for entry in entries):
        tokens = [match for match in _TOKEN.finditer(text) if match[0].strip()]
        assert "".join(match[0] for match in tokens) == text.replace(" ", ""), f"{text} can't be read"
        shape, rest = _read_shape(tokens)
        assert not rest, f"{text} goes on after its end"
        shapes |= dict.fromkeys(commands.split(", "), shape)
    return shapes


def _read_shape(tokens: list[re.Match[str]]) -> tuple[Shape, list[re.Match[str]]]:
    """Return the shape at the start of the tokens, and the tokens after it."""
    if tokens[0]["mark"] == "[":
        item, rest = _read_shape(tokens[1:])
        assert rest[0]["mark"] == "]"
        return [item], rest[1:]
    assert tokens[0]["mark"] == "{", tokens[0]
    members: dict[str, Any] = {}
    while tokens[0]["mark"] != "}":
        key, tokens = tokens[1], tokens[2:]
        value: Shape = None
        if tokens[0]["mark"] == ":":
            value, tokens = _read_shape(tokens[1:])
        members[f"{key['key']}{key['optional']}" if key["key"] else "*"] = value
    return members, tokens[1:]


def list_keys(shape: Shape, prefix: str = "") -> set[str]:
    """Return the paths of all keys of a shape: `hits[].cell.id`."""
    if isinstance(shape, list):
        return list_keys(shape[0], f"{prefix}[]")
    keys = set[str]()
    for key, value in (shape or {}).items():
        path = f"{prefix}.{key.removesuffix('?')}".removeprefix(".")
        keys |= {path} | list_keys(value, path)
    return keys


def check_documented(command: str, document: Any) -> set[str]:
    """Fail unless the document has the keys that README says, and no others; return the paths of those it has."""
    return _check(read_shapes()[command], document, command, "")


def _check(shape: Shape, value: Any, command: str, prefix: str) -> set[str]:
    """Fail unless the value has the shape's keys, at every depth; return the paths of the keys it has."""
    place = f"{command} --json: {prefix or 'the document'}"
    if isinstance(value, list):
        item_shape = shape[0] if isinstance(shape, list) else None
        assert shape is None or isinstance(shape, list), f"{place} is a list, which README does not say"
        return set[str]().union(*(_check(item_shape, item, command, f"{prefix}[]") for item in value))
    if not isinstance(value, dict):
        assert value is None or shape is None, f"{place} is {value!r}, and README says that it is more"
        return set()
    assert isinstance(shape, dict), f"{place} has {sorted(value)}, of which README says nothing"
    if "*" in shape:
        return {f"{prefix}.*"}.union(*(_check(shape["*"], item, command, f"{prefix}.*") for item in value.values()))
    required = {key for key in shape if not key.endswith("?")}
    allowed = {key.removesuffix("?") for key in shape}
    assert required <= value.keys() <= allowed, f"{place} has {sorted(value)}, and README says {sorted(shape)}"
    shapes = {key.removesuffix("?"): item for key, item in shape.items()}
    paths = {key: f"{prefix}.{key}".removeprefix(".") for key in value}
    return {*paths.values()}.union(*(_check(shapes[key], item, command, paths[key]) for key, item in value.items()))
