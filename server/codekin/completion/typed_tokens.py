"""Reads what is typed of a line: its last token may be whole, or go on at the cursor."""

import re
from collections.abc import Iterator

import numpy as np

from codekin.completion.line_tokens import LONG_LITERAL, LineTokens, TokenVocabulary

_OPEN_TOKEN = re.compile(r"[$@#]?[^\W\d][\w$]*|([\"'`])(?:(?!\1).)*")  # a name or a string, which may go on
# A string whose end is yet to come, its prefix included: no code follows it. A lone ' may begin a lifetime, too.
_UNCLOSED_STRING = re.compile(r"(?!'\Z)[BbFfRrTtUu@$L]{0,2}(\"{3}|'{3}|[\"'`])(?:(?!\1)[^\\]|\\.)*\\?")
_NO_TOKENS = LineTokens(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))


def read_typed_tokens(typed_text: str, line_tokens: LineTokens) -> Iterator[tuple[LineTokens, str]]:
    """Yield (typed tokens but the last, its text) if that may go on, then (all typed tokens, "") unless it must."""
    if not len(line_tokens.symbols):
        yield _NO_TOKENS, ""
        return
    last_token = typed_text[int(line_tokens.offsets[-1]) :]
    must_go_on = _UNCLOSED_STRING.fullmatch(last_token) is not None
    if must_go_on or _OPEN_TOKEN.fullmatch(last_token):
        yield LineTokens(line_tokens.symbols[:-1], line_tokens.rows[:-1], line_tokens.offsets[:-1]), last_token
    if not must_go_on:
        yield line_tokens, ""


def is_comment_behind(typed_text: str, line_tokens: LineTokens, vocabulary: TokenVocabulary) -> bool:
    """Return whether a comment follows the last token of the typed text."""
    last_symbol = int(line_tokens.symbols[-1])
    last_text = typed_text[int(line_tokens.offsets[-1]) :]
    return last_symbol >> 1 != LONG_LITERAL and bool(last_text.removeprefix(vocabulary.texts[last_symbol >> 1]).strip())
