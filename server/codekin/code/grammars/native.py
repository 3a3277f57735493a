"""Grammars of C, C++, Go, Rust and Swift."""

from codekin.code.grammar_types import Grammar, NodeRole

_C_NODE_TYPES = {
    NodeRole.LEADING: "comment",
    NodeRole.OPEN: "preproc_if preproc_ifdef preproc_else preproc_elif preproc_elifdef "
    "declaration_list field_declaration_list compound_statement if_statement else_clause for_statement "
    "while_statement do_statement switch_statement case_statement labeled_statement",
    NodeRole.WRAP: "declaration field_declaration expression_statement return_statement linkage_specification",
    NodeRole.FUNCTION: "function_definition",
    NodeRole.CLASS: "struct_specifier union_specifier enum_specifier",
    NodeRole.TYPE: "type_definition",
}
_C_BODILESS = "struct_specifier union_specifier enum_specifier"


GRAMMARS: dict[str, Grammar] = {
    "c": Grammar("tree_sitter_c", _C_NODE_TYPES, bodiless=_C_BODILESS, rewriting="c"),
    "cpp": Grammar(
        "tree_sitter_cpp",
        _C_NODE_TYPES
        | {
            NodeRole.OPEN: _C_NODE_TYPES[NodeRole.OPEN] + " try_statement catch_clause for_range_loop requires_clause",
            NodeRole.WRAP: _C_NODE_TYPES[NodeRole.WRAP] + " template_declaration friend_declaration",
            NodeRole.CLASS: _C_NODE_TYPES[NodeRole.CLASS] + " class_specifier concept_definition",
            NodeRole.MODULE: "namespace_definition",
            NodeRole.BINDING: "init_declarator assignment_expression",
            NodeRole.CLOSURE: "lambda_expression",
            NodeRole.PARENTHESES: "parenthesized_expression cast_expression",
        },
        bodiless=_C_BODILESS + " class_specifier",
        rewriting="c",
    ),
    "go": Grammar(
        "tree_sitter_go",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "block statement_list if_statement for_statement expression_switch_statement "
            "type_switch_statement select_statement expression_case default_case type_case communication_case "
            "labeled_statement var_spec_list type_declaration var_declaration",
            NodeRole.WRAP: "go_statement defer_statement return_statement expression_statement",
            NodeRole.FUNCTION: "function_declaration",
            NodeRole.METHOD: "method_declaration",
            NodeRole.TYPE: "type_spec type_alias",
            NodeRole.BINDING: "var_spec short_var_declaration assignment_statement",
            NodeRole.CLOSURE: "func_literal",
            NodeRole.PARENTHESES: "expression_list",
        },
        test_names=r"(?:Test|Benchmark|Fuzz|Example)(?:[^a-z].*)?",
    ),
    "rust": Grammar(
        "tree_sitter_rust",
        {
            NodeRole.LEADING: "line_comment block_comment attribute_item",
            NodeRole.OPEN: "declaration_list foreign_mod_item block if_expression else_clause match_expression "
            "match_block match_arm loop_expression while_expression for_expression unsafe_block async_block",
            NodeRole.WRAP: "expression_statement",
            NodeRole.FUNCTION: "function_item macro_definition",
            NodeRole.CLASS: "struct_item enum_item union_item trait_item impl_item",
            NodeRole.MODULE: "mod_item",
            NodeRole.TYPE: "type_item",
            NodeRole.BINDING: "let_declaration const_item static_item",
            NodeRole.CLOSURE: "closure_expression",
            NodeRole.PARENTHESES: "parenthesized_expression reference_expression",
        },
        bodiless="mod_item",
        rewriting="rust",
        test_marks=r"#\[\s*(?:\w+::)*(?:\w*test|test_case|bench|quickcheck)\b",
    ),
    "swift": Grammar(
        "tree_sitter_swift",
        {
            NodeRole.LEADING: "comment multiline_comment",
            NodeRole.OPEN: "class_body enum_class_body protocol_body function_body statements if_statement "
            "guard_statement for_statement while_statement repeat_while_statement do_statement catch_block "
            "switch_statement switch_entry",
            NodeRole.WRAP: "control_transfer_statement",
            NodeRole.FUNCTION: "function_declaration deinit_declaration subscript_declaration",
            NodeRole.CONSTRUCTOR: "init_declaration",
            NodeRole.CLASS: "class_declaration protocol_declaration",
            NodeRole.BINDING: "property_declaration assignment",
            NodeRole.CALL: "call_expression",
            NodeRole.CLOSURE: "lambda_literal",
            NodeRole.ACCESSOR: "computed_property willset_didset_block",
            NodeRole.PARENTHESES: "tuple_expression",
        },
        test_names="test.*",
        test_owners="Test",
        test_marks=r"@Test\b",
        call_marks=r"\{",
        tests="it|fit|xit",
        suites="describe|context|fdescribe|xdescribe",
    ),
}
