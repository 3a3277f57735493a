"""What each grammar's node types are to us: a table per language.

Node types and field names are those of the grammars' own `grammar.js`; a type that no table names is a statement,
and stays whole.
"""

from dataclasses import dataclass
from enum import IntEnum


class Shape(IntEnum):
    """What a node is, seen from its parent."""

    STATEMENT = 0  # nothing of ours inside
    LEADING = 1  # a comment, attribute or decorator: belongs to the definition that directly follows
    OPEN = 2  # its children stand in its place: blocks, branches
    WRAP = 3  # the same, but its lines belong to the one definition in it: `export`, decorators
    FUNCTION = 4
    CONSTRUCTOR = 5
    CLASS = 6
    MODULE = 7  # a named container of definitions that is no type: a namespace, a test suite
    TYPE = 8  # a class where it spans lines, else a statement: type aliases, forward declarations
    OBJECT = 9  # a literal: a container where it holds functions, else a statement
    BINDING = 10  # a name and a value that may be a function
    CALL = 11  # a test, a suite, or a function that is called at once
    CLOSURE = 12  # a function without a name of its own: takes a binding's, else its body stands in its place
    PARENTHESES = 13  # around a value: casts, await


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language's wheel and what its node types are."""

    package: str
    shapes: dict[Shape, str]  # space-separated node types
    entry: str = "language"
    constructors: frozenset[str] = frozenset()
    test_names: str = ""  # a regular expression for whole names
    test_marks: str = ""  # a regular expression searched in what precedes a function: attributes, annotations
    tests: frozenset[str] = frozenset()  # callees whose first argument names a test
    suites: frozenset[str] = frozenset()  # callees whose first argument names a group of tests
    wrappers: frozenset[str] = frozenset()  # callees whose function argument is the module
    docstrings: bool = False
    bodiless: frozenset[str] = frozenset()  # functions of these types may lack a body: then they are statements


_JS_SHAPES = {
    Shape.LEADING: "comment decorator function_signature",
    Shape.OPEN: "statement_block class_body if_statement else_clause for_statement for_in_statement while_statement "
    "do_statement try_statement catch_clause finally_clause switch_statement switch_body switch_case switch_default "
    "labeled_statement with_statement unary_expression sequence_expression",
    Shape.WRAP: "expression_statement lexical_declaration variable_declaration return_statement ambient_declaration",
    Shape.FUNCTION: "function_declaration generator_function_declaration method_definition",
    Shape.CLOSURE: "function_expression generator_function arrow_function",
    Shape.PARENTHESES: "parenthesized_expression await_expression as_expression satisfies_expression "
    "non_null_expression type_assertion",
    Shape.CLASS: "class_declaration abstract_class_declaration class interface_declaration enum_declaration",
    Shape.MODULE: "internal_module module",
    Shape.TYPE: "type_alias_declaration",
    Shape.OBJECT: "object",
    Shape.BINDING: "variable_declarator assignment_expression pair field_definition public_field_definition "
    "export_statement",
    Shape.CALL: "call_expression",
}


def _ecmascript(package: str, entry: str = "language") -> Grammar:
    return Grammar(
        package,
        _JS_SHAPES,
        entry,
        constructors=frozenset({"constructor"}),
        tests=frozenset({"it", "test", "specify", "fit", "xit", "Deno.test", "bench"}),
        suites=frozenset({"describe", "context", "suite", "fdescribe", "xdescribe"}),
        wrappers=frozenset({"define", "require", "$", "jQuery", "ready"}),
    )


GRAMMARS: dict[str, Grammar] = {
    "python": Grammar(
        "tree_sitter_python",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "block if_statement elif_clause else_clause for_statement while_statement try_statement "
            "except_clause except_group_clause finally_clause with_statement match_statement case_clause",
            Shape.WRAP: "decorated_definition expression_statement",
            Shape.FUNCTION: "function_definition",
            Shape.CLASS: "class_definition",
            Shape.BINDING: "assignment",
            Shape.CLOSURE: "lambda",
        },
        constructors=frozenset({"__init__", "__new__"}),
        test_names="test(?:_.*|[A-Z].*)?",
        docstrings=True,
    ),
    "javascript": _ecmascript("tree_sitter_javascript"),
    "typescript": _ecmascript("tree_sitter_typescript", "language_typescript"),
    "tsx": _ecmascript("tree_sitter_typescript", "language_tsx"),
}
