"""Macros are blanked in pieces, which must not show."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.code import macros

_LINES = st.sampled_from(
    [
        "Q_OBJECT", "LOCAL(void)", "name(int a) {", "name", "(int a)", "", "  ", "}", "};", "  }", "FOO }", "} FOO_API",
        "class API_EXPORT Name", "{", ": Base {", "FOO_API int name(int a) {", "FOO_API int", "template <class T>",
        'TEST_CASE("adds numbers", "[math]")', 'TEST_CASE("adds }', "BEGIN(x, }", "struct ALIGNED(16) Name }", "f();",
    ]
)  # fmt: skip


@given(st.lists(_LINES, max_size=30), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_pieces_are_read_as_the_whole_is(lines: list[str], end: str) -> None:
    source = end.join(lines).encode()
    whole = macros._blank_piece(source)
    assert macros.blank_macros(source) == whole
    assert len(whole) == len(source)
