"""What each grammar's node types are to us: a table per language.

Node types are those of the grammars' own `grammar.js`.
"""

from codekin.code.shapes import Grammar, Shape

_ECMASCRIPT_SHAPES = {
    Shape.LEADING: "comment decorator function_signature",
    Shape.OPEN: "statement_block class_body if_statement else_clause for_statement for_in_statement while_statement "
    "do_statement try_statement catch_clause finally_clause switch_statement switch_body switch_case switch_default "
    "labeled_statement with_statement unary_expression sequence_expression",
    Shape.WRAP: "expression_statement lexical_declaration variable_declaration return_statement ambient_declaration",
    Shape.FUNCTION: "function_declaration generator_function_declaration",
    Shape.METHOD: "method_definition",
    Shape.CLASS: "class_declaration abstract_class_declaration class interface_declaration enum_declaration",
    Shape.MODULE: "internal_module module",
    Shape.TYPE: "type_alias_declaration",
    Shape.OBJECT: "object",
    Shape.BINDING: "variable_declarator assignment_expression pair field_definition public_field_definition "
    "export_statement",
    Shape.CALL: "call_expression",
    Shape.CLOSURE: "function_expression generator_function arrow_function",
    Shape.PARENTHESES: "parenthesized_expression await_expression as_expression satisfies_expression "
    "non_null_expression type_assertion",
}

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


def _ecmascript(package: str, entry: str = "language") -> Grammar:
    return Grammar(
        package,
        _ECMASCRIPT_SHAPES,
        entry,
        constructors="constructor",
        tests=r"it|test|specify|fit|xit|xtest|bench|Deno\.test|QUnit\.test",
        suites=r"[fx]?describe|context|suite|test\.describe|QUnit\.module",
        wrappers=r"define|require|\$|jQuery|ready",
        makers=r"(?!require$|import$)[\w$]+|React\.\w+|Vue\.\w+|Object\.(?:freeze|assign)|.*\.extend",
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
            Shape.PARENTHESES: "parenthesized_expression",
        },
        constructors="__init__|__new__",
        test_names="test(?:_.*|[A-Z].*)?",
        docstrings=True,
    ),
    "javascript": _ecmascript("tree_sitter_javascript"),
    "typescript": _ecmascript("tree_sitter_typescript", "language_typescript"),
    "tsx": _ecmascript("tree_sitter_typescript", "language_tsx"),
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
        test_marks=r"#\[\s*(?:\w+::)*(?:test|rstest|test_case|bench|quickcheck|wasm_bindgen_test)\b",
    ),
    "java": Grammar(
        "tree_sitter_java",
        {
            Shape.LEADING: "line_comment block_comment",
            Shape.OPEN: "class_body interface_body enum_body enum_body_declarations annotation_type_body block "
            "if_statement for_statement enhanced_for_statement while_statement do_statement try_statement "
            "try_with_resources_statement catch_clause finally_clause switch_expression switch_block "
            "switch_block_statement_group switch_rule synchronized_statement labeled_statement constructor_body",
            Shape.WRAP: "field_declaration local_variable_declaration return_statement expression_statement",
            Shape.METHOD: "method_declaration",
            Shape.CONSTRUCTOR: "constructor_declaration compact_constructor_declaration",
            Shape.CLASS: "class_declaration interface_declaration enum_declaration record_declaration "
            "annotation_type_declaration",
            Shape.OBJECT: "object_creation_expression",
            Shape.BINDING: "variable_declarator assignment_expression enum_constant",
            Shape.CLOSURE: "lambda_expression",
            Shape.PARENTHESES: "parenthesized_expression cast_expression",
        },
        bodiless="method_declaration",
        test_marks=r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate|Property)\b",
    ),
    "c": Grammar("tree_sitter_c", _C_SHAPES, bodiless=_C_BODILESS),
    "cpp": Grammar(
        "tree_sitter_cpp",
        _C_SHAPES
        | {
            Shape.OPEN: _C_SHAPES[Shape.OPEN] + " try_statement catch_clause for_range_loop requires_clause",
            Shape.WRAP: _C_SHAPES[Shape.WRAP] + " template_declaration export_declaration",
            Shape.CLASS: _C_SHAPES[Shape.CLASS] + " class_specifier concept_definition",
            Shape.MODULE: "namespace_definition",
            Shape.BINDING: "init_declarator assignment_expression",
            Shape.CLOSURE: "lambda_expression",
            Shape.PARENTHESES: "parenthesized_expression cast_expression",
        },
        bodiless=_C_BODILESS + " class_specifier",
    ),
    "csharp": Grammar(
        "tree_sitter_c_sharp",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "declaration_list block preproc_if preproc_else preproc_elif preproc_region if_statement "
            "for_statement foreach_statement while_statement do_statement try_statement catch_clause finally_clause "
            "switch_statement switch_body switch_section using_statement lock_statement labeled_statement "
            "checked_statement unsafe_statement fixed_statement",
            Shape.WRAP: "global_statement field_declaration local_declaration_statement expression_statement "
            "return_statement variable_declaration",
            Shape.FUNCTION: "local_function_statement",
            Shape.METHOD: "method_declaration operator_declaration conversion_operator_declaration "
            "destructor_declaration indexer_declaration",
            Shape.CONSTRUCTOR: "constructor_declaration",
            Shape.CLASS: "class_declaration interface_declaration struct_declaration enum_declaration "
            "record_declaration",
            Shape.SCOPE: "namespace_declaration file_scoped_namespace_declaration",
            Shape.BINDING: "variable_declarator assignment_expression property_declaration event_declaration",
            Shape.CLOSURE: "lambda_expression anonymous_method_expression",
            Shape.ACCESSOR: "accessor_list arrow_expression_clause",
            Shape.PARENTHESES: "parenthesized_expression cast_expression equals_value_clause",
        },
        bodiless="method_declaration constructor_declaration namespace_declaration file_scoped_namespace_declaration",
        test_marks=r"[\[,]\s*(?:Fact|Theory|Test|TestMethod|DataTestMethod|TestCase|TestCaseSource|SkippableFact"
        r"|Benchmark)\s*[\],(]",
        implicit_values=True,
    ),
    "ruby": Grammar(
        "tree_sitter_ruby",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "body_statement block_body singleton_class begin begin_block if unless else elsif case when "
            "then while until for do rescue ensure",
            Shape.FUNCTION: "method singleton_method",
            Shape.CLASS: "class module",
            Shape.BINDING: "assignment operator_assignment",
            Shape.CALL: "call",
            Shape.CLOSURE: "lambda do_block block",
            Shape.PARENTHESES: "parenthesized_statements",
        },
        constructors="initialize",
        test_names="test_.*",
        tests="it|test|specify|scenario|fit|xit|should",
        suites=r"(?:RSpec\.)?(?:describe|context|feature|fdescribe|xdescribe|shared_examples(?:_for)?|shared_context"
        r"|namespace)",
        definers="define_method|define_singleton_method|task|factory|helper_method",
        makers=r"lambda|proc|Proc\.new|(?:Class|Module|Struct|Data)\.(?:new|define)",
    ),
    "php": Grammar(
        "tree_sitter_php",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "declaration_list enum_declaration_list compound_statement if_statement else_clause "
            "else_if_clause for_statement foreach_statement while_statement do_statement try_statement catch_clause "
            "finally_clause switch_statement switch_block case_statement default_statement colon_block "
            "anonymous_class",
            Shape.WRAP: "expression_statement return_statement",
            Shape.FUNCTION: "function_definition",
            Shape.METHOD: "method_declaration",
            Shape.CLASS: "class_declaration interface_declaration trait_declaration enum_declaration",
            Shape.SCOPE: "namespace_definition",
            Shape.OBJECT: "object_creation_expression",
            Shape.BINDING: "assignment_expression",
            Shape.CALL: "function_call_expression",
            Shape.CLOSURE: "anonymous_function arrow_function",
            Shape.PARENTHESES: "parenthesized_expression",
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
    "kotlin": Grammar(
        "tree_sitter_kotlin",
        {
            Shape.LEADING: "line_comment block_comment",
            Shape.OPEN: "class_body enum_class_body companion_object block control_structure_body if_expression "
            "when_expression when_entry for_statement while_statement do_while_statement try_expression catch_block "
            "finally_block",
            Shape.WRAP: "annotated_expression return_expression",
            Shape.FUNCTION: "function_declaration",
            Shape.CONSTRUCTOR: "secondary_constructor",
            Shape.CLASS: "class_declaration object_declaration",
            Shape.OBJECT: "object_literal",
            Shape.BINDING: "property_declaration assignment",
            Shape.CALL: "call_expression",
            Shape.CLOSURE: "lambda_literal anonymous_function",
            Shape.ACCESSOR: "getter setter",
            Shape.PARENTHESES: "parenthesized_expression annotated_lambda",
        },
        bodiless="function_declaration",
        test_marks=r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\b",
        tests="test|it|should|scenario|expect",
        suites="describe|context|given|feature|group",
        implicit_values=True,
    ),
    "scala": Grammar(
        "tree_sitter_scala",
        {
            Shape.LEADING: "comment block_comment",
            Shape.OPEN: "template_body enum_body block indented_block package_clause extension_definition "
            "with_template_body if_expression match_expression case_block case_clause try_expression catch_clause "
            "finally_clause for_expression while_expression indented_cases",
            Shape.WRAP: "return_expression",
            Shape.FUNCTION: "function_definition",
            Shape.CLASS: "class_definition trait_definition object_definition enum_definition package_object "
            "given_definition",
            Shape.OBJECT: "instance_expression",
            Shape.BINDING: "val_definition var_definition assignment_expression",
            Shape.CALL: "call_expression infix_expression",
            Shape.CLOSURE: "lambda_expression",
            Shape.PARENTHESES: "parenthesized_expression ascription_expression",
        },
        constructors="this",
        test_marks=r"@(?:\w+\.)*Test\b",
        tests="test|it|property|testAsync|ignore|scenario|Scenario|in",
        suites="describe|feature|Feature|should|must|can|when|which",
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
    "lua": Grammar(
        "tree_sitter_lua",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "block do_statement if_statement elseif_statement else_statement for_statement "
            "while_statement repeat_statement",
            Shape.WRAP: "variable_declaration return_statement",
            Shape.FUNCTION: "function_declaration",
            Shape.OBJECT: "table_constructor",
            Shape.BINDING: "assignment_statement field",
            Shape.CALL: "function_call",
            Shape.CLOSURE: "function_definition",
            Shape.PARENTHESES: "expression_list parenthesized_expression",
        },
        test_names="test_.*|test[A-Z].*",
        tests="it|test|spec|pending",
        suites="describe|context|insulate|expose",
        makers="setmetatable|class",
        implicit_values=True,
    ),
    "bash": Grammar(
        "tree_sitter_bash",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "if_statement elif_clause else_clause for_statement c_style_for_statement while_statement "
            "case_statement case_item do_group compound_statement subshell list",
            Shape.FUNCTION: "function_definition",
        },
        test_names="test_.*|test[A-Z].*",
    ),
}
