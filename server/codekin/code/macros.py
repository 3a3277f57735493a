"""Preprocessor macros of C and C++, blanked or renamed before a parse, because no grammar can know them.

Lengths and line ends stay, so that the tree's positions hold for the source as it is.
"""

import re
from functools import lru_cache

_MAX_CACHED_PIECE_BYTES = 16_384  # longer pieces are not cached
_MAX_CACHED_PIECES = 4096  # more than a file of thousands of lines has
_MACRO = rb"[A-Z][A-Z0-9_]{2,}"
_ARGUMENTS = rb"\((?:[^()\n;{}]++|\([^()\n;{}]*+\))*+\)"
# class API_EXPORT Name : …   struct ALIGNED(16) Name {
_MACRO_IN_CLASS_HEAD = re.compile(
    rb"\b(?:class|struct|union|enum)[ \t]+(" + _MACRO + rb"(?:\([^()\n]*\))?)(?=[ \t]+[A-Za-z_][\w:]*[ \t]*"
    rb"(?:final\b[^\n;]*)?(?:[:{]|$))",
    re.MULTILINE,
)
_CLASS_WORDS = (b"class", b"struct", b"union", b"enum")
_MACRO_AT_LINE_START = re.compile(
    rb"^[ \t]*(?:template[ \t]*<[^\n{};]*>[ \t]*|(?:static|inline|constexpr|virtual|extern|friend)[ \t]+){0,4}"
    + _MACRO,
    re.MULTILINE,
)
# Q_OBJECT   BEGIN_NAMESPACE   FOO_DECLARE(x, y)   alone on a line; but not the head of a function: LOCAL(void)⏎name(…)
_MACRO_ALONE = re.compile(
    rb"^[ \t]*(" + _MACRO + rb"(?:[ \t]*\([^;{}\n]*\)(?=[ \t]*$(?!\s*\w+\s*\()))?)[ \t]*$(?!\s*[({:])", re.MULTILINE
)
# FOO_API int name(   static FOO_API ::ns::Type<T>& name(
_MACROS_IN_FRONT = re.compile(
    rb"^[ \t]*(?:template[ \t]*<[^\n{};]*>[ \t]*)?(?:(?:static|inline|constexpr|virtual|extern|friend)[ \t]+){0,3}"
    rb"((?:" + _MACRO + rb"[ \t]+)+)(?=(?:(?:::)?[A-Za-z_]\w*+(?:::\w++)*+(?:<[^\n;{}()]{0,200}>)?(?:[ \t*&]+|"
    rb"[*& \t]*\n[ \t]*)){1,8}(?:(?:\w++::)*+(?:operator\b[^\n(]{1,40}|~?[A-Za-z_]\w*+)[ \t]*)?\()",
    re.MULTILINE,
)
# Type* NULLABLE name   const char * FORMAT_ARG(3)⏎name(
_MACRO_AFTER_POINTER = re.compile(
    rb"[*&](?:[ \t]*("
    + _MACRO
    + rb"(?:"
    + _ARGUMENTS
    + rb")?)(?=\s+[A-Za-z_])|(?<=[\w>][*&])[ \t]+("
    + _MACRO
    + rb")(?=[ \t]*[,)>]))"
)
# TEST_CASE("adds numbers", "[math]") {  which is to be parsed as a function
_TEST_WITH_STRING_NAME = re.compile(
    rb"^[ \t]*(?:[A-Z]{1,20}_){0,3}(?:TEST|SCENARIO)(?:_[A-Z]{1,20}){0,3}\([^\n]*\)[ \t]*\{?[ \t]*$", re.MULTILINE
)
# void push(int item) EXCLUSIVE_LOCKS_REQUIRED(mutex) {   bool event() Q_DECL_OVERRIDE {
_MACROS_AFTER_PARAMETERS = re.compile(
    rb"\)[ \t]*(?:\n[ \t]+)?(?:(?:const|noexcept|override|final|volatile)\b[ \t]*(?:\n[ \t]+)?){0,4}"
    rb"((?:(?!\w*(?:TEST|SECTION|SCENARIO))" + _MACRO + rb"\b[ \t]*(?:\n[ \t]+)?(?:" + _ARGUMENTS + rb"[ \t]*)?"
    rb"(?:\n[ \t]+)?){1,4})(?=\s*(?:\{|:(?!:)|->|(?:const|noexcept|override|final|try)\b))"
)
# SYSCALL_DEFINE3(read, int, fd) {   PHP_METHOD(Message, serialize) {   at the margin
_DEFINER = re.compile(
    rb"^(?:(?:static|inline|extern)[ \t]+){0,2}(?!\w*NAMESPACE)([A-Z][A-Z0-9_]{2,})[ \t]*"
    rb"\(((?:[^(){};\"/]{1,999}+|\"(?:[^\"\\\n]|\\.){0,999}+\"|/\*(?:[^*}]|\*(?!/)){0,4000}+\*/|/"
    rb"|\([^(){};]{0,999}+\)){0,99}+)\)"
    rb"(?=\s*(?:\([^(){};]*+\)\s*)?\{)",
    re.MULTILINE,
)
# int *first(Widget* = nullptr)
_DEFAULT_OF_UNNAMED = re.compile(
    rb"[*&](?:(?<=[\w>][*&])|(?<=[\w>][ \t][*&]))[ \t]*(=[ \t]*(?:nullptr|NULL|0)\b)(?=[ \t]*[,)])"
)
_STRING_LITERAL = re.compile(rb'"(?:[^"\\\n]|\\.)*"')
_NON_WORD_CHARACTER = re.compile(rb"\W")
_VISIBLE = re.compile(rb"[^\n]")


def blank_macros(source_bytes: bytes) -> bytes:
    """Return `source_bytes`, in the same length, with macros that usually derail a parse blanked or made functions.

    No pattern matches across a line that ends in `}`, so the text is blanked in pieces between those lines, and the
    pieces are cached: a key stroke changes one of them.
    """
    *pieces, last_piece = source_bytes.split(b"}\n")
    blanked_pieces = [
        _blank_cached_piece(piece) if len(piece) < _MAX_CACHED_PIECE_BYTES else _blank_piece(piece + b"}")
        for piece in pieces
    ]
    return b"\n".join([*blanked_pieces, _blank_piece(last_piece)])


@lru_cache(maxsize=_MAX_CACHED_PIECES)
def _blank_cached_piece(piece: bytes) -> bytes:
    """Blank the macros of a piece that ended in `}`; the results for recent pieces are kept."""
    return _blank_piece(piece + b"}")


def _blank_piece(source_bytes: bytes) -> bytes:
    """Blank the macros of one piece, and join the words of a test's quoted name so that it parses as a function."""
    if (b"TEST" in source_bytes or b"SCENARIO" in source_bytes) and _TEST_WITH_STRING_NAME.search(source_bytes):
        source_bytes = _TEST_WITH_STRING_NAME.sub(_join_string_words, source_bytes)
    has_macro_at_line_start = _MACRO_AT_LINE_START.search(source_bytes) is not None
    if has_macro_at_line_start and _DEFINER.search(source_bytes):
        source_bytes = _DEFINER.sub(_declare_function, source_bytes)
    for pattern in (_MACROS_AFTER_PARAMETERS, _DEFAULT_OF_UNNAMED, _MACRO_AFTER_POINTER):
        source_bytes = pattern.sub(_blank_group, source_bytes)
    if any(word in source_bytes for word in _CLASS_WORDS):
        source_bytes = _MACRO_IN_CLASS_HEAD.sub(_blank_group, source_bytes)
    if has_macro_at_line_start:
        source_bytes = _MACROS_IN_FRONT.sub(_blank_group, _MACRO_ALONE.sub(_blank_group, source_bytes))
    return source_bytes


def _blank_group(match: re.Match[bytes]) -> bytes:
    """Blank the group that matched, except for line ends."""
    group = match.lastindex or 0
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    text = match[0]
    return text[:start] + _VISIBLE.sub(b" ", text[start:end]) + text[end:]


def _declare_function(match: re.Match[bytes]) -> bytes:
    """Make a function without parameters of a macro call: its first letter becomes a type, its second a blank."""
    start, end = match.start(1) - match.start(), match.end(2) - match.start()
    text, arguments = match[0], _VISIBLE.sub(b" ", match[2])
    return text[: start + 1] + b" " + text[start + 2 : match.start(2) - match.start()] + arguments + text[end:]


def _join_string_words(match: re.Match[bytes]) -> bytes:
    """Return the match with every non-word character of its string literals, quotes included, replaced by `_`."""
    return _STRING_LITERAL.sub(lambda string: _NON_WORD_CHARACTER.sub(b"_", string[0]), match[0])
