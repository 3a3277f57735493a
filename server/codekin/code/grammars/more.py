"""Grammars of Groovy, HCL, Objective-C, PowerShell and Zig."""

from codekin.code.grammar_types import Grammar, NodeRole
from codekin.code.grammars import native

_C_NODE_TYPES = native.GRAMMARS["c"].node_types

GRAMMARS: dict[str, Grammar] = {
    "groovy": Grammar(
        "tree_sitter_groovy",
        {
            NodeRole.LEADING: "line_comment block_comment",
            NodeRole.OPEN: "class_body interface_body enum_body block if_statement for_statement "
            "enhanced_for_statement while_statement try_statement catch_clause finally_clause",
            NodeRole.WRAP: "field_declaration local_variable_declaration expression_statement return_statement",
            NodeRole.FUNCTION: "function_definition",
            NodeRole.METHOD: "method_declaration",
            NodeRole.CONSTRUCTOR: "constructor_declaration",
            NodeRole.CLASS: "class_declaration interface_declaration enum_declaration",
            NodeRole.BINDING: "variable_declarator assignment_expression",
            NodeRole.CLOSURE: "closure",
        },
        bodiless="method_declaration",
        test_marks=r"@(?:\w+\.)*(?:Test|ParameterizedTest)\b",
    ),
    "objective-c": Grammar(
        "tree_sitter_objc",
        {
            NodeRole.LEADING: _C_NODE_TYPES[NodeRole.LEADING],
            NodeRole.OPEN: _C_NODE_TYPES[NodeRole.OPEN] + " implementation_definition",
            NodeRole.WRAP: "declaration expression_statement return_statement",
            NodeRole.FUNCTION: "function_definition",
            NodeRole.METHOD: "method_definition",
            NodeRole.CLASS: _C_NODE_TYPES[NodeRole.CLASS]
            + " class_interface class_implementation protocol_declaration",
            NodeRole.TYPE: "type_definition",
        },
        bodiless="struct_specifier union_specifier enum_specifier",
        test_names="test.*",
        test_owners="Test",
        rewriting="objective-c",
    ),
    "powershell": Grammar(
        "tree_sitter_powershell",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "statement_list script_block script_block_body if_statement statement_block else_clause "
            "elseif_clauses elseif_clause try_statement catch_clauses catch_clause finally_clause foreach_statement "
            "while_statement switch_statement named_block_list named_block pipeline pipeline_chain "
            "assignment_expression logical_expression bitwise_expression comparison_expression additive_expression "
            "multiplicative_expression format_expression range_expression",
            NodeRole.FUNCTION: "function_statement",
            NodeRole.METHOD: "class_method_definition",
            NodeRole.CLASS: "class_statement enum_statement",
            NodeRole.CALL: "command",
            NodeRole.CLOSURE: "script_block_expression",
            NodeRole.PARENTHESES: "command_elements array_literal_expression unary_expression",
        },
        tests="(?i:it)",
        suites="(?i:describe|context)",
        wrappers=".*",  # a script block is a block, whatever command it is given to
        rewriting="powershell",
        definition_word=b"function",
    ),
    "terraform": Grammar(
        "tree_sitter_hcl", {NodeRole.LEADING: "comment", NodeRole.OPEN: "body", NodeRole.TYPE: "block"}
    ),
    "zig": Grammar(
        "tree_sitter_zig",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "block if_statement else_clause while_statement for_statement switch_expression",
            NodeRole.WRAP: "expression_statement return_expression",
            NodeRole.FUNCTION: "function_declaration test_declaration",
            NodeRole.CLASS: "struct_declaration enum_declaration union_declaration opaque_declaration "
            "error_set_declaration",
            NodeRole.BINDING: "variable_declaration assignment_expression",
        },
        bodiless="function_declaration",
        implicit_values=True,
    ),
}
