"""A completion leaves no document that parses worse than before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.parsing import encode_source, load_syntax, parse_source
from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.parse_check import ParseCheck, count_parse_errors

from .contexts import asked

CPP_ABOVE = "#ifdef A\nint f(int a,\n#else\nint f(\n#endif\n  int b) {\n  "  # without rewriting it has errors
CPP_BELOW = "\n}\nclass API_EXPORT Name : Base {\n};\n"


def test_what_would_break_the_file_is_not_offered():
    context = asked("def b(x):\n    y = x\n    ", after="\n\nc = 3\n")
    assert ParseCheck(context).is_no_worse("return y")
    assert not ParseCheck(context).is_no_worse("return (y")


def test_no_try_is_left_without_what_it_catches_though_the_grammar_takes_it():
    context = asked("def b(x):\n    y = x\n    ", after="\n\ndef c(): pass\n")
    assert ParseCheck(context).is_no_worse("try:\n        y()\n    finally:\n        pass")
    assert ParseCheck(context).is_no_worse("try:\n        y()\n    except ValueError:\n        pass")
    assert not ParseCheck(context).is_no_worse("try:\n        y()")


def test_code_is_not_offered_inside_of_a_comment_or_a_string():
    context = asked('def b(x):\n    y = """', after='\n\n    z = """\n')
    below = read_context(Cursor(context.path, "\n".join(context.lines), "python", 2, 0))
    assert not below.can_continue
    above = asked("function b(x) {\n  const y = `\n", "javascript", after="\n`;\n}\n")
    assert not ParseCheck(above).is_no_worse("return y;")


def test_a_file_that_is_broken_elsewhere_must_get_no_worse():
    context = asked("def broken(:\n    pass\n\ndef b(x):\n    y = x\n    ", after="\n")
    before = count_parse_errors(context.lines, "python")
    assert before
    assert ParseCheck(context).is_no_worse("return y")
    assert not ParseCheck(context).is_no_worse("return ((y")


def test_without_a_grammar_nothing_is_offered():
    assert not ParseCheck(asked("let b x =\n  y\n  ", "ocaml")).is_no_worse("x")


@given(st.text(alphabet="ab(){}:=\n ", max_size=20))
def test_a_proof_means_that_the_file_parses_no_worse(text: str):
    context = asked("def b(x):\n    y = x\n    ", after="\n\nc = 3\n")
    if ParseCheck(context).is_no_worse(text):
        whole_text = "\n".join(context.lines[:2]) + "\n" + context.text_before + text + "\n\nc = 3\n"
        assert not parse_source(encode_source(whole_text.split("\n")), load_syntax("python")).has_error


@given(st.lists(st.sampled_from(("return b;", "return (b;", "if (b)", "API_EXPORT int c;", "}", "")), max_size=4))
def test_the_checks_of_one_line_say_what_a_new_one_says(texts: list[str]):
    check: ParseCheck | None = None
    for text in texts:
        context = asked(CPP_ABOVE + text[: len(text) // 2], "cpp", after=CPP_BELOW)
        check = ParseCheck(context, check)
        inserted_text = text[len(text) // 2 :]
        assert check.is_no_worse(inserted_text) == ParseCheck(context).is_no_worse(inserted_text)
        assert check.fits_line(inserted_text) == ParseCheck(context).fits_line(inserted_text)


def test_conditionals_around_the_cursor_are_no_errors():
    context = asked(CPP_ABOVE, "cpp", after=CPP_BELOW)
    assert ParseCheck(context).is_no_worse("return b;")
    assert not ParseCheck(context).is_no_worse("return (b;")


def test_a_line_may_be_ended_where_the_file_is_broken_on_others():
    assert ParseCheck(asked("def broken(:\n    pass\n\ndef b(x):\n    y = x\n    return y")).fits_line(" (")
    assert not ParseCheck(asked("def b(x):\n    y = x\n    return y")).fits_line(" (y")


def test_a_header_that_was_begun_is_not_ended_without_its_colon():
    check = ParseCheck(asked("def b(x):\n    y = x\n    while y in (x, "))
    assert not check.fits_line("y)")
    assert check.fits_line("y):")
    assert check.fits_line("y", ends_line=False)


@pytest.mark.parametrize(
    "language, text, after",
    [
        ("ruby", "def b(x)\n  y = x\n  while (x", "\nend\n"),
        ("csharp", "class A {\n  int B(int x) {\n    if (x > 0", "\n  }\n}\n"),
        ("lua", "local function b(x)\n  local y = x\n  local function c(x", "\nend\n"),
    ],
)
def test_a_header_may_be_ended_before_what_closes_its_block_is_there(language: str, text: str, after: str):
    assert ParseCheck(asked(text, language, after=after)).fits_line(")")
