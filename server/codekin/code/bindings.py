"""Bindings and calls: names that a function gets from its surroundings (`name = function`, `test("name", …)`)."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codekin.code.grammar_types import NodeRole
from codekin.code.names import MAX_NAME, SourceName, read_dotted_name, read_plain_name, read_text
from codekin.code.parsing import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_UNWRAPPED = 8  # parentheses, casts and chained assignments around one value
_CALLEE = re.compile(rb"[\w$.:]*")
_FIRST_ARGUMENT = re.compile(rb"\(\s*+([\w$.]{1,100}+)\s*+,")
_MODIFIER = re.compile(r"\.(?:only|skip|each|concurrent|todo|fails|failing|serial|parallel|if|skipIf|runIf)\b.*")
_NAME_NODE_TYPE = re.compile("string|identifier|constant|symbol|scope")  # node types of arguments that can name a test
_DECLARATIONS = frozenset({"variable_declaration", "property_element"})
_ANONYMOUS_CALLEES = frozenset({"", "function", "async"})
_BINDABLE_ROLES = frozenset({NodeRole.CLOSURE, NodeRole.OBJECT, NodeRole.CLASS, NodeRole.CALL, NodeRole.ACCESSOR})
_PART_FIELDS = {  # of CallParts, by the role of a node in the call; what is in such a node is not entered
    NodeRole.CLOSURE: "closures",
    NodeRole.OBJECT: "values",
    NodeRole.FUNCTION: "definitions",
    NodeRole.METHOD: "definitions",
}
_ENTERED_ROLES = frozenset({NodeRole.CALL, NodeRole.PARENTHESES})
_ENTERED_NODE_TYPE = re.compile("argument|suffix|lambda")


@dataclass(frozen=True, slots=True)
class CallParts:
    """The parts of a call from which definitions are made."""

    callee: str  # "" where a function is called at once; `it.only` and `test.each(…)` are `it` and `test`
    name: SourceName | None  # the first argument, where it is a string or a word
    closures: tuple["Node", ...]  # the functions and blocks it is given, or that it calls
    values: tuple["Node", ...]  # the objects it is given
    definitions: tuple["Node", ...]  # named functions among the arguments: `private def x`


def find_binding(node: "Node", syntax: Syntax, source_bytes: bytes) -> "tuple[SourceName, Node] | None":
    """Return the name and the value node of `name = value`; None if the value can't hold a function, or has no name.

    A value without a target (`export default`) is named default.
    """
    value = _find_value(node, syntax)
    for _ in range(_MAX_UNWRAPPED):
        node_role = syntax.node_role(value) if value is not None else NodeRole.STATEMENT
        if value is None or node_role not in (NodeRole.PARENTHESES, NodeRole.BINDING):
            break
        value = _find_value(value, syntax) if node_role is NodeRole.BINDING else _unwrap_value(value)
    if value is None or syntax.node_role(value) not in _BINDABLE_ROLES:
        return None
    target = _find_target(node, syntax)
    if target is None or target.start_byte == value.start_byte:
        return SourceName("default", node.start_point[0], node.start_byte), value
    name, own_name = read_dotted_name(target, source_bytes), value.child_by_field_id(syntax.name_field)
    if name is not None and not name.text and own_name is not None:  # module.exports = function render() …
        name = read_plain_name(own_name, source_bytes)
    return None if name is None else (name, value)


def _find_target(node: "Node", syntax: Syntax) -> "Node | None":
    """Return the node that is bound: a target field, else the first child (Kotlin: the declaration's), else None."""
    for field_id in syntax.target_fields:
        target = node.child_by_field_id(field_id)
        if target is not None:
            return target
    declaration = next((child_node for child_node in node.named_children if child_node.type in _DECLARATIONS), None)
    return _first_named_child(node) if declaration is None else _first_named_child(declaration)


def _find_value(node: "Node", syntax: Syntax) -> "Node | None":
    """Return the node of the bound value: a value field, else (by grammar) the last child; None if there is none."""
    last_child = node.named_child(node.named_child_count - 1) if node.named_child_count > 1 else None
    if last_child is not None and syntax.node_role(last_child) is NodeRole.ACCESSOR:
        return last_child
    for field_id in syntax.value_fields:
        value = node.child_by_field_id(field_id)
        if value is not None:
            return value
    if syntax.grammar.implicit_values and node.named_child_count > 1:
        return node.named_child(node.named_child_count - 1)
    return None


def _unwrap_value(node: "Node") -> "Node | None":
    """Return the value in parentheses or a cast, None if empty: `(T) x` and `a && x` have it last, `x as T` first."""
    return node.child_by_field_name("value") or node.child_by_field_name("right") or _first_named_child(node)


def _first_named_child(node: "Node") -> "Node | None":
    """Return the node's first named child; None if it has none."""
    return node.named_child(0) if node.named_child_count else None


def parse_call(node: "Node", syntax: Syntax, source_bytes: bytes) -> CallParts:
    """Return a call's callee, first name argument and functions, without entering the functions."""
    if node.type == "infix_expression":
        return _parse_infix_call(node, syntax, source_bytes)
    if node.type == "call" and syntax.grammar.package == "tree_sitter_elixir":
        return _parse_elixir_call(node, source_bytes)
    callee = _read_callee(node, source_bytes)
    arguments_start = node.start_byte + len(callee.encode())
    name: SourceName | None = None
    parts: dict[str, list[Node]] = {"closures": [], "values": [], "definitions": []}
    pending_nodes = [node]
    while pending_nodes:
        part = pending_nodes.pop()
        node_role = syntax.node_role(part)
        if field_name := _find_part_field(part, node_role):
            parts[field_name].append(part)
        elif part.type == "member_expression":  # `konn().beforeEach(() => …).done()`: the calls before the last
            called_object = part.child_by_field_name("object")
            if called_object is not None and syntax.node_role(called_object) is NodeRole.CALL:
                pending_nodes.append(called_object)
        elif node_role in _ENTERED_ROLES or _ENTERED_NODE_TYPE.search(part.type):
            pending_nodes.extend(part.children[::-1])
        elif name is None and part.start_byte > arguments_start and _NAME_NODE_TYPE.search(part.type):
            name = read_plain_name(part, source_bytes)
    if not syntax.matches_rule("wrappers", callee) and not syntax.matches_rule("makers", callee):
        callee = "" if callee in _ANONYMOUS_CALLEES else _MODIFIER.sub("", callee)
    return CallParts(callee, name, **{field_name: tuple(nodes) for field_name, nodes in parts.items()})


def name_extended_class(call: CallParts, node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the class that a call adds methods to: Any of `Any.class_eval`, Table of `assign(Table.prototype, …)`."""
    receiver, _, method = call.callee.rpartition(".")
    if call.closures and receiver:
        return SourceName(re.split(r"[.:]+", receiver)[-1], node.start_point[0], node.start_byte)
    if call.name is not None:
        return call.name
    values_start = call.values[0].start_byte if call.values else node.start_byte
    first_argument = _FIRST_ARGUMENT.search(source_bytes, node.start_byte + len(call.callee.encode()), values_start)
    text = first_argument[1].decode("utf-8", "replace") if first_argument else receiver
    name = text.removesuffix(".prototype").rpartition(".")[2] or method
    return SourceName(name, node.start_point[0], node.start_byte) if 0 < len(name) <= MAX_NAME else None


def _read_callee(node: "Node", source_bytes: bytes) -> str:
    """Return the dotted name that the call begins with; "" where it begins with something else."""
    callee = _CALLEE.match(source_bytes, node.start_byte)
    return callee[0].decode("utf-8", "replace") if callee and callee.end() <= node.end_byte else ""


def _find_part_field(node: "Node", node_role: NodeRole) -> str | None:
    """Return the field of CallParts that collects such a node of the call; None if no field does."""
    if node_role is NodeRole.OPEN:
        return "closures" if "block" in node.type else None
    return _PART_FIELDS.get(node_role)


def _parse_infix_call(node: "Node", syntax: Syntax, source_bytes: bytes) -> CallParts:
    """Split `"a stack" should "pop" in { … }`: it calls `in`, named by its left side; other infix calls get no name."""
    left_operand, operator, right_operand = (
        node.child_by_field_name(field_name) for field_name in ("left", "operator", "right")
    )
    if (
        left_operand is None
        or operator is None
        or right_operand is None
        or syntax.node_role(right_operand) is not NodeRole.OPEN
    ):
        return CallParts("infix", None, (), (), ())
    text = read_text(left_operand, source_bytes).replace('"', "")
    name = (
        SourceName(text, left_operand.start_point[0], left_operand.start_byte)
        if len(text) <= MAX_NAME and "\n" not in text
        else None
    )
    return CallParts(read_text(operator, source_bytes), name, (right_operand,), (), ())


def _parse_elixir_call(node: "Node", source_bytes: bytes) -> CallParts:
    """Split an Elixir call: `def total(items) do … end` calls `def` and is named by the call that it is given.

    What follows `do:` stands for the block of a definition on one line.
    """
    callee = _read_callee(node, source_bytes)
    arguments = next((child_node for child_node in node.named_children if child_node.type == "arguments"), None)
    blocks = tuple(child_node for child_node in node.named_children if child_node.type == "do_block")
    head = _first_named_child(arguments) if arguments is not None else None
    while (
        head is not None
        and head.type == "binary_operator"
        and b" when " in source_bytes[head.start_byte : head.end_byte]
    ):
        head = head.child_by_field_name("left")
    if head is not None and head.type == "call":
        head = head.child_by_field_name("target")
    elif head is not None and head.type == "binary_operator":
        head = head.child_by_field_name("operator")
    name = read_plain_name(head, source_bytes) if head is not None else None
    return CallParts(callee, name, blocks or ((arguments,) if arguments is not None else ()), (), ())
