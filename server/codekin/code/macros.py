"""Preprocessor macros of C and C++, blanked or renamed before a parse, because no grammar can know them.

Lengths and line ends stay, so that the tree's positions hold for the source as it is.
"""

import re
from functools import lru_cache

_LONG = 16_384  # bytes of a piece: longer ones are not remembered
_REMEMBERED = 4096  # pieces: more than a file of thousands of lines has
_MACRO = rb"[A-Z][A-Z0-9_]{2,}"
# class API_EXPORT Name : …   struct ALIGNED(16) Name {
_IN_A_HEAD = re.compile(
    rb"\b(?:class|struct|union|enum)[ \t]+(" + _MACRO + rb"(?:\([^()\n]*\))?)(?=[ \t]+[A-Za-z_][\w:]*[ \t]*"
    rb"(?:final\b[^\n;]*)?(?:[:{]|$))",
    re.MULTILINE,
)
# Q_OBJECT   BEGIN_NAMESPACE   FOO_DECLARE(x, y)   alone on the line and no head of what follows: LOCAL(void)⏎name(…)
_ALONE = re.compile(
    rb"^[ \t]*(" + _MACRO + rb"(?:[ \t]*\([^;{}\n]*\)(?=[ \t]*$(?!\s*\w+\s*\()))?)[ \t]*$(?!\s*[({:])", re.MULTILINE
)
# FOO_API int name(
_IN_FRONT = re.compile(
    rb"^[ \t]*(?:template[ \t]*<[^\n{};]*>[ \t]*)?((?:" + _MACRO + rb"[ \t]+)+)"
    rb"(?=(?:[a-z]\w*[ \t*&]+)+(?:[A-Za-z_~]\w*[ \t]*)?\()",
    re.MULTILINE,
)
# TEST_CASE("adds numbers", "[math]") {  is to be read as a function
_STRING_NAMED = re.compile(
    rb"^[ \t]*(?:[A-Z]{1,20}_){0,3}(?:TEST|SCENARIO)(?:_[A-Z]{1,20}){0,3}\([^\n]*\)[ \t]*\{?[ \t]*$", re.MULTILINE
)
_STRING = re.compile(rb'"(?:[^"\\\n]|\\.)*"')
_NO_WORD = re.compile(rb"\W")


def blank_macros(source: bytes) -> bytes:
    """Return `source` with the macros that usually derail a parse blanked, in the same length.

    No pattern sees beyond a line that ends in `}`, so the pieces between those are told apart: a key changes one.
    """
    *pieces, rest = source.split(b"}\n")
    found = [_remembered(piece) if len(piece) < _LONG else _without(piece + b"}") for piece in pieces]
    return b"\n".join([*found, _without(rest)])


@lru_cache(maxsize=_REMEMBERED)
def _remembered(piece: bytes) -> bytes:
    return _without(piece + b"}")


def _without(source: bytes) -> bytes:
    if _STRING_NAMED.search(source):
        source = _STRING_NAMED.sub(_with_words, source)
    for pattern in (_IN_A_HEAD, _ALONE, _IN_FRONT):
        source = pattern.sub(_blanked, source)
    return source


def _blanked(match: re.Match[bytes]) -> bytes:
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    text = match[0]
    return text[:start] + b" " * (end - start) + text[end:]


def _with_words(match: re.Match[bytes]) -> bytes:
    return _STRING.sub(lambda string: _NO_WORD.sub(b"_", string[0]), match[0])
