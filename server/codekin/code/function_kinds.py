"""The kind of a function (test, constructor, method) and whether a node is one with a body."""

from typing import TYPE_CHECKING

from codekin.code.grammar_types import NodeRole
from codekin.code.names import SourceName
from codekin.code.parsing import Syntax
from codekin.types import SnippetKind

if TYPE_CHECKING:
    from tree_sitter import Node

    from codekin.code.definitions import Definition


def has_body(node: "Node", syntax: Syntax) -> bool:
    """Return whether the node has a body; True for node types that always have one."""
    if node.type not in syntax.grammar.bodiless:
        return True
    return node.child_by_field_id(syntax.body_field) is not None or any(
        child_node.type.endswith(("body", "block")) for child_node in reversed(node.children)
    )


def choose_function_kind(
    node: "Node", name: SourceName, attributes: bytes, owner: "Definition", syntax: Syntax
) -> SnippetKind:
    """Return TEST, CONSTRUCTOR, METHOD or FUNCTION, by name, role, owner and the text from attributes to the name."""
    node_role = syntax.node_role(node)
    is_named_test = syntax.matches_rule("test_names", name.text) and syntax.test_owner.search(owner.qualified_name)
    is_marked_test = syntax.grammar.test_marks and syntax.test_mark.search(attributes)
    if name.of_test or is_named_test or is_marked_test:
        return SnippetKind.TEST
    if node_role is NodeRole.CONSTRUCTOR or syntax.matches_rule("constructors", name.text):
        return SnippetKind.CONSTRUCTOR
    if name.of_type or node_role is NodeRole.METHOD or owner.kind is SnippetKind.CLASS:
        owner_name = name.qualifier.rpartition(".")[2] or owner.name
        return SnippetKind.CONSTRUCTOR if name.text == owner_name else SnippetKind.METHOD
    return SnippetKind.FUNCTION
