"""What definitions are called, grammar by grammar."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codekin.code.grammars import Shape
from codekin.code.parsing import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node

_MODIFIED = re.compile(
    r"\.(?:only|skip|each|concurrent|todo|fails|failing|serial|parallel|if|skipIf|runIf)\b.*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Name:
    """A name as the source gives it, and what it is qualified by there: `Foo` and `bar` of `Foo.prototype.bar`."""

    text: str
    line: int
    byte: int
    qualifier: str = ""
    of_type: bool = False  # the source says that it is a method


def name_of(node: "Node", syntax: Syntax, source: bytes) -> Name | None:
    """The name of a function or container, None where it has none."""
    name = node.child_by_field_id(syntax.name_field)
    return None if name is None else _plain(name, source)


def _plain(name: "Node", source: bytes) -> Name | None:
    start = name.start_byte
    text = source[start : name.end_byte].decode()
    if text[:1] in "\"'`":
        text = text.strip("\"'`")
    return Name(text, name.start_point[0], start) if text else None


def binding_name(node: "Node", syntax: Syntax, source: bytes) -> "tuple[Name, Node] | None":
    """The name and the value of `name = value`, None where it binds nothing that could be a function."""
    value = _field(node, ("value", "right"))
    for _ in range(8):
        shape = syntax.shapes[value.kind_id] if value is not None else Shape.STATEMENT
        if shape is Shape.PARENTHESES:
            value = value.named_child(0) if value and value.named_child_count else None
        elif shape is Shape.BINDING:
            value = _field(value, ("value", "right")) if value else None
        else:
            break
    if value is None or syntax.shapes[value.kind_id] not in (Shape.CLOSURE, Shape.OBJECT, Shape.CLASS, Shape.CALL):
        return None
    target = _field(node, ("name", "left", "key", "property"))
    if target is None:
        return Name("default", node.start_point[0], node.start_byte), value
    return _dotted(target, source), value


def _field(node: "Node", names: tuple[str, ...]) -> "Node | None":
    for name in names:
        found = node.child_by_field_name(name)
        if found is not None:
            return found
    return None


def _dotted(target: "Node", source: bytes) -> Name:
    """`module.exports.a` is a, `Foo.prototype.bar` is Foo.bar and a method."""
    text = source[target.start_byte : target.end_byte].decode().strip("\"'`")
    of_type = ".prototype." in text
    parts = [part.strip() for part in text.replace(".prototype.", ".").split(".")]
    if parts[:2] == ["module", "exports"]:
        parts = parts[2:]
    elif parts[0] in ("exports", "this", "self", "window", "global", "globalThis") and len(parts) > 1:
        parts = parts[1:]
    if not parts:
        return Name("", target.start_point[0], target.start_byte)
    return Name(parts[-1], target.end_point[0], target.start_byte, ".".join(parts[:-1]), of_type)


def callee_of(call: "Node", source: bytes) -> str:
    """What a call calls, "" where that has no name; `it.only` and `test.each(…)` are `it` and `test`."""
    callee = call.child_by_field_name("function")
    if callee is None or "function" in callee.type or callee.type == "parenthesized_expression":
        return ""
    text = source[callee.start_byte : min(callee.end_byte, callee.start_byte + 80)].decode("utf-8", "replace")
    return _MODIFIED.sub("", text)


def string_argument(call: "Node", source: bytes) -> Name | None:
    """A call's first argument where it is a string."""
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_child(0) if arguments is not None and arguments.named_child_count else None
    if first is None or "string" not in first.type:
        return None
    return _plain(first, source)
