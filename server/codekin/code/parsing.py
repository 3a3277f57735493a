"""Syntax trees in bounded time; grammars are imported when first needed."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from codekin.code.budget import ParseBudget, count_open_brackets, open_reader
from codekin.code.grammar_types import Grammar, NodeRole
from codekin.code.grammars import GRAMMARS
from codekin.code.repeats import blank_repeats
from codekin.code.rewrites import rewrite_source

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Tree

MAX_LINE = 10_000  # characters; longer lines are minified or data, and error recovery is quadratic in open constructs
_ERROR_KIND = 65_535  # tree-sitter's kind of error nodes, inside which there may still be whole definitions
_TARGET_FIELDS = ("name", "left", "key", "property", "pattern", "declarator")
_VALUE_FIELDS = ("value", "right", "computed_value", "accessors")

_thread_local = threading.local()


@dataclass(frozen=True, eq=False)  # each is one of a kind, and a key of caches
class Syntax:
    """A grammar together with its loaded tree-sitter language."""

    grammar: Grammar
    language: "Language"

    @cached_property
    def node_roles(self) -> dict[int, NodeRole]:
        """Return node kind id → its role, for kinds that the grammar lists and errors; others are STATEMENT."""
        roles_by_type = {
            node_type: node_role
            for node_role, node_types in self.grammar.node_types.items()
            for node_type in node_types.split()
        }
        kind_ids = range(self.language.node_kind_count)
        named_kinds = {
            kind_id: self.language.node_kind_for_id(kind_id)
            for kind_id in kind_ids
            if self.language.node_kind_is_named(kind_id)
        }
        return {
            kind_id: roles_by_type[node_type]
            for kind_id, node_type in named_kinds.items()
            if node_type in roles_by_type
        } | {_ERROR_KIND: NodeRole.OPEN}

    def node_role(self, node: "Node") -> NodeRole:
        """Return the node's role; STATEMENT if the grammar gives it none."""
        return self.node_roles.get(node.kind_id, NodeRole.STATEMENT)

    @cached_property
    def has_accessors(self) -> bool:
        """Return whether the grammar has accessors: a binding's last child may then be the code of a property."""
        return NodeRole.ACCESSOR in self.grammar.node_types

    @cached_property
    def name_field(self) -> int:
        """Return the id of the field "name"; 0 if the grammar has none."""
        return self._find_field_id("name")

    @cached_property
    def body_field(self) -> int:
        """Return the id of the field "body"; 0 if the grammar has none."""
        return self._find_field_id("body")

    @cached_property
    def target_fields(self) -> tuple[int, ...]:
        """Return the ids of the fields that may hold the name in a binding, in order of preference."""
        return tuple(filter(None, map(self._find_field_id, _TARGET_FIELDS)))

    @cached_property
    def value_fields(self) -> tuple[int, ...]:
        """Return the ids of the fields that may hold the value in a binding, in order of preference."""
        return tuple(filter(None, map(self._find_field_id, _VALUE_FIELDS)))

    def _find_field_id(self, name: str) -> int:
        """Return the id of a field; 0 if the grammar has none of that name."""
        return self.language.field_id_for_name(name) or 0

    def matches_rule(self, rule: str, text: str) -> bool:
        """Return whether the grammar's `rule` (a field of Grammar, such as "tests") matches all of `text`."""
        return self._rules[rule].match(text) is not None

    @cached_property
    def _rules(self) -> dict[str, re.Pattern[str]]:
        """Return rule name → its pattern, compiled to match whole names; cached."""
        rules = (
            "constructors",
            "test_names",
            "tests",
            "suites",
            "definers",
            "wrappers",
            "makers",
            "holders",
            "extenders",
        )
        return {rule: _compile_whole_pattern(getattr(self.grammar, rule)) for rule in (*rules, "extenders")}

    @cached_property
    def test_mark(self) -> re.Pattern[bytes]:
        """Return the pattern to search between a function's attributes and its name; a match marks a test."""
        return re.compile((self.grammar.test_marks or r"(?!)").encode())

    @cached_property
    def call_mark(self) -> re.Pattern[bytes]:
        """Return the pattern to search in a call, without which there is nothing in it to define."""
        return re.compile(self.grammar.call_marks.encode())

    @cached_property
    def test_owner(self) -> re.Pattern[str]:
        """Return the pattern to search in a container's name, for functions in it to be tests by their names."""
        return re.compile(self.grammar.test_owners)


def _compile_whole_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that matches whole names; an empty pattern matches none."""
    return re.compile(rf"(?:{pattern})\Z" if pattern else r"(?!)", re.DOTALL)


@cache
def load_syntax(language: str) -> Syntax | None:
    """Import, cache and return the language's grammar; None if there is none, or its wheel can't be loaded."""
    from tree_sitter import Language

    grammar = GRAMMARS.get(language)
    if grammar is None:
        return None
    try:
        return Syntax(grammar, Language(getattr(import_module(grammar.package), grammar.entry)()))
    except (ImportError, AttributeError, OSError, ValueError):
        return None


def encode_source(lines: Sequence[str]) -> bytes:
    """Return one or more lines as UTF-8, joined by LF; lines of more than 10,000 characters become empty.

    Rows of the tree are indices of `lines`. Unpaired surrogates and NULs, which grammars stumble over, are replaced; a
    byte order mark is dropped. No snippet could be cut inside a line longer than MAX_LINE.
    """
    if max(map(len, lines)) > MAX_LINE:
        lines = [line if len(line) <= MAX_LINE else "" for line in lines]
    return "\n".join(lines).removeprefix("\ufeff").encode("utf-8", "replace").replace(b"\0", b" ")


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """A syntax tree, and the bytes that it was parsed from."""

    source: bytes
    tree: "Tree"


def parse_source(source_bytes: bytes, syntax: Syntax) -> "Node | None":
    """Return the root node of the syntax tree; None where the parse exceeds its budget or too many brackets open.

    Most of the budget counts steps, so the result is the same on every machine, unless a step takes unusually long.
    """
    parsed = parse_incrementally(source_bytes, syntax)
    return parsed.tree.root_node if parsed else None


def parse_incrementally(
    source_bytes: bytes, syntax: Syntax, former_parse: ParsedSource | None = None
) -> ParsedSource | None:
    """Rewrite and parse `source_bytes`; fast with `former_parse` of similar text. None if over budget. Never raises."""
    return parse_rewritten(rewrite_for_parse(source_bytes, syntax), syntax, former_parse)


def rewrite_for_parse(source_bytes: bytes, syntax: Syntax) -> bytes:
    """Return `source_bytes`, in the same length and lines, without what would derail the grammar's parser."""
    return rewrite_source(blank_repeats(source_bytes), syntax.grammar.rewriting)


def parse_rewritten(
    source_bytes: bytes, syntax: Syntax, former_parse: ParsedSource | None = None
) -> ParsedSource | None:
    """Parse what `rewrite_for_parse` returned, fast with `former_parse`; None over budget or limit of open brackets."""
    parser = _get_parser(syntax)
    if syntax.grammar.max_open_brackets and count_open_brackets(source_bytes) > syntax.grammar.max_open_brackets:
        return None
    budget = ParseBudget(source_bytes, lambda: _get_parser(syntax, is_spare=True))
    try:
        with open_reader(source_bytes) as read:
            if former_parse is None:
                return ParsedSource(source_bytes, parser.parse(read, progress_callback=budget.is_spent))
            former_tree = _edit_former_tree(former_parse, source_bytes)
            return ParsedSource(source_bytes, parser.parse(read, former_tree, progress_callback=budget.is_spent))
    except ValueError:  # "Parsing failed": stopped by the budget
        parser.reset()
        return None


def _edit_former_tree(former_parse: ParsedSource, source_bytes: bytes) -> "Tree":
    """Return a copy of the former tree with the one edit that leads to the new source applied."""
    old_source, shorter_length = former_parse.source, min(len(former_parse.source), len(source_bytes))
    prefix_length = _count_common_bytes(old_source, source_bytes, shorter_length)
    suffix_length = _count_common_bytes(old_source[::-1], source_bytes[::-1], shorter_length - prefix_length)
    end_offsets = len(old_source) - suffix_length, len(source_bytes) - suffix_length
    tree = former_parse.tree.copy()
    points = (
        _to_point(text, offset)
        for text, offset in ((old_source, prefix_length), (old_source, end_offsets[0]), (source_bytes, end_offsets[1]))
    )
    tree.edit(prefix_length, *end_offsets, *points)
    return tree


def _count_common_bytes(first_bytes: bytes, second_bytes: bytes, max_count: int) -> int:
    """Return how many leading bytes both have in common, `max_count` (no more than either has) at most."""
    low, high = 0, max_count
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first_bytes[low:middle] == second_bytes[low:middle] else (low, middle - 1)
    return low


def _to_point(source_bytes: bytes, offset: int) -> tuple[int, int]:
    """Return row and column, both 0-based, the column in bytes, of a byte offset."""
    return source_bytes.count(b"\n", 0, offset), offset - (source_bytes.rfind(b"\n", 0, offset) + 1)


def _get_parser(syntax: Syntax, is_spare: bool = False) -> "Parser":
    """Return this thread's own parser for the syntax; `is_spare`: a second one, for trials during a parse."""
    from tree_sitter import Parser

    parsers: dict[tuple[int, bool], Parser] = _thread_local.__dict__.setdefault("parsers", {})
    key = id(syntax), is_spare  # syntaxes live as long as the process
    if key not in parsers:
        parsers[key] = Parser(syntax.language)
    return parsers[key]


def find_last_row(node: "Node") -> int:
    """Return the last row on which `node` has text: some grammars include the line end in a node."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def spans_several_rows(node: "Node", source_bytes: bytes) -> bool:
    """Return whether the node has text on more than one row: a line end before its last byte."""
    end_byte = node.end_byte
    return end_byte > 0 and source_bytes.find(b"\n", node.start_byte, end_byte - 1) >= 0
