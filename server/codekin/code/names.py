"""Names of definitions, read grammar by grammar; name_readers.py chooses the reader."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_GO_RECEIVER = re.compile(rb"(?<!\w)(\w++)\s*+(?:\[.*)?\)$", re.DOTALL)
_ROOT_OBJECTS = frozenset({"exports", "this", "self", "window", "global", "globalThis"})
_TEST_MACRO = re.compile(rb"(?:[A-Z]+_){0,3}(?:TEST|SCENARIO)(?:_[A-Z]+){0,3}[ \t]*\((.{1,300}?)\)\s*\{", re.DOTALL)
_DEFINER_MACRO = re.compile(
    rb"(?:(?:static|inline|extern)[ \t]+){0,2}(?!\w*NAMESPACE)([A-Z][A-Z0-9_]{2,})[ \t]*\(\s*\"?([A-Za-z_]\w*+)\"?\s*"
    rb"(?:,\s*([A-Za-z_]\w*+)\s*)?[,)]"
)
# Action<R(Args...)> of ` Action<R(Args...)>() const`
_TYPE_CONVERSION = re.compile(
    r"\s+(?!(?:new|delete|co_await)\b)[A-Za-z_:](?:.*(?=\(\s*+(?:void\s*+)?\))|[^(]*)", re.DOTALL
)
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WRAPPED_DECLARATORS = frozenset({"parenthesized_declarator", "reference_declarator", "attributed_declarator"})
_MAX_DECLARATORS = 16  # pointers, arrays, parentheses around one name
_QUOTES = frozenset("\"'`")
_NAME_SEPARATOR = re.compile(r"\s*(?:\.|->|::|:)\s*")
_ASSIGNABLE_NAME = re.compile(r"[\w$@*&#?!.\s:>-]*\w[?!=]?|\[[\w.]+\]")
_CONTROL_KEYWORDS = frozenset({"if", "else", "for", "while", "do", "switch", "return", "catch", "void", "sizeof"})
_KOTLIN_RECEIVERS = ("user_type", "nullable_type")
_MAX_TYPE_CHARACTERS = 1000  # characters of a type of which the name is read
MAX_NAME = 200  # characters; nobody looks for a longer name


class SourceName(NamedTuple):
    """A name as the source gives it, with its qualifier: `Foo` and `bar` of `Foo.prototype.bar`."""

    text: str
    line: int
    byte: int
    qualifier: str = ""
    of_type: bool = False  # the source says that it is a method
    of_test: bool = False  # the source says that it is a test


def read_text(node: "Node", source_bytes: bytes) -> str:
    """Return the source text of a node."""
    return source_bytes[node.start_byte : node.end_byte].decode("utf-8", "replace")


def read_plain_name(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the name that `node` spells, without quotes; None if it is empty, too long or on several lines."""
    text = read_text(node, source_bytes)
    if text[:1] in "\"'`:":
        text = text.strip("\"'`:")
    if not text or len(text) > MAX_NAME or "\n" in text:
        return None
    return SourceName(text, node.start_point[0], node.start_byte)


def read_dotted_name(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the last part of a dotted name, the parts before it as its qualifier; None if it is no single name.

    `module.exports.a` is a; `Foo.prototype.bar` and Lua's `M:push` are methods bar of Foo and push of M.
    """
    text = read_text(node, source_bytes)
    if text[:1] in _QUOTES:
        return read_plain_name(node, source_bytes)
    text = text.partition("[")[0] or text
    if len(text) > MAX_NAME or not _ASSIGNABLE_NAME.fullmatch(text):
        return None
    of_type = ".prototype." in text or (":" in text and "::" not in text)
    parts = [part.strip(" \t\n$@*&") for part in _NAME_SEPARATOR.split(text.replace(".prototype.", "."))]
    if parts[:2] == ["module", "exports"]:
        parts = parts[2:]
    elif parts[0] in _ROOT_OBJECTS and len(parts) > 1:
        parts = parts[1:]
    if not parts:
        return SourceName("", node.start_point[0], node.start_byte)
    return SourceName(parts[-1], node.end_point[0], node.start_byte, ".".join(filter(None, parts[:-1])), of_type)


def _remove_type_arguments(text: str) -> str:
    """Return the text's first 1,000 characters without `<…>` and `[…]`, nested ones included."""
    text = text[:_MAX_TYPE_CHARACTERS]
    while (shorter_text := _TYPE_ARGUMENTS.sub("", text)) != text:
        text = shorter_text
    return text.strip()


def _name_go_method(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a Go method's name, with its receiver's type as the qualifier; None without a name."""
    name_node, receiver_node = node.child_by_field_name("name"), node.child_by_field_name("receiver")
    if name_node is None:
        return None
    receiver_text = (
        source_bytes[receiver_node.start_byte : receiver_node.end_byte] if receiver_node is not None else b""
    )
    receiver_match = _GO_RECEIVER.search(receiver_text[-_MAX_TYPE_CHARACTERS:])
    qualifier = receiver_match[1].decode("utf-8", "replace") if receiver_match else ""
    return SourceName(
        read_text(name_node, source_bytes), name_node.start_point[0], name_node.start_byte, qualifier, True
    )


def _name_rust_impl(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the name of the type that a Rust `impl` block is for; None if there is none."""
    implementor = node.child_by_field_name("type")
    if implementor is None:
        return None
    text = re.sub(r"^[&\s]*(?:'\w+\s+)?(?:mut\s+|dyn\s+)*", "", read_text(implementor, source_bytes))
    name = _remove_type_arguments(text).split("::")[-1].strip() or text
    return SourceName(name[:MAX_NAME], implementor.start_point[0], implementor.start_byte) if name else None


def read_c_function_name(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a C or C++ function's name (None: none), of its innermost declarator, or of `TEST(Suite, Case)`."""
    test_match = _TEST_MACRO.match(source_bytes, node.start_byte, node.end_byte)
    if test_match is not None:
        return _name_macro_test(test_match, node)
    definer_match = _DEFINER_MACRO.match(source_bytes, node.start_byte, node.end_byte)
    if definer_match is not None:
        return _name_macro_function(definer_match, node)
    declarator = node
    for _ in range(_MAX_DECLARATORS):
        inner_declarator = declarator.child_by_field_name("declarator")
        if inner_declarator is None and declarator.type in _WRAPPED_DECLARATORS and declarator.named_child_count:
            inner_declarator = declarator.named_child(declarator.named_child_count - 1)
        if inner_declarator is None:
            break
        declarator = inner_declarator
        if declarator.type == "operator_cast":
            break
    if declarator is node:
        return None
    return _parse_scoped_name(read_text(declarator, source_bytes), declarator)


def _parse_scoped_name(text: str, node: "Node") -> SourceName | None:
    """Return a scoped name: `ns::Type<T>::method` is `method` of `ns.Type`. None if it can't be a name."""
    scope_text, operator, operator_symbol = text.partition("operator")
    if operator_symbol[:1].isspace() and (conversion := _TYPE_CONVERSION.match(operator_symbol)):
        operator_symbol = conversion[0]
    if operator and (operator_symbol[:1].isalnum() or operator_symbol[:1] == "_"):
        scope_text, operator, operator_symbol = text, "", ""  # a name like operator_of
    parts = [part.split()[-1] for part in _remove_type_arguments(scope_text).split("::") if part.strip()]
    if operator:  # what is not its scope is its type, where a macro before that derailed the parse
        parts = [*(parts if scope_text.rstrip().endswith("::") else ()), " ".join((operator + operator_symbol).split())]
    if not parts or len(parts[-1]) > MAX_NAME or parts[-1] in _CONTROL_KEYWORDS:
        return None
    return SourceName(parts[-1], node.end_point[0], node.start_byte, ".".join(parts[:-1]), len(parts) > 1)


def _name_macro_test(test_match: re.Match[bytes], node: "Node") -> SourceName | None:
    """Return a test macro's name, AddsUp of `(MatrixTest, AddsUp)`, `a b` of `("a b", …)`; None if too long."""
    text = test_match[1].decode("utf-8", "replace")
    quoted_string = _QUOTED_STRING.search(text)
    parts = [quoted_string[1]] if quoted_string else [part.strip() for part in text.split(",")][:2]
    if not parts[-1] or len(text) > MAX_NAME or "\n" in parts[-1]:
        return None
    return SourceName(parts[-1], node.start_point[0], node.start_byte, ".".join(parts[:-1]), of_test=True)


def _name_macro_function(definer_match: re.Match[bytes], node: "Node") -> SourceName | None:
    """Return the name that a macro defines: read of `SYSCALL_DEFINE3(read, …)`, `m` of T of `PHP_METHOD(T, m)`."""
    parts = [part.decode("utf-8", "replace") for part in definer_match.group(2, 3) if part]
    name = parts[-1] if b"METHOD" in definer_match[1] else parts[0]
    qualifier = parts[0] if name is not parts[0] else ""
    return SourceName(name, node.start_point[0], node.start_byte, qualifier, bool(qualifier))


def _name_c_type(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the name of a C++ type or namespace, scopes as its qualifier; None if it has none."""
    name_node = node.child_by_field_name("name")
    return None if name_node is None else _parse_scoped_name(read_text(name_node, source_bytes), name_node)


def read_c_typedef_name(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the last word of a typedef's declarator; None if there is none."""
    declarator = node.child_by_field_name("declarator")
    name_words = re.findall(r"\w+", read_text(declarator, source_bytes)) if declarator is not None else []
    return (
        SourceName(name_words[-1], declarator.start_point[0], declarator.start_byte)
        if declarator and name_words
        else None
    )


def _name_lua_function(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a Lua function's name: `M.push` and `M:push` are push of M; None if it has none."""
    name_node = node.child_by_field_name("name")
    return read_dotted_name(name_node, source_bytes) if name_node is not None else None


def _name_kotlin_function(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a Kotlin function's name, a receiver as its qualifier (`String.shout`: shout of String); None without."""
    name_node = node.child_by_field_name("name")
    function_name = read_plain_name(name_node, source_bytes) if name_node is not None else None
    if function_name is None or not source_bytes[node.start_byte : function_name.byte].rstrip().endswith(b"."):
        return function_name
    receiver = next((child_node for child_node in node.named_children if child_node.type in _KOTLIN_RECEIVERS), None)
    if receiver is None or receiver.start_byte > function_name.byte:
        return function_name
    text = _remove_type_arguments(read_text(receiver, source_bytes)).rstrip("?")
    return SourceName(function_name.text, function_name.line, function_name.byte, text, True)


def _make_keyword_reader(keyword: str) -> Callable[["Node", bytes], SourceName | None]:
    """Return a reader that names a definition by this keyword, for kinds that the language gives no name."""

    def name_by_keyword(node: "Node", source_bytes: bytes) -> SourceName | None:
        """Return the keyword as a name at the place where it stands in the node."""
        keyword_byte = max(source_bytes.find(keyword.encode(), node.start_byte, node.end_byte), node.start_byte)
        return SourceName(
            keyword, node.start_point[0] + source_bytes.count(b"\n", node.start_byte, keyword_byte), keyword_byte
        )

    return name_by_keyword


def _name_operator(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the name of a C# operator or conversion: `operator +`; None if it has none."""
    operator_node = node.child_by_field_name("operator") or node.child_by_field_name("type")
    if operator_node is None:
        return None
    operator_text = read_text(operator_node, source_bytes)
    return SourceName(f"operator {operator_text}"[:MAX_NAME], operator_node.start_point[0], operator_node.start_byte)


def _name_csharp_class(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a C# class's name; of an extension block, which is parsed as a class (rewrites.py), its keyword."""
    name_node = node.child_by_field_name("name")
    if name_node is not None and source_bytes[name_node.end_byte - 9 : name_node.end_byte] == b"extension":
        return SourceName("extension", name_node.start_point[0], name_node.start_byte)
    return None if name_node is None else read_plain_name(name_node, source_bytes)


def _name_destructor(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return the name of a C# destructor: `~Type`; None if it has none."""
    name_node = node.child_by_field_name("name")
    type_name = read_plain_name(name_node, source_bytes) if name_node is not None else None
    return SourceName("~" + type_name.text, type_name.line, type_name.byte) if type_name else None


def _name_qualified(node: "Node", source_bytes: bytes) -> SourceName | None:
    """Return a name's last part, the rest as qualifier (`class Jobs::Queue`); None if missing or too long."""
    name_node = node.child_by_field_name("name")
    if name_node is None:
        return None
    text = read_text(name_node, source_bytes)
    parts = [part.strip() for part in re.split(r"::|\\|\.", text) if part.strip()]
    if not parts or len(text) > MAX_NAME:
        return None
    return SourceName(parts[-1], name_node.start_point[0], name_node.start_byte, ".".join(parts[:-1]))


_CPP_TYPES = ("class_specifier", "struct_specifier", "union_specifier", "enum_specifier", "namespace_definition")
NAME_READERS: dict[tuple[str, str], Callable[["Node", bytes], SourceName | None]] = {
    ("tree_sitter_go", "method_declaration"): _name_go_method,
    ("tree_sitter_rust", "impl_item"): _name_rust_impl,
    ("tree_sitter_c", "function_definition"): read_c_function_name,
    ("tree_sitter_c", "type_definition"): read_c_typedef_name,
    ("tree_sitter_cpp", "function_definition"): read_c_function_name,
    ("tree_sitter_cpp", "type_definition"): read_c_typedef_name,
    **{("tree_sitter_cpp", node_type): _name_c_type for node_type in _CPP_TYPES},
    ("tree_sitter_lua", "function_declaration"): _name_lua_function,
    ("tree_sitter_kotlin", "function_declaration"): _name_kotlin_function,
    ("tree_sitter_kotlin", "secondary_constructor"): _make_keyword_reader("constructor"),
    ("tree_sitter_swift", "class_declaration"): _name_qualified,
    ("tree_sitter_swift", "init_declaration"): _make_keyword_reader("init"),
    ("tree_sitter_swift", "deinit_declaration"): _make_keyword_reader("deinit"),
    ("tree_sitter_swift", "subscript_declaration"): _make_keyword_reader("subscript"),
    ("tree_sitter_c_sharp", "class_declaration"): _name_csharp_class,
    ("tree_sitter_c_sharp", "indexer_declaration"): _make_keyword_reader("this"),
    ("tree_sitter_c_sharp", "operator_declaration"): _name_operator,
    ("tree_sitter_c_sharp", "conversion_operator_declaration"): _name_operator,
    ("tree_sitter_c_sharp", "destructor_declaration"): _name_destructor,
    ("tree_sitter_c_sharp", "namespace_declaration"): _name_qualified,
    ("tree_sitter_c_sharp", "file_scoped_namespace_declaration"): _name_qualified,
    ("tree_sitter_php", "namespace_definition"): _name_qualified,
    ("tree_sitter_ruby", "class"): _name_qualified,
    ("tree_sitter_ruby", "module"): _name_qualified,
}
