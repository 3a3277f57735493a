"""Preprocessor macros of C and C++, blanked or renamed before a parse, because no grammar can know them.

Lengths and line ends stay, so that the tree's positions hold for the source as it is.
"""

import re
from functools import lru_cache

_MAX_CACHED_PIECE_BYTES = 16_384  # longer pieces are not cached
_MAX_CACHED_PIECES = 4096  # more than a file of thousands of lines has
_MACRO = rb"[A-Z][A-Z0-9_]{2,}"
# class API_EXPORT Name : …   struct ALIGNED(16) Name {
_MACRO_IN_CLASS_HEAD = re.compile(
    rb"\b(?:class|struct|union|enum)[ \t]+(" + _MACRO + rb"(?:\([^()\n]*\))?)(?=[ \t]+[A-Za-z_][\w:]*[ \t]*"
    rb"(?:final\b[^\n;]*)?(?:[:{]|$))",
    re.MULTILINE,
)
# Q_OBJECT   BEGIN_NAMESPACE   FOO_DECLARE(x, y)   alone on a line; but not the head of a function: LOCAL(void)⏎name(…)
_MACRO_ALONE = re.compile(
    rb"^[ \t]*(" + _MACRO + rb"(?:[ \t]*\([^;{}\n]*\)(?=[ \t]*$(?!\s*\w+\s*\()))?)[ \t]*$(?!\s*[({:])", re.MULTILINE
)
# FOO_API int name(
_MACROS_IN_FRONT = re.compile(
    rb"^[ \t]*(?:template[ \t]*<[^\n{};]*>[ \t]*)?((?:" + _MACRO + rb"[ \t]+)+)"
    rb"(?=(?:[a-z]\w*[ \t*&]+)+(?:[A-Za-z_~]\w*[ \t]*)?\()",
    re.MULTILINE,
)
# TEST_CASE("adds numbers", "[math]") {  which is to be parsed as a function
_TEST_WITH_STRING_NAME = re.compile(
    rb"^[ \t]*(?:[A-Z]{1,20}_){0,3}(?:TEST|SCENARIO)(?:_[A-Z]{1,20}){0,3}\([^\n]*\)[ \t]*\{?[ \t]*$", re.MULTILINE
)
_STRING_LITERAL = re.compile(rb'"(?:[^"\\\n]|\\.)*"')
_NON_WORD_CHARACTER = re.compile(rb"\W")


def blank_macros(source: bytes) -> bytes:
    """Return `source` with the macros that usually derail a parse blanked, in the same length.

    No pattern matches across a line that ends in `}`, so the text is blanked in pieces between those lines, and the
    pieces are cached: a key stroke changes one of them.
    """
    *pieces, last_piece = source.split(b"}\n")
    blanked_pieces = [
        _blank_cached_piece(piece) if len(piece) < _MAX_CACHED_PIECE_BYTES else _blank_piece(piece + b"}")
        for piece in pieces
    ]
    return b"\n".join([*blanked_pieces, _blank_piece(last_piece)])


@lru_cache(maxsize=_MAX_CACHED_PIECES)
def _blank_cached_piece(piece: bytes) -> bytes:
    """Blank the macros of a piece that ended in `}`; the results for recent pieces are kept."""
    return _blank_piece(piece + b"}")


def _blank_piece(source: bytes) -> bytes:
    """Blank the macros of one piece, and join the words of a test's quoted name so that it parses as a function."""
    if _TEST_WITH_STRING_NAME.search(source):
        source = _TEST_WITH_STRING_NAME.sub(_join_string_words, source)
    for pattern in (_MACRO_IN_CLASS_HEAD, _MACRO_ALONE, _MACROS_IN_FRONT):
        source = pattern.sub(_blank_group, source)
    return source


def _blank_group(match: re.Match[bytes]) -> bytes:
    """Return the match with its first group replaced by spaces."""
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    text = match[0]
    return text[:start] + b" " * (end - start) + text[end:]


def _join_string_words(match: re.Match[bytes]) -> bytes:
    """Return the match with every non-word character of its string literals, quotes included, replaced by `_`."""
    return _STRING_LITERAL.sub(lambda string: _NON_WORD_CHARACTER.sub(b"_", string[0]), match[0])
