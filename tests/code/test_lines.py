"""How a document is split into lines, and what a snippet's text is made of."""

import pytest

from codekin.code.extract import MAX_TEXT, split_lines, to_canonical_text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a", ""]),
        ("a\r\nb\rc\nd", ["a", "b", "c", "d"]),
        ("a\n\rb", ["a", "", "b"]),
        ("a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g", ["a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"]),
    ],
)
def test_only_the_line_ends_of_the_protocol_end_a_line(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], ""),
        (["    a", "", "      b  ", "    "], "a\n\n  b\n"),
        (["\ta", "\t\tb"], "a\n\tb"),
        (["\ta", "    b"], "\ta\n    b"),
        (["  a", "b"], "  a\nb"),
        (["\ufeffa"], "a"),
        (["a\ud800b"], "a\ufffdb"),
    ],
)
def test_canonical_text_is_dedented_and_has_no_trailing_blanks(lines: list[str], text: str) -> None:
    assert to_canonical_text(lines) == text


def test_canonical_text_is_bounded() -> None:
    assert len(to_canonical_text(["x" * 10 * MAX_TEXT])) == MAX_TEXT
