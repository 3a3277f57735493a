"""Lexical rules per language: comments, literals, names and reserved words, for the token scanner.

Only words that can name nothing are reserved: a contextual keyword (`value`, `data`, `get`) is somebody's variable.
Fingerprints in stores are made with these tables: whoever changes one has old stores taken in anew (index/schema.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Possessive throughout: a scanner that never goes back takes linear time on any text.
_LINE = r"//[^\n]*+"
_BLOCK = r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)"
_HASH = r"#[^\n]*+"
_SLASHES = f"{_LINE}|{_BLOCK}"

_DOUBLE = r'"(?:[^"\\\n]|\\.)*+"?+'  # what is not closed ends with its line
_SINGLE = r"'(?:[^'\\\n]|\\.)*+'?+"
_DOUBLE_LINES = r'"(?:[^"\\]|\\.)*+"?+'
_SINGLE_LINES = r"'(?:[^'\\]|\\.)*+'?+"
_TICKED = r"`(?:[^`\\]|\\.)*+`?+"
_RAW_TICKED = r"`[^`]*+`?+"
_TRIPLE_DOUBLE = r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?+'
_TRIPLE_SINGLE = r"'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?+"
_RAW_TRIPLE = r'"""(?:[^"]|"(?!""))*+"*+'
_CHARACTER = r"'(?:\\[^\n']++|[^\\'\n])'"
_BEFORE_REGEX = r"(,=:\[!&|?{};\n"
_REGEX = (
    rf"(?:(?<=[{_BEFORE_REGEX}])|(?<=[{_BEFORE_REGEX}] )|(?<=return ))"
    r"/(?![*/ ])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,99}+\]){1,199}+/[a-z]*+"
)
_HEREDOC = r"<<[-~]?(?P<q>['\"]?)(?P<end>[A-Za-z_]\w*+)(?P=q)[^\n]*+\n(?:[^\n]*+\n){0,999}?[ \t]*+(?P=end)\b"

_NAME = r"[^\W\d]\w*+"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Patterns and reserved words of one language, tried in this order: comments, literals, numbers, names."""

    comments: str  # without groups of its own
    literals: str
    reserved: str  # space-separated
    names: str = _NAME
    indented: bool = False  # blocks are made by indentation
    quotes_alike: bool = False  # 'a' is "a"


_ECMA = (
    "await break case catch class const continue debugger default delete do else export extends false finally for "
    "function if import in instanceof let new null return super switch this throw true try typeof undefined var void "
    "while with yield"
)
_TYPED_ECMA = " any boolean enum implements interface never number private protected public readonly string unknown"
_C = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "return short signed sizeof static struct switch typedef union unsigned void volatile while NULL bool true false "
    "size_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t"
)
_CPP = (
    " catch class concept const_cast consteval constexpr constinit co_await co_return co_yield decltype delete "
    "dynamic_cast explicit export friend mutable namespace new noexcept nullptr operator private protected public "
    "reinterpret_cast requires static_assert static_cast template this thread_local throw try typeid typename using "
    "virtual wchar_t"
)
_SCRIPT = _SLASHES, f"{_DOUBLE}|{_SINGLE}|{_TICKED}|{_REGEX}"
_DOLLARED = r"(?:[^\W\d]|\$)[\w$]*+"

LEXICONS: Mapping[str, Lexicon] = {
    "python": Lexicon(
        _HASH,
        rf"(?:\b[BbFfRrTtUu]{{1,2}}+)?+(?:{_TRIPLE_DOUBLE}|{_TRIPLE_SINGLE}|{_DOUBLE}|{_SINGLE})",
        "False None True and as assert async await break class cls continue def del elif else except finally for from "
        "global if import in is lambda nonlocal not or pass raise return self try while with yield",
        indented=True,
        quotes_alike=True,
    ),
    "javascript": Lexicon(*_SCRIPT, _ECMA, rf"#?{_DOLLARED}", quotes_alike=True),
    "typescript": Lexicon(*_SCRIPT, _ECMA + _TYPED_ECMA, rf"#?{_DOLLARED}", quotes_alike=True),
    "tsx": Lexicon(*_SCRIPT, _ECMA + _TYPED_ECMA, rf"#?{_DOLLARED}", quotes_alike=True),
    "go": Lexicon(
        _SLASHES,
        f"{_DOUBLE}|{_SINGLE}|{_RAW_TICKED}",
        "break case chan const continue default defer else fallthrough for func go goto if import interface map "
        "package range return select struct switch type var nil true false iota bool byte error float32 float64 int "
        "int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any",
    ),
    "rust": Lexicon(
        _SLASHES,
        r'\b[bc]?r(?P<h>#*+)"(?:[^"]|"(?!(?P=h)))*+(?:"(?P=h))?'
        rf"|(?:\b[bc])?{_DOUBLE_LINES}|(?:\bb)?{_CHARACTER}",
        "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod "
        "move mut pub ref return self Self static struct super trait true type unsafe use where while bool char f32 "
        "f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize",
        rf"(?:'|\br#)?{_NAME}",
    ),
    "java": Lexicon(
        _SLASHES,
        f"{_TRIPLE_DOUBLE}|{_DOUBLE}|{_SINGLE}",
        "abstract assert boolean break byte case catch char class const continue default do double else enum extends "
        "final finally float for goto if implements import instanceof int interface long native new null package "
        "private protected public return short static strictfp super switch synchronized this throw throws transient "
        "true false try void volatile while var",
        _DOLLARED,
    ),
    "c": Lexicon(_SLASHES, f"(?:\\b(?:L|u8?|U))?(?:{_DOUBLE}|{_SINGLE})", _C),
    "cpp": Lexicon(
        _SLASHES,
        r'\b(?:L|u8?|U)?R"(?P<d>[^\s()\\]{0,16})\((?:[^)]|\)(?!(?P=d)"))*+(?:\)(?P=d)")?+'
        f"|(?:\\b(?:L|u8?|U))?(?:{_DOUBLE}|{_SINGLE})",
        _C + _CPP,
    ),
    "csharp": Lexicon(
        _SLASHES,
        rf'\$*{_RAW_TRIPLE}|(?:@\$?|\$@)"(?:[^"]|"")*+"?+|\$?{_DOUBLE}|{_SINGLE}',
        "abstract as async await base bool break byte case catch char checked class const continue decimal default "
        "delegate do double else enum event explicit extern false finally fixed float for foreach goto if implicit in "
        "int interface internal is lock long namespace new null object operator out override params private protected "
        "public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw true "
        "try typeof uint ulong unchecked unsafe ushort using var virtual void volatile while",
        rf"@?{_NAME}",
    ),
    "ruby": Lexicon(
        rf"{_HASH}|^=begin\b(?:[^\n]|\n(?!=end\b))*+(?:\n=end[^\n]*|\Z)",
        rf"{_HEREDOC}|{_DOUBLE_LINES}|{_SINGLE_LINES}|{_TICKED}|{_REGEX}",
        "BEGIN END alias and begin break case class def defined? do else elsif end ensure false for if in module next "
        "nil not or redo rescue retry return self super then true undef unless until when while yield raise",
        rf"(?:@@?|\$)?{_NAME}(?:[?!](?![=~]))?",
        quotes_alike=True,
    ),
    "php": Lexicon(
        rf"{_SLASHES}|#(?!\[)[^\n]*",
        rf"<{_HEREDOC}|{_DOUBLE_LINES}|{_SINGLE_LINES}|{_TICKED}",
        "abstract and array as break callable case catch class clone const continue declare default do echo else "
        "elseif empty enddeclare endfor endforeach endif endswitch endwhile extends false final finally fn for foreach "
        "function global goto if implements include include_once instanceof insteadof interface isset list match "
        "namespace new null or parent print private protected public readonly require require_once return self static "
        "switch throw trait true try unset use var void while xor yield bool float int mixed string $this",
        rf"\$?{_NAME}",
        quotes_alike=True,
    ),
    "kotlin": Lexicon(
        _SLASHES,
        f"{_RAW_TRIPLE}|{_DOUBLE}|{_SINGLE}",
        "as break class continue do else false for fun if in interface is null object package return super this throw "
        "true try typealias typeof val var when while catch finally import private protected public internal override "
        "abstract open suspend companion",
        rf"`[^`\n]*`|{_NAME}",
    ),
    "scala": Lexicon(
        _SLASHES,
        rf"(?:\b{_NAME})?(?:{_RAW_TRIPLE}|{_DOUBLE})|{_CHARACTER}",
        "abstract case catch class def do else enum export extends false final finally for given if implicit import "
        "lazy match new null object override package private protected return sealed super then this throw trait true "
        "try type val var while with yield",
        rf"`[^`\n]*`|{_NAME}",
    ),
    "swift": Lexicon(
        _SLASHES,
        rf'(?P<h>#*){_RAW_TRIPLE}(?P=h)|(?P<g>#+)"[^\n]*?"(?P=g)|{_DOUBLE}',
        "associatedtype class deinit enum extension fileprivate func import init inout internal let open operator "
        "private protocol public rethrows static struct subscript typealias var break case continue default defer do "
        "else fallthrough for guard if in repeat return switch where while as await catch false is nil super self Self "
        "throw throws true try async",
        rf"`[^`\n]*`|\$?{_NAME}|\$\d+",
    ),
    "lua": Lexicon(
        "|".join([*(rf"--\[{e}\[(?:[^\]]|\](?!{e}\]))*+(?:\]{e}\])?+" for e in ("", "=", "==")), r"--[^\n]*+"]),
        rf"{_DOUBLE}|{_SINGLE}|\[(?P<s>=*+)\[(?:[^\]]|\](?!(?P=s)\]))*+(?:\](?P=s)\])?+",
        "and break do else elseif end false for function goto if in local nil not or repeat return self then true "
        "until while",
        quotes_alike=True,
    ),
    "bash": Lexicon(
        r"(?<![^\s;&|()])#[^\n]*",
        rf"{_HEREDOC}|\$?{_DOUBLE_LINES}|\$?{_SINGLE_LINES}",
        "case coproc do done elif else esac fi for function if in select then time until while break continue exit "
        "export local readonly return set shift unset declare echo printf source test trap",
        quotes_alike=True,
    ),
}
