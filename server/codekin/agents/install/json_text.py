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

    def find_member(self, member_key: str) -> "JsonMember | None":
        """Return the last member with this key, which JSON readers use; None if there is none."""
        return next((member for member in reversed(self.members) if member.key == member_key), None)


@dataclass(slots=True)
class JsonMember:
    """A key of an object and its value."""

    key: str
    start: int  # of the key
    value: JsonNode


def parse_json_text(json_text: str) -> JsonNode:
    """Return the root of a JSON text, comments and trailing commas allowed. Raises QueryError."""
    parser = _JsonParser(json_text)
    root_node = parser.parse_value(parser.skip(0), 0)
    if parser.skip(root_node.end) != len(json_text):
        raise parser.make_error(root_node.end)
    return root_node


def set_value(json_text: str, key_path: Sequence[str], new_value: Any) -> str:
    """Return the text with `new_value` at the path of keys; missing objects on it are created. Raises QueryError.

    Raises QueryError where the text is no JSON, or something on the way is no object.
    """
    json_text = json_text if json_text.strip() else "{}\n"
    deepest_node, key_count = _descend(json_text, key_path)
    if key_count == len(key_path):
        return (
            json_text[: deepest_node.start]
            + _format_value(new_value, _find_indent(json_text, deepest_node.start), _guess_unit(json_text))
            + json_text[deepest_node.end :]
        )
    for missing_key in reversed(key_path[key_count + 1 :]):
        new_value = {missing_key: new_value}
    return _insert(json_text, deepest_node, key_path[key_count], new_value)


def append_item(json_text: str, key_path: Sequence[str], new_item: Any) -> str:
    """Return the text with `new_item` appended to the list at the path of keys, made if missing. Raises QueryError."""
    json_text = json_text if json_text.strip() else "{}\n"
    list_node, key_count = _descend(json_text, key_path)
    if key_count < len(key_path):
        return set_value(json_text, key_path, [new_item])
    if not list_node.is_list:
        raise QueryError(f"{'.'.join(key_path)} is no list. Fix the file.")
    return _insert(json_text, list_node, None, new_item)


def remove_value(json_text: str, key_path: Sequence[str]) -> str:
    """Return the text without the member at the path of keys; unchanged if there is none. Raises QueryError."""
    parent_node, key_count = _descend(json_text, key_path[:-1])
    member = parent_node.find_member(key_path[-1]) if key_count == len(key_path) - 1 else None
    return json_text if member is None else _cut(json_text, parent_node, member.start, member.value.end)


def remove_items(json_text: str, key_path: Sequence[str], marker: str) -> str:
    """Return the text without the items, of the list at the path, whose text has the marker. Raises QueryError."""
    while True:
        list_node, key_count = _descend(json_text, key_path)
        marked_items = (
            [item for item in list_node.items if marker in json_text[item.start : item.end]]
            if key_count == len(key_path)
            else []
        )
        if not marked_items:
            return json_text
        json_text = _cut(json_text, list_node, marked_items[0].start, marked_items[0].end)


def read_value(json_text: str, key_path: Sequence[str]) -> Any:
    """Parse the text and return the value at the path of keys; None if there is none. Raises QueryError."""
    if not json_text.strip():
        return None
    value_node, key_count = _descend(json_text, key_path)
    return _to_python(json_text, value_node) if key_count == len(key_path) else None


def _descend(json_text: str, key_path: Sequence[str]) -> tuple[JsonNode, int]:
    """Parse the text; return the deepest existing value on the path of keys, and how many keys lead to it.

    Raises QueryError.
    """
    current_node = parse_json_text(json_text)
    for key_count, member_key in enumerate(key_path):
        if not current_node.is_object:
            raise QueryError(f"{'.'.join(key_path[:key_count]) or 'The file'} is no object. Fix the file.")
        member = current_node.find_member(member_key)
        if member is None:
            return current_node, key_count
        current_node = member.value
    return current_node, len(key_path)


def _insert(json_text: str, container: JsonNode, member_key: str | None, new_value: Any) -> str:
    """Return the text with a member, or an item if `member_key` is None, at the end of the object or list."""
    children = [(member.start, member.value.end) for member in container.members] or [
        (item.start, item.end) for item in container.items
    ]
    indent_unit, newline = _guess_unit(json_text), "\r\n" if "\r\n" in json_text else "\n"
    own_indent = _find_indent(json_text, container.start)
    is_multi_line = not children or "\n" in json_text[container.start : children[0][0]]
    child_indent = _find_indent(json_text, children[0][0]) if children else own_indent + indent_unit
    entry_indent = child_indent if is_multi_line else own_indent
    entry_text = (f"{json.dumps(member_key)}: " if member_key is not None else "") + _format_value(
        new_value, entry_indent, indent_unit
    )
    separator = newline + entry_indent if is_multi_line else " "
    if not children:
        inner_text = json_text[container.start + 1 : container.end - 1]
        closing_text = inner_text if "\n" in inner_text else inner_text.rstrip() + newline + own_indent
        return (
            json_text[: container.start + 1]
            + separator
            + entry_text.replace("\n", newline)
            + closing_text
            + json_text[container.end - 1 :]
        )
    last_end = children[-1][1]
    comma_end = _find_comma(json_text, last_end)
    line_end = _find_line_end(json_text, comma_end or last_end) if is_multi_line else (comma_end or last_end)
    entry_text = separator + entry_text.replace("\n", newline)
    if comma_end is not None:  # they end with commas, so ours does, too
        return json_text[:line_end] + entry_text + "," + json_text[line_end:]
    return json_text[:last_end] + "," + json_text[last_end:line_end] + entry_text + json_text[line_end:]


def _cut(json_text: str, parent_node: JsonNode, start_offset: int, end_offset: int) -> str:
    """Return the text without the range of one child of the parent, its comma and its blanks."""
    comma_end = _find_comma(json_text, end_offset)
    preceding_text = json_text[parent_node.start + 1 : start_offset]
    previous_ends = [member.value.end for member in parent_node.members if member.value.end <= start_offset]
    previous_ends += [item.end for item in parent_node.items if item.end <= start_offset]
    blank_start = start_offset - (len(preceding_text) - len(preceding_text.rstrip()))
    if previous_ends and comma_end is None:  # the last one goes with the comma before it
        previous_comma_end = _find_comma(json_text, previous_ends[-1]) or blank_start
        return json_text[: previous_comma_end - 1] + json_text[previous_comma_end:blank_start] + json_text[end_offset:]
    if comma_end is not None:
        return json_text[:blank_start] + json_text[comma_end:]
    following_text = json_text[end_offset : parent_node.end - 1]
    return (
        json_text[:blank_start] + (following_text if following_text.strip() else "") + json_text[parent_node.end - 1 :]
    )


def _find_comma(json_text: str, position: int) -> int | None:
    """Return the end of the comma that follows, blanks and comments aside; None where none does."""
    blanks_match = _BLANKS_AND_COMMENTS.match(json_text, position)
    blanks_end = blanks_match.end() if blanks_match else position
    return blanks_end + 1 if json_text[blanks_end : blanks_end + 1] == "," else None


def _find_line_end(json_text: str, position: int) -> int:
    """Return where the line ends, if only blanks and a comment follow; else the position."""
    tail_match = _LINE_TAIL.match(json_text, position)
    return tail_match.end() if tail_match else position


def _find_indent(json_text: str, position: int) -> str:
    """Return the blanks that the line of this position begins with."""
    line_prefix = json_text[json_text.rfind("\n", 0, position) + 1 : position]
    return line_prefix[: len(line_prefix) - len(line_prefix.lstrip(" \t"))]


def _guess_unit(json_text: str) -> str:
    """Return one level of indentation: the blanks of the text's first indented line, else two spaces."""
    indent_match = re.search(r"\n([ \t]+)\S", json_text)
    return indent_match[1] if indent_match else _DEFAULT_INDENT


def _format_value(json_value: Any, line_indent: str, indent_unit: str) -> str:
    """Format a value as JSON whose further lines are indented by `line_indent`."""
    return json.dumps(json_value, indent=indent_unit, ensure_ascii=False).replace("\n", "\n" + line_indent)


def _to_python(json_text: str, value_node: JsonNode) -> Any:
    """Convert a parsed node of the text into Python's objects."""
    if value_node.is_object:
        return {member.key: _to_python(json_text, member.value) for member in value_node.members}
    return (
        [_to_python(json_text, item) for item in value_node.items]
        if value_node.is_list
        else json.loads(json_text[value_node.start : value_node.end])
    )


class _JsonParser:
    """Parses a JSON text into nodes."""

    def __init__(self, json_text: str) -> None:
        self._text = json_text

    def skip(self, position: int) -> int:
        """Return the position after blanks and comments; `position` itself if there are none."""
        blanks_match = _BLANKS_AND_COMMENTS.match(self._text, position)
        return blanks_match.end() if blanks_match else position

    def make_error(self, position: int) -> QueryError:
        """Return (don't raise) the error that the text is not valid JSON in the line of this position."""
        line_number = self._text.count("\n", 0, position) + 1
        return QueryError(f"it is not valid JSON at line {line_number}. Fix the file.")

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

    def _parse_object(self, start_offset: int, depth: int) -> JsonNode:
        """Parse the object whose opening brace is at `start_offset`. Raises QueryError."""
        object_node, position = JsonNode(start_offset, start_offset, is_object=True), self.skip(start_offset + 1)
        while self._text[position : position + 1] != "}":
            key_end = self._match(_STRING, position)
            colon_offset = self.skip(key_end)
            if self._text[colon_offset : colon_offset + 1] != ":":
                raise self.make_error(colon_offset)
            value_node = self.parse_value(self.skip(colon_offset + 1), depth + 1)
            object_node.members.append(JsonMember(self._read_string(position, key_end), position, value_node))
            position = self._skip_comma(value_node.end, "}")
        object_node.end = position + 1
        return object_node

    def _parse_list(self, start_offset: int, depth: int) -> JsonNode:
        """Parse the list whose opening bracket is at `start_offset`. Raises QueryError."""
        list_node, position = JsonNode(start_offset, start_offset, is_list=True), self.skip(start_offset + 1)
        while self._text[position : position + 1] != "]":
            item_node = self.parse_value(position, depth + 1)
            list_node.items.append(item_node)
            position = self._skip_comma(item_node.end, "]")
        list_node.end = position + 1
        return list_node

    def _skip_comma(self, position: int, closing_bracket: str) -> int:
        """Return the position after blanks and one comma, or of the closing bracket. Raises QueryError for others."""
        position = self.skip(position)
        character = self._text[position : position + 1]
        if character == ",":
            return self.skip(position + 1)
        if character != closing_bracket:
            raise self.make_error(position)
        return position

    def _match(self, pattern: "re.Pattern[str]", position: int) -> int:
        """Return the end of the pattern's match at the position. Raises QueryError if it doesn't match."""
        pattern_match = pattern.match(self._text, position)
        if pattern_match is None:
            raise self.make_error(position)
        return pattern_match.end()

    def _read_string(self, start_offset: int, end_offset: int) -> str:
        """Decode the JSON string in this range of the text. Raises QueryError."""
        try:
            return str(json.loads(self._text[start_offset:end_offset]))
        except ValueError:
            raise self.make_error(start_offset) from None
