"""Bindings and calls: names that a function gets from its surroundings (`name = function`, `test("name", …)`)."""

import re
from dataclasses import dataclass
from functools import cache
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
_ENTERED, _MEMBER, _NAME = "entered", "member", "names"  # other parts of a call
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


def find_bound_value(node: "Node", syntax: Syntax) -> "Node | None":
    """Return the value node of `name = value`, out of its parentheses; None if it can't hold a function."""
    value, get_node_role = _find_value(node, syntax), syntax.node_roles.get
    for _ in range(_MAX_UNWRAPPED):
        node_role = get_node_role(value.kind_id) if value is not None else None
        if value is None or (node_role is not NodeRole.PARENTHESES and node_role is not NodeRole.BINDING):
            break
        value = _find_value(value, syntax) if node_role is NodeRole.BINDING else _unwrap_value(value)
    return value if value is not None and get_node_role(value.kind_id) in _BINDABLE_ROLES else None


def read_bound_name(node: "Node", value: "Node", syntax: Syntax, source_bytes: bytes) -> SourceName | None:
    """Return the name of `name = value`; None if what is bound has none.

    A value without a target (`export default`) is named default.
    """
    target = _find_target(node, syntax)
    if target is None or target.start_byte == value.start_byte:
        return SourceName("default", node.start_point[0], node.start_byte)
    name, own_name = read_dotted_name(target, source_bytes), value.child_by_field_id(syntax.name_field)
    if name is not None and not name.text and own_name is not None:  # module.exports = function render() …
        name = read_plain_name(own_name, source_bytes)
    return name


def _find_target(node: "Node", syntax: Syntax) -> "Node | None":
    """Return the node that is bound: a target field, else the first child (Kotlin: the declaration's), else None."""
    for field_id in syntax.target_fields:
        target = node.child_by_field_id(field_id)
        if target is not None:
            return target
    declaration = next((child_node for child_node in node.named_children if child_node.type in _DECLARATIONS), None)
    return _first_named_child(node) if declaration is None else _first_named_child(declaration)


def _find_value(node: "Node", syntax: Syntax) -> "Node | None":
    """Return the bound value's node: an accessor, a value field, or (by grammar) the last child; None without."""
    implicit_values, has_accessors = syntax.grammar.implicit_values, syntax.has_accessors
    last_child = _last_named_child(node) if has_accessors or implicit_values else None
    if has_accessors and last_child is not None and syntax.node_role(last_child) is NodeRole.ACCESSOR:
        return last_child
    for field_id in syntax.value_fields:
        value = node.child_by_field_id(field_id)
        if value is not None:
            return value
    return last_child if implicit_values else None


def _unwrap_value(node: "Node") -> "Node | None":
    """Return the value in parentheses or a cast, None if empty: `(T) x` and `a && x` have it last, `x as T` first."""
    return node.child_by_field_name("value") or node.child_by_field_name("right") or _first_named_child(node)


def _first_named_child(node: "Node") -> "Node | None":
    """Return the node's first named child; None if it has none."""
    return node.named_child(0) if node.named_child_count else None


def _last_named_child(node: "Node") -> "Node | None":
    """Return the last of the node's named children, where it has several; else None."""
    child_count = node.named_child_count
    return node.named_child(child_count - 1) if child_count > 1 else None


def parse_call(node: "Node", syntax: Syntax, source_bytes: bytes) -> CallParts | None:
    """Return a call's callee, first name argument, and the functions and objects it is given; None if given none.

    The functions are not entered.
    """
    if syntax.call_mark.search(source_bytes, node.start_byte, node.end_byte) is None:
        return None
    if node.type == "infix_expression":
        return _parse_infix_call(node, syntax, source_bytes)
    if node.type == "call" and syntax.grammar.package == "tree_sitter_elixir":
        return _parse_elixir_call(node, source_bytes)
    parts = _collect_call_parts(node, syntax)
    if not (parts["closures"] or parts["values"] or parts["definitions"]):
        return None
    for nodes in parts.values():
        nodes.sort(key=lambda part: part.start_byte)
    callee = _read_callee(node, source_bytes)
    name = _read_first_name(parts.pop(_NAME), node.start_byte + len(callee.encode()), source_bytes)
    is_known = syntax.matches_rule("wrappers", callee) or syntax.matches_rule("makers", callee)
    if callee == "function" or not is_known:
        callee = "" if callee in _ANONYMOUS_CALLEES else _MODIFIER.sub("", callee)
    return CallParts(callee, name, **{field_name: tuple(nodes) for field_name, nodes in parts.items()})


def _collect_call_parts(call: "Node", syntax: Syntax) -> "dict[str, list[Node]]":
    """Return, by field of CallParts, the nodes in a call that are functions, objects, definitions or may be names."""
    parts: dict[str, list[Node]] = {"closures": [], "values": [], "definitions": [], _NAME: []}
    get_part, pending_nodes = _map_call_parts(syntax).get, [call]
    while pending_nodes:
        for child_node in pending_nodes.pop().children:
            part = get_part(child_node.kind_id)
            if part is None:
                continue
            if part == _ENTERED:
                pending_nodes.append(child_node)
            elif part == _MEMBER:  # `konn().beforeEach(() => …).done()`, `(function () { … }).call(this)`
                called_object = child_node.child_by_field_name("object")
                part = get_part(called_object.kind_id) if called_object is not None else None
                if called_object is not None and part == _ENTERED:
                    pending_nodes.append(called_object)
                elif called_object is not None and part == "closures":
                    parts[part].append(called_object)
            else:
                parts[part].append(child_node)
    return parts


@cache
def _map_call_parts(syntax: Syntax) -> dict[int, str]:
    """Return node kind id → the part that such a node is in a call, cached; kinds that are passed over are absent."""
    kinds = {kind_id: syntax.language.node_kind_for_id(kind_id) for kind_id in range(syntax.language.node_kind_count)}
    parts = {
        kind_id: _choose_call_part(node_type, syntax.node_roles.get(kind_id, NodeRole.STATEMENT))
        for kind_id, node_type in kinds.items()
        if node_type is not None
    }
    return {kind_id: part for kind_id, part in parts.items() if part is not None}


def _choose_call_part(node_type: str, node_role: NodeRole) -> str | None:
    """Return the field of CallParts that collects such nodes, or how else they are treated; None: not at all."""
    if node_role in _PART_FIELDS or (node_role is NodeRole.OPEN and "block" in node_type):
        return _PART_FIELDS.get(node_role, "closures")
    if node_type == "member_expression":
        return _MEMBER
    if node_role in _ENTERED_ROLES or _ENTERED_NODE_TYPE.search(node_type):
        return _ENTERED
    return _NAME if _NAME_NODE_TYPE.search(node_type) else None


def _read_first_name(nodes: "list[Node]", start_byte: int, source_bytes: bytes) -> SourceName | None:
    """Return the first of the nodes behind `start_byte` that spells a name; None if none does."""
    names = (read_plain_name(node, source_bytes) for node in nodes if node.start_byte > start_byte)
    return next((name for name in names if name is not None), None)


def find_called_function(call: CallParts, node: "Node", source_bytes: bytes) -> "Node | None":
    """Return the function that the call calls at once: `(function () { … })()`; None where it calls something else."""
    first_closure = call.closures[0] if call.closures else None
    if first_closure is None or source_bytes[node.start_byte : first_closure.start_byte].strip(b"( \n\t"):
        return None
    return first_closure


def name_extended_class(call: CallParts, node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the name of the class that a call adds methods to: Any of `Any.class_eval`, T of `assign(T.prototype)`."""
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
