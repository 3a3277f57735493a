"""Edits of JSON as text: comments, order, indentation and trailing commas stay as they are.

Agents' settings are JSON with comments (JSONC), written by hand. What is not ours is never written anew.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from codekin.errors import QueryError

_BLANKS_AND_COMMENTS = re.compile(r"(?:[\s\ufeff]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_LINE_TAIL = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/[ \t]*)?(?=\r?\n)")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_SCALAR = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_MAX_DEPTH = 60  # nested deeper, it is no settings file
_DEFAULT_INDENT = "  "


@dataclass(slots=True)
class JsonNode:
    """A value in a JSON text, and where it stands."""

    start: int
    end: int
    is_object: bool = False
    is_list: bool = False
    members: list["JsonMember"] = field(default_factory=list)  # of an object
    items: list["JsonNode"] = field(default_factory=list)  # of a list

    def find_member(self, key: str) -> "JsonMember | None":
        """Return the last member with this key, which JSON readers use; None if there is none."""
        return next((member for member in reversed(self.members) if member.key == key), None)


@dataclass(slots=True)
class JsonMember:
    """A key of an object and its value."""

    key: str
    start: int  # of the key
    value: JsonNode


def parse_json_text(text: str) -> JsonNode:
    """Return the root of a JSON text, comments and trailing commas allowed. Raises QueryError."""
    parser = _JsonParser(text)
    root = parser.parse_value(parser.skip(0), 0)
    if parser.skip(root.end) != len(text):
        raise parser.make_error(root.end)
    return root


def set_value(text: str, keys: Sequence[str], value: Any) -> str:
    """Return the text with `value` at the path of keys; missing objects on it are created. Raises QueryError.

    Raises QueryError where the text is no JSON, or something on the way is no object.
    """
    text = text if text.strip() else "{}\n"
    node, depth = _descend(text, keys)
    if depth == len(keys):
        return (
            text[: node.start]
            + _format_value(value, _find_indent(text, node.start), _guess_unit(text))
            + text[node.end :]
        )
    for key in reversed(keys[depth + 1 :]):
        value = {key: value}
    return _insert(text, node, keys[depth], value)


def append_item(text: str, keys: Sequence[str], item: Any) -> str:
    """Return the text with `item` appended to the list at the path of keys, created if missing. Raises QueryError."""
    text = text if text.strip() else "{}\n"
    node, depth = _descend(text, keys)
    if depth < len(keys):
        return set_value(text, keys, [item])
    if not node.is_list:
        raise QueryError(f"{'.'.join(keys)} is no list. Fix the file.")
    return _insert(text, node, None, item)


def remove_value(text: str, keys: Sequence[str]) -> str:
    """Return the text without the member at the path of keys; unchanged if there is none. Raises QueryError."""
    parent, depth = _descend(text, keys[:-1])
    member = parent.find_member(keys[-1]) if depth == len(keys) - 1 else None
    return text if member is None else _cut(text, parent, member.start, member.value.end)


def remove_items(text: str, keys: Sequence[str], marker: str) -> str:
    """Return the text without the items, of the list at the path, whose text has the marker. Raises QueryError."""
    while True:
        node, depth = _descend(text, keys)
        ours = [item for item in node.items if marker in text[item.start : item.end]] if depth == len(keys) else []
        if not ours:
            return text
        text = _cut(text, node, ours[0].start, ours[0].end)


def read_value(text: str, keys: Sequence[str]) -> Any:
    """Parse the text and return the value at the path of keys; None if there is none. Raises QueryError."""
    if not text.strip():
        return None
    node, depth = _descend(text, keys)
    return _to_python(text, node) if depth == len(keys) else None


def _descend(text: str, keys: Sequence[str]) -> tuple[JsonNode, int]:
    """Return the deepest existing value on the path of keys, and the number of keys that lead to it."""
    node = parse_json_text(text)
    for depth, key in enumerate(keys):
        if not node.is_object:
            raise QueryError(f"{'.'.join(keys[:depth]) or 'The file'} is no object. Fix the file.")
        member = node.find_member(key)
        if member is None:
            return node, depth
        node = member.value
    return node, len(keys)


def _insert(text: str, node: JsonNode, key: str | None, value: Any) -> str:
    """Return the text with a member, or an item if `key` is None, at the end of the object or list."""
    children = [(member.start, member.value.end) for member in node.members] or [
        (item.start, item.end) for item in node.items
    ]
    unit, newline = _guess_unit(text), "\r\n" if "\r\n" in text else "\n"
    own_indent = _find_indent(text, node.start)
    is_multi_line = not children or "\n" in text[node.start : children[0][0]]
    indent = (_find_indent(text, children[0][0]) if children else own_indent + unit) if is_multi_line else own_indent
    entry = (f"{json.dumps(key)}: " if key is not None else "") + _format_value(value, indent, unit)
    lead = newline + indent if is_multi_line else " "
    if not children:
        rest = text[node.start + 1 : node.end - 1]
        tail = rest if "\n" in rest else rest.rstrip() + newline + own_indent
        return text[: node.start + 1] + lead + entry.replace("\n", newline) + tail + text[node.end - 1 :]
    last_end = children[-1][1]
    comma_end = _find_comma(text, last_end)
    line_end = _find_line_end(text, comma_end or last_end) if is_multi_line else (comma_end or last_end)
    entry = lead + entry.replace("\n", newline)
    if comma_end is not None:  # they end with commas, so ours does, too
        return text[:line_end] + entry + "," + text[line_end:]
    return text[:last_end] + "," + text[last_end:line_end] + entry + text[line_end:]


def _cut(text: str, parent: JsonNode, start: int, end: int) -> str:
    """Return the text without the range of a child of `parent`, its comma and its blanks."""
    comma_end = _find_comma(text, end)
    before = text[parent.start + 1 : start]
    previous_ends = [member.value.end for member in parent.members if member.value.end <= start]
    previous_ends += [item.end for item in parent.items if item.end <= start]
    blank_start = start - (len(before) - len(before.rstrip()))
    if previous_ends and comma_end is None:  # the last one goes with the comma before it
        previous_comma_end = _find_comma(text, previous_ends[-1]) or blank_start
        return text[: previous_comma_end - 1] + text[previous_comma_end:blank_start] + text[end:]
    if comma_end is not None:
        return text[:blank_start] + text[comma_end:]
    inside = text[end : parent.end - 1]
    return text[:blank_start] + (inside if inside.strip() else "") + text[parent.end - 1 :]


def _find_comma(text: str, position: int) -> int | None:
    """Return the end of the comma that follows, blanks and comments aside; None where none does."""
    match = _BLANKS_AND_COMMENTS.match(text, position)
    end = match.end() if match else position
    return end + 1 if text[end : end + 1] == "," else None


def _find_line_end(text: str, position: int) -> int:
    """Return where the line ends, if only blanks and a comment follow; else the position."""
    match = _LINE_TAIL.match(text, position)
    return match.end() if match else position


def _find_indent(text: str, position: int) -> str:
    """Return the blanks that the line of this position begins with."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _guess_unit(text: str) -> str:
    """Return one level of the text's indentation."""
    match = re.search(r"\n([ \t]+)\S", text)
    return match[1] if match else _DEFAULT_INDENT


def _format_value(value: Any, indent: str, unit: str) -> str:
    """Format a value as JSON whose further lines are indented by `indent`."""
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", "\n" + indent)


def _to_python(text: str, node: JsonNode) -> Any:
    """Convert a parsed node of the text into Python's objects."""
    if node.is_object:
        return {member.key: _to_python(text, member.value) for member in node.members}
    return [_to_python(text, item) for item in node.items] if node.is_list else json.loads(text[node.start : node.end])


class _JsonParser:
    """Parses a JSON text into nodes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, position: int) -> int:
        """Return the position after blanks and comments; `position` itself if there are none."""
        match = _BLANKS_AND_COMMENTS.match(self._text, position)
        return match.end() if match else position

    def make_error(self, position: int) -> QueryError:
        """Return (don't raise) the error that the text is not valid JSON in the line of this position."""
        line = self._text.count("\n", 0, position) + 1
        return QueryError(f"it is not valid JSON at line {line}. Fix the file.")

    def parse_value(self, position: int, depth: int) -> JsonNode:
        """Parse the value that begins at the position. Raises QueryError, also for too many levels."""
        character = self._text[position : position + 1]
        if depth > _MAX_DEPTH or not character:
            raise self.make_error(position)
        if character == "{":
            return self._parse_object(position, depth)
        if character == "[":
            return self._parse_list(position, depth)
        return JsonNode(position, self._match(_STRING if character == '"' else _SCALAR, position))

    def _parse_object(self, start: int, depth: int) -> JsonNode:
        """Parse the object whose opening brace is at `start`. Raises QueryError."""
        node, position = JsonNode(start, start, is_object=True), self.skip(start + 1)
        while self._text[position : position + 1] != "}":
            key_end = self._match(_STRING, position)
            colon = self.skip(key_end)
            if self._text[colon : colon + 1] != ":":
                raise self.make_error(colon)
            value = self.parse_value(self.skip(colon + 1), depth + 1)
            node.members.append(JsonMember(self._read_string(position, key_end), position, value))
            position = self._skip_comma(value.end, "}")
        node.end = position + 1
        return node

    def _parse_list(self, start: int, depth: int) -> JsonNode:
        """Parse the list whose opening bracket is at `start`. Raises QueryError."""
        node, position = JsonNode(start, start, is_list=True), self.skip(start + 1)
        while self._text[position : position + 1] != "]":
            item = self.parse_value(position, depth + 1)
            node.items.append(item)
            position = self._skip_comma(item.end, "]")
        node.end = position + 1
        return node

    def _skip_comma(self, position: int, closing: str) -> int:
        """Return the position after blanks and one comma, or of the closing bracket. Raises QueryError for others."""
        position = self.skip(position)
        character = self._text[position : position + 1]
        if character == ",":
            return self.skip(position + 1)
        if character != closing:
            raise self.make_error(position)
        return position

    def _match(self, pattern: "re.Pattern[str]", position: int) -> int:
        """Return the end of the pattern's match at the position. Raises QueryError if it doesn't match."""
        match = pattern.match(self._text, position)
        if match is None:
            raise self.make_error(position)
        return match.end()

    def _read_string(self, start: int, end: int) -> str:
        """Decode the JSON string in this range of the text. Raises QueryError."""
        try:
            return str(json.loads(self._text[start:end]))
        except ValueError:
            raise self.make_error(start) from None
