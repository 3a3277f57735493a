"""Names of definitions, read grammar by grammar."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codekin.code.parsing import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node

_GENERIC = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_RECEIVER = re.compile(rb"(\w+)\s*(?:\[.*)?\)$", re.DOTALL)
_ROOTS = frozenset({"exports", "this", "self", "window", "global", "globalThis"})
_TEST_MACRO = re.compile(rb"(?:[A-Z]+_){0,3}(?:TEST|SCENARIO)(?:_[A-Z]+){0,3}[ \t]*\((.{1,300}?)\)\s*\{", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WRAPPED_DECLARATORS = frozenset({"parenthesized_declarator", "reference_declarator", "attributed_declarator"})
_MAX_DECLARATORS = 16  # pointers, arrays, parentheses around one name
_QUOTES = frozenset("\"'`")
_DOT = re.compile(r"\s*(?:\.|->|::|:)\s*")
_TARGET = re.compile(r"[\w$@*&#?!.\s:>-]*\w[?!=]?|\[[\w.]+\]")
_CONTROL = frozenset({"if", "else", "for", "while", "do", "switch", "return", "catch", "void", "sizeof"})
_MAX_GENERIC = 1000  # characters of a type of which the name is read
MAX_NAME = 200  # characters: a longer one is no name that anybody looks for


@dataclass(frozen=True, slots=True)
class SourceName:
    """A name as the source gives it, with its qualifier: `Foo` and `bar` of `Foo.prototype.bar`."""

    text: str
    line: int
    byte: int
    qualifier: str = ""
    of_type: bool = False  # the source says that it is a method
    of_test: bool = False  # the source says that it is a test


def find_name(node: "Node", syntax: Syntax, source: bytes) -> SourceName | None:
    """Return the name of a function or container; None where it has none."""
    special = _SPECIAL.get((syntax.grammar.package, node.type))
    if special is not None:
        return special(node, source)
    name = node.child_by_field_id(syntax.name_field)
    return None if name is None else read_plain_name(name, source)


def read_text(node: "Node", source: bytes) -> str:
    """Return the source text of a node."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def read_plain_name(node: "Node", source: bytes) -> SourceName | None:
    """Return the text of `node`, without quotes."""
    text = read_text(node, source)
    if text[:1] in "\"'`:":
        text = text.strip("\"'`:")
    if not text or len(text) > MAX_NAME or "\n" in text:
        return None
    return SourceName(text, node.start_point[0], node.start_byte)


def read_dotted_name(node: "Node", source: bytes) -> SourceName | None:
    """Split a dotted name: `module.exports.a` is a; `Foo.prototype.bar` and Lua's `M:push` are methods of Foo and M.

    None where several names are bound at once.
    """
    text = read_text(node, source)
    if text[:1] in _QUOTES:
        return read_plain_name(node, source)
    text = text.partition("[")[0] or text
    if len(text) > MAX_NAME or not _TARGET.fullmatch(text):
        return None
    of_type = ".prototype." in text or (":" in text and "::" not in text)
    parts = [part.strip(" \t\n$@*&") for part in _DOT.split(text.replace(".prototype.", "."))]
    if parts[:2] == ["module", "exports"]:
        parts = parts[2:]
    elif parts[0] in _ROOTS and len(parts) > 1:
        parts = parts[1:]
    if not parts:
        return SourceName("", node.start_point[0], node.start_byte)
    return SourceName(parts[-1], node.end_point[0], node.start_byte, ".".join(filter(None, parts[:-1])), of_type)


def _without_generics(text: str) -> str:
    text = text[:_MAX_GENERIC]
    while (shorter := _GENERIC.sub("", text)) != text:
        text = shorter
    return text.strip()


def _go_method(node: "Node", source: bytes) -> SourceName | None:
    name, receiver = node.child_by_field_name("name"), node.child_by_field_name("receiver")
    if name is None:
        return None
    text = source[receiver.start_byte : receiver.end_byte] if receiver is not None else b""
    owner = _RECEIVER.search(text)
    qualifier = owner[1].decode("utf-8", "replace") if owner else ""
    return SourceName(read_text(name, source), name.start_point[0], name.start_byte, qualifier, True)


def _rust_impl(node: "Node", source: bytes) -> SourceName | None:
    implementor = node.child_by_field_name("type")
    if implementor is None:
        return None
    text = re.sub(r"^[&\s]*(?:'\w+\s+)?(?:mut\s+|dyn\s+)*", "", read_text(implementor, source))
    name = _without_generics(text).split("::")[-1].strip() or text
    return SourceName(name[:MAX_NAME], implementor.start_point[0], implementor.start_byte) if name else None


def _c_function(node: "Node", source: bytes) -> SourceName | None:
    """Read the innermost declarator's name; `TEST(Suite, Case)` and similar macros name a test."""
    test = _TEST_MACRO.match(source, node.start_byte, node.end_byte)
    if test is not None:
        return _macro_test(test, node)
    declarator = node
    for _ in range(_MAX_DECLARATORS):
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type in _WRAPPED_DECLARATORS and declarator.named_child_count:
            inner = declarator.named_child(declarator.named_child_count - 1)
        if inner is None:
            break
        declarator = inner
    if declarator is node:
        return None
    return _scoped(read_text(declarator, source), declarator)


def _scoped(text: str, node: "Node") -> SourceName | None:
    """Split a scoped name: `ns::Type<T>::method` is method of ns.Type, and taken for a method."""
    head, operator, symbol = text.partition("operator")
    if operator and (symbol[:1].isalnum() or symbol[:1] == "_"):
        head, operator, symbol = text, "", ""  # a name like operator_of
    parts = [part.split()[-1] for part in _without_generics(head).split("::") if part.strip()]
    if operator:  # what is not its scope is its type, where a macro before that derailed the parse
        parts = [*(parts if head.rstrip().endswith("::") else ()), " ".join((operator + symbol).split())]
    if not parts or len(parts[-1]) > MAX_NAME or parts[-1] in _CONTROL:
        return None
    return SourceName(parts[-1], node.end_point[0], node.start_byte, ".".join(parts[:-1]), len(parts) > 1)


def _macro_test(test: re.Match[bytes], node: "Node") -> SourceName | None:
    """Read a test macro's name: `adds numbers` of `("adds numbers", …)`, AddsUp of `(MatrixTest, AddsUp)`."""
    text = test[1].decode("utf-8", "replace")
    quoted = _QUOTED.search(text)
    parts = [quoted[1]] if quoted else [part.strip() for part in text.split(",")][:2]
    if not parts[-1] or len(text) > MAX_NAME or "\n" in parts[-1]:
        return None
    return SourceName(parts[-1], node.start_point[0], node.start_byte, ".".join(parts[:-1]), of_test=True)


def _c_type(node: "Node", source: bytes) -> SourceName | None:
    name = node.child_by_field_name("name")
    return None if name is None else _scoped(read_text(name, source), name)


def _c_typedef(node: "Node", source: bytes) -> SourceName | None:
    declarator = node.child_by_field_name("declarator")
    words = re.findall(r"\w+", read_text(declarator, source)) if declarator is not None else []
    return SourceName(words[-1], declarator.start_point[0], declarator.start_byte) if declarator and words else None


def _lua_function(node: "Node", source: bytes) -> SourceName | None:
    name = node.child_by_field_name("name")
    return read_dotted_name(name, source) if name is not None else None


def _kotlin_function(node: "Node", source: bytes) -> SourceName | None:
    """Read a Kotlin function's name: `fun String.shout()` is shout of String."""
    name = node.child_by_field_name("name")
    found = read_plain_name(name, source) if name is not None else None
    receiver = next((child for child in node.named_children if child.type in ("user_type", "nullable_type")), None)
    if found is None or receiver is None or receiver.start_byte > found.byte:
        return found
    text = _without_generics(read_text(receiver, source)).rstrip("?")
    return SourceName(found.text, found.line, found.byte, text, True)


def _keyword(word: str) -> Callable[["Node", bytes], SourceName | None]:
    """Return a reader that names a definition by its keyword, where the language gives it no name."""

    def named(node: "Node", source: bytes) -> SourceName | None:
        byte = max(source.find(word.encode(), node.start_byte, node.end_byte), node.start_byte)
        return SourceName(word, node.start_point[0] + source.count(b"\n", node.start_byte, byte), byte)

    return named


def _operator(node: "Node", source: bytes) -> SourceName | None:
    operator = node.child_by_field_name("operator") or node.child_by_field_name("type")
    if operator is None:
        return None
    text = read_text(operator, source)
    return SourceName(f"operator {text}"[:MAX_NAME], operator.start_point[0], operator.start_byte)


def _destructor(node: "Node", source: bytes) -> SourceName | None:
    name = node.child_by_field_name("name")
    found = read_plain_name(name, source) if name is not None else None
    return SourceName("~" + found.text, found.line, found.byte) if found else None


def _dotted(node: "Node", source: bytes) -> SourceName | None:
    """Read a name that may be qualified: `class Jobs::Queue`, `namespace App\\Mail`."""
    name = node.child_by_field_name("name")
    if name is None:
        return None
    text = read_text(name, source)
    parts = [part.strip() for part in re.split(r"::|\\|\.", text) if part.strip()]
    if not parts or len(text) > MAX_NAME:
        return None
    return SourceName(parts[-1], name.start_point[0], name.start_byte, ".".join(parts[:-1]))


_CPP_TYPES = ("class_specifier", "struct_specifier", "union_specifier", "enum_specifier", "namespace_definition")
_SPECIAL: dict[tuple[str, str], Callable[["Node", bytes], SourceName | None]] = {
    ("tree_sitter_go", "method_declaration"): _go_method,
    ("tree_sitter_rust", "impl_item"): _rust_impl,
    ("tree_sitter_c", "function_definition"): _c_function,
    ("tree_sitter_c", "type_definition"): _c_typedef,
    ("tree_sitter_cpp", "function_definition"): _c_function,
    ("tree_sitter_cpp", "type_definition"): _c_typedef,
    **{("tree_sitter_cpp", node_type): _c_type for node_type in _CPP_TYPES},
    ("tree_sitter_lua", "function_declaration"): _lua_function,
    ("tree_sitter_kotlin", "function_declaration"): _kotlin_function,
    ("tree_sitter_kotlin", "secondary_constructor"): _keyword("constructor"),
    ("tree_sitter_swift", "class_declaration"): _dotted,
    ("tree_sitter_swift", "init_declaration"): _keyword("init"),
    ("tree_sitter_swift", "deinit_declaration"): _keyword("deinit"),
    ("tree_sitter_swift", "subscript_declaration"): _keyword("subscript"),
    ("tree_sitter_c_sharp", "indexer_declaration"): _keyword("this"),
    ("tree_sitter_c_sharp", "operator_declaration"): _operator,
    ("tree_sitter_c_sharp", "conversion_operator_declaration"): _operator,
    ("tree_sitter_c_sharp", "destructor_declaration"): _destructor,
    ("tree_sitter_c_sharp", "namespace_declaration"): _dotted,
    ("tree_sitter_c_sharp", "file_scoped_namespace_declaration"): _dotted,
    ("tree_sitter_php", "namespace_definition"): _dotted,
    ("tree_sitter_ruby", "class"): _dotted,
    ("tree_sitter_ruby", "module"): _dotted,
}
