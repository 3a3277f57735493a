"""A function's text and tree: what can be asked of it, and how an edit of it is said."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from random import Random
from typing import TYPE_CHECKING

from codekin.code.definitions import find_last_row
from codekin.code.grammar_types import NodeRole
from codekin.code.parsing import Syntax, encode_source, load_syntax, parse_source
from codekin.evaluation.mutations.forms import LANGUAGE_TEMPLATES, LanguageTemplates

if TYPE_CHECKING:
    from tree_sitter import Node

NAMES = frozenset(("identifier", "simple_identifier", "variable_name", "name"))
_FUNCTIONS = frozenset((NodeRole.FUNCTION, NodeRole.METHOD, NodeRole.CONSTRUCTOR, NodeRole.CLOSURE))
_SCOPES = _FUNCTIONS | {NodeRole.CLASS}
_COMPREHENSIONS = frozenset(
    ("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression")
)
_PATTERNS = (
    "pattern_list tuple_pattern list_pattern expression_list array_pattern object_pattern pair_pattern rest_pattern "
    "list_splat_pattern dictionary_splat_pattern left_assignment_list variable_list pointer_declarator "
    "reference_declarator array_declarator variable_declarator multi_variable_declaration variable_declaration pattern "
    "as_pattern_target variable_name mut_pattern ref_pattern slice_pattern assignment_statement"
)
_OPAQUE = re.compile(r"comment|string|heredoc|template|regex|raw_text|character|char_literal|jsx_text")
_MEMBER_MARKS = frozenset((".", "?.", "::", "->", "&.", "!!", "@", ":"))
_NO_VARIABLE = "self cls this super _ new undefined arguments it None True False nil null"
_DYNAMIC = re.compile(r"\b(?:eval|exec|locals|vars|globals|compact|extract|arguments)\b")

Edit = tuple[int, int, str]  # bytes from, to; what stands there then


@dataclass(frozen=True)
class ParsedFunction:
    """A function that parses without a fault, perhaps only within a shell; positions are the shelled text's."""

    text: str
    language: str
    syntax: Syntax
    shell: tuple[str, str]
    data: bytes
    root: "Node"

    @property
    def language_templates(self) -> LanguageTemplates:
        return LANGUAGE_TEMPLATES[self.language]

    @cached_property
    def lines(self) -> list[str]:
        """Of the shelled text."""
        return self.data.decode().split("\n")

    @cached_property
    def nodes(self) -> list["Node"]:
        """All of them, in the order in which they begin."""
        return list(list_nodes(self.root))

    @cached_property
    def leaves(self) -> list["Node"]:
        return [node for node in self.nodes if not node.child_count and node.end_byte > node.start_byte]

    @cached_property
    def function(self) -> "Node | None":
        """The outermost function."""
        shape = self.syntax.node_role
        return next((node for node in self.nodes if shape(node) in _FUNCTIONS), None)

    @cached_property
    def frozen_rows(self) -> frozenset[int]:
        """Those whose start is inside a string or a comment: their indentation says something."""
        rows: set[int] = set()
        for node in self.nodes:
            if node.is_named and node.start_point[0] != node.end_point[0] and _OPAQUE.search(node.type):
                rows.update(range(node.start_point[0] + 1, node.end_point[0] + 1))
        return frozenset(rows)

    def read_text(self, node: "Node") -> str:
        return self.data[node.start_byte : node.end_byte].decode()

    def read_indentation(self, row: int) -> str:
        """The row's leading blanks."""
        line = self.lines[row]
        return line[: len(line) - len(line.lstrip())]

    @cached_property
    def indentation_step(self) -> str:
        """What one level of indentation adds."""
        base = self.read_indentation(self.function.start_point[0]) if self.function is not None else ""
        steps = [self.read_indentation(s.start_point[0]) for block in self.blocks for s in block]
        deeper = [step for step in steps if len(step) > len(base)]
        return min(deeper, key=len).removeprefix(base) if deeper else "    "

    @cached_property
    def blocks(self) -> list[list["Node"]]:
        """The statements of each block inside the function, comments left out."""
        types = self.language_templates.blocks.split()
        inside = list_nodes(self.function) if self.function is not None else iter(())
        return [
            [child for child in node.named_children if "comment" not in child.type]
            for node in inside
            if node.type in types
        ]

    def statement_rows(self, statement: "Node") -> tuple[int, int] | None:
        """First and last row of a statement that has its lines for itself."""
        first, last = statement.start_point[0], find_last_row(statement)
        before = self.lines[first].encode()[: statement.start_point[1]]
        after = self.lines[last].encode()[statement.end_point[1] :] if last == statement.end_point[0] else b""
        return (first, last) if not before.strip() and not after.strip(b"; \t") else None

    def replace_lines(self, first: int, last: int, lines: Sequence[str]) -> str:
        """The function's text with the rows from `first` to `last`, inclusive, replaced."""
        return self._bare("\n".join([*self.lines[:first], *lines, *self.lines[last + 1 :]]))

    def apply_edits(self, edits: Iterable[Edit]) -> str:
        """The function's text after edits that do not overlap."""
        parts, at = [], 0
        for start, end, text in sorted(edits):
            parts += [self.data[at:start], text.encode()]
            at = end
        return self._bare(b"".join([*parts, self.data[at:]]).decode())

    def _bare(self, text: str) -> str:
        before, after = self.shell
        return text[len(before) : len(text) - len(after)]

    # Names

    @cached_property
    def variables(self) -> dict[str, list["Node"]]:
        """The names that this function gives, each with every place where it stands: to be renamed all together."""
        if _DYNAMIC.search(self.text):
            return {}
        scopes: dict[str, list[Node]] = {}
        for leaf in self.find_bindings(self.root):
            scopes.setdefault(self.read_text(leaf), []).append(self._scope(leaf))
        excluded = self._untouchable()
        uses = self._uses()
        return {
            name: uses[name]
            for name, around in scopes.items()
            if name in uses and name not in excluded and all(_within(use, around) for use in uses[name])
        }

    def find_bindings(self, node: "Node") -> Iterator["Node"]:
        """The leaves that give a name to something, in and below `node`."""
        sites = _sites(self.language_templates.bound)
        for parent in list_nodes(node):
            for field in sites.get(parent.type, ()):
                for child in _at(parent, field):
                    yield from self._pattern(child)

    def _pattern(self, node: "Node") -> Iterator["Node"]:
        if not node.child_count and node.type in NAMES:
            if self.language not in ("rust", "bash") or self.read_text(node)[:1].islower():
                yield node
        elif node.type in _PATTERNS.split():
            children = node.children_by_field_name("declarator") or node.children_by_field_name("name")
            if not children:
                children = node.named_children[:1] if node.type == "assignment_statement" else node.named_children
            for child in children:
                yield from self._pattern(child)

    def _scope(self, leaf: "Node") -> "Node":
        """The nested function (or comprehension) that `leaf` is bound in, else the root."""
        inner: Node = leaf
        node = leaf.parent
        while node is not None:
            scope = self.syntax.node_role(node) in _SCOPES or node.type in _COMPREHENSIONS
            if scope and node != self.function and node.child_by_field_name("name") != inner:
                return node
            inner, node = node, node.parent
        return self.root

    def _uses(self) -> dict[str, list["Node"]]:
        uses: dict[str, list[Node]] = {}
        for leaf in self.leaves:
            if leaf.type in NAMES and not self.is_member(leaf):
                uses.setdefault(self.read_text(leaf), []).append(leaf)
        return uses

    def is_member(self, leaf: "Node") -> bool:
        """Whether an identifier names a member, a label, an argument: no variable."""
        if self.language == "php" and (leaf.parent is None or leaf.parent.type != "variable_name"):
            return True
        before, after, parent = leaf.prev_sibling, leaf.next_sibling, leaf.parent
        if before is not None and before.type in _MEMBER_MARKS and not (before.type == ":" and self.language != "lua"):
            return True
        labelled = after is not None and after.type in ("=", ":")
        if labelled and parent is not None and parent.type in ("value_argument", "argument"):
            return True
        node = leaf
        while (
            parent is not None
            and parent.named_child_count == 1
            and parent.type not in _sites(self.language_templates.member)
        ):
            node, parent = parent, parent.parent
        fields = _sites(self.language_templates.member).get(parent.type, ()) if parent is not None else ()
        return any(node in _at(parent, field) for field in fields if parent is not None)

    def _untouchable(self) -> set[str]:
        """Names that also stand where a rename would have to do more than exchange them."""
        shared = self.language_templates.shared.split()
        names = set(_NO_VARIABLE.split())
        for node in self.nodes:
            if node.type in shared:
                names.update(re.findall(r"\w+", self.read_text(node)))
            elif "shorthand" in node.type:
                names.add(self.read_text(node))
            elif not node.child_count and "string" in node.type and self.language in ("rust", "bash", "php"):
                names.update(re.findall(r"[{$](\w+)", self.read_text(node)))
        return names

    def name_node(self) -> "Node | None":
        """Where the function itself is named."""
        node = self.function
        while node is not None and node.child_count:
            node = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        return node


def parse_function(text: str, language: str) -> ParsedFunction | None:
    """The function's source, in the first shell in which it parses without a fault; None where there is none."""
    syntax = load_syntax(language)
    if syntax is None or language not in LANGUAGE_TEMPLATES or "\r" in text:
        return None
    for shell in LANGUAGE_TEMPLATES[language].shells:
        shelled = shell[0] + text + shell[1]
        data = encode_source(shelled.split("\n"))
        root = parse_source(data, syntax)
        if root is not None and not root.has_error and data == shelled.encode("utf-8", "replace"):
            found = ParsedFunction(text, language, syntax, shell, data, root)
            if found.function is not None:
                return found
    return None


def list_nodes(node: "Node") -> Iterator["Node"]:
    """`node` and all below it, in the order in which they begin."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def choose_result(rng: Random, sites: Sequence[str]) -> str | None:
    """One of the texts that an edit could give; None where it found no place."""
    return rng.choice(sites) if sites else None


@cache
def _sites(sites: str) -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for site in sites.split():
        parent, mark, field = re.fullmatch(r"(\w+)([.#]?)(\w*)", site).groups()  # type: ignore[union-attr]
        table[parent] = (*table.get(parent, ()), mark + field)
    return table


def _at(parent: "Node", field: str) -> list["Node"]:
    if field.startswith("."):
        return parent.children_by_field_name(field[1:])
    if field.startswith("#"):
        return parent.named_children[int(field[1:]) :][:1]
    return parent.named_children


def _within(node: "Node", scopes: Sequence["Node"]) -> bool:
    return any(scope.start_byte <= node.start_byte and node.end_byte <= scope.end_byte for scope in scopes)
