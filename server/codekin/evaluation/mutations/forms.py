"""Per language: the nodes that bind names or hold statements, and templates of statements.

Node types are the grammars' own. A site is `parent.field`, `parent#position` or `parent` for any child of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LanguageTemplates:
    """Node types and templates of one language. Templates take `name`, `value`, `words`."""

    bound: str  # sites of names that the function itself binds
    blocks: str  # nodes whose named children are statements
    binding: str = ""  # a statement that assigns a value to a new name; "" if that needs a type
    log: str = ""  # a statement that prints a message
    dead: str = ""  # a statement without effect
    comment: str = "// {words}"
    member: str = ""  # sites of identifiers that name members, labels or types
    shared: str = ""  # nodes that declare variables of another scope
    shells: tuple[tuple[str, str], ...] = (
        ("", ""),
    )  # code around a snippet that lets it parse; the first that does is used
    negation: str = "!({value})"
    quotes: str = ""  # quotes between which a plain string means the same
    braces: bool = True  # blocks are in braces, which may open on a line of their own
    c_like: bool = False  # has for (…; …; …) and while (…)


_CLASS_SHELLS = (("", ""), ("class Shell {\n", "\n}"))
_JAVASCRIPT = LanguageTemplates(
    bound="variable_declarator.name formal_parameters required_parameter.pattern optional_parameter.pattern "
    "assignment_pattern.left for_in_statement.left catch_clause.parameter arrow_function.parameter",
    blocks="statement_block",
    binding="const {name} = {value};",
    log='console.log("{words}");',
    dead="void 0;",
    member="labeled_statement break_statement continue_statement",
    shells=(*_CLASS_SHELLS, ("({\n", "\n})")),
    quotes="'\"",
    c_like=True,
)
_C = LanguageTemplates(
    bound="parameter_declaration.declarator init_declarator.declarator declaration.declarator "
    "optional_parameter_declaration.declarator for_range_loop.declarator",
    blocks="compound_statement",
    log='printf("{words}\\n");',
    dead="(void)0;",
    member="labeled_statement goto_statement qualified_identifier.name",
    c_like=True,
)

LANGUAGE_TEMPLATES: dict[str, LanguageTemplates] = {
    "python": LanguageTemplates(
        bound="assignment.left for_statement.left as_pattern.alias named_expression.name parameters typed_parameter "
        "default_parameter.name typed_default_parameter.name for_in_clause.left lambda_parameters",
        blocks="block",
        binding="{name} = {value}",
        log='print("{words}")',
        dead="pass",
        comment="# {words}",
        member="attribute.attribute keyword_argument.name",
        shared="global_statement nonlocal_statement",
        negation="not ({value})",
        quotes="'\"",
        braces=False,
    ),
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "tsx": _JAVASCRIPT,
    "java": LanguageTemplates(
        bound="formal_parameter.name variable_declarator.name enhanced_for_statement.name catch_formal_parameter.name "
        "lambda_expression.parameters inferred_parameters resource.name",
        blocks="block constructor_body",
        binding="var {name} = {value};",
        log='System.out.println("{words}");',
        dead="assert true;",
        member="field_access.field method_invocation.name method_reference element_value_pair.key labeled_statement "
        "break_statement continue_statement",
        shells=(*_CLASS_SHELLS, ("interface Shell {\n", "\n}")),
        c_like=True,
    ),
    "go": LanguageTemplates(
        bound="short_var_declaration.left var_spec.name const_spec.name range_clause.left parameter_declaration.name "
        "variadic_parameter_declaration.name",
        blocks="statement_list",
        binding="{name} := {value}",
        log='fmt.Println("{words}")',
        dead="_ = 0",
        member="keyed_element.key labeled_statement",
        braces=False,
    ),
    "c": _C,
    "cpp": LanguageTemplates(
        bound=_C.bound,
        blocks=_C.blocks,
        binding="auto {name} = {value};",
        log='std::cerr << "{words}" << std::endl;',
        dead=_C.dead,
        member=_C.member,
        shells=_CLASS_SHELLS,
        c_like=True,
    ),
    "csharp": LanguageTemplates(
        bound="parameter.name variable_declarator.name foreach_statement.left catch_declaration.name "
        "declaration_expression.name declaration_pattern.name implicit_parameter",
        blocks="block",
        binding="var {name} = {value};",
        log='Console.WriteLine("{words}");',
        dead=";",
        member="member_access_expression.name member_binding_expression.name argument.name generic_name "
        "variable_declaration.type parameter.type qualified_name attribute.name",
        shells=_CLASS_SHELLS[::-1],
        c_like=True,
    ),
    "kotlin": LanguageTemplates(
        bound="parameter variable_declaration lambda_parameters",
        blocks="block",
        binding="val {name} = {value}",
        log='println("{words}")',
        dead="Unit",
        member="user_type label",
        shells=_CLASS_SHELLS,
    ),
    "scala": LanguageTemplates(
        bound="parameter.name val_definition.pattern var_definition.pattern enumerator#0 binding.name bindings",
        blocks="block",
        binding="val {name} = {value}",
        log='println("{words}")',
        dead="()",
        member="field_expression.field",
        shells=_CLASS_SHELLS,
        braces=False,
    ),
    "swift": LanguageTemplates(
        bound="parameter.name pattern.bound_identifier lambda_parameter.name",
        blocks="statements",
        binding="let {name} = {value}",
        log='print("{words}")',
        dead="_ = 0",
        member="navigation_suffix.suffix value_argument_label parameter.external_name",
        shells=_CLASS_SHELLS,
        braces=False,
    ),
    "rust": LanguageTemplates(
        bound="parameter.pattern let_declaration.pattern for_expression.pattern closure_parameters "
        "tuple_struct_pattern",
        blocks="block",
        binding="let {name} = {value};",
        log='println!("{words}");',
        dead="let _ = 0;",
        member="scoped_identifier tuple_struct_pattern.type macro_invocation.macro",
    ),
    "php": LanguageTemplates(
        bound="variable_name",
        blocks="compound_statement",
        binding="${name} = {value};",
        log='error_log("{words}");',
        dead=";",
        member="scoped_property_access_expression.name",
        shared="global_declaration",
        shells=(("<?php\n", ""), ("<?php\nclass Shell {\n", "\n}")),
        c_like=True,
    ),
    "ruby": LanguageTemplates(
        bound="assignment.left method_parameters block_parameters optional_parameter.name splat_parameter.name "
        "keyword_parameter.name block_parameter.name exception_variable",
        blocks="body_statement then do else block_body",
        binding="{name} = {value}",
        log='puts "{words}"',
        dead="nil",
        comment="# {words}",
        member="call.method",
        braces=False,
    ),
    "lua": LanguageTemplates(
        bound="parameters.name variable_declaration for_numeric_clause.name for_generic_clause",
        blocks="block",
        binding="local {name} = {value}",
        log='print("{words}")',
        dead="local _ = nil",
        comment="-- {words}",
        member="field.name dot_index_expression.field method_index_expression.method",
        shells=(("", ""), ("local _ = {\n", "\n}")),
        negation="not ({value})",
        quotes="'\"",
        braces=False,
    ),
    "bash": LanguageTemplates(
        bound="variable_assignment.name for_statement.variable",
        blocks="compound_statement do_group",
        log='echo "{words}"',
        dead=":",
        comment="# {words}",
        braces=False,
    ),
}
