"""Tokens of a text: the code without comments and white space.

A scanner, not a parser: a method without its class, half a function and a selection give the same tokens as in their
file, in time linear in the text. Where indentation makes blocks, their borders are tokens too, and a string that is a
statement (a docstring) is a comment.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from codekin.code.lexicon import LEXICONS, NUMBER_PATTERN, Lexicon

Codes = npt.NDArray[np.uint64]

MARK, NAME, STRING, NUMBER = range(4)  # MARK: operators and reserved words
KIND_SHIFT = np.uint64(62)  # a code's highest two bits are its kind

_MARK_PATTERN = r"==|!=|<=|>=|&&|\|\||->|=>|::|:=|\?\.|\S"
_LINE_END_PATTERN = r"\n[ \t]*+(?=[^\s#])|"
_PLAIN_STRING = re.compile(r"'[^'\"\\`$#\n]*'")
_QUOTES = re.compile("[\"'`]")
_MAX_CACHED_TOKENS = 65_536  # per language: most of the vocabulary of a large code base, some 10 MB
_OPENING, _CLOSING, _MARKS_OF_STRINGS = frozenset("([{"), frozenset(")]}"), frozenset("\"'")
_NEWLINE, _INDENT, _DEDENT = "\n", "→", "←"
_MAX_CACHED_CHARACTERS = 60  # longer tokens are literals that hardly recur
_MAX_HEREDOCS = 100  # per text: finding their ends takes quadratic time, so if there are more, none is read
_HEREDOC_START = re.compile("<(?=<)")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a text, in order."""

    texts: Sequence[str]  # n
    codes: Codes  # (n,): a digest of the token, below its kind
    kinds: Codes  # (n,): MARK, NAME, STRING or NUMBER


NO_TOKENS = Tokens((), np.empty(0, np.uint64), np.empty(0, np.uint64))


def tokenize(text: str, language: str) -> Tokens | None:
    """Return the tokens of `text`, without comments; None if the language has no lexical rules here. Never raises."""
    scanner = _get_scanner(language)
    return scanner.scan(text) if scanner else None


@cache
def _get_scanner(language: str) -> "_TokenScanner | None":
    """Return the language's scanner, made once; None if it has no lexical rules here."""
    lexicon = LEXICONS.get(language)
    return _TokenScanner(lexicon) if lexicon else None


class _TokenScanner:
    """Splits text of one language into tokens."""

    def __init__(self, lexicon: Lexicon) -> None:
        line_end = _LINE_END_PATTERN if lexicon.uses_indentation else ""
        token_pattern = f"{lexicon.literals}|{NUMBER_PATTERN}|{lexicon.names}|{line_end}{_MARK_PATTERN}"
        comment = f"(?:{lexicon.comments})"
        # Formatters add and remove a trailing comma in lists of several lines, so it is no token.
        trailing_comma = rf",(?=[ \t]*+{comment}?+\n(?:\s|{comment})*+[)\]}}])"
        pattern = re.compile(rf"\\\n|{trailing_comma}|{comment}|({token_pattern})", re.DOTALL | re.MULTILINE)
        # The literals may have groups (a heredoc's end) after the token's; findall returns tuples then.
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
        """Return the tokens of `text`, in linear time."""
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
    """Return the tokens, line ends replaced by marks of blocks and statements; without strings that are statements."""
    kept_tokens: list[str] = []
    margins, bracket_depth, begins_statement = [1], 0, True  # margin: columns of indentation, plus one for the line end
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
    """Return the indent, dedent or newline marks before a line, by its margin; update `margins`, of open blocks."""
    if margin > margins[-1]:
        margins.append(margin)
        return [_INDENT]
    dedents = []
    while margin < margins[-1] and len(margins) > 1:
        margins.pop()
        dedents.append(_DEDENT)
    return dedents if begins_statement else [*dedents, _NEWLINE]  # a docstring left an empty line


class _TokenCodes(dict[str, int]):
    """Mapping from a token to its 64-bit code (kind and digest), computed on first use and cached."""

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
        """Return the token's kind: MARK (also reserved words), NUMBER, NAME or STRING."""
        if token in self._reserved:
            return MARK
        if token[0].isdecimal():
            return NUMBER
        if self._is_name(token):
            return NAME
        return STRING if len(token) > 2 or _QUOTES.search(token) else MARK
