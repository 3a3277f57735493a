"""Text → its tokens: what the code says, without comments and white space.

A scanner, not a parser: a method without its class, half a function and a selection give the tokens that they have in
their file, in time linear in the text. Python's blocks are tokens, too; a string that stands for itself is a comment.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from codekin.code.lexicon import LEXICONS, Lexicon

Codes = npt.NDArray[np.uint64]

MARK, NAME, STRING, NUMBER = range(4)  # a code's highest two bits; operators and reserved words are marks

_KIND_SHIFT = np.uint64(62)
_NUMBER = r"\d\w*+(?:'\d\w*+)*+(?:\.\d\w*+)?+(?:(?<=[eEpP])[-+]\d++)?+"
_MARKS = r"==|!=|<=|>=|&&|\|\||->|=>|::|:=|\?\.|\S"
_LINE = r"\n[ \t]*+(?=[^\s#])|"
_LAST_COMMA = r",(?=[ \t]*+\n\s*+[)\]}])"  # formatters put one in, and take it out
_PLAIN = re.compile(r"'[^'\"\\`$#\n]*'")
_QUOTES = re.compile("[\"'`]")
_CACHED = 65_536  # tokens a language: the vocabulary of a large code base's busy part, some 10 MB
_NEWLINE, _INDENT, _DEDENT = "\n", "→", "←"
_LONG = 60  # characters: longer tokens are literals that hardly come again


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A text's tokens, in order."""

    texts: Sequence[str]  # n
    codes: Codes  # (n,): a digest of the token, its kind in the highest two bits

    @property
    def kinds(self) -> Codes:
        """(n,): MARK, NAME, STRING or NUMBER."""
        return self.codes >> _KIND_SHIFT


def tokens(text: str, language: str) -> Tokens | None:
    """The tokens of `text`; None where nobody has told us how the language writes comments and literals."""
    scanner = _scanner(language)
    return scanner.scan(text) if scanner else None


def kind_mark(kind: int) -> np.uint64:
    """The code that stands for every token of that kind."""
    return np.uint64(kind) << _KIND_SHIFT


@cache
def _scanner(language: str) -> "_Scanner | None":
    lexicon = LEXICONS.get(language)
    return _Scanner(lexicon) if lexicon else None


class _Scanner:
    """One language's."""

    def __init__(self, lexicon: Lexicon) -> None:
        line = _LINE if lexicon.indented else ""
        told = f"{lexicon.literals}|{_NUMBER}|{lexicon.names}|{line}{_MARKS}"
        pattern = re.compile(rf"\\\n|{_LAST_COMMA}|(?:{lexicon.comments})|({told})", re.DOTALL | re.MULTILINE)
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
            texts = list(_blocks(texts))
        codes = np.fromiter(map(self._codes.__getitem__, texts), np.uint64, len(texts))
        return Tokens(texts, codes)


def _blocks(texts: Sequence[str]) -> Iterator[str]:
    """Tokens with line ends that end statements only, and with the borders of blocks."""
    margins, depth, begins = [-1], 0, True
    last = len(texts) - 1
    for i, token in enumerate(texts):
        first = token[0]
        if first == "\n":
            if depth:
                continue
            margin = len(token)
            if margins[0] < 0:
                margins[0] = 1
            if margin > margins[-1]:
                margins.append(margin)
                yield _INDENT
            else:
                while margin < margins[-1] and len(margins) > 1:
                    margins.pop()
                    yield _DEDENT
                if not begins:  # else a docstring has gone
                    yield _NEWLINE
            begins = True
            continue
        if begins and token[-1] in "\"'" and (i == last or texts[i + 1][0] == "\n"):
            continue  # a docstring
        begins = False
        if first in "([{" and len(token) == 1:
            depth += 1
        elif first in ")]}" and depth:
            depth -= 1
        yield token


class _Codes(dict[str, int]):
    """Token → its code, remembered: a lookup in C is a tenth of a digest."""

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
