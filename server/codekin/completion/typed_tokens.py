"""Reads what is typed of a line: its last token may be whole, or go on at the cursor."""

import re
from collections.abc import Iterator

import numpy as np

from codekin.completion.line_tokens import LineTokens, find_token_end, is_token_open

_LETTER = "a"  # which continues any name, and $, @, # or ' where names may begin with it
_NO_NAME = re.compile(r"[\d/]")  # begins a number or a regular expression, which a letter continues, too
_NO_TOKENS = LineTokens(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))


def read_typed_tokens(typed_text: str, line_tokens: LineTokens, language: str) -> Iterator[tuple[LineTokens, str]]:
    """Yield how the typed tokens of a line can be read: (those before an open one, its text), (all of them, "").

    The first where the last token is the beginning of a name or literal, the second unless a literal has no end yet.
    """
    if not len(line_tokens.symbols):
        yield _NO_TOKENS, ""
        return
    last_offset = int(line_tokens.offsets[-1])
    last_token = typed_text[last_offset:]
    must_go_on = is_token_open(typed_text, last_offset, language)
    may_go_on = _NO_NAME.match(last_token) is None and is_token_open(typed_text, last_offset, language, _LETTER)
    if must_go_on or may_go_on:
        yield LineTokens(line_tokens.symbols[:-1], line_tokens.rows[:-1], line_tokens.offsets[:-1]), last_token
    if not must_go_on:
        yield line_tokens, ""


def is_comment_behind(typed_text: str, line_tokens: LineTokens, language: str) -> bool:
    """Return whether a comment, or what else is no token, follows the last token of the typed text."""
    token_end = find_token_end(typed_text, int(line_tokens.offsets[-1]), language)
    return bool(typed_text[token_end:].strip())
