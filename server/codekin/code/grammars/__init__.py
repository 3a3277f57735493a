"""Tables of grammars: the role of each node type, per language.

Node types are those of the grammars' own `grammar.js`; a type that no table names is a statement and stays whole.
"""

from codekin.code.grammar_types import Grammar
from codekin.code.grammars import managed, native, scripts, web

GRAMMARS: dict[str, Grammar] = scripts.GRAMMARS | web.GRAMMARS | native.GRAMMARS | managed.GRAMMARS
