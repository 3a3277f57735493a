"""Macros and directives are blanked in the same length; macros in pieces, which must not show."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.code import macros
from codekin.code.directives import blank_directives

_LINES = st.sampled_from(
    [
        "Q_OBJECT", "LOCAL(void)", "name(int a) {", "name", "(int a)", "", "  ", "}", "};", "  }", "FOO }", "} FOO_API",
        "class API_EXPORT Name", "{", ": Base {", "FOO_API int name(int a) {", "FOO_API int", "template <class T>",
        'TEST_CASE("adds numbers", "[math]")', 'TEST_CASE("adds }', "BEGIN(x, }", "struct ALIGNED(16) Name }", "f();",
        "SYSCALL_DEFINE2(read, int, fd)", "static DEFUN(\"car\", Fcar,", "int f(A* NULLABLE a) LOCKS(m)",
        "  EXCLUDES(m) {",
        "const char *FORMAT(1)", "API ::ns::Type<int>",
        "void f(A* = nullptr) {", "*/", "/*",
        "API_INLINE ns::Type<A>::Type(int a,", "    int b)", "  API Type(int a) noexcept", "    : a_{a} {}",
        "API ~Type() {",
        "  API operator Type<int(A)>() const {", "API_EXPORT template <typename T, API_IF(!is<T, A>::value)>",
        "extern template API void f<A>(A);", "  API_TRY {", "void f() override {};", "class API NO_COPY", "Type final",
        "    API_GTEST_LOCKED_(a) {", "YY_STATE yy_create  (int a)", "API(suppress : 1) extern A a;",
        "[[noreturn]] API void f();",
    ]
)  # fmt: skip


@given(st.lists(_LINES, max_size=30), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_pieces_are_read_as_the_whole_is(lines: list[str], end: str) -> None:
    source = end.join(lines).encode()
    whole_text = macros._blank_piece(source)
    assert macros.blank_macros(source) == whole_text
    assert len(whole_text) == len(source)


_DIRECTIVES = st.sampled_from(
    [
        "#if X", "#ifdef Y", "#elif Z", "#else", "# endif", "#if 0", "#ifdef __cplusplus", 'extern "C" {', "}", "f(a,",
        "b);", "if (a) {", "else {", "#define A(x) \\", "  /* a */ \\", "// #if", "/*", "*/",
        "x = {", "", "  , a_(1)", '#include "a.h"', "#undef X", "LIST", "i =", "if (a)", 'extern "C"', "static double",
        '"{"',
    ]
)  # fmt: skip


@given(st.lists(_DIRECTIVES, max_size=40))
def test_directives_are_blanked_in_the_same_length(lines: list[str]) -> None:
    source = "\n".join(lines).encode()
    blanked = blank_directives(source)
    assert len(blanked) == len(source)
    assert [at for at, byte in enumerate(blanked) if byte == 10] == [at for at, byte in enumerate(source) if byte == 10]
    assert all(new in (old, 32) for new, old in zip(blanked, source, strict=True))


def test_directives_between_statements_stay() -> None:
    source = b"#ifndef A_H\nint f(void) {\n#if X\n  g();\n#else\n  h();\n#endif\n}\n#endif\n"
    assert blank_directives(source) == source


def test_directives_inside_a_list_are_blanked() -> None:
    source = b"int a[] = {\n#define X(n) n,\nLIST\n#undef X\n  1,\n};\n"
    assert blank_directives(source).split() == [b"int", b"a[]", b"=", b"{", b"1,", b"};"]


def test_of_directives_inside_a_statement_one_branch_stays() -> None:
    source = b"f(a,\n#if X\n  b);\n#else\n  c);\n#endif\n"
    assert blank_directives(source).split() == [b"f(a,", b"b);"]
    assert blank_directives(source.replace(b"#if X", b"#if 0")).split() == [b"f(a,", b"c);"]
