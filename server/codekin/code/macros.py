"""Preprocessor macros of C and C++, blanked or renamed before a parse, because no grammar can know them.

Lengths and line ends stay, so that the tree's positions hold for the source as it is.
"""

import re
from functools import lru_cache

_MAX_CACHED_PIECE_BYTES = 16_384  # longer pieces are not cached
_MAX_CACHED_PIECES = 4096  # more than a file of thousands of lines has
_MACRO = rb"[A-Z][A-Z0-9_]{2,}"
_ARGUMENTS = rb"\((?:[^()\n;{}]++|\([^()\n;{}]*+\))*+\)"
_PARAMETERS = (  # over several lines
    rb"\((?:[^();{}]|\{\}(?!\n)|\((?:[^();{}]|\([^();{}]{0,400}\)){0,400}+\)){0,999}+\)"
)
_TEMPLATE_ARGUMENTS = rb"(?:<[^\n;{}()]{0,200}>)?"
_MACROS = rb"((?:" + _MACRO + rb"(?:" + _ARGUMENTS + rb")?[ \t]+)+)"
# A pattern that begins with a line end, not with `^`, is searched for four times as fast.
_LINE_START = rb"\n[ \t]*+"
_SPECIFIERS = (
    rb"(?:template[ \t]*(?:<[^\n{};]*>)?[ \t]*|(?:static|inline|constexpr|virtual|extern|friend|explicit)[ \t]+"
    rb"|\[\[[^\]\n]*\]\][ \t]*){0,4}"
)
# class API_EXPORT Name : …   struct ALIGNED(16) Name {   class API_EXPORT NO_COPY⏎Name<int, char> final⏎: …
_MACROS_IN_CLASS_HEAD = {
    word: re.compile(
        word + rb"(?<!\w" + word + rb")[ \t]+((?:" + _MACRO + rb"\b(?:\([^()\n]*\))?\s++){1,3})(?=[A-Za-z_][\w:]*+\s*+"
        rb"(?:<[^;{}()]{0,300}>\s*+)?(?:final\b\s*+)?(?:[{]|:(?!:)))"
    )
    for word in (b"class", b"struct", b"union", b"enum")
}
_MACRO_AT_LINE_START = re.compile(_LINE_START + _SPECIFIERS + _MACRO)
# Q_OBJECT   PRIVATE_BUT_FOR_TESTS:   FOO_DECLARE(x, y)   FOO_NON_NULL(3)⏎Type(…)   alone on a line
# but not the head of a function: LOCAL(void)⏎name(…)
_MACRO_ALONE = re.compile(
    _LINE_START + rb"(" + _MACRO + rb"(?:[ \t]*:(?=\n)|[ \t]*\(\d[^;{}\n]*\)(?=\n)"
    rb"|[ \t]*\([^;{}\n]*\)(?=[ \t]*$(?!\s*\w+\s*\()))?)[ \t]*$(?!\s*[({:])",
    re.MULTILINE,
)
# FOO_API int name(   static FOO_API ::ns::Type<T>& name(
_MACROS_IN_FRONT = re.compile(
    _LINE_START + _SPECIFIERS + rb"((?:" + _MACRO + rb"[ \t]+)+)(?=(?:(?:::)?[A-Za-z_]\w*+(?:::\w++)*+"
    rb"(?:<[^\n;{}()]{0,200}>)?(?:[ \t*&]+|[*& \t]*\n[ \t]*)){1,8}"
    rb"(?:\w++" + _TEMPLATE_ARGUMENTS + rb"::)*+(?:operator\b[^\n(]{1,40}|~?[A-Za-z_]\w*+)[ \t]*\()"
)
# FOO_API template <…>   FOO_WARNING(suppress : 1) extern Type name;
_MACROS_BEFORE_SPECIFIER = re.compile(
    _LINE_START
    + _SPECIFIERS
    + _MACROS
    + rb"(?=(?:template|extern|class|struct|union|enum|typedef|using|friend|virtual|explicit|static|inline|constexpr"
    rb"|auto|void|bool|int|char|unsigned|signed|long|short|float|double)\b)"
)
# FOO_INLINE Type::Type(int a)   FOO_API Type(int a) noexcept⏎: …   FOO_INLINE ~Type()   FOO_API operator bool()
_MACROS_BEFORE_CONSTRUCTOR = re.compile(
    _LINE_START + _SPECIFIERS + _MACROS + rb"(?=(?:(?:\w++" + _TEMPLATE_ARGUMENTS + rb"::)*+"
    rb"(?:~|operator[ \t]+(?!new\b|delete\b)[A-Za-z_:])"
    rb"|(?:\w++::)*(?P<type>\w++)" + _TEMPLATE_ARGUMENTS + rb"::(?P=type)[ \t]*+\("
    rb"|\w++[ \t]*+" + _PARAMETERS + rb"\s*+(?:noexcept\b(?:" + _ARGUMENTS + rb")?\s*+)?:(?!:)))"
)
# template <typename T, FOO_ENABLE_IF(!is_same<T, int>::value)>
_MACRO_IN_TEMPLATE_HEAD = re.compile(
    rb"template[ \t]*+<(?:[^();{}]|" + _ARGUMENTS + rb"){0,400}?[,<]\s*+(" + _MACRO + _PARAMETERS + rb")(?=\s*[,>])"
)
# TRY {   which a statement can begin with
_MACRO_BEFORE_BLOCK = re.compile(rb"\n[ \t]++(" + _MACRO + rb")[ \t]*+(?=\{)")
_PATTERNS_AT_LINE_START = (
    _MACRO_ALONE,
    _MACROS_BEFORE_CONSTRUCTOR,
    _MACROS_IN_FRONT,
    _MACROS_BEFORE_SPECIFIER,
    _MACRO_BEFORE_BLOCK,
)
# Type* NULLABLE name   const char * FORMAT_ARG(3)⏎name(
_MACROS_AFTER_POINTER = tuple(  # one pattern for each sign: a first character that is fixed is found fastest
    re.compile(
        sign + rb"(?=[ \t]*+[A-Z][A-Z0-9_]{2})(?:[ \t]*(?=" + _MACRO + rb"(?:" + _ARGUMENTS + rb")?\s+[A-Za-z_])"
        rb"|(?<=[\w>][*&])[ \t]+(?=" + _MACRO + rb"[ \t]*[,)>]))(" + _MACRO + rb"(?:" + _ARGUMENTS + rb")?)"
    )
    for sign in (rb"\*", rb"&")
)
# TEST_CASE("adds numbers", "[math]") {  which is to be parsed as a function
_TEST_WITH_STRING_NAME = re.compile(
    _LINE_START + rb"(?:[A-Z]{1,20}_){0,3}(?:TEST|SCENARIO)(?:_[A-Z]{1,20}){0,3}\([^\n]*\)[ \t]*\{?[ \t]*$",
    re.MULTILINE,
)
# int __must_check take(void)   but not: static __be32 take(void)
_ANNOTATION_BEFORE_NAME = re.compile(
    rb" (?<=[\w*>&] )(?<!static )(?<!inline )(?<!const )(?<!constexpr )(?<!virtual )(?<!extern )(?<!volatile )"
    rb"(?<!inline__ )(?<!register )(?<!_Noreturn )(?<!signed )(?<!struct )(?<!union )(?<!enum )"
    rb"(__(?!attribute)[a-z]\w*+)(?=[ \t]+\*{0,2}[A-Za-z]\w*+\()"
)
# void push(int item) EXCLUSIVE_LOCKS_REQUIRED(mutex) {   bool event() Q_DECL_OVERRIDE {   void a() __acquires(b) {
_MACROS_AFTER_PARAMETERS = re.compile(
    rb"\)(?=\s*+[A-Z_cnofv])[ \t]*(?:\n[ \t]+)?(?:(?:const|noexcept|override|final|volatile)\b[ \t]*(?:\n[ \t]+)?){0,4}"
    rb"((?:(?!(?:[A-Z0-9]+_)*(?:TEST|SECTION|SCENARIO)(?:_|\b))(?:"
    + _MACRO
    + rb"|__(?!attribute)[a-z]\w*+)"
    + rb"\b[ \t]*(?:\n[ \t]+)?(?:"
    + _ARGUMENTS
    + rb"[ \t]*)?"
    rb"(?:\n[ \t]+)?){1,4})(?=\s*(?:\{|:(?!:)|->\s|(?:const|noexcept|override|final|try)\b))"
)
# SYSCALL_DEFINE3(read, int, fd) {   PHP_METHOD(Message, serialize) {   at the margin
_DEFINER = re.compile(
    rb"\n(?:(?:static|inline|extern)[ \t]+){0,2}(?!\w*NAMESPACE)([A-Z][A-Z0-9_]{2,})[ \t]*"
    rb"\(((?:[^(){};\"/]{1,999}+|\"(?:[^\"\\\n]|\\.){0,999}+\"|/\*(?:[^*}]|\*(?!/)){0,4000}+\*/|/"
    rb"|\([^(){};]{0,999}+\)){0,99}+)\)"
    rb"(?=\s*(?:\([^(){};]*+\)\s*)?\{)"
)
_ENDS_OF_METHOD_HEAD = (rb"\)", rb"\bconst", rb"\bnoexcept", rb"\boverride", rb"\bfinal")
# int *first(Widget* = nullptr)
_DEFAULT_OF_UNNAMED = re.compile(
    rb"(=(?:(?<=[\w>][*&]=)|(?<=[\w>][*&][ \t]=)|(?<=[\w>][ \t][*&]=)|(?<=[\w>][ \t][*&][ \t]=))"
    rb"[ \t]*+(?:nullptr|NULL|0)\b)(?=[ \t]*[,)])"
)
# void flush() override {};   which without a blank would be an initializer
_SEMICOLON_AFTER_BODY = re.compile(
    rb"\{\}(;)(?:"
    + b"|".join(rb"(?<=" + end + blank + rb"\{\};)" for end in _ENDS_OF_METHOD_HEAD for blank in (b"", b" "))
    + rb")"
)
_STRING_LITERAL = re.compile(rb'"(?:[^"\\\n]|\\.)*"')
_NON_WORD_CHARACTER = re.compile(rb"\W")
_VISIBLE = re.compile(rb"[^\n]")


def blank_macros(source_bytes: bytes) -> bytes:
    """Return `source_bytes`, in the same length, with macros that usually derail a parse blanked or made functions.

    No pattern matches across a line that ends in `}`, so the text is blanked in pieces between such lines, and the
    pieces are cached: a key stroke changes one of them.
    """
    return _blank_pieces(source_bytes, b"\n}\n")


def _blank_pieces(source_bytes: bytes, separator: bytes) -> bytes:
    """Return the text with macros blanked, piece by piece; pieces end at `separator`, the end of a line with `}`."""
    closing = separator.rstrip(b"\n")
    *pieces, last_piece = source_bytes.split(separator)
    return b"\n".join([*(_blank_piece_before(piece, closing) for piece in pieces), _blank_piece(last_piece)])


def _blank_piece_before(piece: bytes, closing: bytes) -> bytes:
    """Return `piece` + `closing`, macros blanked; cached below 16 KiB, else cut at lines that end in `}`."""
    if len(piece) < _MAX_CACHED_PIECE_BYTES:
        return _blank_cached_piece(piece, closing)
    return _blank_piece(piece + closing) if closing == b"}" else _blank_pieces(piece + closing, b"}\n")


@lru_cache(maxsize=_MAX_CACHED_PIECES)
def _blank_cached_piece(piece: bytes, closing: bytes) -> bytes:
    """Return `piece` + `closing`, macros blanked; cached for 4,096 pieces."""
    return _blank_piece(piece + closing)


def _blank_piece(source_bytes: bytes) -> bytes:
    """Blank the macros of one piece, and join the words of a test's quoted name so that it parses as a function."""
    text = b"\n" + source_bytes
    if (b"TEST" in text or b"SCENARIO" in text) and _TEST_WITH_STRING_NAME.search(text):
        text = _TEST_WITH_STRING_NAME.sub(_join_string_words, text)
    has_macro_at_line_start = _MACRO_AT_LINE_START.search(text) is not None
    if has_macro_at_line_start and _DEFINER.search(text):
        text = _DEFINER.sub(_declare_function, text)
    if b" __" in text:
        text = _ANNOTATION_BEFORE_NAME.sub(blank_group, text)
    for pattern in (_MACROS_AFTER_PARAMETERS, _DEFAULT_OF_UNNAMED, *_MACROS_AFTER_POINTER):
        text = pattern.sub(blank_group, text)
    if b"{};" in text:
        text = _SEMICOLON_AFTER_BODY.sub(blank_group, text)
    for word, pattern in _MACROS_IN_CLASS_HEAD.items():
        if word in text:
            text = pattern.sub(blank_group, text)
    if b"template" in text:
        text = text.replace(b"extern template ", b"       template ")
        text = _MACRO_IN_TEMPLATE_HEAD.sub(_make_type, text)
    return (_blank_line_starts(text) if has_macro_at_line_start else text)[1:]


def _blank_line_starts(text: bytes) -> bytes:
    """Return the text, in the same length, with the macros at the starts of lines blanked."""
    blanked_text = bytearray(text)
    for line_start in _MACRO_AT_LINE_START.finditer(text):
        for pattern in _PATTERNS_AT_LINE_START:
            if (match := pattern.match(text, line_start.start())) is not None:
                start, end = match.span(1)
                blanked_text[start:end] = _VISIBLE.sub(b" ", text[start:end])
                break
    return bytes(blanked_text)


def blank_group(match: re.Match[bytes]) -> bytes:
    """Return the match with its first group blanked, except for line ends."""
    return replace_group(match, b"")


def _make_type(match: re.Match[bytes]) -> bytes:
    """Return the match with its first group replaced by the type `int`, filled up with blanks."""
    return replace_group(match, b"int")


def replace_group(match: re.Match[bytes], replacement: bytes) -> bytes:
    """Return the match with its first group replaced, filled up with blanks; line ends stay."""
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    text = match[0]
    return text[:start] + replacement + _VISIBLE.sub(b" ", text[start + len(replacement) : end]) + text[end:]


def _declare_function(match: re.Match[bytes]) -> bytes:
    """Make a function without parameters of a macro call: its first letter becomes a type, its second a blank."""
    start, end = match.start(1) - match.start(), match.end(2) - match.start()
    text, arguments = match[0], _VISIBLE.sub(b" ", match[2])
    return text[: start + 1] + b" " + text[start + 2 : match.start(2) - match.start()] + arguments + text[end:]


def _join_string_words(match: re.Match[bytes]) -> bytes:
    """Return the match with every non-word character of its string literals, quotes included, replaced by `_`."""
    return _STRING_LITERAL.sub(lambda string: _NON_WORD_CHARACTER.sub(b"_", string[0]), match[0])
