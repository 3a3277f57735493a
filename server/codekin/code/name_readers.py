"""Names of definitions in languages whose grammars give them in no field, and the choice of the reader."""

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from codekin.code.names import (
    MAX_NAME,
    NAME_READERS,
    SourceName,
    read_c_function_name,
    read_c_typedef_name,
    read_plain_name,
    read_text,
)
from codekin.code.parsing import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_SIGNATURE_BYTES = 1000  # of a signature in which a name is looked for
_JULIA_NAME = re.compile(
    rb"(?:function|macro)?\s*((?:[\w.!:]|[^\x00-\x7f])++|\(?[^\s\w(){}\[\]]{1,3}\)?)\s*(?:\{[^()]{0,200}\})?\("
)


def find_name(node: "Node", syntax: Syntax, source_bytes: bytes) -> SourceName | None:
    """Return the name of a function or container node; None where it has none."""
    read_name = _map_readers(syntax).get(node.kind_id)
    if read_name is not None:
        return read_name(node, source_bytes)
    name_node = node.child_by_field_id(syntax.name_field)
    return None if name_node is None else read_plain_name(name_node, source_bytes)


@cache
def _map_readers(syntax: Syntax) -> dict[int, Callable[["Node", bytes], SourceName | None]]:
    """Return node kind id → the function that reads its name, for kinds that have a special one; cached."""
    kinds = {kind_id: syntax.language.node_kind_for_id(kind_id) for kind_id in syntax.node_roles}
    keys = {kind_id: (syntax.grammar.package, node_type or "") for kind_id, node_type in kinds.items()}
    return {kind_id: _READERS[key] for kind_id, key in keys.items() if key in _READERS}


def _find_child(node: "Node", *node_types: str) -> "Node | None":
    """Return the node's first named child of one of the types; None if it has none."""
    return next((child_node for child_node in node.named_children if child_node.type in node_types), None)


def _make_child_reader(*node_types: str) -> Callable[["Node", bytes], SourceName | None]:
    """Return a reader that names a definition by its first child of one of these types."""

    def read_child_name(node: "Node", source_bytes: bytes) -> SourceName | None:
        """Return the text of the first child of one of the types as a name; None if there is none."""
        child_node = _find_child(node, *node_types)
        return None if child_node is None else read_plain_name(child_node, source_bytes)

    return read_child_name


def _match_name(pattern: re.Pattern[bytes], node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the matched group of the pattern in the node's first 1,000 bytes, as a name; None if none, or too long."""
    end = min(node.end_byte, node.start_byte + _MAX_SIGNATURE_BYTES)
    match = pattern.search(source_bytes, node.start_byte, end)
    group = match.lastindex if match is not None else None
    if match is None or group is None:
        return None
    text = " ".join(match[group].decode("utf-8", "replace").split())
    row = node.start_point[0] + source_bytes.count(b"\n", node.start_byte, match.start(group))
    return SourceName(text, row, match.start(group)) if 0 < len(text) <= MAX_NAME else None


def _read_julia_name(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the function's name: show of `function Base.show(io)`; None for an assignment that defines none."""
    if node.type == "assignment" and (node.named_child_count < 1 or node.named_children[0].type not in _JULIA_HEADS):
        return None
    name = _match_name(_JULIA_NAME, node, source_bytes)
    if name is None:
        signature = _find_child(node, "signature", "identifier")  # `function later end`
        return None if signature is None else read_plain_name(signature, source_bytes)
    text = name.text.strip("()").split(":")[-1] or name.text
    return SourceName(text.rpartition(".")[2] or text, name.line, name.byte)


_JULIA_HEADS = ("call_expression", "where_expression", "typed_expression")


def _read_julia_struct(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a Julia struct's name without type parameters and supertype; None if it has none."""
    head = _find_child(node, "type_head", "identifier")
    text = re.split(r"[{<:\s]", read_text(head, source_bytes).strip(), maxsplit=1)[0] if head is not None else ""
    return SourceName(text[:MAX_NAME], head.start_point[0], head.start_byte) if head is not None and text else None


def _read_haskell_function(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return an equation's name, or the operator that it defines; None for a pattern that binds several."""
    name_node = node.child_by_field_name("name")
    if name_node is None:
        infix = _find_child(node, "infix")
        name_node = infix.child_by_field_name("operator") if infix is not None else None
    name = None if name_node is None else read_plain_name(name_node, source_bytes)
    return None if name is None else SourceName(name.text.strip("()` ") or name.text, name.line, name.byte)


def _read_selector(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return an Objective-C method's selector, as its name: `totalWithRate:currency:`; None if it has none."""
    parts = [child_node for child_node in node.named_children if child_node.type in ("identifier", "method_parameter")]
    if not parts or parts[0].type != "identifier":
        return None
    text = "".join(read_text(part, source_bytes) if part.type == "identifier" else ":" for part in parts)
    return SourceName(text[:MAX_NAME], parts[0].start_point[0], parts[0].start_byte)


def _read_labels(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a Terraform block's last label, qualified by those before: main of resource.aws_vpc; None if too long."""
    labels = [child_node for child_node in node.named_children if child_node.type in ("identifier", "string_lit")]
    texts = [read_text(label, source_bytes).strip('"') for label in labels]
    if not texts or not texts[-1] or len("".join(texts)) > MAX_NAME or "\n" in "".join(texts):
        return None
    return SourceName(texts[-1], labels[-1].start_point[0], labels[-1].start_byte, ".".join(texts[:-1]))


def _read_zig_test(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a test's name, a string or identifier, marked as a test's; None if it has none."""
    name_node = _find_child(node, "string", "identifier")
    name = None if name_node is None else read_plain_name(name_node, source_bytes)
    return None if name is None else SourceName(name.text, name.line, name.byte, of_test=True)


_READERS: dict[tuple[str, str], Callable[["Node", bytes], SourceName | None]] = {
    **NAME_READERS,
    **{("tree_sitter_haskell", node_type): _read_haskell_function for node_type in ("function", "bind")},
    **{
        ("tree_sitter_julia", node_type): _read_julia_name
        for node_type in ("function_definition", "macro_definition", "assignment")
    },
    ("tree_sitter_julia", "struct_definition"): _read_julia_struct,
    ("tree_sitter_objc", "function_definition"): read_c_function_name,
    ("tree_sitter_objc", "type_definition"): read_c_typedef_name,
    ("tree_sitter_objc", "method_definition"): _read_selector,
    **{
        ("tree_sitter_objc", node_type): _make_child_reader("identifier")
        for node_type in ("class_interface", "class_implementation", "protocol_declaration")
    },
    ("tree_sitter_powershell", "function_statement"): _make_child_reader("function_name"),
    **{
        ("tree_sitter_powershell", node_type): _make_child_reader("simple_name")
        for node_type in ("class_statement", "enum_statement", "class_method_definition")
    },
    ("tree_sitter_hcl", "block"): _read_labels,
    ("tree_sitter_zig", "test_declaration"): _read_zig_test,
}
