"""What a cell is written in, and which of its lines are no code."""

import pytest
from hypothesis import given

from codekin.code.lines import split_lines
from codekin.code.magics import find_named_language, read_cell

from .strategies import any_text


def blank(text: str, language: str = "python") -> str:
    return "\n".join(read_cell(split_lines(text), language)[1])


@pytest.mark.parametrize(
    ("first", "language"),
    [
        ("%%bash", "bash"),
        ("%%sh -e", "bash"),
        ("%%script bash --bg", "bash"),
        ("%%script /usr/bin/ruby", "ruby"),
        ("%%javascript", "javascript"),
        ("%%js", "javascript"),
        ("%%sql sqlite:///x.db", "sql"),
        ("%%bigquery frame", "sql"),
        ("%%R -i frame", "r"),
        ("%%cython", "cython"),
        ("%%html", "html"),
        ("%%perl", "perl"),
        ("%%writefile app/main.py", "python"),
        ("%%file -a tool.sh", "bash"),
        ("%sql", "sql"),
        ("#!fsharp", "fsharp"),
        ("%%time", "python"),
        ("%%capture output", "python"),
        ("%%timeit -n 3", "python"),
        ("%%markdown", None),
        ("%%latex", None),
        ("%md", None),
        ("%%writefile requirements.txt", None),
        ("#!/bin/sh", "python"),
    ],
)
def test_a_cell_magic_says_the_language(first: str, language: str | None) -> None:
    language_lines, lines = read_cell(["", first, "x"], "python")
    assert language_lines == language
    assert lines == ["", first if first.startswith("#!/") else "", "x"]


def test_magics_may_be_stacked() -> None:
    assert read_cell(["%%capture", "%%time", "x = 1"], "python") == ("python", ["", "", "x = 1"])


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "    %pip install -q x",
        "!ls -l {path}",
        "files = !ls",
        "a, b = %sx echo",
        "%autoreload 2",
        "frame.head?",
        "??frame",
        "%timeit?",
        "%load_ext autoreload",
        "%debug",
    ],
)
def test_lines_that_are_no_python_are_blank(line: str) -> None:
    assert blank(f"a = 1\n{line}\nb = 2") == "a = 1\n\nb = 2"
    assert blank(line, "r") == line


@pytest.mark.parametrize(
    "line",
    [
        "x = 1",
        "a != b",
        "rest = total \\",
        "     % count",
        "    %(name)s",
        "value %s",
        "f(a)[0] % b",
        "# !ls",
        "'what?'",
        "x: int",
    ],
)
def test_python_stays(line: str) -> None:
    assert blank(line) == line


def test_timed_code_is_code() -> None:
    assert blank("  %time total = add(1, 2)") == "  total = add(1, 2)"
    assert blank("%timeit -n 10 -r 3 add(1, 2)") == "add(1, 2)"


def test_a_shell_command_may_go_on_on_the_next_line() -> None:
    assert blank("!pip install a \\\n  b \\\n  c\nx = 1") == "\n\n\nx = 1"


def test_what_stands_in_a_string_is_no_magic() -> None:
    text = 'usage = """\n!important\n%d items\n%s more\n"""\n!ls'
    assert blank(text) == text.removesuffix("!ls")


@given(any_text)
def test_lines_are_blanked_and_never_moved(text: str) -> None:
    lines = split_lines(text)
    language_lines, code = read_cell(lines, "python")
    assert len(code) == len(lines)
    assert language_lines is None or isinstance(language_lines, str)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("Python 3.11", "python"),
        ("python3", "python"),
        ("IR", "r"),
        ("c++17", "cpp"),
        ("F#", "fsharp"),
        ("brainf", None),
    ],
)
def test_kernels_call_languages_by_many_names(name: str, language: str | None) -> None:
    assert find_named_language(name) == language
