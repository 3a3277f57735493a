"""Tokens of a text: the code without comments and white space.

A scanner, not a parser: a method without its class, half a function and a selection give the tokens that they have in
their file, in time linear in the text. Python's blocks are tokens, too; a string that stands for itself is a comment.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from codekin.code.lexicon import LEXICONS, Lexicon

Codes = npt.NDArray[np.uint64]

MARK, NAME, STRING, NUMBER = range(4)  # operators and reserved words are marks
KIND_SHIFT = np.uint64(62)  # a code's highest two bits are its kind

_NUMBER = r"\d\w*+(?:'\d\w*+)*+(?:\.\d\w*+)?+(?:(?<=[eEpP])[-+]\d++)?+"
_MARKS = r"==|!=|<=|>=|&&|\|\||->|=>|::|:=|\?\.|\S"
_LINE = r"\n[ \t]*+(?=[^\s#])|"
_PLAIN = re.compile(r"'[^'\"\\`$#\n]*'")
_QUOTES = re.compile("[\"'`]")
_CACHED = 65_536  # tokens a language: the vocabulary of a large code base's busy part, some 10 MB
_OPENING, _CLOSING, _MARKS_OF_STRINGS = frozenset("([{"), frozenset(")]}"), frozenset("\"'")
_NEWLINE, _INDENT, _DEDENT = "\n", "→", "←"
_LONG = 60  # characters: longer tokens are literals that hardly come again


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a text, in order."""

    texts: Sequence[str]  # n
    codes: Codes  # (n,): a digest of the token, below its kind
    kinds: Codes  # (n,): MARK, NAME, STRING or NUMBER


NO_TOKENS = Tokens((), np.empty(0, np.uint64), np.empty(0, np.uint64))


def tokenize(text: str, language: str) -> Tokens | None:
    """Return the tokens of `text`; None if the language's lexical rules are unknown."""
    scanner = _scanner(language)
    return scanner.scan(text) if scanner else None


@cache
def _scanner(language: str) -> "_Scanner | None":
    lexicon = LEXICONS.get(language)
    return _Scanner(lexicon) if lexicon else None


class _Scanner:
    """Token scanner of one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        line = _LINE if lexicon.indented else ""
        told = f"{lexicon.literals}|{_NUMBER}|{lexicon.names}|{line}{_MARKS}"
        comment = f"(?:{lexicon.comments})"
        # Formatters put a comma at the end of a list of several lines, and take it out.
        comma = rf",(?=[ \t]*+{comment}?+\n(?:\s|{comment})*+[)\]}}])"
        pattern = re.compile(rf"\\\n|{comma}|{comment}|({told})", re.DOTALL | re.MULTILINE)
        # Groups of their own (a heredoc's end) follow the token's; where there are any, findall gives tuples.
        self._find = pattern.findall
        self._at = 0
        if pattern.groups > 1:
            self._at = next(i for i in range(pattern.groups) if i + 1 not in pattern.groupindex.values())
        self._many = pattern.groups > 1
        self._indented = lexicon.indented
        self._codes = _Codes(lexicon)

    def scan(self, text: str) -> Tokens:
        found = self._find(text)
        if self._many:
            found = [groups[self._at] for groups in found]
        texts = [token for token in found if token]
        if self._indented:
            texts = _blocks(texts)
        codes = np.fromiter(map(self._codes.__getitem__, texts), np.uint64, len(texts))
        return Tokens(texts, codes, codes >> KIND_SHIFT)


def _blocks(texts: Sequence[str]) -> list[str]:
    """Keep only line ends that end statements, add the borders of blocks, and drop docstrings."""
    kept: list[str] = []
    margins, depth, begins = [1], 0, True  # what a block's lines begin with, the line end included
    for i, token in enumerate(texts):
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= depth > 0
        elif token[0] == "\n":
            if not depth:
                kept += _border(len(token), margins, begins)
                begins = True
            continue
        elif begins and token[-1] in _MARKS_OF_STRINGS and (i + 1 == len(texts) or texts[i + 1][0] == "\n"):
            continue
        begins = False
        kept.append(token)
    return kept


def _border(margin: int, margins: list[int], begins: bool) -> list[str]:
    """Return the marks of a line end before a line of that margin; `begins`: no token since the last one."""
    if margin > margins[-1]:
        margins.append(margin)
        return [_INDENT]
    closed = []
    while margin < margins[-1] and len(margins) > 1:
        margins.pop()
        closed.append(_DEDENT)
    return closed if begins else [*closed, _NEWLINE]  # of a docstring's line nothing is left


class _Codes(dict[str, int]):
    """Cache of token codes: a lookup in C takes a tenth of a digest's time."""

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._reserved = frozenset(lexicon.reserved.split())
        self._quotes_alike = lexicon.quotes_alike
        self._is_name = re.compile(lexicon.names).fullmatch

    def __missing__(self, token: str) -> int:
        said = f'"{token[1:-1]}"' if self._quotes_alike and _PLAIN.fullmatch(token) else token
        digest = int.from_bytes(blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        code = digest >> 2 | self._kind(token) << 62
        if len(token) <= _LONG:
            if len(self) >= _CACHED:
                self.clear()
            self[token] = code
        return code

    def _kind(self, token: str) -> int:
        if token in self._reserved:
            return MARK
        if token[0].isdecimal():
            return NUMBER
        if self._is_name(token):
            return NAME
        return STRING if len(token) > 2 or _QUOTES.search(token) else MARK
