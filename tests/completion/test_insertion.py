"""Lines of other code become a text that can be inserted: in the file's style, and only where it parses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.completion.insertion import close_brackets, find_indent_unit, looks_secret, make_insertion
from codekin.completion.truncation import find_statement_end

from .contexts import asked

THEIRS = ("def a(x):", "  if x:", "    go(x)", "  return x")


def test_lines_are_indented_as_the_file_is():
    spaces = asked("def b(x):\n    y = x\n    ")
    assert make_insertion(spaces, THEIRS[1:3], THEIRS) == "if x:\n        go(x)"
    tabs = asked("func b(x int) {\n\ty := x\n\t", "go")
    assert make_insertion(tabs, ["    if x {", "        go(x)", "    }"], ["a", "    b"]) == "if x {\n\t\tgo(x)\n\t}"


def test_an_editor_that_does_not_indent_is_helped():
    assert make_insertion(asked("def b(x):\n    y = x\n"), THEIRS[3:], THEIRS) == "    return x"


def test_what_is_typed_is_not_repeated_and_has_to_fit():
    assert make_insertion(asked("def b(x):\n    ret"), THEIRS[3:], THEIRS) == "urn x"
    assert make_insertion(asked("def b(x):\n    return "), THEIRS[3:], THEIRS) == "x"
    assert make_insertion(asked("def b(x):\n    yield"), THEIRS[3:], THEIRS) is None
    assert make_insertion(asked("def b(x):\n    return x"), THEIRS[3:], THEIRS) is None


def test_closers_right_of_the_cursor_are_not_repeated_and_other_text_is_left_alone():
    assert make_insertion(asked("def b(x):\n    go(", after=")"), ["  go(x)"], THEIRS) == "x"
    assert make_insertion(asked("def b(x):\n    go(", after=", 3)"), ["  go(x)"], THEIRS) is None


def test_what_stands_below_the_cursor_is_not_said_again():
    assert make_insertion(asked("def b(x):\n    y = x\n    ", after="\n    return x\n"), THEIRS[3:], THEIRS) is None


@pytest.mark.parametrize(
    "lines, unit",
    [
        (["a", "\tb"], "\t"),
        (["a", "  b", "    c"], "  "),
        (["a", "    b"], "    "),
        (["a"], ""),
        (["a", "    b", "c", "    - d", "      e", "       f", "g", "    h"], "    "),  # prose hangs as it likes
        (["a", "\tb", "\t\tc", " * d"], "\t"),
    ],
)
def test_the_unit_of_indentation_is_read_from_the_lines(lines: list[str], unit: str):
    assert find_indent_unit(lines) == unit


def test_a_statement_ends_with_its_blocks_and_brackets():
    python = ["if a:", "    b()", "else:", "    c(", "        d)", "", "e()"]
    assert find_statement_end(python, 0) == 5
    allman = ["if (a)", "{", "    b();", "}", "else", "{", "    c();", "}", "d();"]
    assert find_statement_end(allman, 0) == 8
    ruby = ["  items.each do |item|", "    go item", "  end", "  finish"]
    assert find_statement_end(ruby, 0) == 3
    assert find_statement_end(["a()", "b()"], 0) == 1


@given(st.lists(st.text(alphabet="ab(){}[] \n\"'", max_size=8), min_size=1, max_size=8), st.integers(0, 7))
def test_a_statement_has_a_line_at_least_and_ends_in_the_source(lines: list[str], start: int):
    start %= len(lines)
    assert start < find_statement_end(lines, start) <= len(lines)


SECRETS = [
    'password = "hunter2horse"',
    "API_KEY: 'abcd1234'",
    "token := `tok_live_xyz`",
    'aws = "AKIAIOSFODNN7EXAMPLE"',
    "-----BEGIN RSA PRIVATE KEY-----",
    'connect("postgres://admin:s3cretpw@db/prod")',
    'x = "f3Kq9ZpL2mXv8RtY4wBn7CsD"',
    'key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"',
    'headers["Authorization"] = "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"',
]
PLAIN = [
    "password = read_password()",
    "token = tokens[0]",
    "if secret is None:",
    "assert_predicate(some_rather_long_function_name_here)",
    'url = "https://example.org/a/b"',
]


@pytest.mark.parametrize("line", SECRETS)
def test_credentials_are_known(line: str):
    assert looks_secret(line)


@pytest.mark.parametrize("line", PLAIN)
def test_code_about_credentials_is_none(line: str):
    assert not looks_secret(line)


@pytest.mark.parametrize(
    ("text", "closers"), [("", ""), ("a(b[", "])"), ("a(b) + {", "}"), ('a("(", [1]', ")"), ("a)", "")]
)
def test_brackets_that_are_left_open_are_closed(text: str, closers: str):
    assert close_brackets(text) == closers
