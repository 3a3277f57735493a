"""Tables of grammars: the role of each node type, per language.

Node types are those of the grammars' own `grammar.js`; a type that no table names is a statement and stays whole.
"""

from codekin.code.grammar_types import Grammar
from codekin.code.grammars import functional, managed, more, native, scripts, web

GRAMMARS: dict[str, Grammar] = {
    language: grammar
    for module in (scripts, web, native, managed, functional, more)
    for language, grammar in module.GRAMMARS.items()
}
