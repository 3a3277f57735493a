"""Text → syntax tree, within bounded time; grammars are imported one by one, when first needed."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from codekin.code.grammars import GRAMMARS, Grammar, Shape

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser

PARSE_SECONDS = 2.0  # a parse runs at about 12 MB/s: what takes this long is no source that anybody wrote
_CHUNK = 65_536

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Syntax:
    """A grammar bound to its loaded wheel."""

    grammar: Grammar
    language: "Language"
    shapes: tuple[Shape, ...]  # by kind id
    name_field: int
    body_field: int
    is_test_name: re.Pattern[str] | None
    is_test_mark: re.Pattern[bytes] | None


def has_grammar(language: str) -> bool:
    """Whether files of this language are cut along their syntax; the others are cut in windows of lines."""
    return language in GRAMMARS


@cache
def syntax_of(language: str) -> Syntax | None:
    """The language's grammar, loaded; None where there is none, or its wheel can't be loaded."""
    from tree_sitter import Language

    grammar = GRAMMARS.get(language)
    if grammar is None:
        return None
    try:
        loaded = Language(getattr(import_module(grammar.package), grammar.entry)())
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    types = {name: shape for shape, names in grammar.shapes.items() for name in names.split()}
    shapes = (
        types.get(loaded.node_kind_for_id(kind) or "", Shape.STATEMENT)
        if loaded.node_kind_is_named(kind)
        else Shape.STATEMENT
        for kind in range(loaded.node_kind_count)
    )
    return Syntax(
        grammar,
        loaded,
        tuple(shapes),
        loaded.field_id_for_name("name") or 0,
        loaded.field_id_for_name("body") or 0,
        re.compile(grammar.test_names) if grammar.test_names else None,
        re.compile(grammar.test_marks.encode()) if grammar.test_marks else None,
    )


def source_of(lines: Sequence[str]) -> bytes:
    """What is parsed: LF between the lines, so that the tree's rows are our lines whatever the document's line ends.

    Unpaired surrogates and NULs, which grammars stumble over, are replaced; a byte order mark is dropped.
    """
    return "\n".join(lines).removeprefix("\ufeff").encode("utf-8", "replace").replace(b"\0", b" ")


def parse(source: bytes, syntax: Syntax) -> "Node | None":
    """The root of `source`'s tree, or None after PARSE_SECONDS."""
    parser = _parser(syntax)
    deadline = time.monotonic() + PARSE_SECONDS

    def read(offset: int, _: object) -> bytes:
        return source[offset : offset + _CHUNK]

    def late(_offset: int, _error: bool) -> bool:
        return time.monotonic() > deadline

    try:
        return parser.parse(read, progress_callback=late).root_node
    except ValueError:  # "Parsing failed": stopped by `late`
        parser.reset()
        return None


def _parser(syntax: Syntax) -> "Parser":
    """This thread's parser: they are not thread-safe."""
    from tree_sitter import Parser

    parsers: dict[str, Parser] = _local.__dict__.setdefault("parsers", {})
    key = f"{syntax.grammar.package}.{syntax.grammar.entry}"
    if key not in parsers:
        parsers[key] = Parser(syntax.language)
    return parsers[key]
