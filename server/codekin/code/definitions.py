"""Definitions of a syntax tree: their names, positions and nesting.

A pruned walk over statement containers: expressions are never entered except where a name is bound to a function.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codekin.code import bindings
from codekin.code.comments import Lead, extend_lead, read_doc_comment, read_docstring
from codekin.code.function_kinds import choose_function_kind, has_body
from codekin.code.grammar_types import NodeRole
from codekin.code.name_readers import find_name
from codekin.code.names import SourceName
from codekin.code.parsing import Syntax, find_last_row, spans_several_rows
from codekin.types import SnippetKind

if TYPE_CHECKING:
    from tree_sitter import Node

_CONTAINER_KINDS = (SnippetKind.CLASS, SnippetKind.MODULE)
_BOUND_ROLES = (NodeRole.CLOSURE, NodeRole.OPEN)
MAX_DEPTH = 64  # bounds the recursion; what is nested deeper stays whole


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


class DefinitionFinder:
    """Finds the definitions of one document."""

    def __init__(self, source_bytes: bytes, syntax: Syntax) -> None:
        self._source, self._syntax = source_bytes, syntax
        self._get_node_role, self._merges_clauses = syntax.node_roles.get, syntax.grammar.merges_clauses
        self._handlers = {
            NodeRole.OPEN: self._scan_open_node,
            NodeRole.WRAP: self._scan_wrapper,
            NodeRole.FUNCTION: self._add_function,
            NodeRole.METHOD: self._add_function,
            NodeRole.CONSTRUCTOR: self._add_function,
            NodeRole.CLASS: self._add_container,
            NodeRole.MODULE: self._add_container,
            NodeRole.SCOPE: self._add_scope,
            NodeRole.TYPE: self._add_type,
            NodeRole.OBJECT: self._scan_open_node,
            NodeRole.BINDING: self._add_binding,
            NodeRole.CALL: self._add_from_call,
            NodeRole.CLOSURE: self._add_closure,
            NodeRole.ACCESSOR: self._scan_open_node,
            NodeRole.PARENTHESES: self._scan_open_node,
        }

    def find_definitions(self, root: "Node", line_count: int) -> Definition:
        """Return the whole document of `line_count` lines as a module without a name, its definitions inside."""
        first_row = root.children[0].start_point[0] if root.children else 0
        doc = read_docstring(root, self._source) if self._syntax.grammar.docstrings else ""
        module = Definition(root, SnippetKind.MODULE, "", "", first_row, 0, line_count, doc)
        self.scan_children(root, module)
        return module

    def scan_children(self, node: "Node", owner: Definition, lead: Lead | None = None) -> None:
        """Add the definitions among `node`'s children, and inside those to be looked through, to `owner.inner`."""
        if owner.depth >= MAX_DEPTH:
            return
        owner.depth += 1
        get_node_role, handlers, previous_child = self._get_node_role, self._handlers, None
        for child_node in node.children:
            node_role = get_node_role(child_node.kind_id)
            if node_role is NodeRole.LEADING:
                lead = extend_lead(lead, child_node, previous_child)
                continue
            if node_role is not None:
                handlers[node_role](child_node, owner, lead)
                if self._merges_clauses:
                    _merge_clauses(owner)
            lead, previous_child = None, child_node
        owner.depth -= 1

    def _scan_open_node(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add the definitions inside `node` to `owner`, if it spans several lines, or has a definition's word."""
        word, source = self._syntax.grammar.definition_word, self._source
        if spans_several_rows(node, source) or (word and source.find(word, node.start_byte, node.end_byte) >= 0):
            self.scan_children(node, owner, lead)

    def _scan_wrapper(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add the definitions inside `node`; if there is one and it ends with `node`, extend it to all of `node`."""
        inner_count = len(owner.inner)
        self.scan_children(node, owner, lead)
        if len(owner.inner) == inner_count + 1 and owner.inner[inner_count].end == find_last_row(node) + 1:
            self._extend_definition(owner.inner[inner_count], node, lead)

    def _extend_definition(self, definition: Definition, node: "Node", lead: Lead | None) -> None:
        """Extend the definition to `node`'s lines and to the comments directly above; they may give its doc."""
        first_row = node.start_point[0]
        if lead is not None and first_row <= lead.end + 1:
            first_row = min(first_row, lead.start)
            definition.doc = definition.doc or read_doc_comment(lead.nodes, self._source)
        definition.start = min(definition.start, first_row)
        definition.end = max(definition.end, find_last_row(node) + 1)

    def _make_definition(
        self, node: "Node", kind: SnippetKind, name: SourceName, owner: Definition, lead: Lead | None
    ) -> Definition:
        """Return a new definition, its doc read, without inner ones; the caller adds it to `owner.inner`."""
        qualified_name = ".".join(filter(None, (owner.qualified_name, name.qualifier, name.text)))
        first_row = node.start_point[0]
        definition = Definition(node, kind, name.text, qualified_name, name.line, first_row, find_last_row(node) + 1)
        definition.depth = owner.depth
        if self._syntax.grammar.docstrings:
            definition.doc = read_docstring(node.child_by_field_id(self._syntax.body_field), self._source)
        if lead is not None:
            self._extend_definition(definition, node, lead)
        return definition

    def _add_function(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add a function to `owner.inner`; does nothing if it has no name, or is a declaration without a body."""
        name = find_name(node, self._syntax, self._source)
        if name is not None and has_body(node, self._syntax):
            owner.inner.append(
                self._make_definition(node, self._function_kind(node, name, owner, lead), name, owner, lead)
            )

    def _function_kind(self, node: "Node", name: SourceName, owner: Definition, lead: Lead | None) -> SnippetKind:
        """Return the function's kind (test, method …), judged with the attributes and comments above it."""
        attributes = self._source[lead.nodes[0].start_byte if lead else node.start_byte : name.byte]
        return choose_function_kind(node, name, attributes, owner, self._syntax)

    def _add_container(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add a class or namespace to `owner` with its definitions; if nameless, only these; without a body, none."""
        name = find_name(node, self._syntax, self._source)
        if name is None:
            self._scan_open_node(node, owner, lead)
        elif has_body(node, self._syntax):
            kind = SnippetKind.CLASS if self._syntax.node_role(node) is NodeRole.CLASS else SnippetKind.MODULE
            container = self._make_definition(node, kind, name, owner, lead)
            self._scan_open_node(node, container, None)
            body = node.child_by_field_id(self._syntax.body_field)
            if body is not None and spans_several_rows(node, self._source) > spans_several_rows(body, self._source):
                self.scan_children(body, container)  # one definition of one line
            owner.inner.append(container)

    def _add_scope(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add a namespace with a body to `owner`; one without (`namespace App;`) names all that follows in `owner`."""
        name = find_name(node, self._syntax, self._source)
        if has_body(node, self._syntax):
            self._add_container(node, owner, lead)
        elif name is not None:
            owner.qualified_name = ".".join(filter(None, (name.qualifier, name.text)))

    def _add_type(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add a type of several lines to `owner` as a class without methods; without a name, only scan it."""
        name = find_name(node, self._syntax, self._source)
        if name is None:
            self._scan_open_node(node, owner, lead)
        elif spans_several_rows(node, self._source):
            owner.inner.append(self._make_definition(node, SnippetKind.CLASS, name, owner, lead))

    def _add_closure(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add a closure that has a name to `owner` as a function; else add the definitions inside it."""
        if node.child_by_field_id(self._syntax.name_field) is not None:
            self._add_function(node, owner, lead)
        else:
            self._scan_open_node(node, owner, lead)

    def _add_binding(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add what `name = value` defines to `owner`; if the value is no function, add the definitions inside it."""
        value = bindings.find_bound_value(node, self._syntax)
        is_call = value is not None and self._get_node_role(value.kind_id) is NodeRole.CALL
        if value is not None and is_call and not spans_several_rows(value, self._source):
            return  # most bindings: a call in one row returns no function of several
        name = bindings.read_bound_name(node, value, self._syntax, self._source) if value is not None else None
        if value is None or name is None:
            self._scan_wrapper(node, owner, lead)
            return
        if is_call:
            definition = self._define_call_result(name, value, owner)
        else:
            definition = self._define_bound_value(name, value, owner, lead)
        if definition is not None:
            self._extend_definition(definition, node, lead)
            owner.inner.append(definition)

    def _define_bound_value(
        self, name: SourceName, value: "Node", owner: Definition, lead: Lead | None
    ) -> Definition | None:
        """Return a function, a class or an object with functions, defined as `name`; None for other values."""
        value_role = self._syntax.node_role(value)
        if owner.kind not in _CONTAINER_KINDS and not spans_several_rows(value, self._source):
            return None  # a single line inside a function is not a definition of its own
        if value_role in (NodeRole.CLOSURE, NodeRole.OPEN) or (
            value_role is NodeRole.ACCESSOR and find_last_row(value) > name.line
        ):
            return self._make_definition(value, self._function_kind(value, name, owner, lead), name, owner, None)
        if value_role is NodeRole.CLASS or value_role is NodeRole.OBJECT:
            definition = self._scan_bodies(self._make_definition(value, SnippetKind.CLASS, name, owner, None), (value,))
            return definition if definition.inner or value_role is NodeRole.CLASS else None
        return None

    def _define_call_result(self, name: SourceName, value: "Node", owner: Definition) -> Definition | None:
        """Return the definition of `name = call(…)`, where the call returns a function or a class; else None.

        `memo(() => …)` returns a function, `Class.new do … end` a class. Other calls return values, whatever functions
        they are given; one that has a name of its own is defined by that.
        """
        call = bindings.parse_call(value, self._syntax, self._source)
        if call is None:
            return None
        if self._syntax.matches_rule("makers", call.callee):
            return self._define_made_value(name, value, call, owner)
        if not call.callee or self._syntax.matches_rule("holders", call.callee):
            held = self._scan_bodies(self._make_definition(value, SnippetKind.CLASS, name, owner, None), call.closures)
            called = bindings.find_called_function(call, value, self._source)
            made = self._define_bound_value(name, called, owner, None) if called is not None else None
            return held if held.inner else made
        if owner.kind in _CONTAINER_KINDS:
            self._add_declared_functions(call, owner)
        return None

    def _add_declared_functions(self, call: bindings.CallParts, owner: Definition) -> None:
        """Add the functions with names of their own that the call is given, or that are declared inside these."""
        former_count = len(owner.inner)
        for closure in call.closures:
            self._add_closure(closure, owner, None)
        owner.inner[former_count:] = [
            definition
            for definition in owner.inner[former_count:]
            if definition.node in call.closures or self._syntax.node_role(definition.node) not in _BOUND_ROLES
        ]

    def _define_made_value(
        self, name: SourceName, value: "Node", call: bindings.CallParts, owner: Definition
    ) -> Definition | None:
        """Define as `name` the last function that the call is given, else its objects as a class; None without them."""
        if call.closures:
            return self._define_bound_value(name, call.closures[-1], owner, None)
        made_object = self._make_definition(value, SnippetKind.CLASS, name, owner, None)
        return self._scan_bodies(made_object, call.values) if call.values else None

    def _scan_bodies(self, holder: Definition, bodies: "tuple[Node, ...]") -> Definition:
        """Add the definitions inside `bodies` to `holder.inner`; return `holder`."""
        for body in bodies:
            self._scan_open_node(body, holder, None)
        return holder

    def _add_from_call(self, node: "Node", owner: Definition, lead: Lead | None) -> None:
        """Add what a call defines: a test, a suite, a named function, or the definitions inside its closures."""
        call, matches_rule = bindings.parse_call(node, self._syntax, self._source), self._syntax.matches_rule
        if call is None:
            return
        for definition in call.definitions:
            self._add_function(definition, owner, lead)
        if not call.closures:
            if call.values and owner.kind in _CONTAINER_KINDS and spans_several_rows(node, self._source):
                self._extend_class(node, call, owner, lead)
        elif call.name is not None and matches_rule("tests", call.callee):
            owner.inner.append(self._make_definition(node, SnippetKind.TEST, call.name, owner, lead))
        elif call.name is not None and matches_rule("definers", call.callee):
            kind = SnippetKind.METHOD if owner.kind is SnippetKind.CLASS else SnippetKind.FUNCTION
            owner.inner.append(self._make_definition(node, kind, call.name, owner, lead))
        elif call.name is not None and matches_rule("suites", call.callee):
            suite = self._make_definition(node, SnippetKind.MODULE, call.name, owner, lead)
            owner.inner.append(self._scan_bodies(suite, call.closures))
        elif matches_rule("extenders", call.callee):
            self._extend_class(node, call, owner, lead)
        elif not call.callee or matches_rule("wrappers", call.callee):
            for body in sorted(call.closures + call.values, key=lambda body: body.start_byte):
                self._scan_open_node(body, owner, None)
        elif owner.kind in _CONTAINER_KINDS:
            self._add_declared_functions(call, owner)

    def _extend_class(self, node: "Node", call: bindings.CallParts, owner: Definition, lead: Lead | None) -> None:
        """Add the class that the call adds methods to, with those; nothing where it adds none."""
        name = bindings.name_extended_class(call, node, self._source)
        if name is not None:
            extended = self._make_definition(node, SnippetKind.CLASS, name, owner, lead)
            self._scan_bodies(extended, call.closures or call.values)
            owner.inner += [extended] if extended.inner else []


def _merge_clauses(owner: Definition) -> None:
    """Merge, in place, the last two inner definitions if adjacent clauses of one name, the last without doc."""
    former, last = owner.inner[-2:] if len(owner.inner) > 1 else (None, None)
    if former is None or last is None or (former.name, former.kind) != (last.name, last.kind) or last.doc:
        return
    if last.start <= former.end + 1 and last.kind not in _CONTAINER_KINDS:
        former.end = last.end
        owner.inner.pop()
