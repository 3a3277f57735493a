"""Grammars of Python, Ruby, Lua and Bash."""

from codekin.code.grammar_types import Grammar, NodeRole

GRAMMARS: dict[str, Grammar] = {
    "python": Grammar(
        "tree_sitter_python",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "block if_statement elif_clause else_clause for_statement while_statement try_statement "
            "except_clause finally_clause with_statement match_statement case_clause",
            NodeRole.WRAP: "decorated_definition expression_statement",
            NodeRole.FUNCTION: "function_definition",
            NodeRole.CLASS: "class_definition",
            NodeRole.BINDING: "assignment",
            NodeRole.CLOSURE: "lambda",
            NodeRole.PARENTHESES: "parenthesized_expression",
        },
        constructors="__init__|__new__",
        test_names="test(?:_.*|[A-Z].*)?",
        docstrings=True,
    ),
    "ruby": Grammar(
        "tree_sitter_ruby",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "body_statement block_body singleton_class begin begin_block if unless else elsif case when "
            "then while until for do rescue ensure",
            NodeRole.WRAP: "if_modifier unless_modifier",
            NodeRole.FUNCTION: "method singleton_method",
            NodeRole.CLASS: "class module",
            NodeRole.BINDING: "assignment operator_assignment",
            NodeRole.CALL: "call",
            NodeRole.CLOSURE: "lambda do_block block",
            NodeRole.PARENTHESES: "parenthesized_statements",
        },
        constructors="initialize",
        test_names="test_.*",
        tests="it|test|specify|scenario|fit|xit|should",
        suites=r"(?:RSpec\.)?(?:describe|context|feature|fdescribe|xdescribe|shared_examples(?:_for)?|shared_context"
        r"|namespace)",
        definers="define_method|define_singleton_method|task|factory|helper_method",
        wrappers=r"(?:class|module|instance)_(?:eval|exec)|included|class_methods|prepended|on_load|ActiveSupport\.on_load|(?:[\w:.@]+\.)?(?:each\w*|tap)",
        extenders=r"refine|[\w:.]+\.(?:class|module|instance)_(?:eval|exec)|concern|concerning",
        makers=r"lambda|proc|Proc\.new",
        holders=r"(?:Class|Module|Struct|Data)\.(?:new|define)",
        call_marks=r"\{|\bdo\b|->|\bdef\b",
        rewriting="ruby",
        definition_word=b"def ",
    ),
    "lua": Grammar(
        "tree_sitter_lua",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "block do_statement if_statement elseif_statement else_statement for_statement "
            "while_statement repeat_statement",
            NodeRole.WRAP: "variable_declaration return_statement",
            NodeRole.FUNCTION: "function_declaration",
            NodeRole.OBJECT: "table_constructor",
            NodeRole.BINDING: "assignment_statement field",
            NodeRole.CALL: "function_call",
            NodeRole.CLOSURE: "function_definition",
            NodeRole.PARENTHESES: "expression_list parenthesized_expression binary_expression",
        },
        test_names="test_.*|test[A-Z].*",
        tests=r"(?:\w+\.)?(?:it|test|spec|pending)",
        suites=r"(?:\w+\.)?(?:describe|context|insulate|expose)",
        wrappers=r"(?:\w+\.)?(?:(?:before|after)_(?:each|all)|(?:lazy_|strict_)?(?:setup|teardown))",
        makers=r"(?!(?:require|x?pcall|i?pairs|select|assert)$)[A-Za-z_]\w*|[\w.]+[.:]new"
        r"|[\w.:]+\.(?:async|void|wrap|schedule_wrap|memoize|curry|protected\w*)",
        call_marks=r"\{|function",
        implicit_values=True,
    ),
    "bash": Grammar(
        "tree_sitter_bash",
        {
            NodeRole.LEADING: "comment",
            NodeRole.OPEN: "if_statement elif_clause else_clause for_statement c_style_for_statement while_statement "
            "case_statement case_item do_group compound_statement subshell list",
            NodeRole.FUNCTION: "function_definition",
        },
        test_names="test_.*|test[A-Z].*",
    ),
}
