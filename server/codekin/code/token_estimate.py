"""Estimates how many tokens a language model reads a text as, without knowing the model.

Tokenizers of today's models cut code into pieces of three to four characters, and take a mark, or the blanks before a
word, as one more. The estimate is on the high side: a budget that is kept by it is kept by them.
"""

import re

_PIECE = re.compile(r"[^\W\d_]{1,5}|\d{1,3}|_+|\n[ \t]*|[^\S\n]{2,}|[^\w\s]", re.ASCII)
_TOKENS_PER_OTHER_CHARACTER = 1.0  # of other scripts: a character is a token, more or less


def estimate_tokens(text: str) -> int:
    """Return an estimate, on the high side, of a text's number of tokens, whatever the model; 0 only if it is blank."""
    count = len(_PIECE.findall(text))
    if text.isascii():
        return count
    return count + round(_TOKENS_PER_OTHER_CHARACTER * sum(character > "\x7f" for character in text))


def cut_to_tokens(text: str, max_tokens: int) -> str:
    """Return the longest run of whole lines from the start of at most `max_tokens` estimated tokens; "" if none."""
    used_tokens, kept_lines = 0, []
    for line in text.split("\n"):
        used_tokens += estimate_tokens(line) + 1
        if used_tokens > max_tokens:
            break
        kept_lines.append(line)
    return "\n".join(kept_lines)
