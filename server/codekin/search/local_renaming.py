"""Prove that short functions differ only in names of their own: their name, their parameters and their variables.

Short code has the same structure by chance: all getters have. Names that mean something outside (attributes, functions
that are called, constants) and literals must therefore be the same. The proof goes by tokens and is strict: what is not
plainly a parameter or a variable counts as a name from outside.
"""

from functools import cached_property
from itertools import pairwise

import numpy as np

from codekin.code.tokens import NAME, STRING, Tokens

_MIN_BODY_TOKENS = 5  # after the parameters: an empty function, and the head of a long one, have fewer
_MAX_TOKENS = 500  # of short functions, which have fewer than 20 distinct runs of tokens; longer ones are tables
_CLOSING_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_MEMBER_MARKS = frozenset({".", "->", "::", "?.", "@"})
_DECLARING_WORDS = frozenset({"let", "const", "var", "val", "mut"})
_PARAMETER_BORDERS = frozenset({"(", ",", "*", "&", "mut", "final", "const"})
_TYPED_LANGUAGES = frozenset({"c", "cpp", "csharp", "java", "objc"})  # a type comes before the name that has it
_TYPES = frozenset({"bool", "boolean", "byte", "char", "double", "float", "int", "long", "short", "unsigned", "auto"})
_STATEMENT_MARKS = frozenset({"\n", "→", "←"})  # of languages whose blocks are indented
_OUTER_WORDS = frozenset({"global", "nonlocal"})  # assigned names may be another function's


def is_local_renaming(first: Tokens, second: Tokens, name: str, language: str) -> bool:
    """Return whether two functions of the same structure differ in their own names only; `name` is the second's.

    False where that is not plain from the tokens, and for functions that do nothing.
    """
    if len(second.texts) > _MAX_TOKENS:
        return False
    positions = np.flatnonzero(first.codes != second.codes).tolist()
    name_position = next((number for number, pair in enumerate(pairwise(second.texts)) if pair == (name, "(")), None)
    is_decorated = second.texts[:1] in (["@"], ["#"])  # then the first call is not the function's header
    if name_position is None or is_decorated or any(first.kinds[position] != NAME for position in positions):
        return False
    return all(
        _FunctionNames(tokens, name_position, language).are_own({tokens.texts[position] for position in positions})
        for tokens in (first, second)
    )


class _FunctionNames:
    """Tells which names of a function are its own."""

    def __init__(self, tokens: Tokens, name_position: int, language: str) -> None:
        """Find the brackets around each token; the parameters are those after the name."""
        self._tokens = tokens
        self._texts = ("", *tokens.texts, "")  # with a token before and after each
        self._name_index = name_position + 1
        self._language = language
        self._brackets = list[tuple[str, ...]]()  # around each token, itself included if it opens
        open_brackets: tuple[str, ...] = ()
        for text in self._texts:
            if text in _CLOSING_BRACKETS:
                open_brackets = (*open_brackets, text)
            elif open_brackets and text == _CLOSING_BRACKETS[open_brackets[-1]]:
                open_brackets = open_brackets[:-1]
            self._brackets.append(open_brackets)

    def are_own(self, names: set[str]) -> bool:
        """Return whether each is the function's name, or a parameter or variable that it uses, and nothing else."""
        inner_names = names - {self._texts[self._name_index]}
        indices = [index for index, text in enumerate(self._texts) if text in names and index != self._name_index]
        bound_names = {self._texts[index] for index in indices if self._is_bound(index)}
        used_names = {self._texts[index] for index in indices if not self._is_bound(index)}
        is_interpolated = any(
            kind == STRING and any(name in text for name in inner_names)
            for kind, text in zip(self._tokens.kinds, self._tokens.texts, strict=True)
        )
        return (
            self._has_body()
            and inner_names <= bound_names & used_names
            and not is_interpolated
            and not any(map(self._is_foreign, indices))
        )

    def _has_body(self) -> bool:
        """Return whether five tokens or more come after the parameters: heads of long functions have fewer."""
        return len(self._texts) - self._end_of_parameters > _MIN_BODY_TOKENS + 1

    def _is_bound(self, index: int) -> bool:
        """Return whether the name is a parameter, or declared, at this place."""
        before, after = self._texts[index - 1], self._texts[index + 1]
        depth = len(self._brackets[self._name_index])
        if index < self._end_of_parameters:
            is_own_depth = len(self._brackets[index]) == depth + 1
            return is_own_depth and index > self._name_index and self._is_parameter(index)
        if before in _DECLARING_WORDS or after == ":=" or (before == "for" and after == "in"):
            return True
        if self._language == "python":
            is_statement = before in _STATEMENT_MARKS and after == "="
            return is_statement and not _OUTER_WORDS.intersection(self._texts)
        return self._language in _TYPED_LANGUAGES and after == "=" and self._is_type(index - 1)

    @cached_property
    def _end_of_parameters(self) -> int:
        """Return the index of the bracket that closes the parameters; the number of texts if none does (cached)."""
        depth = len(self._brackets[self._name_index])
        for index in range(self._name_index + 2, len(self._texts)):
            if len(self._brackets[index]) <= depth:
                return index
        return len(self._texts)

    def _is_parameter(self, index: int) -> bool:
        """Return whether the name, between the brackets of the parameters, is one of them and no type."""
        before, after = self._texts[index - 1], self._texts[index + 1]
        if self._language in _TYPED_LANGUAGES:
            return after in {",", ")", "["} and self._is_type(index - 1)
        if self._language == "go":
            return before in {"(", ","} and after not in {",", ")", "."}
        return before in _PARAMETER_BORDERS and after in {",", ")", ":", "=", "?"}

    def _is_type(self, index: int) -> bool:
        """Return whether the token can end a type, as `int`, `Order`, `char *` and `List<Order>` do."""
        is_name = 0 < index <= len(self._tokens.kinds) and self._tokens.kinds[index - 1] == NAME
        return is_name or self._texts[index] in _TYPES or self._texts[index] in {"*", "&", ">", "]"}

    def _is_foreign(self, index: int) -> bool:
        """Return whether the name may be a member, a keyword argument or a key here, which mean something outside."""
        before, after = self._texts[index - 1], self._texts[index + 1]
        if before in _MEMBER_MARKS:
            return True
        brackets = self._brackets[index][-1:]
        is_parameter = self._name_index < index < self._end_of_parameters
        if brackets == ("{",):
            return before in {"{", ","} and after in {"}", ",", ":"}
        return brackets == ("(",) and before in {"(", ","} and after in {"=", ":"} and not is_parameter
