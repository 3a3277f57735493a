"""Notebooks: which cells are code, in which language, and where each of their lines stands in the file."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.cell_lines import find_cell, find_line_of_row, to_cell_lines, to_file_row
from codekin.code.cells import Notebook, extract_cells, join_open_cells, replace_open_cells
from codekin.code.lines import split_lines
from codekin.code.notebooks import read_notebook
from codekin.types import OpenCell, Span

from .strategies import any_text

# In these no line is a magic.
SOURCES = st.text(st.sampled_from("abc(x)=:1 \t\"\\/'é漢😀\n\n\r\u2028\x0c"), max_size=60)
CELLS = st.lists(st.tuples(st.sampled_from(["code", "code", "markdown", "raw"]), SOURCES, st.booleans()), max_size=6)


def notebook(*cells: tuple[str, object], **cell_number: Any) -> dict[str, Any]:
    """As nbformat 4 has it."""
    cells_of_code = [{"cell_type": kind, "metadata": {}, "source": source} for kind, source in cells]
    for cell in cells_of_code:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return {"cells": cells_of_code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | cell_number


def read(document: object) -> Notebook:
    document_read = read_notebook(json.dumps(document, indent=1))
    assert isinstance(document_read, Notebook)
    return document_read


def kernel(language: str, **info: str) -> dict[str, Any]:
    return {"kernelspec": {"language": language, "name": "any"}, "language_info": info}


@given(CELLS, st.sampled_from([None, 1, 4]), st.booleans())
def test_every_line_of_code_is_found_and_its_place_leads_back_to_it(cells, indent, ascii_only) -> None:
    sources = [(kind, text.splitlines(keepends=True) if is_list else text) for kind, text, is_list in cells]
    data = json.dumps(notebook(*sources), indent=indent, ensure_ascii=ascii_only)
    document = read_notebook(data)
    assert isinstance(document, Notebook)
    expected = [(i, split_lines(text)) for i, (kind, text, _) in enumerate(cells) if kind == "code"]
    text, rows = document.text.split("\n"), data.split("\n")
    got = [(cell.index, text[cell.span.start : cell.span.end]) for cell in document.cells]
    assert got == expected
    assert document.prose_cells == len(cells) - len(expected)
    for line, line_text in enumerate(text if expected else ()):
        cell = find_cell(document.cells, line)
        assert cell is not None
        cell_line = to_cell_lines(cell, Span(line, line + 1)).start
        assert 0 <= cell_line < len(cell.rows) == cell.span.end - cell.span.start
        row = to_file_row(cell, line)
        begins = (line_text.splitlines() or [""])[0]  # nbformat has a piece for each line, and more line ends than we
        assert json.dumps(begins, ensure_ascii=ascii_only)[1:-1] in rows[row]
        back = find_line_of_row(document.cells, row)
        assert back <= line
        assert to_file_row(find_cell(document.cells, back), back) == row
        if (
            indent is not None
            and isinstance(sources[cell.index][1], list)
            and line_text
            and "\r" not in cells[cell.index][1]
        ):
            assert back == line  # nbformat writes one line of code a line


def test_a_row_between_cells_is_the_nearest_line_above() -> None:
    data = json.dumps(notebook(("code", ["a = 1\n", "b = 2"]), ("markdown", ["prose"]), ("code", ["c = 3"])), indent=1)
    document = read_notebook(data)
    assert isinstance(document, Notebook)
    rows = data.split("\n")
    assert find_line_of_row(document.cells, 0) == 0
    assert find_line_of_row(document.cells, next(i for i, row in enumerate(rows) if "prose" in row)) == 1
    assert find_line_of_row(document.cells, len(rows) - 1) == 2
    assert find_line_of_row((), 7) == 0


@given(any_text | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_a_notebook_or_a_reason(text: str) -> None:
    assert isinstance(read_notebook(text), Notebook | str)


@given(CELLS, st.data())
def test_a_damaged_notebook_is_a_notebook_or_a_reason(cells, data) -> None:
    text = json.dumps(notebook(*((kind, source) for kind, source, _ in cells)), indent=1)
    offset = data.draw(st.integers(0, len(text)))
    piece = data.draw(st.sampled_from(["", "{", "]", '"', ",", "\\", "NaN", "\0", "<<<<<<< HEAD\n"]))
    cut = data.draw(st.integers(0, 9))
    assert isinstance(read_notebook(text[:offset] + piece + text[offset + cut :]), Notebook | str)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty file"),
        (" \n", "empty file"),
        ("not json", "no object"),
        ("[]", "no object"),
        ("{}", "no cells"),
        ('{"nbformat": 4}', "no cells"),
        ('{"cells": [', "line 1 lacks a value"),
        ('{"cells": [}', "can't be read"),
        ('{"cells": []} {}', "the end"),
        ('{"cells": [{"cell_type": "code", "source": "\\x"}]}', "a sound string"),
        ('{"cells": [{"cell_type": "code"\n"source": ""}]}', "line 2"),
        ('{"cells": [{"outputs": [}]}', "can't be read"),
        ('{"cells": [\n<<<<<<< HEAD\n{"cell_type": "code"}]}', "can't be read"),
    ],
)
def test_what_is_no_notebook_is_told_why(text: str, reason: str) -> None:
    document = read_notebook(text)
    assert isinstance(document, str)
    assert reason in document


@pytest.mark.parametrize(
    "outputs",
    [
        '{"data": {"image/png": "' + "iVBORw0KGgo\\n" * 700_000 + '"}}',
        "[" * 200_000 + "]" * 200_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "[NaN, -Infinity, 1e999, " + "0.25, " * 2_000_000 + "0]",
        "[" + "[1.5, 2], " * 1_000_000 + "[]]",
        '"' + "\\\\" * 5_000_000 + '"',
    ],
    ids=["picture", "nested arrays", "nested objects", "numbers", "pairs", "escapes"],
)
def test_outputs_are_skipped_over(outputs: str) -> None:
    data = '{"cells": [{"cell_type": "code", "outputs": [%s], "source": ["x = 1"]}], "metadata": {}}' % outputs  # noqa: UP031
    document = read_notebook(data)
    assert isinstance(document, Notebook)
    assert document.text == "x = 1"


@pytest.mark.parametrize(
    "text",
    [
        "{}," * 2_000_000,
        '"a",' * 2_000_000,
        '{"cell_type":"code","source":[' + '"a",' * 2_000_000,
    ],
    ids=lambda text: text[:9],
)
def test_what_is_more_than_anybody_reads_is_told(text: str) -> None:
    assert "more than" in str(read_notebook('{"cells": [' + text))


def test_of_equal_keys_the_last_holds_as_in_any_json() -> None:
    text = '{"cells": [], "cells": [{"cell_type": "markdown", "cell_type": "code", "source": "a", "source": ["b"]}]}'
    document = read_notebook(text)
    assert isinstance(document, Notebook)
    assert document.text == "b"


def test_sources_that_are_no_text_are_empty() -> None:
    odd = [{"cell_type": "code", "source": source} for source in (None, 7, {"a": "b"}, [1, None, ["x"], "y"])]
    document = read({"cells": [*odd, {"cell_type": "code"}, {}, 7, "cell", None]})
    assert document.text == "\n\n\ny\n"
    assert (len(document.cells), document.prose_cells) == (5, 4)


def test_notebooks_of_format_3_have_their_cells_in_worksheets() -> None:
    cells = [
        {"cell_type": "heading", "source": ["Title"]},
        {"cell_type": "code", "input": ["a = 1\n", "b"], "language": "python"},
    ]
    document = read(
        {"worksheets": [{"cells": cells}, {"cells": [{"cell_type": "code", "input": "c"}]}], "metadata": {}}
    )
    assert (document.text, document.language) == ("a = 1\nb\nc", "python")
    assert [cell.index for cell in document.cells] == [1, 2]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        (kernel("python"), "python"),
        (kernel("R", name="R"), "r"),
        (kernel("", name="julia", file_extension=".jl"), "julia"),
        (kernel("", name="C++17", file_extension=".cpp"), "cpp"),
        (kernel("C#"), "csharp"),
        (kernel("", name="Ada-like", file_extension=".adb"), "ada"),
        (kernel("", name="scala"), "scala"),
        (kernel("wolfram language"), "notebook"),
        ({"kernelspec": {"name": "python3"}}, "python"),
        ({"kernelspec": {"name": "julia-1.9"}}, "julia"),
        ({"kernelspec": {"name": "ir"}}, "r"),
        ({"kernelspec": None, "language_info": [1]}, "python"),
    ],
)
def test_the_kernel_says_the_language(metadata: dict[str, Any], language: str) -> None:
    document = read(notebook(("code", "a"), metadata=metadata))
    assert document.language == document.cells[0].language == language


def test_a_cell_may_be_in_another_language() -> None:
    document = notebook(("code", "a"), ("code", "b"), ("code", "c"), metadata=kernel("C#"))
    document["cells"][0]["metadata"] = {"vscode": {"languageId": "fsharp"}}
    document["cells"][1]["metadata"] = {"dotnet_interactive": {"language": "markdown"}}
    notebook_read = read(document)
    assert [(cell.index, cell.language) for cell in notebook_read.cells] == [(0, "fsharp"), (2, "csharp")]


def test_each_cell_is_cut_by_itself() -> None:
    sources = "def lost(:\n    (((", "def kept(x):\n    return x", "class A:\n  def f(self):\n    return self.x + 1"
    document = read(notebook(*(("code", source) for source in sources)))
    snippets = extract_cells(document.text.split("\n"), document.cells)
    named = {snippet.qualified_name: snippet for snippet in snippets}
    assert named["kept"].span == Span(2, 4)
    assert named["kept"].name_line == 2
    assert named["A.f"].span == Span(5, 7)
    assert all(a.span.end <= b.span.start for a, b in pairwise(snippets))
    for snippet in snippets:
        cell = find_cell(document.cells, snippet.span.start)
        assert cell is not None
        assert snippet.span.end <= cell.span.end


# Cells that an editor has open


def cells(*texts: str, language: str = "python") -> list[OpenCell]:
    return [OpenCell(f"cell:{i}", text, language, i) for i, text in enumerate(texts)]


def test_a_notebook_that_is_open_as_a_whole_is_its_cells_with_their_names() -> None:
    prose = OpenCell("cell:p", "# Title", "markdown", 2)
    document = join_open_cells([*cells("a = 1\r\nb = 2", "%%bash\nls"), prose, OpenCell("cell:r", "x <- 1", "r", 3)])
    assert document.text == "a = 1\nb = 2\n\nls\nx <- 1"
    assert [(cell.key, cell.index, cell.language) for cell in document.cells] == [
        ("cell:0", 0, "python"),
        ("cell:1", 1, "bash"),
        ("cell:r", 3, "r"),
    ]
    assert document.prose_cells == 1


SAVED = read(notebook(("markdown", "prose"), *(("code", source) for source in ("a", "%pip x\nb", "a", "c"))))


@pytest.mark.parametrize(
    ("open_cell", "text", "keys"),
    [
        (OpenCell("k", "c", "python", -1), "a\n\nb\na\nc", ["", "", "", "k"]),  # as it was saved
        (OpenCell("k", "%pip x\nb", "python", -1), "a\n\nb\na\nc", ["", "k", "", ""]),
        (OpenCell("k", "new", "python", -1, before="c"), "a\n\nb\na\nnew", ["", "", "", "k"]),  # edited since
        (OpenCell("k", "new", "python", 3, before="what was never saved"), "a\n\nb\nnew\nc", ["", "", "k", ""]),
        (OpenCell("k", "new", "python", -1), "a\n\nb\na\nc\nnew", ["", "", "", "", "k"]),
    ],
)
def test_a_single_open_cell_takes_the_place_of_the_one_that_was_saved(open_cell, text, keys) -> None:
    document = replace_open_cells(SAVED, [open_cell])
    assert document.text == text
    assert [cell.key for cell in document.cells] == keys


def test_open_cells_that_say_the_same_have_each_their_own_place() -> None:
    document = replace_open_cells(SAVED, [OpenCell("1", "a", "python", 1), OpenCell("2", "a", "python", 3)])
    assert [cell.key for cell in document.cells] == ["1", "", "2", ""]


@given(CELLS, st.lists(st.tuples(SOURCES, st.integers(-1, 7), SOURCES), max_size=4))
def test_no_open_cell_and_no_other_cell_is_lost(saved, given_open) -> None:
    before = read(notebook(*((kind, text) for kind, text, _ in saved)))
    open_cells = [OpenCell(str(i), text, "python", *cell_number) for i, (text, *cell_number) in enumerate(given_open)]
    document = replace_open_cells(before, open_cells)
    lines = document.text.split("\n")
    shown = {cell.key: lines[cell.span.start : cell.span.end] for cell in document.cells if cell.key}
    assert shown == {cell.key: split_lines(cell.text) for cell in open_cells}
    assert len(document.cells) - len(open_cells) >= len(before.cells) - len(open_cells)
    assert [cell.span.start for cell in document.cells[1:]] == [cell.span.end for cell in document.cells[:-1]]
