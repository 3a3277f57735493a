"""Definitions of a syntax tree: their names, positions and nesting.

A pruned walk over statement containers: expressions are never entered except where a name is bound to a function.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codekin.code.bindings import CallParts, find_binding, parse_call
from codekin.code.comments import extract_comment, extract_docstring
from codekin.code.grammar_types import NodeRole
from codekin.code.names import SourceName, find_name
from codekin.code.parsing import Syntax
from codekin.types import SnippetKind

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 64  # what is nested deeper than anybody writes stays whole; it bounds our recursion


@dataclass(slots=True)
class Definition:
    """A named part of the document; `inner` are the definitions in it, in order."""

    node: "Node"
    kind: SnippetKind
    name: str
    qualified_name: str
    name_line: int
    start: int  # with the comments, decorators and attributes that directly precede
    end: int  # half-open
    doc: str = ""
    depth: int = 0
    inner: list["Definition"] = field(default_factory=list)


@dataclass(slots=True)
class _Lead:
    """Comments and attributes directly above a definition."""

    start: int
    end: int  # inclusive
    nodes: list["Node"]


def find_last_row(node: "Node") -> int:
    """Return the last row on which `node` has text: some grammars include the line end in a node."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def _spans_lines(node: "Node") -> bool:
    return node.start_point[0] != find_last_row(node)


class DefinitionFinder:
    """Finds the definitions of one document."""

    def __init__(self, source: bytes, syntax: Syntax) -> None:
        self._source = source
        self._syntax = syntax
        self._handlers = {
            NodeRole.OPEN: self._open,
            NodeRole.WRAP: self._wrap,
            NodeRole.FUNCTION: self._function,
            NodeRole.METHOD: self._function,
            NodeRole.CONSTRUCTOR: self._function,
            NodeRole.CLASS: self._container,
            NodeRole.MODULE: self._container,
            NodeRole.SCOPE: self._scope,
            NodeRole.TYPE: self._type,
            NodeRole.OBJECT: self._open,
            NodeRole.BINDING: self._binding,
            NodeRole.CALL: self._call,
            NodeRole.CLOSURE: self._closure,
            NodeRole.ACCESSOR: self._open,
            NodeRole.PARENTHESES: self._open,
        }

    def find_definitions(self, root: "Node", end: int) -> Definition:
        """Return the whole document of `end` lines as a module without a name."""
        first_row = root.children[0].start_point[0] if root.children else 0
        module = Definition(root, SnippetKind.MODULE, "", "", first_row, 0, end, self._docstring(root))
        self.scan_children(root, module)
        return module

    def scan_children(self, node: "Node", owner: Definition, lead: _Lead | None = None) -> None:
        """Add the definitions among `node`'s children, and those inside open nodes among them, to `owner.inner`."""
        if owner.depth >= MAX_DEPTH:
            return
        owner.depth += 1
        shape_of, handlers, previous = self._syntax.node_roles.get, self._handlers, None
        for child in node.children:
            shape = shape_of(child.kind_id)
            if shape is NodeRole.LEADING:
                lead = self._extended(lead, child, previous)
                continue
            if shape is not None:
                handlers[shape](child, owner, lead)
            lead, previous = None, child
        owner.depth -= 1

    def _extended(self, lead: _Lead | None, comment: "Node", previous: "Node | None") -> _Lead | None:
        first, last = comment.start_point[0], find_last_row(comment)
        if previous is not None and previous.is_named and find_last_row(previous) == first:
            return None  # it trails the statement before it
        if lead is not None and first <= lead.end + 1:
            lead.end = last
            lead.nodes.append(comment)
            return lead
        return _Lead(first, last, [comment])

    def _open(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        if _spans_lines(node):
            self.scan_children(node, owner, lead)

    def _wrap(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        before = len(owner.inner)
        self.scan_children(node, owner, lead)
        if len(owner.inner) == before + 1 and owner.inner[before].end == find_last_row(node) + 1:
            self._stretch(owner.inner[before], node, lead)

    def _stretch(self, definition: Definition, node: "Node", lead: _Lead | None) -> None:
        """Extend the definition to `node`'s lines and to the comments that lead to them."""
        first = node.start_point[0]
        if lead is not None and first <= lead.end + 1:
            first = min(first, lead.start)
            definition.doc = definition.doc or self._doc(lead)
        definition.start = min(definition.start, first)
        definition.end = max(definition.end, find_last_row(node) + 1)

    def _define(
        self, node: "Node", kind: SnippetKind, name: SourceName, owner: Definition, lead: _Lead | None
    ) -> Definition:
        """Make a definition without its inner ones; the caller adds it to its owner's."""
        qualified = ".".join(filter(None, (owner.qualified_name, name.qualifier, name.text)))
        first = node.start_point[0]
        definition = Definition(node, kind, name.text, qualified, name.line, first, find_last_row(node) + 1)
        definition.depth = owner.depth
        if self._syntax.grammar.docstrings:
            definition.doc = self._docstring(node.child_by_field_id(self._syntax.body_field))
        if lead is not None:
            self._stretch(definition, node, lead)
        return definition

    def _function(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        name = find_name(node, self._syntax, self._source)
        if name is not None and self._has_body(node):
            owner.inner.append(self._define(node, self._function_kind(node, name, owner, lead), name, owner, lead))

    def _has_body(self, node: "Node") -> bool:
        syntax = self._syntax
        if node.type not in syntax.grammar.bodiless:
            return True
        return (
            any(child.type.endswith(("body", "block")) for child in node.children)
            or node.child_by_field_id(syntax.body_field) is not None
        )

    def _function_kind(self, node: "Node", name: SourceName, owner: Definition, lead: _Lead | None) -> SnippetKind:
        syntax, shape = self._syntax, self._syntax.node_role(node)
        marks = self._source[lead.nodes[0].start_byte if lead else node.start_byte : name.byte]
        named_test = syntax.matches_rule("test_names", name.text) and syntax.test_owner.search(owner.qualified_name)
        if name.of_test or named_test or syntax.test_mark.search(marks):
            return SnippetKind.TEST
        if shape is NodeRole.CONSTRUCTOR or syntax.matches_rule("constructors", name.text):
            return SnippetKind.CONSTRUCTOR
        if name.of_type or shape is NodeRole.METHOD or owner.kind is SnippetKind.CLASS:
            owner_name = name.qualifier.rpartition(".")[2] or owner.name
            return SnippetKind.CONSTRUCTOR if name.text == owner_name else SnippetKind.METHOD
        return SnippetKind.FUNCTION

    def _container(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        name = find_name(node, self._syntax, self._source)
        if name is None:
            self._open(node, owner, lead)
        elif self._has_body(node):
            kind = SnippetKind.CLASS if self._syntax.node_role(node) is NodeRole.CLASS else SnippetKind.MODULE
            container = self._define(node, kind, name, owner, lead)
            self._open(node, container, None)
            owner.inner.append(container)

    def _scope(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        name = find_name(node, self._syntax, self._source)
        if self._has_body(node):
            self._container(node, owner, lead)
        elif name is not None:
            owner.qualified_name = ".".join(filter(None, (name.qualifier, name.text)))

    def _type(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        name = find_name(node, self._syntax, self._source)
        if name is None:
            self._open(node, owner, lead)
        elif _spans_lines(node):
            owner.inner.append(self._define(node, SnippetKind.CLASS, name, owner, lead))

    def _closure(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        if node.child_by_field_id(self._syntax.name_field) is not None:
            self._function(node, owner, lead)
        else:
            self._open(node, owner, lead)

    def _binding(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        bound = find_binding(node, self._syntax, self._source)
        if bound is None:
            self._wrap(node, owner, lead)
            return
        name, value = bound
        made = self._made if self._syntax.node_role(value) is NodeRole.CALL else self._bound
        definition = made(name, value, owner, lead)
        if definition is not None:
            self._stretch(definition, node, lead)
            owner.inner.append(definition)

    def _bound(self, name: SourceName, value: "Node", owner: Definition, lead: _Lead | None) -> Definition | None:
        """Define `value` under the name that it is bound to; None where nothing in it is a function."""
        shape = self._syntax.node_role(value)
        if owner.kind not in (SnippetKind.CLASS, SnippetKind.MODULE) and not _spans_lines(value):
            return None  # a line of a long function is no function of its own
        if shape in (NodeRole.CLOSURE, NodeRole.OPEN) or (
            shape is NodeRole.ACCESSOR and find_last_row(value) > name.line
        ):
            return self._define(value, self._function_kind(value, name, owner, lead), name, owner, None)
        if shape is NodeRole.CLASS or shape is NodeRole.OBJECT:
            definition = self._holder(name, value, (value,), owner)
            return definition if definition.inner or shape is NodeRole.CLASS else None
        return None

    def _made(self, name: SourceName, value: "Node", owner: Definition, lead: _Lead | None) -> Definition | None:
        """Define the result of `name = call(…)`: `memo(() => …)` is a function, `Class.new do … end` holds some.

        Other calls give values, whatever functions they are given.
        """
        call = parse_call(value, self._syntax, self._source) if _spans_lines(value) else None
        if call is None:
            return None
        if self._syntax.matches_rule("makers", call.callee):
            given = (*call.values, *call.closures)
            return self._bound(name, given[-1], owner, lead) if given else None
        if not call.callee or self._syntax.matches_rule("holders", call.callee):
            definition = self._holder(name, value, call.closures, owner)
            return definition if definition.inner else None
        return None

    def _holder(self, name: SourceName, node: "Node", bodies: "tuple[Node, ...]", owner: Definition) -> Definition:
        definition = self._define(node, SnippetKind.CLASS, name, owner, None)
        for body in bodies:
            self._open(body, definition, None)
        return definition

    def _call(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        call = parse_call(node, self._syntax, self._source)
        matches = self._syntax.matches_rule
        for definition in call.definitions:
            self._function(definition, owner, lead)
        if not call.closures:
            return
        if call.name is not None and matches("tests", call.callee):
            owner.inner.append(self._define(node, SnippetKind.TEST, call.name, owner, lead))
        elif call.name is not None and matches("definers", call.callee):
            kind = SnippetKind.METHOD if owner.kind is SnippetKind.CLASS else SnippetKind.FUNCTION
            owner.inner.append(self._define(node, kind, call.name, owner, lead))
        elif call.name is not None and matches("suites", call.callee):
            self._suite(node, call, call.name, owner, lead)
        elif not call.callee or matches("wrappers", call.callee):
            for closure in call.closures:
                self._open(closure, owner, None)

    def _suite(self, node: "Node", call: CallParts, name: SourceName, owner: Definition, lead: _Lead | None) -> None:
        suite = self._define(node, SnippetKind.MODULE, name, owner, lead)
        for closure in call.closures:
            self._open(closure, suite, None)
        owner.inner.append(suite)

    def _docstring(self, body: "Node | None") -> str:
        if not self._syntax.grammar.docstrings or body is None:
            return ""
        first = next((child for child in body.children if child.type != "comment"), None)
        if first is None or first.type != "expression_statement" or not first.children:
            return ""
        string = first.children[0]
        if string.type != "string":
            return ""
        return extract_docstring(self._source[string.start_byte : string.end_byte].decode("utf-8", "replace"))

    def _doc(self, lead: _Lead) -> str:
        comments = (node for node in lead.nodes if "comment" in node.type)
        texts = (self._source[node.start_byte : node.end_byte].decode("utf-8", "replace") for node in comments)
        return extract_comment("\n".join(text.rstrip("\n") for text in texts))
