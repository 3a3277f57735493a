"""Constructs that a grammar does not know, rewritten before a parse into ones that it knows, in the same length.

Only the tree is made of what is rewritten: names and texts are read from the source as it is, at the same positions.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice

from codekin.code.directives import blank_directives
from codekin.code.macros import blank_group, blank_macros, replace_group

# cfg_if! {   proptest! {   at the margin, and inside an `impl` those that are known to hold functions
_RUST_MACRO = re.compile(
    rb"^((?!macro_rules)(?:\w++::)*+\w++!|(?P<indent>[ \t]++)(?:\w++::)*+(?:cfg_\w++|proptest|quickcheck)!)[ \t]*+\{",
    re.MULTILINE,
)
_RUST_FUNCTION = re.compile(
    rb"^[ \t]*+(?:pub(?:\([^)\n]*\))?\s+)?(?:(?:async|unsafe|const)\s+){0,3}fn\s+\w", re.MULTILINE
)
_RUST_CONDITION = re.compile(rb"\bif[ \t]++(#\[[^\n{]*?\])[ \t]*+\{")
_RUST_STRATEGIES = re.compile(rb"\bfn[ \t]++\w++\s*+\(((?:[^(){}]++|\([^(){}]*+\)){0,50}+)\)\s*+\{")
_CSHARP_EXTENSION = re.compile(
    rb"^[ \t]*+(extension)(?=[ \t]*+(?:<[^>{;]{0,500}+>)?[ \t]*+\((?:[^(){;]|\([^(){;]*\)){0,500}\)\s*+"
    rb"(?:where\b[^{;}]{0,500}+)?\{)",
    re.MULTILINE,
)
# #:package Name@1.0   of a program in one file
_CSHARP_DIRECTIVE = re.compile(rb"^(#[:!].*)", re.MULTILINE)


_HASKELL_DIRECTIVE = re.compile(
    rb"^(#[ \t]*(?:if|ifdef|ifndef|elif|else|endif|define|undef|include|error)\b[^\n]*)", re.MULTILINE
)
# @property (copy) NSURL *url API_AVAILABLE(ios(10));
_PROPERTY_MACRO = re.compile(
    rb"^[ \t]*@property\b[^;\n]{0,300}?\w[ \t]++([A-Z][A-Z0-9_]{2,60}+(?:\([^;\n]{0,200}\))?)[ \t]*;", re.MULTILINE
)
# if (@available(iOS 10, macOS 10.12, *)) {
_AVAILABILITY = re.compile(rb"(@available[ \t]*\([^()\n]*\))")
# didFinish:(NSArray *)items API_AVAILABLE(ios(10)) {
_METHOD_MACRO = re.compile(rb"\)\w++[ \t]++([A-Z][A-Z0-9_]{2,60}+(?:\((?:[^()\n]|\([^()\n]*\)){0,200}+\))?)(?=\s*\{)")
_RUBY_HEREDOC = re.compile(
    rb"\b(?:class|module|instance)_eval\b([ \t]*\(?[ \t]*<<[~-]?(?P<quote>['\"]?)(?P<tag>\w{3,40})(?P=quote)[^\n]*)"
)
_RUBY_INTERPOLATION = re.compile(rb"#\{[^{}\n]*\}")
_MAX_RUBY_HEREDOCS = 200  # of a file: the end of each is searched for
# final = true   by.write("a")   in_ = 1   where a modifier's or operator's word is a name, or begins one
_KOTLIN_NAME = re.compile(
    rb"\n[ \t]*+((?:by|where|abstract|crossinline|external|final|infix|inline|internal|lateinit|noinline|open|override"
    rb"|private|protected|public|sealed|tailrec|vararg)(?=[ \t]*+(?:=(?!=)|\.|\[)|\()|(?:in|is|as)(?=_))"
)
# class Name⏎internal constructor(   @PublishedApi internal constructor(
_KOTLIN_CONSTRUCTOR = re.compile(
    rb"\n[ \t]*+((?:@[\w.]+[ \t]+){0,3}(?:(?:public|protected|private|internal)[ \t]+){1,2})(?=constructor\b)"
)
# is Found if size > 0 ->   else if isLate ->   in a `when`; what stands before it in its line is checked
_KOTLIN_GUARD = re.compile(rb" (if\b(?:[^\n{}-]++|-(?!>)|\{[^\n{}]*\})*+)(?=->)")
_KOTLIN_CONDITION = re.compile(rb"\s*+(?:!?i[sn]\b.*|else|[\w.\"]++)")
# val task = suspend { … }   fun wait(suspend: (Node) -> Boolean)   $$"price: $ 5"
_KOTLIN_SUSPEND = re.compile(rb"(suspend)(?<![\w.]suspend)(?=[ \t]*+(?:(\{)|:|=(?!=)))")
_KOTLIN_DOLLARS = re.compile(rb"(\$\$++)(?=\")")
# @Suppress("unused")⏎public open class: behind arguments, modifiers are taken for calls
_KOTLIN_ANNOTATION = re.compile(rb"@[\w.:]++(\((?:[^()\n]++|\([^()\n]*\)){0,50}+\))(?=[ \t]*\n)")
# class Box<⏎  T : Any,⏎>(
_KOTLIN_LAST_COMMA = re.compile(rb"(,)(?=\n[ \t]*+>)")
# The modifiers of multi-platform code are taken for calls behind an annotation with arguments.
_KOTLIN_PLATFORM = tuple(  # one pattern for each word: a beginning that is fixed is found fastest
    re.compile(
        rb"(" + word + rb")(?<![\w.]" + word + rb")(?=[ \t]+(?:[a-z]+[ \t]+){0,4}"
        rb"(?:fun|class|interface|object|val|var|constructor|typealias)\b)"
    )
    for word in (b"actual", b"expect")
)
_ELIXIR_TAG = re.compile(rb"<%(=?)(?:(?!(?: do|->)[ \t]*%>)[^%\n]|%(?!>))*+( do|->)?[ \t]*%>")
_KOTLIN_CONTEXT = re.compile(rb"^[ \t]*+(context\([^()\n]*(?:\([^()\n]*\)[^()\n]*){0,9}\))[ \t]*$", re.MULTILINE)
# "^stash (?<name>\\S*)$"   and a continuation that nothing follows
_POWERSHELL_DOLLAR = re.compile(rb"\$(?=[^\w({?$^:\x80-\xff])")
_POWERSHELL_CONTINUATION = re.compile(rb"(`)(?=\n[ \t]*\n)")
# "^remote.* (?<name>.*)$" {   of a switch
_POWERSHELL_CASE = re.compile(rb"\n[ \t]*+\"([^\"\n]++)\"(?=[ \t]*\{)")
# $OnStart = {}   an empty block, of two characters as a variable has
_POWERSHELL_EMPTY_BLOCK = re.compile(rb"=[ \t]*+(\{\})")
# -Alias First, Second
_POWERSHELL_LIST = re.compile(rb" -[A-Za-z]\w*+ [A-Za-z]\w*+((?:,[ \t]*+[A-Za-z]\w*+){1,20}+)")


def rewrite_source(source_bytes: bytes, rewriting: str) -> bytes:
    """Return `source_bytes`, in the same length, changed by the rewriter called `rewriting`; unchanged for ""."""
    return _REWRITINGS[rewriting](source_bytes) if rewriting else source_bytes


def _rewrite_c(source_bytes: bytes) -> bytes:
    """Blank the directives and macros that would derail the parser."""
    return blank_macros(blank_directives(source_bytes))


def _rewrite_objective_c(source_bytes: bytes) -> bytes:
    """Blank what derails the parser of C, macros behind properties and methods; conditions on versions are 1."""
    source_bytes = _PROPERTY_MACRO.sub(blank_group, _rewrite_c(source_bytes))
    if b"@available" in source_bytes:
        source_bytes = _AVAILABILITY.sub(lambda match: replace_group(match, b"1"), source_bytes)
    return _METHOD_MACRO.sub(blank_group, source_bytes)


def _rewrite_rust(source_bytes: bytes) -> bytes:
    """Turn Rust macros that hold functions into blocks: `cfg_if! { fn …`; blank proptest's parameters."""
    if b"! {" not in source_bytes and b"!{" not in source_bytes:
        return source_bytes
    text, is_changed = bytearray(source_bytes), False
    starts: dict[bytes, int] = {}  # of the macro that follows, by indentation: a closing line is of the nearest one
    for macro in reversed(list(_RUST_MACRO.finditer(source_bytes))):
        indent = macro["indent"] or b""
        end = source_bytes.find(b"\n" + indent + b"}", macro.end(), starts.get(indent))
        starts[indent] = macro.start()
        if end >= 0 and _RUST_FUNCTION.search(source_bytes, macro.end(), end):
            text[macro.start(1) : macro.end(1)] = b" " * len(macro[1])
            if indent and not _RUST_CONDITION.search(source_bytes, macro.end(), end):
                text[macro.end() - 1] = text[end + 1 + len(indent)] = ord(" ")  # no block can stand among items
            is_changed = True
    if not is_changed:
        return source_bytes
    rewritten = _RUST_CONDITION.sub(lambda match: replace_group(match, b"x"), bytes(text))
    if b"proptest" not in source_bytes:
        return rewritten
    return _RUST_STRATEGIES.sub(lambda match: blank_group(match) if b" in " in match[1] else match[0], rewritten)


def _rewrite_csharp(source_bytes: bytes) -> bytes:
    """Blank the directives of programs in one file; make classes of extension blocks: `extension(string text) {`."""
    if source_bytes.startswith((b"#:", b"#!")) or b"\n#:" in source_bytes:
        source_bytes = _CSHARP_DIRECTIVE.sub(blank_group, source_bytes)
    if b"extension" not in source_bytes:
        return source_bytes
    return _CSHARP_EXTENSION.sub(lambda match: replace_group(match, b"class Ext"), source_bytes)


def _rewrite_ruby(source_bytes: bytes) -> bytes:
    """Make blocks of the texts that define methods: `class_eval <<~RUBY`. Names keep their `#{…}`."""
    if b"_eval" not in source_bytes or b"<<" not in source_bytes:
        return source_bytes
    text = bytearray(source_bytes)
    for heredoc in islice(_RUBY_HEREDOC.finditer(source_bytes), _MAX_RUBY_HEREDOCS):
        end = re.compile(rb"^[ \t]*(" + heredoc["tag"] + rb")[ \t]*$", re.MULTILINE).search(source_bytes, heredoc.end())
        if end is None:
            break
        body = slice(heredoc.end(), end.start())
        text[heredoc.start(1) : heredoc.end(1)] = b" do".ljust(len(heredoc[1]))
        text[body] = _RUBY_INTERPOLATION.sub(lambda match: b"x" * len(match[0]), source_bytes[body])
        text[end.start(1) : end.end(1)] = b"end".ljust(len(end[1]))
    return bytes(text)


def _rewrite_haskell(source_bytes: bytes) -> bytes:
    """Blank the preprocessor's directives: the grammar takes all from `#else` to `#endif` for a comment."""
    if b"\n#" not in source_bytes:
        return source_bytes
    return _HASKELL_DIRECTIVE.sub(blank_group, source_bytes)


def _rewrite_kotlin(source_bytes: bytes) -> bytes:
    """Blank what the grammar can't read: context parameters, last commas, some modifiers; rename names like those."""
    if b"context(" in source_bytes:
        source_bytes = _KOTLIN_CONTEXT.sub(blank_group, source_bytes)
    for modifier in _KOTLIN_PLATFORM:
        source_bytes = modifier.sub(blank_group, source_bytes)
    if b" constructor" in source_bytes:
        source_bytes = _KOTLIN_CONSTRUCTOR.sub(blank_group, source_bytes)
    if b" if " in source_bytes:
        source_bytes = _KOTLIN_GUARD.sub(_blank_guard, source_bytes)
    if b"suspend" in source_bytes:
        source_bytes = _KOTLIN_SUSPEND.sub(_rewrite_suspend, source_bytes)
    for construct in (_KOTLIN_LAST_COMMA, _KOTLIN_ANNOTATION, _KOTLIN_DOLLARS):
        source_bytes = construct.sub(blank_group, source_bytes)
    return _KOTLIN_NAME.sub(_fill_group, source_bytes)


def _blank_guard(match: re.Match[bytes]) -> bytes:
    """Return the match, a guard in Kotlin, blanked if a condition of `when` stands before it, else unchanged."""
    line_start = match.string.rfind(b"\n", 0, match.start()) + 1
    return blank_group(match) if _KOTLIN_CONDITION.fullmatch(match.string[line_start : match.start()]) else match[0]


def _rewrite_suspend(match: re.Match[bytes]) -> bytes:
    """Return the match with Kotlin's `suspend` blanked before a block, else, as a name, replaced by letters."""
    return blank_group(match) if match[2] else _fill_group(match)


def _rewrite_elixir(source_bytes: bytes) -> bytes:
    """Make a word of each value that a template puts in (`<%= name %>`), and blank its other tags."""
    if b"<%" not in source_bytes:
        return source_bytes
    return _ELIXIR_TAG.sub(lambda tag: (b" " if tag[2] or not tag[1] else b"x") * len(tag[0]), source_bytes)


def _rewrite_powershell(source_bytes: bytes) -> bytes:
    """Replace what the grammar can't read: dollar signs that begin no variable, cases, empty blocks, lists of words."""
    source_bytes = _POWERSHELL_CASE.sub(_fill_group, _POWERSHELL_DOLLAR.sub(b"x", source_bytes))
    source_bytes = _POWERSHELL_EMPTY_BLOCK.sub(lambda match: replace_group(match, b"$_"), source_bytes)
    return _POWERSHELL_CONTINUATION.sub(blank_group, _POWERSHELL_LIST.sub(blank_group, source_bytes))


def _fill_group(match: re.Match[bytes]) -> bytes:
    """Return the match with its first group, which is in one line, replaced by as many letters x."""
    return replace_group(match, b"x" * len(match[1]))


_REWRITINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "c": _rewrite_c,
    "elixir": _rewrite_elixir,
    "haskell": _rewrite_haskell,
    "kotlin": _rewrite_kotlin,
    "powershell": _rewrite_powershell,
    "ruby": _rewrite_ruby,
    "objective-c": _rewrite_objective_c,
    "rust": _rewrite_rust,
    "csharp": _rewrite_csharp,
}
