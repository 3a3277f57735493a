"""Notebooks on the command line: indexed, counted, found, and named by lines that are there."""

import json
from pathlib import Path
from typing import Any

from ..shop import define_total
from .command import Codekin

READ_DATE = '''def parse_day(text):
    """Read a date such as 2024-05-01."""
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))
'''
TOTAL = define_total("total_price", has_docstring=False)
RENAMED = TOTAL.replace("total_price", "sum_of_rows").replace("items", "rows").replace("item", "row")


def notebook(*sources: str, language: str = "python", **more: Any) -> dict[str, Any]:
    """Prose, then these cells of code."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# Prose\n", "Nothing to run."]}]
    for source in sources:
        code = {"metadata": {}, "source": source.splitlines(keepends=True), "outputs": [], "execution_count": None}
        cells.append({"cell_type": "code", **code})
    return {"cells": cells, "metadata": {"kernelspec": {"language": language}}, "nbformat": 4} | more


def write(path: Path, document: object, indent: int | None = 1) -> list[str]:
    """The notebook as Jupyter writes it; its lines."""
    text = document if isinstance(document, str) else json.dumps(document, indent=indent)
    path.write_text(text, "utf-8")
    return text.split("\n")


def line_with(lines: list[str], text: str) -> int:
    """As a person counts."""
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_clone_is_found_from_a_file_and_from_a_notebook(own_codekin: Codekin):
    (own_codekin.folder / "shop.py").write_text(TOTAL)
    lines = write(own_codekin.folder / "a.ipynb", notebook("%matplotlib inline\nimport pandas", RENAMED))
    hit = own_codekin.json("similar", "shop.py:3")["hits"][0]
    first = line_with(lines, "def sum_of_rows")
    assert (hit["path"], hit["name"], hit["kinship"]) == ("a.ipynb", "sum_of_rows", "renamed")
    assert (hit["start_line"], hit["end_line"]) == (first, first + 7)
    assert hit["cell"] == {"number": 3, "id": "", "start_line": 1, "end_line": 8}
    for place in (f"a.ipynb:{first + 3}", "a.ipynb#3", "a.ipynb#3:4"):
        hit = own_codekin.json("similar", place)["hits"][0]
        assert (hit["path"], hit["name"], hit["kinship"], hit["start_line"]) == ("shop.py", "total_price", "renamed", 1)
        assert "cell" not in hit


def test_a_hit_is_a_line_that_can_be_followed_and_names_its_cell(own_codekin: Codekin):
    lines = write(own_codekin.folder / "a.ipynb", notebook("x = 1", TOTAL))
    output_lines = own_codekin("search", "total price of the items with tax rate").stdout.splitlines()
    assert any(line.startswith(f"a.ipynb:{line_with(lines, 'def total_price')}: ") for line in output_lines)
    assert any("(cell 3: " in line for line in output_lines)


def test_a_notebook_on_one_line_is_found_by_its_cells(own_codekin: Codekin):
    write(own_codekin.folder / "a.ipynb", notebook(READ_DATE, RENAMED), indent=None)
    (own_codekin.folder / "shop.py").write_text(TOTAL)
    hit = own_codekin.json("similar", "shop.py:3")["hits"][0]
    assert (hit["path"], hit["start_line"], hit["end_line"], hit["cell"]["number"]) == ("a.ipynb", 1, 1, 3)
    assert own_codekin.json("similar", "a.ipynb#3")["hits"][0]["path"] == "shop.py"
    assert own_codekin.json("similar", "a.ipynb:1")["hits"][0]["name"] == "parse_date"
    failed = own_codekin.json("similar", "a.ipynb#1", status=2)
    assert "Cell 1" in failed["error"]
    assert "counted from 1" in own_codekin.json("similar", "a.ipynb#0", status=2)["error"]


def test_duplicates_and_completions_are_told_by_the_lines_of_the_file(own_codekin: Codekin):
    (own_codekin.folder / "shop.py").write_text(TOTAL)
    begun = TOTAL.replace("total_price", "price_of_all").partition("        if item")[0] + "        "
    lines = write(own_codekin.folder / "a.ipynb", notebook(TOTAL.replace("total_price", "its_price"), begun))
    output = own_codekin("duplicates").stdout
    assert f"a.ipynb:{line_with(lines, 'def its_price')}: its_price\n  shop.py:1: total_price" in output
    (pair,) = [
        pair for pair in own_codekin.json("duplicates")["duplicates"] if pair["functions"][0]["name"] == "its_price"
    ]
    assert pair["functions"][0]["line"] == line_with(lines, "def its_price")
    cursor = line_with(lines, "def price_of_all") + 4
    for place in (f"a.ipynb:{cursor}:9", "a.ipynb#3:5:9"):
        (completion, *_) = own_codekin.json("complete", place)["completions"]
        assert completion["text"].startswith("if item.discount:")
        source = completion["source"]
        notebook_line = line_with(lines, "if item.discount")
        assert (source["path"], source["start_line"]) in (("shop.py", 5), ("a.ipynb", notebook_line))


def test_cells_of_other_languages_are_what_they_say(own_codekin: Codekin):
    script = "%%bash\nbackup_database() {\n  pg_dump --format=custom > dump.sql\n  gzip --best dump.sql\n}\n"
    write(own_codekin.folder / "a.ipynb", notebook("x = (", script))
    write(own_codekin.folder / "r.ipynb", notebook("mean_of <- function(v) {\n  sum(v) / length(v)\n}", language="R"))
    hit = own_codekin.json("search", "backup the database")["hits"][0]
    assert (hit["name"], hit["language"], hit["cell"]["number"]) == ("backup_database", "bash", 3)
    assert own_codekin.json("search", "mean_of", "--language", "r")["hits"][0]["path"] == "r.ipynb"


LEFT_OUT = {
    "broken": ('{"cells": [\n', "can't be read: line 2"),
    "conflict": ('{"cells": [\n<<<<<<< HEAD\n], "nbformat": 4}', "can't be read"),
    "prose": (notebook(), "without code"),
    "bare": ({"cells": [], "nbformat": 4}, "without cells"),
    "other": ({"a": 1}, "no cells"),
    "list": ([], "no object"),
    "empty": ("", "empty file"),
    "binary": ("\0\0\0", "binary"),
    "large": (notebook("x = 'abcdefgh'\n" * 80_000), "bytes of code; index.max_file_bytes is 1,048,576"),
    "generated": (notebook("# Automatically generated by a tool. DO NOT EDIT.\nx = 1"), "generated"),
}


def test_a_notebook_that_is_left_out_is_counted_with_the_reason(own_codekin: Codekin):
    for name, (document, _) in LEFT_OUT.items():
        write(own_codekin.folder / f"{name}.ipynb", document)
    reasons = {item["path"]: item["reason"] for item in own_codekin.json("index")["skipped"]}
    assert reasons.keys() == {f"{name}.ipynb" for name in LEFT_OUT}
    for name, (_, reason) in LEFT_OUT.items():
        assert reason in reasons[f"{name}.ipynb"]
    assert {item["path"]: item["reason"] for item in own_codekin.json("index")["skipped"]} == reasons
    assert own_codekin.json("status")["skipped"] == len(LEFT_OUT)


def test_pictures_do_not_count_against_the_limit_of_a_source(own_codekin: Codekin):
    document = notebook(TOTAL)
    document["cells"][1]["outputs"] = [{"data": {"image/png": "iVBORw0KGgo" * 300_000}}]
    write(own_codekin.folder / "a.ipynb", document)
    assert own_codekin.json("index")["skipped"] == []
    assert own_codekin.json("search", "total_price")["hits"][0]["path"] == "a.ipynb"


def test_a_notebook_that_was_only_run_again_is_not_taken_apart_again(own_codekin: Codekin):
    document = notebook(TOTAL, "x = 1")
    write(own_codekin.folder / "a.ipynb", document)
    own_codekin.json("index")
    document["cells"][1]["outputs"] = [{"text": ["7\n", "8\n"]}]
    lines = write(own_codekin.folder / "a.ipynb", document)
    report = own_codekin.json("index")
    assert (report["embedded"], report["reused"]) == (0, 0)
    document["cells"].reverse()
    lines = write(own_codekin.folder / "a.ipynb", document)
    hit = own_codekin.json("search", "total_price")["hits"][0]
    assert (hit["start_line"], hit["cell"]["number"]) == (line_with(lines, "def total_price"), 2)
