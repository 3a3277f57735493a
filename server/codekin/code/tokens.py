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

_NUMBER_PATTERN = r"\d\w*+(?:'\d\w*+)*+(?:\.\d\w*+)?+(?:(?<=[eEpP])[-+]\d++)?+"
_MARK_PATTERN = r"==|!=|<=|>=|&&|\|\||->|=>|::|:=|\?\.|\S"
_LINE_END_PATTERN = r"\n[ \t]*+(?=[^\s#])|"
_PLAIN_STRING = re.compile(r"'[^'\"\\`$#\n]*'")
_QUOTES = re.compile("[\"'`]")
_MAX_CACHED_TOKENS = 65_536  # tokens a language: the vocabulary of a large code base's busy part, some 10 MB
_OPENING, _CLOSING, _MARKS_OF_STRINGS = frozenset("([{"), frozenset(")]}"), frozenset("\"'")
_NEWLINE, _INDENT, _DEDENT = "\n", "→", "←"
_MAX_CACHED_CHARACTERS = 60  # characters: longer tokens are literals that hardly come again
_MAX_HEREDOCS = 100  # of a text; each is searched for its end, so more would take quadratic time, and none is read
_HEREDOC_START = re.compile("<(?=<)")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a text, in order."""

    texts: Sequence[str]  # n
    codes: Codes  # (n,): a digest of the token, below its kind
    kinds: Codes  # (n,): MARK, NAME, STRING or NUMBER


NO_TOKENS = Tokens((), np.empty(0, np.uint64), np.empty(0, np.uint64))


def tokenize(text: str, language: str) -> Tokens | None:
    """Return the tokens of `text`; None if the language's lexical rules are unknown."""
    scanner = _get_scanner(language)
    return scanner.scan(text) if scanner else None


@cache
def _get_scanner(language: str) -> "_TokenScanner | None":
    lexicon = LEXICONS.get(language)
    return _TokenScanner(lexicon) if lexicon else None


class _TokenScanner:
    """Token scanner of one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        line_end = _LINE_END_PATTERN if lexicon.uses_indentation else ""
        token_pattern = f"{lexicon.literals}|{_NUMBER_PATTERN}|{lexicon.names}|{line_end}{_MARK_PATTERN}"
        comment = f"(?:{lexicon.comments})"
        # Formatters put a comma at the end of a list of several lines, and take it out.
        trailing_comma = rf",(?=[ \t]*+{comment}?+\n(?:\s|{comment})*+[)\]}}])"
        pattern = re.compile(rf"\\\n|{trailing_comma}|{comment}|({token_pattern})", re.DOTALL | re.MULTILINE)
        # Groups of their own (a heredoc's end) follow the token's; where there are any, findall gives tuples.
        self._find_tokens = pattern.findall
        self._token_group = 0
        if pattern.groups > 1:
            self._token_group = next(
                group_index
                for group_index in range(pattern.groups)
                if group_index + 1 not in pattern.groupindex.values()
            )
        self._has_groups = pattern.groups > 1
        self._has_heredocs = "<<" in lexicon.literals
        self._uses_indentation = lexicon.uses_indentation
        self._codes = _TokenCodes(lexicon)

    def scan(self, text: str) -> Tokens:
        if self._has_heredocs and text.count("<<") > _MAX_HEREDOCS:
            text = _HEREDOC_START.sub("< ", text)
        matches = self._find_tokens(text)
        if self._has_groups:
            matches = [groups[self._token_group] for groups in matches]
        texts = [token for token in matches if token]
        if self._uses_indentation:
            texts = _mark_blocks(texts)
        codes = np.fromiter(map(self._codes.__getitem__, texts), np.uint64, len(texts))
        return Tokens(texts, codes, codes >> KIND_SHIFT)


def _mark_blocks(texts: Sequence[str]) -> list[str]:
    """Keep only line ends that end statements, add the borders of blocks, and drop docstrings."""
    kept_tokens: list[str] = []
    margins, bracket_depth, begins_statement = [1], 0, True  # what a block's lines begin with, the line end included
    for index, token in enumerate(texts):
        if token in _OPENING:
            bracket_depth += 1
        elif token in _CLOSING:
            bracket_depth -= bracket_depth > 0
        elif token[0] == "\n":
            if not bracket_depth:
                kept_tokens += _find_block_marks(len(token), margins, begins_statement)
                begins_statement = True
            continue
        elif (
            begins_statement
            and token[-1] in _MARKS_OF_STRINGS
            and (index + 1 == len(texts) or texts[index + 1][0] == "\n")
        ):
            continue
        begins_statement = False
        kept_tokens.append(token)
    return kept_tokens


def _find_block_marks(margin: int, margins: list[int], begins_statement: bool) -> list[str]:
    """Return the marks of a line end before a line of that margin; `begins`: no token since the last one."""
    if margin > margins[-1]:
        margins.append(margin)
        return [_INDENT]
    dedents = []
    while margin < margins[-1] and len(margins) > 1:
        margins.pop()
        dedents.append(_DEDENT)
    return dedents if begins_statement else [*dedents, _NEWLINE]  # of a docstring's line nothing is left


class _TokenCodes(dict[str, int]):
    """Cache of token codes: a lookup in C takes a tenth of a digest's time."""

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._reserved = frozenset(lexicon.reserved.split())
        self._has_equal_quotes = lexicon.has_equal_quotes
        self._is_name = re.compile(lexicon.names).fullmatch

    def __missing__(self, token: str) -> int:
        normalized_token = f'"{token[1:-1]}"' if self._has_equal_quotes and _PLAIN_STRING.fullmatch(token) else token
        digest = int.from_bytes(
            blake2b(normalized_token.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
        )
        code = digest >> 2 | self._classify_token(token) << 62
        if len(token) <= _MAX_CACHED_CHARACTERS:
            if len(self) >= _MAX_CACHED_TOKENS:
                self.clear()
            self[token] = code
        return code

    def _classify_token(self, token: str) -> int:
        if token in self._reserved:
            return MARK
        if token[0].isdecimal():
            return NUMBER
        if self._is_name(token):
            return NAME
        return STRING if len(token) > 2 or _QUOTES.search(token) else MARK
