"""Grammars of Java, Kotlin, Scala and C#."""

from codekin.code.grammar_types import Grammar, NodeRole

GRAMMARS: dict[str, Grammar] = {
    "java": Grammar(
        "tree_sitter_java",
        {
            NodeRole.LEADING: "line_comment block_comment",
            NodeRole.OPEN: "class_body interface_body enum_body enum_body_declarations annotation_type_body block "
            "if_statement for_statement enhanced_for_statement while_statement do_statement try_statement "
            "try_with_resources_statement catch_clause finally_clause switch_expression switch_block "
            "switch_block_statement_group switch_rule synchronized_statement labeled_statement constructor_body",
            NodeRole.WRAP: "field_declaration constant_declaration local_variable_declaration return_statement "
            "expression_statement",
            NodeRole.METHOD: "method_declaration",
            NodeRole.CONSTRUCTOR: "constructor_declaration compact_constructor_declaration",
            NodeRole.CLASS: "class_declaration interface_declaration enum_declaration record_declaration "
            "annotation_type_declaration",
            NodeRole.OBJECT: "object_creation_expression",
            NodeRole.BINDING: "variable_declarator assignment_expression enum_constant",
            NodeRole.CLOSURE: "lambda_expression",
            NodeRole.PARENTHESES: "parenthesized_expression cast_expression",
        },
        bodiless="method_declaration",
        test_marks=r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate|Property)\b",
    ),
    "kotlin": Grammar(
        "tree_sitter_kotlin",
        {
            NodeRole.LEADING: "line_comment block_comment",
            NodeRole.OPEN: "class_body enum_class_body enum_entry companion_object block if_expression "
            "when_expression when_entry for_statement while_statement do_while_statement try_expression catch_block "
            "finally_block",
            NodeRole.WRAP: "annotated_expression return_expression",
            NodeRole.FUNCTION: "function_declaration",
            NodeRole.CONSTRUCTOR: "secondary_constructor",
            NodeRole.CLASS: "class_declaration object_declaration",
            NodeRole.OBJECT: "object_literal",
            NodeRole.BINDING: "property_declaration assignment",
            NodeRole.CALL: "call_expression",
            NodeRole.CLOSURE: "lambda_literal anonymous_function",
            NodeRole.ACCESSOR: "getter setter",
            NodeRole.PARENTHESES: "parenthesized_expression annotated_lambda",
        },
        bodiless="function_declaration",
        call_marks=r"\{|\bfun\b",
        rewriting="kotlin",
        test_marks=r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\b",
        tests="test|it|should|scenario|expect",
        suites="describe|context|given|feature|group",
        implicit_values=True,
    ),
    "scala": Grammar(
        "tree_sitter_scala",
        {
            NodeRole.LEADING: "comment block_comment",
            NodeRole.OPEN: "template_body enum_body block indented_block package_clause extension_definition "
            "with_template_body if_expression match_expression case_block case_clause try_expression catch_clause "
            "finally_clause for_expression while_expression indented_cases",
            NodeRole.WRAP: "return_expression",
            NodeRole.FUNCTION: "function_definition",
            NodeRole.CLASS: "class_definition trait_definition object_definition enum_definition package_object "
            "given_definition",
            NodeRole.OBJECT: "instance_expression",
            NodeRole.BINDING: "val_definition var_definition assignment_expression",
            NodeRole.CALL: "call_expression infix_expression",
            NodeRole.CLOSURE: "lambda_expression",
            NodeRole.PARENTHESES: "parenthesized_expression ascription_expression",
        },
        constructors="this",
        test_marks=r"@(?:\w+\.)*Test\b",
        tests="test|it|property|testAsync|ignore|scenario|Scenario|in",
        suites="describe|feature|Feature|should|must|can|when|which",
    ),
    "csharp": Grammar(
        "tree_sitter_c_sharp",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "declaration_list block preproc_if preproc_else preproc_elif preproc_region if_statement "
            "for_statement foreach_statement while_statement do_statement try_statement catch_clause finally_clause "
            "switch_statement switch_body switch_section using_statement lock_statement labeled_statement "
            "checked_statement unsafe_statement fixed_statement",
            NodeRole.WRAP: "global_statement field_declaration local_declaration_statement expression_statement "
            "return_statement variable_declaration",
            NodeRole.FUNCTION: "local_function_statement",
            NodeRole.METHOD: "method_declaration operator_declaration conversion_operator_declaration "
            "destructor_declaration indexer_declaration",
            NodeRole.CONSTRUCTOR: "constructor_declaration",
            NodeRole.CLASS: "class_declaration interface_declaration struct_declaration enum_declaration "
            "record_declaration",
            NodeRole.SCOPE: "namespace_declaration file_scoped_namespace_declaration",
            NodeRole.BINDING: "variable_declarator assignment_expression property_declaration event_declaration",
            NodeRole.CLOSURE: "lambda_expression anonymous_method_expression",
            NodeRole.ACCESSOR: "accessor_list arrow_expression_clause",
            NodeRole.PARENTHESES: "parenthesized_expression cast_expression",
        },
        bodiless="method_declaration constructor_declaration namespace_declaration file_scoped_namespace_declaration",
        test_marks=r"[\[,]\s*(?:Fact|Theory|Test|TestMethod|DataTestMethod|TestCase|TestCaseSource|SkippableFact"
        r"|Benchmark)\s*[\],(]",
        implicit_values=True,
        rewriting="csharp",
    ),
}
