"""What is asked at a cursor."""

from pathlib import Path

import pytest

from codekin.completion.context import CompletionContext, is_inside_prose, read_context
from codekin.completion.cursor import Cursor
from codekin.completion.edits import find_edit

PATH = Path("/a")
TYPED = {
    "python": (
        "import os\n\n\nclass Shop:\n    name = 1\n\n    def first(self, x):\n        go(x)\n        return x\n",
        "\n    def second(self, item, count=1):\n        total = item.price\n        return total * count\n",
        "\n\ndef helper():\n    pass\n",
    ),
    "go": (
        "package shop\n\nfunc first(x int) int {\n\tgo1(x)\n\treturn x\n}\n",
        "\nfunc second(item Item, count int) int {\n\ttotal := item.price\n\treturn total * count\n}\n",
        "\nfunc helper() {\n\tdone()\n}\n",
    ),
    "javascript": (
        "const a = 1;\n\nfunction first(x) {\n  go(x);\n  return x;\n}\n",
        "\nfunction second(item, count) {\n  const total = item.price;\n  return total * count;\n}\n",
        "\nfunction helper() {\n  done();\n}\n",
    ),
    "ruby": (
        "class Shop\n  def first(x)\n    go(x)\n    x\n  end\n",
        "\n  def second(item, count)\n    total = item.price\n    total * count\n  end\n",
        "end\n",
    ),
}


def at(text: str, end: int, language: str, former: CompletionContext | None = None) -> CompletionContext:
    """The cursor stands behind `end` characters."""
    before = text[:end]
    cursor = Cursor(PATH, text, language, before.count("\n"), end - before.rfind("\n") - 1)
    return read_context(cursor, former)


@pytest.mark.parametrize("language", TYPED)
def test_a_function_that_is_typed_key_by_key_becomes_one(language: str):
    """And stays one where what is being typed breaks it: what is remembered of the keys before only adds to it."""
    above, typed, below = TYPED[language]
    former = at(above + below, len(above), language)
    for end in range(1, len(typed) + 1):
        text = above + typed[:end] + below
        former, read_anew = at(text, len(above) + end, language, former), at(text, len(above) + end, language)
        if read_anew.name == "second" and not read_anew.text_before.strip():
            assert (former.name, former.kind, former.parameters) == (
                read_anew.name,
                read_anew.kind,
                read_anew.parameters,
            )
            assert former.start_lines == read_anew.start_lines
    assert former.name == at(text, len(above + typed), language).name


def test_the_function_around_the_cursor_is_no_other():
    above, typed, below = TYPED["python"]
    context = at(above + typed + below, len(above + typed) - 8, "python")
    assert context.name == "second"
    assert context.parameters == ("item", "count")
    assert "second" not in {snippet.name for snippet in context.other_snippets}


@pytest.mark.parametrize(
    "lines, language, is_so",
    [
        (['    """What it', "    does"], "python", True),
        (['    """What it does."""', "    x = 1  # it's"], "python", False),
        (['    x = \'"""\''], "python", False),
        (["int f() {", "  /* what"], "c", True),
        (["int f() {", "  /* what */ // it's /*"], "c", False),
        (["ls /*"], "bash", False),
    ],
)
def test_a_comment_or_string_that_goes_on_is_known(lines: list[str], language: str, is_so: bool):
    assert is_inside_prose(lines, language) is is_so


def test_indentation_on_a_blank_line_outside_of_functions_is_not_parsed():
    """Nothing can have begun or ended there: all snippets stay what they were."""
    above, below = "int first() {\n  return 1;\n}\n\nstruct Shop {\n", "\n};\n\nint last() {\n  return 2;\n}\n"
    former = at(above + below, len(above), "cpp")
    for indentation in ("  ", "    ", ""):
        context = at(above + indentation + below, len(above + indentation), "cpp", former)
        assert context.parsed is former.parsed
        assert [snippet.name for snippet in context.other_snippets] == ["first", "last"]
        former = context


def test_edits_at_both_ends_of_repeated_lines_are_told_as_by_comparing_line_by_line():
    lines = ["a", "b", "a", "b", "c", "a"]
    for start in range(len(lines) + 1):
        for end in range(start, len(lines) + 1):
            for new_lines in (["a"], ["b", "a"], ["a", "b", "x"], []):
                changed_lines = [*lines[:start], *new_lines, *lines[end:]]
                edit = find_edit(tuple(lines), changed_lines)
                new_end = edit.end + edit.added
                assert [*lines[: edit.start], *changed_lines[edit.start : new_end], *lines[edit.end :]] == changed_lines
                changed = lines[edit.start : edit.end], changed_lines[edit.start : new_end]
                assert not (all(changed) and (changed[0][0] == changed[1][0] or changed[0][-1] == changed[1][-1]))


def test_a_deeper_indentation_leads_back_into_a_python_function():
    above = "class Shop:\n    def stop(self, node):\n        node.kill()\n\n"
    former = at(above + "    ", len(above) + 4, "python")
    context = at(above + "        ", len(above) + 8, "python", former)
    assert context.name == "stop"
    assert context.start_lines == at(above + "        ", len(above) + 8, "python").start_lines
