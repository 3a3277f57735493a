"""Grammars of C, C++, Go, Rust and Swift."""

from codekin.code.shapes import Grammar, Shape

_C_SHAPES = {
    Shape.LEADING: "comment",
    Shape.OPEN: "preproc_if preproc_ifdef preproc_else preproc_elif preproc_elifdef linkage_specification "
    "declaration_list field_declaration_list compound_statement if_statement else_clause for_statement "
    "while_statement do_statement switch_statement case_statement labeled_statement",
    Shape.WRAP: "declaration expression_statement return_statement",
    Shape.FUNCTION: "function_definition",
    Shape.CLASS: "struct_specifier union_specifier enum_specifier",
    Shape.TYPE: "type_definition",
}
_C_BODILESS = "struct_specifier union_specifier enum_specifier"


GRAMMARS: dict[str, Grammar] = {
    "c": Grammar("tree_sitter_c", _C_SHAPES, bodiless=_C_BODILESS, macros=True),
    "cpp": Grammar(
        "tree_sitter_cpp",
        _C_SHAPES
        | {
            Shape.OPEN: _C_SHAPES[Shape.OPEN] + " try_statement catch_clause for_range_loop requires_clause",
            Shape.WRAP: _C_SHAPES[Shape.WRAP] + " template_declaration",
            Shape.CLASS: _C_SHAPES[Shape.CLASS] + " class_specifier concept_definition",
            Shape.MODULE: "namespace_definition",
            Shape.BINDING: "init_declarator assignment_expression",
            Shape.CLOSURE: "lambda_expression",
            Shape.PARENTHESES: "parenthesized_expression cast_expression",
        },
        bodiless=_C_BODILESS + " class_specifier",
        macros=True,
    ),
    "go": Grammar(
        "tree_sitter_go",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "block statement_list if_statement for_statement expression_switch_statement "
            "type_switch_statement select_statement expression_case default_case type_case communication_case "
            "labeled_statement var_spec_list type_declaration var_declaration",
            Shape.WRAP: "go_statement defer_statement return_statement expression_statement",
            Shape.FUNCTION: "function_declaration",
            Shape.METHOD: "method_declaration",
            Shape.TYPE: "type_spec type_alias",
            Shape.BINDING: "var_spec short_var_declaration assignment_statement",
            Shape.CLOSURE: "func_literal",
            Shape.PARENTHESES: "expression_list",
        },
        test_names=r"(?:Test|Benchmark|Fuzz|Example)(?:[^a-z].*)?",
    ),
    "rust": Grammar(
        "tree_sitter_rust",
        {
            Shape.LEADING: "line_comment block_comment attribute_item",
            Shape.OPEN: "declaration_list foreign_mod_item block if_expression else_clause match_expression "
            "match_block match_arm loop_expression while_expression for_expression unsafe_block async_block",
            Shape.WRAP: "expression_statement",
            Shape.FUNCTION: "function_item macro_definition",
            Shape.CLASS: "struct_item enum_item union_item trait_item impl_item",
            Shape.MODULE: "mod_item",
            Shape.TYPE: "type_item",
            Shape.BINDING: "let_declaration const_item static_item",
            Shape.CLOSURE: "closure_expression",
            Shape.PARENTHESES: "parenthesized_expression reference_expression",
        },
        bodiless="mod_item",
        test_marks=r"#\[\s*(?:\w+::)*(?:\w*test|test_case|bench|quickcheck)\b",
    ),
    "swift": Grammar(
        "tree_sitter_swift",
        {
            Shape.LEADING: "comment multiline_comment",
            Shape.OPEN: "class_body enum_class_body protocol_body function_body statements if_statement "
            "guard_statement for_statement while_statement repeat_while_statement do_statement catch_block "
            "switch_statement switch_entry",
            Shape.WRAP: "control_transfer_statement",
            Shape.FUNCTION: "function_declaration deinit_declaration subscript_declaration",
            Shape.CONSTRUCTOR: "init_declaration",
            Shape.CLASS: "class_declaration protocol_declaration",
            Shape.BINDING: "property_declaration assignment",
            Shape.CALL: "call_expression",
            Shape.CLOSURE: "lambda_literal",
            Shape.ACCESSOR: "computed_property",
            Shape.PARENTHESES: "tuple_expression",
        },
        test_names="test.*",
        test_owners="Test",
        test_marks=r"@Test\b",
        tests="it|fit|xit",
        suites="describe|context|fdescribe|xdescribe",
    ),
}
