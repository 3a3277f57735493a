"""Parse a function for mutation: its names, scopes, blocks and lines, and apply edits to its text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from random import Random
from typing import TYPE_CHECKING

from codekin.code.grammar_types import NodeRole
from codekin.code.parsing import Syntax, encode_source, find_last_row, load_syntax, parse_source
from codekin.evaluation.mutations.forms import LANGUAGE_TEMPLATES, LanguageTemplates

if TYPE_CHECKING:
    from tree_sitter import Node

NAME_TYPES = frozenset(("identifier", "simple_identifier", "variable_name", "name"))
_FUNCTION_ROLES = frozenset((NodeRole.FUNCTION, NodeRole.METHOD, NodeRole.CONSTRUCTOR, NodeRole.CLOSURE))
_SCOPE_ROLES = _FUNCTION_ROLES | {NodeRole.CLASS}
_COMPREHENSION_TYPES = frozenset(
    ("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression")
)
_PATTERN_TYPES = (
    "pattern_list tuple_pattern list_pattern expression_list array_pattern object_pattern pair_pattern rest_pattern "
    "list_splat_pattern dictionary_splat_pattern left_assignment_list variable_list pointer_declarator "
    "reference_declarator array_declarator variable_declarator multi_variable_declaration variable_declaration pattern "
    "as_pattern_target variable_name mut_pattern ref_pattern slice_pattern assignment_statement"
)
_OPAQUE_TYPES = re.compile(r"comment|string|heredoc|template|regex|raw_text|character|char_literal|jsx_text")
_MEMBER_OPERATORS = frozenset((".", "?.", "::", "->", "&.", "!!", "@", ":"))
_RESERVED_NAMES = "self cls this super _ new undefined arguments it None True False nil null"
_DYNAMIC_SCOPE_CALLS = re.compile(r"\b(?:eval|exec|locals|vars|globals|compact|extract|arguments)\b")

Edit = tuple[int, int, str]  # first byte, end byte, new text


@dataclass(frozen=True)
class ParsedFunction:
    """A function parsed without errors, perhaps within a shell of other code; positions are in the shelled text."""

    text: str
    language: str
    syntax: Syntax
    shell: tuple[str, str]
    data: bytes
    root: "Node"

    @property
    def language_templates(self) -> LanguageTemplates:
        """Return the node types and templates of the function's language."""
        return LANGUAGE_TEMPLATES[self.language]

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines of the parsed text: the function within its shell of other code, if it has one (cached)."""
        return self.data.decode().split("\n")

    @cached_property
    def nodes(self) -> list["Node"]:
        """Return all nodes of the tree in the order in which they begin (cached)."""
        return list(list_nodes(self.root))

    @cached_property
    def leaves(self) -> list["Node"]:
        """Return the nodes without children that have text, in order (cached)."""
        return [node for node in self.nodes if not node.child_count and node.end_byte > node.start_byte]

    @cached_property
    def function(self) -> "Node | None":
        """Return the outermost function node; None where there is none (cached)."""
        find_role = self.syntax.node_role
        return next((node for node in self.nodes if find_role(node) in _FUNCTION_ROLES), None)

    @cached_property
    def frozen_rows(self) -> frozenset[int]:
        """Return the rows that begin inside a string or a comment, whose indentation must not change (cached)."""
        rows: set[int] = set()
        for node in self.nodes:
            if node.is_named and node.start_point[0] != node.end_point[0] and _OPAQUE_TYPES.search(node.type):
                rows.update(range(node.start_point[0] + 1, node.end_point[0] + 1))
        return frozenset(rows)

    def read_text(self, node: "Node") -> str:
        """Return the source text of a node of this function's tree."""
        return self.data[node.start_byte : node.end_byte].decode()

    def read_indentation(self, row: int) -> str:
        """Return the leading white space of a row (0-based) of the parsed text."""
        line = self.lines[row]
        return line[: len(line) - len(line.lstrip())]

    @cached_property
    def indentation_step(self) -> str:
        """Return the white space that one level of indentation adds; four spaces where nothing is indented (cached)."""
        base_indent = self.read_indentation(self.function.start_point[0]) if self.function is not None else ""
        indents = [self.read_indentation(statement.start_point[0]) for block in self.blocks for statement in block]
        deeper_indents = [indent for indent in indents if len(indent) > len(base_indent)]
        return min(deeper_indents, key=len).removeprefix(base_indent) if deeper_indents else "    "

    @cached_property
    def blocks(self) -> list[list["Node"]]:
        """Return the statements of each block inside the function, outer blocks first, without comments (cached)."""
        block_types = self.language_templates.blocks.split()
        function_nodes = list_nodes(self.function) if self.function is not None else iter(())
        return [
            [child_node for child_node in node.named_children if "comment" not in child_node.type]
            for node in function_nodes
            if node.type in block_types
        ]

    def find_statement_rows(self, statement: "Node") -> tuple[int, int] | None:
        """Return a statement's first and last row, inclusive; None where it shares one with other code."""
        first_row, last_row = statement.start_point[0], find_last_row(statement)
        text_before = self.lines[first_row].encode()[: statement.start_point[1]]
        text_after = (
            self.lines[last_row].encode()[statement.end_point[1] :] if last_row == statement.end_point[0] else b""
        )
        return (first_row, last_row) if not text_before.strip() and not text_after.strip(b"; \t") else None

    def replace_lines(self, first_row: int, last_row: int, new_lines: Sequence[str]) -> str:
        """Return the function's text with rows (inclusive) of the parsed text replaced; unparsed, without the shell."""
        return self._remove_shell("\n".join([*self.lines[:first_row], *new_lines, *self.lines[last_row + 1 :]]))

    def apply_edits(self, edits: Iterable[Edit]) -> str:
        """Return the function's text after edits by bytes of the parsed text, which must not overlap; unparsed."""
        chunks, position = [], 0
        for start, end, text in sorted(edits):
            chunks += [self.data[position:start], text.encode()]
            position = end
        return self._remove_shell(b"".join([*chunks, self.data[position:]]).decode())

    def _remove_shell(self, text: str) -> str:
        """Return the parsed text, perhaps edited, without the code put around the function; it is cut off by length."""
        shell_start, shell_end = self.shell
        return text[len(shell_start) : len(text) - len(shell_end)]

    # Names and their scopes

    @cached_property
    def variables(self) -> dict[str, list["Node"]]:
        """Return local name → its uses, to rename together (cached); {} with eval or the like."""
        if _DYNAMIC_SCOPE_CALLS.search(self.text):
            return {}
        scopes_by_name: dict[str, list[Node]] = {}
        for leaf in self.find_bindings(self.root):
            scopes_by_name.setdefault(self.read_text(leaf), []).append(self._find_scope(leaf))
        excluded_names = self._find_excluded_names()
        uses_by_name = self._collect_uses()
        return {
            name: uses_by_name[name]
            for name, scopes in scopes_by_name.items()
            if name in uses_by_name
            and name not in excluded_names
            and all(_is_within(use, scopes) for use in uses_by_name[name])
        }

    def find_bindings(self, node: "Node") -> Iterator["Node"]:
        """Yield the leaves, in and below `node`, that bind a name: parameters, assigned and loop variables, …"""
        fields_by_type = _parse_sites(self.language_templates.bound)
        for parent in list_nodes(node):
            for field in fields_by_type.get(parent.type, ()):
                for child_node in _find_field_children(parent, field):
                    yield from self._find_pattern_names(child_node)

    def _find_pattern_names(self, node: "Node") -> Iterator["Node"]:
        """Yield the leaves whose names a binding pattern, such as a parameter or `a, b`, binds."""
        if not node.child_count and node.type in NAME_TYPES:
            if self.language not in ("rust", "bash") or self.read_text(node)[:1].islower():
                yield node
        elif node.type in _PATTERN_TYPES.split():
            children = node.children_by_field_name("declarator") or node.children_by_field_name("name")
            if not children:
                children = node.named_children[:1] if node.type == "assignment_statement" else node.named_children
            for child_node in children:
                yield from self._find_pattern_names(child_node)

    def _find_scope(self, leaf: "Node") -> "Node":
        """Return the innermost nested function, class or comprehension around the leaf; else the root.

        The name of a nested function lies outside of it.
        """
        inner_node: Node = leaf
        node = leaf.parent
        while node is not None:
            is_scope = self.syntax.node_role(node) in _SCOPE_ROLES or node.type in _COMPREHENSION_TYPES
            if is_scope and node != self.function and node.child_by_field_name("name") != inner_node:
                return node
            inner_node, node = node, node.parent
        return self.root

    def _collect_uses(self) -> dict[str, list["Node"]]:
        """Return name → the leaves, in the whole tree, that use it as a variable, not as a member."""
        uses_by_name: dict[str, list[Node]] = {}
        for leaf in self.leaves:
            if leaf.type in NAME_TYPES and not self.is_member(leaf):
                uses_by_name.setdefault(self.read_text(leaf), []).append(leaf)
        return uses_by_name

    def is_member(self, leaf: "Node") -> bool:
        """Return whether an identifier names a member, a label or an argument rather than a variable."""
        if self.language == "php" and (leaf.parent is None or leaf.parent.type != "variable_name"):
            return True
        previous_node, following_node, parent = leaf.prev_sibling, leaf.next_sibling, leaf.parent
        if (
            previous_node is not None
            and previous_node.type in _MEMBER_OPERATORS
            and not (previous_node.type == ":" and self.language != "lua")
        ):
            return True
        is_labelled = following_node is not None and following_node.type in ("=", ":")
        if is_labelled and parent is not None and parent.type in ("value_argument", "argument"):
            return True
        node = leaf
        while (
            parent is not None
            and parent.named_child_count == 1
            and parent.type not in _parse_sites(self.language_templates.member)
        ):
            node, parent = parent, parent.parent
        fields = _parse_sites(self.language_templates.member).get(parent.type, ()) if parent is not None else ()
        return any(node in _find_field_children(parent, field) for field in fields if parent is not None)

    def _find_excluded_names(self) -> set[str]:
        """Return the names that can't be renamed by replacing identifiers alone: reserved, shared, in strings."""
        shared_types = self.language_templates.shared.split()
        excluded_names = set(_RESERVED_NAMES.split())
        for node in self.nodes:
            if node.type in shared_types:
                excluded_names.update(re.findall(r"\w+", self.read_text(node)))
            elif "shorthand" in node.type:
                excluded_names.add(self.read_text(node))
            elif not node.child_count and "string" in node.type and self.language in ("rust", "bash", "php"):
                excluded_names.update(re.findall(r"[{$](\w+)", self.read_text(node)))
        return excluded_names

    def find_name_node(self) -> "Node | None":
        """Return the tree's node of the function's own name; None where it has none."""
        node = self.function
        while node is not None and node.child_count:
            node = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        return node


def parse_function(text: str, language: str) -> ParsedFunction | None:
    """Parse a function, within other code if it needs that; None where it has errors or its language no templates."""
    syntax = load_syntax(language)
    if syntax is None or language not in LANGUAGE_TEMPLATES or "\r" in text:
        return None
    for shell in LANGUAGE_TEMPLATES[language].shells:
        shelled_text = shell[0] + text + shell[1]
        data = encode_source(shelled_text.split("\n"))
        root = parse_source(data, syntax)
        if root is not None and not root.has_error and data == shelled_text.encode("utf-8", "replace"):
            function = ParsedFunction(text, language, syntax, shell, data, root)
            if function.function is not None:
                return function
    return None


def list_nodes(node: "Node") -> Iterator["Node"]:
    """Yield `node` and all nodes below it, in the order in which they begin, parents before children."""
    pending_nodes = [node]
    while pending_nodes:
        node = pending_nodes.pop()
        yield node
        pending_nodes.extend(reversed(node.children))


def choose_result(generator: Random, candidates: Sequence[str]) -> str | None:
    """Return one of the candidate texts at random; None where there is none, and nothing random is drawn."""
    return generator.choice(candidates) if candidates else None


@cache
def _parse_sites(sites: str) -> dict[str, tuple[str, ...]]:
    """Parse "parent.field parent#position parent" into parent node type → fields, cached."""
    fields_by_type: dict[str, tuple[str, ...]] = {}
    for site in sites.split():
        parent_type, separator, field = re.fullmatch(r"(\w+)([.#]?)(\w*)", site).groups()  # type: ignore[union-attr]
        fields_by_type[parent_type] = (*fields_by_type.get(parent_type, ()), separator + field)
    return fields_by_type


def _find_field_children(parent: "Node", site_field: str) -> list["Node"]:
    """Return the parent's children at a site's field: by name, by position (one or none), or all named ones."""
    if site_field.startswith("."):
        return parent.children_by_field_name(site_field[1:])
    if site_field.startswith("#"):
        return parent.named_children[int(site_field[1:]) :][:1]
    return parent.named_children


def _is_within(node: "Node", scopes: Sequence["Node"]) -> bool:
    """Return whether one of the scopes contains the node."""
    return any(scope.start_byte <= node.start_byte and node.end_byte <= scope.end_byte for scope in scopes)
