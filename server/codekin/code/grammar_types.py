"""Types that describe a grammar: the role of each node type, and what a language adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class NodeRole(IntEnum):
    """What a node means for the search for definitions."""

    STATEMENT = 0  # no definitions inside
    LEADING = 1  # a comment, attribute or signature: belongs to the definition that directly follows
    OPEN = 2  # treated as if its children stood in its place: blocks, branches
    WRAP = 3  # the same, but its lines belong to the one definition in it: `export`, decorators
    FUNCTION = 4  # a method if it is in a class
    METHOD = 5
    CONSTRUCTOR = 6
    CLASS = 7
    MODULE = 8  # a named container of definitions that is no type: a namespace
    SCOPE = 9  # names the container of all that follows: `namespace App;`
    TYPE = 10  # a class without methods, where it spans lines; else a statement: aliases
    OBJECT = 11  # a literal that may hold functions
    BINDING = 12  # a name and a value that may be a function
    CALL = 13  # may define a test, a suite, or a function that is called at once
    CLOSURE = 14  # a function without a name: takes that of a binding, else it is treated as OPEN
    ACCESSOR = 15  # a property's code: a function where it spans lines
    PARENTHESES = 16  # wraps a value: parentheses, casts, lists of one


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language's wheel and what its node types are; the patterns are regular expressions for whole names."""

    package: str
    node_types: Mapping[NodeRole, str]  # space-separated node types; the rest are statements
    entry: str = "language"
    constructors: str = ""
    bodiless: str = ""  # node types that are statements where they have no body: abstract methods, declarations
    test_names: str = ""
    test_owners: str = ""  # searched in the container's name: where `test_names` are tests
    test_marks: str = ""  # searched from the attributes to the name
    tests: str = ""  # callees whose first argument names a test
    suites: str = ""  # callees whose first argument names a group of tests
    definers: str = ""  # callees whose first argument names a function
    wrappers: str = ""  # callees whose function argument is the module
    makers: str = ""  # callees that return the function, or the object of functions, which they are given
    holders: str = ""  # callees that return a class, whose body they are given
    extenders: str = ""  # callees that add methods to the class that is their receiver or first argument
    call_marks: str = ""  # searched in a call: without a match it is given no function and no object
    implicit_values: bool = False  # a binding's value is its last child, not a field
    rewriting: str = ""  # of the source before a parse (rewrites.py)
    max_open_brackets: int = 0  # a text with more is not parsed: the grammar's scanner would hold hundreds of MB
    merges_clauses: bool = False  # neighbours of one name are one function
    definition_word: bytes = b""  # where this word is, definitions are looked for in blocks of one row, too
    docstrings: bool = False
