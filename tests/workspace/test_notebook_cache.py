"""A notebook is read once, and anew when its file is another."""

import json
import os
import time
from pathlib import Path

from codekin.types import OpenCell, OpenNotebook, Skipped
from codekin.workspace.documents import Document
from codekin.workspace.notebook_cache import NotebookCache

LONG_AGO_S = 3_600


def write(path: Path, *sources: str, seconds_ago: float = LONG_AGO_S) -> None:
    cells = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": cells}), "utf-8")
    when = time.time() - seconds_ago
    os.utime(path, (when, when))


def text_of(document: Document | Skipped | None) -> str:
    assert isinstance(document, Document)
    return document.text


def test_an_unchanged_file_is_read_once_and_a_changed_one_again(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.ipynb", NotebookCache(1_000)
    write(path, "x = 1")
    document = cache.read_document(path)
    assert text_of(document) == "x = 1"
    assert cache.read_document(path) is document
    write(path, "y = 2", seconds_ago=60)
    assert text_of(cache.read_document(path)) == "y = 2"
    path.unlink()
    assert cache.read_document(path) is None


def test_a_file_that_has_just_been_written_is_not_trusted(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.ipynb", NotebookCache(1_000)
    write(path, "x = 1", seconds_ago=0)
    document = cache.read_document(path)
    assert text_of(document) == "x = 1"
    write(path, "x = 2", seconds_ago=0)
    assert text_of(cache.read_document(path)) == "x = 2"


def test_an_open_cell_stands_among_the_saved_ones_as_they_are_now(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.ipynb", NotebookCache(1_000)
    write(path, "a", "b")
    cell = OpenNotebook((OpenCell("k", "new", "python", 1, before="b"),), is_whole=False)
    assert text_of(cache.open_document(path, cell)) == "a\nnew"
    write(path, "a2", "b", seconds_ago=60)
    assert text_of(cache.open_document(path, cell)) == "a2\nnew"
    write(path, "c", seconds_ago=30)
    (tmp_path / "b.ipynb").write_text("half of its JSON")
    assert text_of(cache.open_document(tmp_path / "b.ipynb", cell)) == "new"


def test_an_open_notebook_may_have_as_much_code_as_a_saved_one(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.ipynb", NotebookCache(100)
    cells = OpenNotebook(tuple(OpenCell(f"{i}", "x = 1\n" * 10, "python", i) for i in range(2)), is_whole=True)
    document = cache.open_document(path, cells)
    assert isinstance(document, Skipped)
    assert "index.max_file_bytes is 100" in document.reason
    write(path, *("x = 1\n" * 10 for _ in range(2)))
    assert cache.read_document(path) == document


def test_equal_lines_in_other_cells_are_another_text(tmp_path: Path) -> None:
    """What is cut cell by cell is to be cut anew when cells are joined or split."""
    path, cache = tmp_path / "a.ipynb", NotebookCache(1_000)
    write(path, "a\nb")
    first_document = cache.read_document(path)
    write(path, "a", "b", seconds_ago=60)
    two = cache.read_document(path)
    assert isinstance(first_document, Document)
    assert isinstance(two, Document)
    assert first_document.text == two.text
    assert first_document.hash != two.hash
