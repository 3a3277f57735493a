"""Lexical rules per language: comments, literals, names and reserved words, for the token scanner.

Only words that can't be names are reserved: a contextual keyword (`value`, `data`, `get`) may be a variable.
Fingerprints in stores are made with these tables: a change of one needs a migration that indexes old stores again
(storage/schema.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Possessive or bounded throughout: a scanner that never goes back far takes linear time on any text.
_LINE_COMMENT = r"//[^\n]*+"
_BLOCK_COMMENT = r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)"
_HASH_COMMENT = r"#[^\n]*+"
_SLASH_COMMENTS = f"{_LINE_COMMENT}|{_BLOCK_COMMENT}"

_DOUBLE_QUOTED = r'"(?:[^"\\\n]|\\.)*+"?+'  # what is not closed ends with its line
_SINGLE_QUOTED = r"'(?:[^'\\\n]|\\.)*+'?+"
_MULTILINE_DOUBLE_QUOTED = r'"(?:[^"\\]|\\.)*+"?+'
_MULTILINE_SINGLE_QUOTED = r"'(?:[^'\\]|\\.)*+'?+"
_BACKTICK_QUOTED = r"`(?:[^`\\]|\\.)*+`?+"
_RAW_BACKTICK_QUOTED = r"`[^`]*+`?+"
_TRIPLE_DOUBLE = r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?+'
_TRIPLE_SINGLE = r"'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?+"
_RAW_TRIPLE = r'"""(?:[^"]|"(?!""))*+"*+'
_CHARACTER_LITERAL = r"'(?:\\[^\n']++|[^\\'\n])'"
_BEFORE_REGEX = r"(,=:\[!&|?{};\n"
_REGEX_LITERAL = (
    rf"(?:(?<=[{_BEFORE_REGEX}])|(?<=[{_BEFORE_REGEX}] )|(?<=return ))"
    r"/(?![*/ ])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,99}+\]){1,199}+/[a-z]*+"
)
_HEREDOC = r"<<[-~]?(?P<q>['\"]?)(?P<end>[A-Za-z_]\w*+)(?P=q)[^\n]*+\n(?:[^\n]*+\n){0,999}?[ \t]*+(?P=end)\b"

_NAME = r"[^\W\d]\w*+"
NUMBER_PATTERN = r"\d\w*+(?:'\d\w*+)*+(?:\.\d\w*+)?+(?:(?<=[eEpP])[-+]\d++)?+"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Patterns and reserved words of one language, tried in this order: comments, literals, numbers, names."""

    comments: str  # without groups of its own
    literals: str
    reserved: str  # space-separated
    names: str = _NAME
    uses_indentation: bool = False  # blocks are made by indentation
    has_equal_quotes: bool = False  # 'a' is "a"


_ECMASCRIPT_WORDS = (
    "await break case catch class const continue debugger default delete do else export extends false finally for "
    "function if import in instanceof let new null return super switch this throw true try typeof undefined var void "
    "while with yield"
)
_TYPESCRIPT_WORDS = (
    " any boolean enum implements interface never number private protected public readonly string unknown"
)
_C_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "return short signed sizeof static struct switch typedef union unsigned void volatile while NULL bool true false "
    "size_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t"
)
_CPP_WORDS = (
    " catch class concept const_cast consteval constexpr constinit co_await co_return co_yield decltype delete "
    "dynamic_cast explicit export friend mutable namespace new noexcept nullptr operator private protected public "
    "reinterpret_cast requires static_assert static_cast template this thread_local throw try typeid typename using "
    "virtual wchar_t"
)
_ECMASCRIPT_PATTERNS = _SLASH_COMMENTS, f"{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}|{_BACKTICK_QUOTED}|{_REGEX_LITERAL}"
_TYPESCRIPT_NAMES = ("typescript", "tsx", "vue", "svelte", "astro", "html")  # components hold scripts
_DOLLAR_NAME = r"(?:[^\W\d]|\$)[\w$]*+"

LEXICONS: Mapping[str, Lexicon] = {
    "python": Lexicon(
        _HASH_COMMENT,
        rf"(?:\b[BbFfRrTtUu]{{1,2}}+)?+(?:{_TRIPLE_DOUBLE}|{_TRIPLE_SINGLE}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED})",
        "False None True and as assert async await break class cls continue def del elif else except finally for from "
        "global if import in is lambda nonlocal not or pass raise return self try while with yield",
        uses_indentation=True,
        has_equal_quotes=True,
    ),
    "javascript": Lexicon(*_ECMASCRIPT_PATTERNS, _ECMASCRIPT_WORDS, rf"#?{_DOLLAR_NAME}", has_equal_quotes=True),
    **dict.fromkeys(
        _TYPESCRIPT_NAMES,
        Lexicon(
            *_ECMASCRIPT_PATTERNS, _ECMASCRIPT_WORDS + _TYPESCRIPT_WORDS, rf"#?{_DOLLAR_NAME}", has_equal_quotes=True
        ),
    ),
    "go": Lexicon(
        _SLASH_COMMENTS,
        f"{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}|{_RAW_BACKTICK_QUOTED}",
        "break case chan const continue default defer else fallthrough for func go goto if import interface map "
        "package range return select struct switch type var nil true false iota bool byte error float32 float64 int "
        "int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any",
    ),
    "rust": Lexicon(
        _SLASH_COMMENTS,
        r'\b[bc]?r(?P<h>#*+)"(?:[^"]|"(?!(?P=h)))*+(?:"(?P=h))?'
        rf"|(?:\b[bc])?{_MULTILINE_DOUBLE_QUOTED}|(?:\bb)?{_CHARACTER_LITERAL}",
        "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod "
        "move mut pub ref return self Self static struct super trait true type unsafe use where while bool char f32 "
        "f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize",
        rf"(?:'|\br#)?{_NAME}",
    ),
    "java": Lexicon(
        _SLASH_COMMENTS,
        f"{_TRIPLE_DOUBLE}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}",
        "abstract assert boolean break byte case catch char class const continue default do double else enum extends "
        "final finally float for goto if implements import instanceof int interface long native new null package "
        "private protected public return short static strictfp super switch synchronized this throw throws transient "
        "true false try void volatile while var",
        _DOLLAR_NAME,
    ),
    "c": Lexicon(_SLASH_COMMENTS, f"(?:\\b(?:L|u8?|U))?(?:{_DOUBLE_QUOTED}|{_SINGLE_QUOTED})", _C_WORDS),
    "cpp": Lexicon(
        _SLASH_COMMENTS,
        r'\b(?:L|u8?|U)?R"(?P<d>[^\s()\\]{0,16})\((?:[^)]|\)(?!(?P=d)"))*+(?:\)(?P=d)")?+'
        f"|(?:\\b(?:L|u8?|U))?(?:{_DOUBLE_QUOTED}|{_SINGLE_QUOTED})",
        _C_WORDS + _CPP_WORDS,
    ),
    "csharp": Lexicon(
        _SLASH_COMMENTS,
        rf'(?<!\$)\$*+{_RAW_TRIPLE}|(?:@\$?|\$@)"(?:[^"]|"")*+"?+|\$?{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}',
        "abstract as async await base bool break byte case catch char checked class const continue decimal default "
        "delegate do double else enum event explicit extern false finally fixed float for foreach goto if implicit in "
        "int interface internal is lock long namespace new null object operator out override params private protected "
        "public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw true "
        "try typeof uint ulong unchecked unsafe ushort using var virtual void volatile while",
        rf"@?{_NAME}",
    ),
    "ruby": Lexicon(
        rf"{_HASH_COMMENT}|^=begin\b(?:[^\n]|\n(?!=end\b))*+(?:\n=end[^\n]*|\Z)",
        rf"{_HEREDOC}|{_MULTILINE_DOUBLE_QUOTED}|{_MULTILINE_SINGLE_QUOTED}|{_BACKTICK_QUOTED}|{_REGEX_LITERAL}",
        "BEGIN END alias and begin break case class def defined? do else elsif end ensure false for if in module next "
        "nil not or redo rescue retry return self super then true undef unless until when while yield raise",
        rf"(?:@@?|\$)?{_NAME}(?:[?!](?![=~]))?",
        has_equal_quotes=True,
    ),
    "php": Lexicon(
        rf"{_SLASH_COMMENTS}|#(?!\[)[^\n]*",
        rf"<{_HEREDOC}|{_MULTILINE_DOUBLE_QUOTED}|{_MULTILINE_SINGLE_QUOTED}|{_BACKTICK_QUOTED}",
        "abstract and array as break callable case catch class clone const continue declare default do echo else "
        "elseif empty enddeclare endfor endforeach endif endswitch endwhile extends false final finally fn for foreach "
        "function global goto if implements include include_once instanceof insteadof interface isset list match "
        "namespace new null or parent print private protected public readonly require require_once return self static "
        "switch throw trait true try unset use var void while xor yield bool float int mixed string $this",
        rf"\$?{_NAME}",
        has_equal_quotes=True,
    ),
    "kotlin": Lexicon(
        _SLASH_COMMENTS,
        f"{_RAW_TRIPLE}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}",
        "as break class continue do else false for fun if in interface is null object package return super this throw "
        "true try typealias typeof val var when while catch finally import private protected public internal override "
        "abstract open suspend companion",
        rf"`[^`\n]*`|{_NAME}",
    ),
    "scala": Lexicon(
        _SLASH_COMMENTS,
        rf"(?:\b{_NAME})?(?:{_RAW_TRIPLE}|{_DOUBLE_QUOTED})|{_CHARACTER_LITERAL}",
        "abstract case catch class def do else enum export extends false final finally for given if implicit import "
        "lazy match new null object override package private protected return sealed super then this throw trait true "
        "try type val var while with yield",
        rf"`[^`\n]*`|{_NAME}",
    ),
    "swift": Lexicon(
        _SLASH_COMMENTS,
        rf'(?P<h>#{{0,8}}){_RAW_TRIPLE}(?P=h)|(?P<g>#{{1,8}})"[^\n]{{0,500}}?"(?P=g)|{_DOUBLE_QUOTED}',
        "associatedtype class deinit enum extension fileprivate func import init inout internal let open operator "
        "private protocol public rethrows static struct subscript typealias var break case continue default defer do "
        "else fallthrough for guard if in repeat return switch where while as await catch false is nil super self Self "
        "throw throws true try async",
        rf"`[^`\n]*`|\$?{_NAME}|\$\d+",
    ),
    "lua": Lexicon(
        "|".join([*(rf"--\[{e}\[(?:[^\]]|\](?!{e}\]))*+(?:\]{e}\])?+" for e in ("", "=", "==")), r"--[^\n]*+"]),
        rf"{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}|\[(?P<s>=*+)\[(?:[^\]]|\](?!(?P=s)\]))*+(?:\](?P=s)\])?+",
        "and break do else elseif end false for function goto if in local nil not or repeat return self then true "
        "until while",
        has_equal_quotes=True,
    ),
    "bash": Lexicon(
        r"(?<![^\s;&|()])#[^\n]*",
        rf"{_HEREDOC}|\$?{_MULTILINE_DOUBLE_QUOTED}|\$?{_MULTILINE_SINGLE_QUOTED}",
        "case coproc do done elif else esac fi for function if in select then time until while break continue exit "
        "export local readonly return set shift unset declare echo printf source test trap",
        has_equal_quotes=True,
    ),
    "elixir": Lexicon(
        _HASH_COMMENT,
        f"{_TRIPLE_DOUBLE}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}",
        "after and case catch cond def defimpl defmacro defmacrop defmodule defp defprotocol defstruct do else end "
        "false fn for if import in nil not or quote raise receive require rescue true try unless unquote use when with",
        rf"[@:]?{_NAME}[?!]?",
    ),
    "haskell": Lexicon(
        r"--[^\n]*+|\{-(?:[^-]|-(?!\}))*+(?:-\}|\Z)",
        f"{_DOUBLE_QUOTED}|{_CHARACTER_LITERAL}",
        "case class data default deriving do else family forall foreign if import in infix infixl infixr instance let "
        "module newtype of then type where",
        r"[^\W\d][\w']*+",
    ),
    "julia": Lexicon(
        rf"#=(?:[^=]|=(?!#))*+(?:=#|\Z)|{_HASH_COMMENT}",
        f"{_TRIPLE_DOUBLE}|{_DOUBLE_QUOTED}|{_CHARACTER_LITERAL}",
        "abstract baremodule begin break catch const continue do else elseif end export false finally for function "
        "global if import in isa let local macro module mutable nothing primitive quote return struct true try type "
        "using where while",
        rf"@?{_NAME}!?",
    ),
    "groovy": Lexicon(
        _SLASH_COMMENTS,
        f"{_TRIPLE_DOUBLE}|{_TRIPLE_SINGLE}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}",
        "abstract as assert boolean break byte case catch char class const continue def default do double else enum "
        "extends false final finally float for goto if implements import in instanceof int interface long native new "
        "null package private protected public return short static super switch synchronized this throw throws trait "
        "transient true try var void volatile while",
        _DOLLAR_NAME,
        has_equal_quotes=True,
    ),
    "objective-c": Lexicon(
        _SLASH_COMMENTS,
        f"@?{_DOUBLE_QUOTED}|{_CHARACTER_LITERAL}",
        _C_WORDS + " id self super nil YES NO BOOL instancetype nonatomic strong weak copy assign readonly",
        rf"@?{_NAME}",
    ),
    "powershell": Lexicon(
        rf"<#(?:[^#]|#(?!>))*+(?:#>|\Z)|{_HASH_COMMENT}",
        r'"(?:[^"`\n]|`[^\n])*+"?+' + r"|'[^'\n]*+'?+",
        "begin break catch class continue do dynamicparam else elseif end enum exit filter finally for foreach from "
        "function if in param process return switch throw trap try until using while",
        rf"\$?{_NAME}(?:-{_NAME})*+",
        has_equal_quotes=True,
    ),
    "terraform": Lexicon(
        rf"{_HASH_COMMENT}|{_SLASH_COMMENTS}",
        _DOUBLE_QUOTED,
        "resource data module variable output provider locals terraform for in if else null true false dynamic "
        "lifecycle content",
        rf"{_NAME}(?:-\w++)*+",
    ),
    "zig": Lexicon(
        _LINE_COMMENT,
        rf"{_DOUBLE_QUOTED}|{_CHARACTER_LITERAL}|\\\\[^\n]*+",
        "align and anytype asm async await break catch comptime const continue defer else enum errdefer error export "
        "extern false fn for if inline noalias null opaque or orelse packed pub return struct suspend switch test true "
        "try undefined union unreachable usingnamespace var void volatile while bool u8 u16 u32 u64 i8 i16 i32 i64 "
        "usize isize f32 f64",
        rf"@?{_NAME}",
    ),
}
