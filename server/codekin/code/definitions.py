"""Syntax tree → definitions: what is named, where, and what stands in what.

A pruned walk over statement containers: expressions are never entered except where a name is bound to a function.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codekin.code.comments import comment_words, docstring_words
from codekin.code.grammars import Shape
from codekin.code.names import Name, binding_name, callee_of, name_of, string_argument
from codekin.code.parsing import Syntax
from codekin.types import Kind

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 64  # containers nested deeper than anybody writes stay whole; it bounds our recursion


@dataclass(slots=True)
class Definition:
    """A named piece of the document; `inner` are the definitions in it, in order."""

    node: "Node"
    kind: Kind
    name: str
    qualified_name: str
    name_line: int
    start: int  # with the comments, decorators and attributes that directly precede
    end: int  # half-open
    doc: str
    depth: int
    inner: list["Definition"] = field(default_factory=list)


@dataclass(slots=True)
class _Lead:
    """Comments and attributes above a definition, with no blank line between."""

    start: int
    end: int  # inclusive
    nodes: list["Node"]


def last_row(node: "Node") -> int:
    """The last row on which `node` has text: some grammars count the line end in."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


class Walk:
    """Finds the definitions of one document."""

    def __init__(self, source: bytes, syntax: Syntax) -> None:
        self._source = source
        self._syntax = syntax
        self._shapes = syntax.shapes
        self._handlers = {
            Shape.FUNCTION: self._function,
            Shape.CONSTRUCTOR: self._function,
            Shape.CLASS: self._container,
            Shape.MODULE: self._container,
            Shape.TYPE: self._container,
            Shape.OBJECT: self._object,
            Shape.BINDING: self._binding,
            Shape.CALL: self._call,
            Shape.CLOSURE: self._closure,
            Shape.PARENTHESES: self._open,
            Shape.OPEN: self._open,
            Shape.WRAP: self._wrap,
        }

    def module(self, root: "Node", end: int) -> Definition:
        """The whole document as a nameless module of `end` lines."""
        module = Definition(root, Kind.MODULE, "", "", 0, 0, end, self._docstring(root), 0)
        self.scan(root, module)
        return module

    def scan(self, node: "Node", owner: Definition, lead: _Lead | None = None) -> None:
        """Adds the definitions among `node`'s children, and in what is open among them, to `owner.inner`."""
        if owner.depth >= MAX_DEPTH:
            return
        owner.depth += 1
        shapes, handlers, previous = self._shapes, self._handlers, None
        for child in node.children:
            shape = shapes[child.kind_id]
            if shape is Shape.LEADING:
                lead = self._extended(lead, child, previous)
                continue
            if shape is not Shape.STATEMENT:
                handlers[shape](child, owner, lead)
            lead, previous = None, child
        owner.depth -= 1

    def _extended(self, lead: _Lead | None, comment: "Node", previous: "Node | None") -> _Lead | None:
        first, last = comment.start_point[0], last_row(comment)
        if previous is not None and last_row(previous) == first and previous.is_named:
            return None  # it trails the statement before it
        if lead is not None and first <= lead.end + 1:
            lead.end = last
            lead.nodes.append(comment)
            return lead
        return _Lead(first, last, [comment])

    def _open(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        if node.start_point[0] != node.end_point[0]:
            self.scan(node, owner, lead)

    def _wrap(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        before = len(owner.inner)
        self.scan(node, owner, lead)
        if len(owner.inner) == before + 1:
            self._stretch(owner.inner[before], node, lead)

    def _stretch(self, definition: Definition, node: "Node", lead: _Lead | None) -> None:
        """Makes `node`'s lines, and what leads to them, the definition's."""
        first = node.start_point[0]
        if lead is not None and first <= lead.end + 1:
            first = min(first, lead.start)
            definition.doc = definition.doc or self._doc(lead)
        definition.start = min(definition.start, first)
        definition.end = max(definition.end, last_row(node) + 1)

    def _define(self, node: "Node", kind: Kind, name: Name, owner: Definition, lead: _Lead | None) -> Definition:
        qualified = ".".join(part for part in (owner.qualified_name, name.qualifier, name.text) if part)
        start = node.start_point[0]
        definition = Definition(node, kind, name.text, qualified, name.line, start, last_row(node) + 1, "", owner.depth)
        if self._syntax.grammar.docstrings:
            definition.doc = self._docstring(node.child_by_field_id(self._syntax.body_field))
        if lead is not None:
            self._stretch(definition, node, lead)
        return definition

    def _function(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        name = name_of(node, self._syntax, self._source)
        if name is None or (node.type in self._syntax.grammar.bodiless and not self._has_body(node)):
            return
        owner.inner.append(self._define(node, self._function_kind(node, name, owner, lead), name, owner, lead))

    def _has_body(self, node: "Node") -> bool:
        return node.child_by_field_id(self._syntax.body_field) is not None

    def _function_kind(self, node: "Node", name: Name, owner: Definition, lead: _Lead | None) -> Kind:
        syntax = self._syntax
        if syntax.is_test_name and syntax.is_test_name.fullmatch(name.text):
            return Kind.TEST
        if syntax.is_test_mark:
            marks = self._source[lead.nodes[0].start_byte if lead else node.start_byte : name.byte]
            if syntax.is_test_mark.search(marks):
                return Kind.TEST
        if self._shapes[node.kind_id] is Shape.CONSTRUCTOR or name.text in syntax.grammar.constructors:
            return Kind.CONSTRUCTOR
        return Kind.METHOD if name.of_type or owner.kind is Kind.CLASS else Kind.FUNCTION

    def _container(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        shape = self._shapes[node.kind_id]
        name = name_of(node, self._syntax, self._source)
        multi_line = node.start_point[0] != node.end_point[0]
        if name is None or (shape is Shape.TYPE and not multi_line):
            self._open(node, owner, lead)
            return
        kind = Kind.MODULE if shape is Shape.MODULE else Kind.CLASS
        container = self._define(node, kind, name, owner, lead)
        if multi_line:
            self.scan(node, container)
        owner.inner.append(container)

    def _object(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        self._open(node, owner, lead)

    def _closure(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        if node.child_by_field_id(self._syntax.name_field) is not None:
            self._function(node, owner, lead)
        else:
            self._open(node, owner, lead)

    def _binding(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        bound = binding_name(node, self._syntax, self._source)
        if bound is None:
            self._wrap(node, owner, lead)
            return
        name, value = bound
        self._bind(node, name, value, owner, lead)

    def _bind(self, node: "Node", name: Name, value: "Node", owner: Definition, lead: _Lead | None) -> None:
        shape = self._shapes[value.kind_id]
        multi_line = value.start_point[0] != value.end_point[0]
        if shape is Shape.CALL:
            closure = self._wrapped_function(value) if multi_line else None
            if closure is None:
                return
            value, shape = closure, self._shapes[closure.kind_id]
        if shape is Shape.CLOSURE:
            definition = self._define(value, self._function_kind(value, name, owner, lead), name, owner, None)
        elif shape in (Shape.CLASS, Shape.OBJECT):
            definition = self._define(value, Kind.CLASS, name, owner, None)
            if multi_line:
                self.scan(value, definition)
            if shape is Shape.OBJECT and not definition.inner:
                return
        else:
            return
        self._stretch(definition, node, lead)
        owner.inner.append(definition)

    def _wrapped_function(self, call: "Node") -> "Node | None":
        """The function or object in `memo(() => …)`; called methods (`items.map(…)`) give values, not functions."""
        callee = call.child_by_field_name("function")
        arguments = call.child_by_field_name("arguments")
        if callee is None or arguments is None:
            return None
        text = self._source[callee.start_byte : callee.end_byte]
        if b"." in text and not text.startswith((b"React.", b"Vue.")):
            return None
        shaped = [child for child in arguments.children if self._shapes[child.kind_id] in (Shape.CLOSURE, Shape.OBJECT)]
        return shaped[-1] if shaped else None

    def _call(self, node: "Node", owner: Definition, lead: _Lead | None) -> None:
        grammar = self._syntax.grammar
        callee = callee_of(node, self._source)
        closures = self._closures_of(node)
        if not closures:
            return
        if callee in grammar.tests or callee in grammar.suites:
            name = string_argument(node, self._source)
            if name is not None:
                self._suite(node, name, callee in grammar.tests, owner, lead)
                return
        if callee == "" or callee in grammar.wrappers:
            for closure in closures:
                self._open(closure, owner, None)

    def _suite(self, node: "Node", name: Name, is_test: bool, owner: Definition, lead: _Lead | None) -> None:
        definition = self._define(node, Kind.TEST if is_test else Kind.MODULE, name, owner, lead)
        if not is_test:
            for closure in self._closures_of(node):
                self._open(closure, definition, None)
        owner.inner.append(definition)

    def _closures_of(self, call: "Node") -> list["Node"]:
        """The functions that are called or given in a call."""
        found = []
        stack = list(call.children)[::-1]
        while stack:
            node = stack.pop()
            shape = self._shapes[node.kind_id]
            if shape is Shape.CLOSURE:
                found.append(node)
            elif shape is Shape.PARENTHESES or node.type in ("arguments", "call_expression"):
                stack.extend(node.children[::-1])
        return found

    def _docstring(self, body: "Node | None") -> str:
        if not self._syntax.grammar.docstrings or body is None:
            return ""
        first = body.child(0) if body.child_count else None
        if first is None or first.type != "expression_statement" or not first.child_count:
            return ""
        string = first.child(0)
        if string is None or string.type != "string":
            return ""
        return docstring_words(self._source[string.start_byte : string.end_byte].decode())

    def _doc(self, lead: _Lead) -> str:
        comments = [node for node in lead.nodes if "comment" in node.type]
        return comment_words("\n".join(self._source[node.start_byte : node.end_byte].decode() for node in comments))
