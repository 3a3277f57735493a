"""Grammars of Elixir, Haskell and Julia: definitions are calls or equations."""

from codekin.code.grammar_types import Grammar, NodeRole

GRAMMARS: dict[str, Grammar] = {
    "elixir": Grammar(
        "tree_sitter_elixir",
        {
            NodeRole.LEADING: "comment unary_operator",
            NodeRole.OPEN: "else_block rescue_block after_block catch_block stab_clause body",
            NodeRole.CALL: "call",
            NodeRole.CLOSURE: "do_block",
        },
        tests="test|property|feature|scenario",
        suites=r"defmodule|defprotocol|defimpl|describe",
        definers=r"def|defp|defmacrop?|defguardp?|defnp?|defdelegate",
        wrappers="if|unless|quote|for|with|case",
        rewriting="elixir",
        merges_clauses=True,
    ),
    "haskell": Grammar(
        "tree_sitter_haskell",
        {
            NodeRole.LEADING: "comment haddock signature pragma",
            NodeRole.OPEN: "declarations class_declarations instance_declarations",
            NodeRole.FUNCTION: "function bind",
            NodeRole.CLASS: "class instance",
            NodeRole.TYPE: "data_type newtype type_synonym",
        },
        max_open_brackets=300,
        rewriting="haskell",
        merges_clauses=True,
    ),
    "julia": Grammar(
        "tree_sitter_julia",
        {
            NodeRole.LEADING: "line_comment block_comment string_literal",
            NodeRole.OPEN: "compound_statement if_statement elseif_clause else_clause let_statement for_statement",
            NodeRole.WRAP: "macrocall_expression macro_argument_list const_statement",
            NodeRole.FUNCTION: "function_definition macro_definition assignment",
            NodeRole.CLASS: "struct_definition",
            NodeRole.MODULE: "module_definition",
        },
    ),
}
