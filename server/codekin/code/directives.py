"""Conditional directives of C and C++, blanked before a parse where they stand inside a statement.

Grammars know `#if` between statements only. Where a group of branches begins or ends inside a statement, or a branch
opens a bracket that it does not close, its directives and all branches but one are blanked. Lengths and line ends stay,
so that the tree's positions hold for the source as it is.
"""

import re
from dataclasses import dataclass, field

_MAX_DEPTH = 64  # groups in one another; each level counts the text inside anew, so this bounds the work
_CONTEXT_BYTES = 240  # bytes around a directive in which the code before and after it is looked for
# A pattern that begins with a line end, not with `^`, is searched for four times as fast.
_DIRECTIVE = re.compile(
    rb"\n[ \t]*+#[ \t]*+(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b(?:[^\n\\]++|\\.|\\\n)*+"
)
_OTHER_DIRECTIVE = rb"#[ \t]*+(?:include|define|undef|pragma|line|error|warning)\b(?:[^\n\\]++|\\.|\\\n)*+"
# {⏎#define X(name) …⏎LIST⏎#undef X
_DIRECTIVES_IN_LIST = re.compile(
    rb"\n(?<=[,{(]\n)[ \t]*+(" + _OTHER_DIRECTIVE + rb"(?:\n[ \t]*+(?:" + _OTHER_DIRECTIVE
    + rb"|[A-Z][A-Z0-9_]*+[ \t]*+(?=\n)))*+)"
)  # fmt: skip
_CONDITION_OF_NOTHING = re.compile(rb"\s*#[ \t]*if[ \t]+0\b")
_LINKAGE = re.compile(rb'extern\s+"C(?:\+\+)?"\s*\{?|\}\s*;?')
_COMMENT = re.compile(rb"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)")
_COMMENT_OR_STRING = re.compile(
    _COMMENT.pattern + rb"|\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)'|^[ \t]*#.*$", re.MULTILINE
)
_MAX_WORD_BYTES = 10  # of a word that shows an open statement, with what is before it
_DIRECTIVE_LINE = re.compile(rb"^[ \t]*+#.*$", re.MULTILINE)
_OPENING_ENDS = b",(=+*/%&|^<?.![-"  # last characters of code that goes on
_OPEN_STATEMENTS = {  # what goes on, by its last character
    b">": re.compile(rb"(?:[^>]|^)>\Z"),
    b")": re.compile(rb"\b(?:if|while|switch)\s*+\([^;{}]{0,200}\)\Z"),
    b'"': re.compile(rb"\bextern\s+\"C(?:\+\+)?\"\Z"),
    b"{": re.compile(rb"(?:[=\](,]|\breturn)\s*\{\Z"),  # an initializer
}
_OPENING_WORD = re.compile(rb"\b(?:return|else|static|const|unsigned|void|bool|int|char|short|long|float|double)\Z")
_CONTINUATION = re.compile(rb"[,).?]|&&|\|\||->|<<|==|[+|]|:(?!:)|else\b")
_BRACKET_PAIRS = (b"()", b"{}")
_MULTILINE_DEFINE = re.compile(rb"\n[ \t]*+#[ \t]*+define\b(?:[^\n\\]++|\\[^\n])*+\\\n(?:[^\n\\]++|\\.|\\\n)*+")
_HAS_INCLUDE = re.compile(rb"__has_include(?:_next)?[ \t]*\([ \t]*[<\"][^>\"\n]*[>\"][ \t]*\)")
_NEITHER_LINE_END_NOR_BACKSLASH = re.compile(rb"[^\n\\]")
_VISIBLE = re.compile(rb"[^\n]")


@dataclass(slots=True)
class _Group:
    """The directives of one conditional, as (start, end) offsets, from `#if` to `#endif`."""

    directives: list[tuple[int, int]] = field(default_factory=list)

    def branches(self) -> list[tuple[int, int]]:
        """Return the (start, end) offsets of the text between each directive and the next."""
        return [(end, start) for (_, end), (start, _) in zip(self.directives, self.directives[1:], strict=False)]


def blank_directives(source_bytes: bytes) -> bytes:
    """Blank directives inside statements, all but one of their branches, and comments in macros; keep the length."""
    if b"#" not in source_bytes:
        return source_bytes
    text = b"\n" + source_bytes
    if b"define" in text and b"/*" in text:
        text = _MULTILINE_DEFINE.sub(_blank_comments, text)
    if b"__has_include" in text:
        text = _HAS_INCLUDE.sub(lambda condition: b"1".ljust(len(condition[0])), text)
    text = _DIRECTIVES_IN_LIST.sub(_blank_directives_in_list, text)
    return (_blank_conditionals(text) if b"endif" in text else text)[1:]


def _blank_directives_in_list(match: re.Match[bytes]) -> bytes:
    """Return the match with all directives but conditionals, and macros between them, blanked; line ends stay."""
    start = match.start(1) - match.start()
    return match[0][:start] + _VISIBLE.sub(b" ", match[1])


def _blank_comments(definition: re.Match[bytes]) -> bytes:
    """Return a macro of several lines, comments blanked: at their end, grammars take the next line for code."""
    text = bytearray(definition[0])
    start = text.find(b"/*")
    while start >= 0 and (end := text.find(b"*/", start + 2) + 2) >= 2:
        text[start:end] = _NEITHER_LINE_END_NOR_BACKSLASH.sub(b" ", text[start:end])
        start = text.find(b"/*", end)
    return bytes(text)


def _blank_conditionals(source_bytes: bytes) -> bytes:
    """Return `source_bytes`, in the same length, with conditionals that divide a statement reduced to one branch."""
    text, groups = bytearray(source_bytes), list[_Group]()
    for directive in _DIRECTIVE.finditer(source_bytes):
        keyword = directive[1]
        if keyword.startswith(b"if"):
            groups.append(_Group())
        if not groups:
            continue
        groups[-1].directives.append(directive.span())
        if keyword == b"endif":
            group = groups.pop()
            if len(groups) < _MAX_DEPTH and _stands_in_statement(text, group):
                _keep_one_branch(text, group)
    return bytes(text)


def _stands_in_statement(text: bytearray, group: _Group) -> bool:
    """Return whether the conditional is inside a statement, or a branch ends or begins inside of one."""
    start, end = group.directives[0][0], group.directives[-1][1]
    before = _read_code(text[max(start - _CONTEXT_BYTES, 0) : start], is_tail=True)
    after = _read_code(text[end : end + _CONTEXT_BYTES])
    if _is_open(before) or _CONTINUATION.match(after):
        return True
    for branch_start, branch_end in group.branches():
        if _CONTINUATION.match(_read_code(text[branch_start : min(branch_end, branch_start + _CONTEXT_BYTES)])):
            return True
        last_bytes = text[max(branch_start, branch_end - _CONTEXT_BYTES) : branch_end]
        is_ended = last_bytes.rstrip().endswith((b";", b"}"))
        if not is_ended and _is_open(_read_code(last_bytes, is_tail=True)):
            return True
        if after.startswith(b"{") or not _is_balanced(text[branch_start:branch_end]):
            tail = _read_code(last_bytes, is_tail=True)
            if not tail.endswith((b";", b"}")) or not _is_balanced(text[branch_start:branch_end]):
                return True
    return False


def _is_open(code: bytes) -> bool:
    """Return whether the code ends inside a statement."""
    last = code[-1:]
    if last in _OPEN_STATEMENTS:
        return _OPEN_STATEMENTS[last].search(code) is not None
    if last.isalpha():
        return _OPENING_WORD.search(code, max(len(code) - _MAX_WORD_BYTES, 0)) is not None
    return bool(last) and last in _OPENING_ENDS


def _read_code(text: bytearray, *, is_tail: bool = False) -> bytes:
    """Return the text without comments, directives and blanks at its ends; a tail without its cut first line."""
    if is_tail and len(text) == _CONTEXT_BYTES:
        text = text[text.find(b"\n") + 1 :]
    code = bytes(text)
    if b"/" in code:
        end_of_cut_comment = code.find(b"*/")
        if is_tail and end_of_cut_comment >= 0 and not 0 <= code.find(b"/*") < end_of_cut_comment:
            code = code[end_of_cut_comment + 2 :]
        code = _COMMENT.sub(b" ", code)
    if b"#" in code:
        code = _DIRECTIVE_LINE.sub(b"", code)
    return code.strip()


def _is_balanced(branch: bytearray) -> bool:
    """Return whether the branch has equally many opening and closing brackets, if need be outside of strings."""
    if all(branch.count(pair[:1]) == branch.count(pair[1:]) for pair in _BRACKET_PAIRS):
        return True
    code = _COMMENT_OR_STRING.sub(b" ", branch)
    return all(code.count(pair[:1]) == code.count(pair[1:]) for pair in _BRACKET_PAIRS)


def _is_linkage(branch: bytearray) -> bool:
    """Return whether the branch only begins or ends `extern "C" {`, which can be dropped."""
    return len(branch) < _CONTEXT_BYTES and _LINKAGE.fullmatch(_read_code(branch)) is not None


def _keep_one_branch(text: bytearray, group: _Group) -> None:
    """Blank, in place, directives and all branches but the first (after `#if 0` the second); of `extern "C" {`, all."""
    branches = group.branches()
    first_directive = group.directives[0]
    kept_index = 1 if _CONDITION_OF_NOTHING.match(text, *first_directive) else 0
    for index, (start, end) in enumerate(branches):
        if index != kept_index or _is_linkage(text[start:end]):
            text[start:end] = _VISIBLE.sub(b" ", text[start:end])
    for start, end in group.directives:
        text[start:end] = _VISIBLE.sub(b" ", text[start:end])
