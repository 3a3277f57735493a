"""Grammars of JavaScript, TypeScript and PHP."""

from codekin.code.grammar_types import Grammar, NodeRole

_ECMASCRIPT_NODE_TYPES = {
    NodeRole.LEADING: "comment decorator function_signature method_signature",
    NodeRole.OPEN: "statement_block class_body if_statement else_clause for_statement for_in_statement while_statement "
    "do_statement try_statement catch_clause finally_clause switch_statement switch_body switch_case switch_default "
    "labeled_statement with_statement unary_expression sequence_expression array",
    NodeRole.WRAP: "expression_statement lexical_declaration variable_declaration return_statement ambient_declaration",
    NodeRole.FUNCTION: "function_declaration generator_function_declaration",
    NodeRole.METHOD: "method_definition",
    NodeRole.CLASS: "class_declaration abstract_class_declaration class interface_declaration enum_declaration",
    NodeRole.MODULE: "internal_module module",
    NodeRole.TYPE: "type_alias_declaration",
    NodeRole.OBJECT: "object",
    NodeRole.BINDING: "variable_declarator assignment_expression pair field_definition public_field_definition "
    "export_statement",
    NodeRole.CALL: "call_expression",
    NodeRole.CLOSURE: "function_expression generator_function arrow_function",
    NodeRole.PARENTHESES: "parenthesized_expression await_expression as_expression satisfies_expression "
    "non_null_expression type_assertion binary_expression",
}


def _make_ecmascript_grammar(package: str, entry: str = "language") -> Grammar:
    """Return the grammar that JavaScript, TypeScript and TSX share, in this wheel."""
    return Grammar(
        package,
        _ECMASCRIPT_NODE_TYPES,
        entry,
        constructors="constructor",
        call_marks=r"=>|function|\{",
        tests=r"it|test|specify|fit|xit|xtest|bench|Deno\.test|QUnit(?:\.test)?|\w*[a-z]Test|test[A-Z]\w*",
        suites=r"[fx]?describe|context|suite|test\.describe|QUnit\.module",
        wrappers=r"define|require|\$|jQuery|ready|(?:before|after)(?:Each|All)?"
        r"|on(?:Before)?(?:Mount|Unmount|Update|Destroy)(?:ed)?",
        makers=r"(?!require$|import$)[\w$]+|React\.\w+|Vue\.\w+|Object\.(?:freeze|assign)|.*\.extend",
    )


GRAMMARS: dict[str, Grammar] = {
    "javascript": _make_ecmascript_grammar("tree_sitter_javascript"),
    "typescript": _make_ecmascript_grammar("tree_sitter_typescript", "language_typescript"),
    "tsx": _make_ecmascript_grammar("tree_sitter_typescript", "language_tsx"),
    "php": Grammar(
        "tree_sitter_php",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "declaration_list enum_declaration_list compound_statement if_statement else_clause "
            "else_if_clause for_statement foreach_statement while_statement do_statement try_statement catch_clause "
            "finally_clause switch_statement switch_block case_statement default_statement colon_block "
            "anonymous_class",
            NodeRole.WRAP: "expression_statement return_statement",
            NodeRole.FUNCTION: "function_definition",
            NodeRole.METHOD: "method_declaration",
            NodeRole.CLASS: "class_declaration interface_declaration trait_declaration enum_declaration",
            NodeRole.SCOPE: "namespace_definition",
            NodeRole.OBJECT: "object_creation_expression",
            NodeRole.BINDING: "assignment_expression property_declaration",
            NodeRole.ACCESSOR: "property_hook_list",
            NodeRole.CALL: "function_call_expression",
            NodeRole.CLOSURE: "anonymous_function arrow_function",
            NodeRole.PARENTHESES: "parenthesized_expression",
        },
        "language_php",
        constructors="__construct",
        bodiless="method_declaration namespace_definition",
        test_names="test.*",
        test_owners="Test",
        test_marks=r"#\[\s*(?:\w*\\)*Test\b|@test\b",
        tests="it|test",
        suites="describe",
    ),
}
