"""Whatever is rewritten before a parse keeps its length and its lines, so that positions hold for the source."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codekin.code.grammars import GRAMMARS
from codekin.code.rewrites import rewrite_source

from .strategies import LINES, PIECES

REWRITINGS = sorted({grammar.rewriting for grammar in GRAMMARS.values()} - {""})
CONSTRUCTS = [
    "class_eval <<~RUBY, __FILE__",
    "module_eval(<<-'CODE')",
    "def #{name}_path",
    "RUBY",
    "CODE",
    "#ifdef X",
    "#else",
    "#endif",
    "#define A \\",
    "context(a: A)",
    "class Box<\n  T : Any,\n>",
    "actual open class A",
    "  internal actual constructor(",
    "  final = true",
    "  in_ = 1",
    '  "^stash (?<name>.*)$" {',
    "$OnStart = {},",
    "It -Tag First, Second `\n",
    "if (@available(iOS 10, *)) {",
    "a:(B *)c API_AVAILABLE(ios(10)) {",
    "@property (copy) NSURL *url API_AVAILABLE(ios(1));",
    "cfg_if! {",
    "if #[cfg(unix)] {",
    "extension(string text) {",
    "FOO_API int name(int a) LOCKS_REQUIRED(b) {",
    "SYSCALL_DEFINE3(read, int, fd) {",
    "int __must_check take(void) __acquires(lock)",
    "    is Found if size > 0 ->",
    "  val task = suspend {",
    "fun wait(suspend: (A) -> B,",
    '$$"price"',
    '@Suppress("unused")',
    "#:package Name@1.0",
    "extension<T>(\n  Box<T> box)\n{",
    "def a_<%= b %>(c) do<% end %>",
    "proptest! {\n  fn a(x in any::<u8>()) {\n  }\n}",
    "    cfg_x! {\n    fn a() {",
]
lines = st.lists(st.sampled_from([*LINES, *PIECES, *CONSTRUCTS]), max_size=30)


@pytest.mark.parametrize("rewriting", REWRITINGS)
@settings(max_examples=60)
@given(lines=lines)
def test_length_and_lines_stay(rewriting: str, lines: list[str]) -> None:
    source = "\n".join(lines).encode("utf-8", "replace")
    rewritten = rewrite_source(source, rewriting)
    assert [len(line) for line in rewritten.split(b"\n")] == [len(line) for line in source.split(b"\n")]


@pytest.mark.parametrize("rewriting", REWRITINGS)
@given(lines=st.lists(st.sampled_from(CONSTRUCTS[4:5] + LINES[:50]), max_size=10))
def test_rewriting_twice_is_rewriting_once(rewriting: str, lines: list[str]) -> None:
    once = rewrite_source("\n".join(lines).encode(), rewriting)
    assert rewrite_source(once, rewriting) == once


def test_a_closing_line_is_of_the_nearest_macro() -> None:
    macro, function = b"    cfg_a! {\n", b"        fn a() {}\n"
    rewritten = rewrite_source(macro + macro + function + b"    }\n", "rust")
    assert rewritten == macro + b"            \n" + function + b"     \n"
