"""Grammars of Python, Ruby, Lua and Bash."""

from codekin.code.shapes import Grammar, Shape

GRAMMARS: dict[str, Grammar] = {
    "python": Grammar(
        "tree_sitter_python",
        {
            Shape.LEADING: "comment",
            Shape.OPEN: "block if_statement elif_clause else_clause for_statement while_statement try_statement "
            "except_clause finally_clause with_statement match_statement case_clause",
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
        makers=r"lambda|proc|Proc\.new",
        holders=r"(?:Class|Module|Struct|Data)\.(?:new|define)",
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
