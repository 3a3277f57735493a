"""Tokens of code in the order in which it is written, line ends included: what the n-gram model counts.

A *symbol* is a token's number in the vocabulary, doubled, plus 1 where white space precedes it, so that a predicted
symbol can be written as it is. A line end has 1 where the next line begins further left: a block ends there. Comments
are left out, and so are blank lines.
"""

import re
import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from codekin.code.lexicon import LEXICONS, NUMBER_PATTERN

Symbols = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]

LINE_END, BOUNDARY, LONG_LITERAL = range(3)  # vocabulary numbers; BOUNDARY begins each document
NAME, STRING, NUMBER, MARK = range(4)
KIND_BITS, IS_CAPITALIZED, IS_MEMBER_MARK, IS_CALL = 3, 4, 8, 16  # of a token's traits
MEMBER_MARKS = frozenset((".", "->", "::", "?."))
_FIRST_START = np.zeros(1, np.int64)
_FOREIGN = "\0"  # continues no name, number or mark, and ends no literal
_MAX_TOKEN_CHARACTERS = 80  # longer literals are not repeated: LONG_LITERAL stands for all of them
_RESERVED = frozenset(word for lexicon in LEXICONS.values() for word in lexicon.reserved.split())
_MARK_PATTERN = r"==|!=|<=|>=|&&|\|\||->|=>|::|:=|\?\.|\+=|-=|\.\.\.|\S"


@dataclass(frozen=True, slots=True, eq=False)
class LineTokens:
    """The tokens of a text, in order."""

    symbols: Symbols  # (n,)
    rows: Positions  # (n,), 0-based
    offsets: Positions  # (n,), in characters

    def followed_by(self, line_tokens: "LineTokens", line_row: int) -> "LineTokens":
        """Return these tokens and, behind them, those of the line in that row, whose offsets are in the line."""
        return LineTokens(
            np.concatenate((self.symbols, line_tokens.symbols)),
            np.concatenate((self.rows, line_tokens.rows + line_row)),
            np.concatenate((self.offsets, line_tokens.offsets)),
        )


class TokenVocabulary(dict[str, int]):
    """Numbers tokens in the order in which they come; shared by all documents of a workspace."""

    def __init__(self) -> None:
        super().__init__({"\n": LINE_END, "": BOUNDARY, "…": LONG_LITERAL})
        self.texts = ["\n", "", "…"]
        self.kinds = bytearray((MARK, MARK, MARK))
        self._traits = bytearray((MARK, MARK, MARK))  # kind and flags
        self._lock = threading.Lock()

    def __missing__(self, token: str) -> int:
        if len(token) > _MAX_TOKEN_CHARACTERS or "\n" in token:
            return LONG_LITERAL
        with self._lock:
            token_id = self.get(token, len(self.texts))
            if token_id == len(self.texts):  # what is said of it comes before its number, which other threads read
                self.texts.append(token)
                self.kinds.append(_classify(token))
                self._traits.append(self.kinds[-1] | _find_flags(token))
                self[token] = token_id
        return token_id

    def read_traits(self) -> npt.NDArray[np.uint8]:
        """Return each token's kind (its lowest two bits) and flags: IS_CAPITALIZED, IS_MEMBER_MARK, IS_CALL."""
        return np.frombuffer(bytes(self._traits), np.uint8)


def read_line_tokens(source_text: str, language: str, vocabulary: TokenVocabulary) -> LineTokens | None:
    """Return tokens, but comments, as 2 × number (+ 1 behind a space), adding to `vocabulary`; None without rules."""
    pattern = _compile_pattern(language)
    if pattern is None:
        return None
    token_symbols, token_starts = (
        array("i"),
        array("q"),
    )  # numbers without objects: a document may have hundreds of thousands
    previous_end, is_line_start = 0, True
    for match in pattern.finditer(source_text):
        token_start, token_end = match.span(1)
        if token_start < 0:  # a comment
            continue
        token_id = vocabulary[match[1]] if source_text[token_start] != "\n" else LINE_END
        if token_id != LINE_END or not is_line_start:
            token_symbols.append(
                token_id * 2 + (token_start > previous_end and not is_line_start and token_id != LINE_END)
            )
            token_starts.append(token_start)
        is_line_start, previous_end = token_id == LINE_END, token_end
    line_ends = np.array([match.start() for match in re.finditer("\n", source_text)], np.int64)
    offsets = np.array(token_starts, np.int64)
    tokens = LineTokens(np.array(token_symbols, np.int32), np.searchsorted(line_ends, offsets), offsets)
    return mark_block_ends(tokens, np.concatenate((_FIRST_START, line_ends + 1)))


def find_token_end(source_text: str, token_start: int, language: str) -> int:
    """Return the position behind the token that starts at `token_start`; the text's length without lexical rules."""
    pattern = _compile_pattern(language)
    match = pattern.match(source_text, token_start) if pattern else None
    return match.end() if match else len(source_text)


def is_token_open(source_text: str, token_start: int, language: str, next_character: str = _FOREIGN) -> bool:
    """Return whether the last token, from `token_start` on, would include the next character, by its language's rules.

    Without `next_character`, one that only a literal without an end would have.
    """
    return find_token_end(source_text + next_character, token_start, language) > len(source_text)


def mark_block_ends(tokens: LineTokens, row_starts: Positions) -> LineTokens:
    """Return a copy of the tokens in which a line end has 1 in its lowest bit if the next line begins further left."""
    line_ends = np.flatnonzero(tokens.symbols >> 1 == LINE_END)
    line_ends = line_ends[line_ends < len(tokens.symbols) - 1]
    if not len(line_ends):
        return tokens
    first_tokens = np.concatenate((_FIRST_START, line_ends + 1))
    columns = tokens.offsets[first_tokens] - row_starts[tokens.rows[first_tokens]]
    symbols = tokens.symbols.copy()
    symbols[line_ends] = LINE_END * 2 + (columns[1:] < columns[:-1])
    return LineTokens(symbols, tokens.rows, tokens.offsets)


def write_symbols(symbols: Sequence[int], vocabulary: TokenVocabulary) -> str:
    """Return the code text of the symbols, one space before those that white space precedes."""
    return "".join(" " * (symbol & 1) + vocabulary.texts[symbol >> 1] for symbol in symbols)


@cache
def _compile_pattern(language: str) -> re.Pattern[str] | None:
    """Return the regular expression of tokens (group 1) and comments (no group), cached; None without lexical rules."""
    lexicon = LEXICONS.get(language)
    if lexicon is None:
        return None
    token_pattern = rf"{lexicon.literals}|{NUMBER_PATTERN}|{lexicon.names}|\n[ \t]*+|{_MARK_PATTERN}"
    return re.compile(rf"\\\n|(?:{lexicon.comments})|({token_pattern})", re.DOTALL | re.MULTILINE)


def _find_flags(token: str) -> int:
    """Return the flags of a token: whether it is capitalised, a member mark or an opening parenthesis."""
    flags = IS_CAPITALIZED if token[:1].isupper() else 0
    return flags | (IS_MEMBER_MARK if token in MEMBER_MARKS else IS_CALL if token[0] == "(" else 0)


def _classify(token: str) -> int:
    """Return the token's kind: NUMBER, STRING, NAME or MARK, which reserved words are, too."""
    if token[0].isdecimal():
        return NUMBER
    if token[-1] in "\"'`":
        return STRING
    if token in _RESERVED:
        return MARK
    return NAME if token[0].isalpha() or token[0] in "_$@" else MARK
