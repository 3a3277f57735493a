"""What `codekin duplicates` lists."""

from pathlib import Path

from ..shop import write_files
from .command import Codekin

TWICE = """def {}(day, entries):
    found = []
    for each in entries:
        if each.day == day:
            found.append(each)
    return found
"""


def test_tells_each_pair_once_but_not_those_that_are_meant_to_be(tmp_path: Path):
    names = {"src/one.py": "on_day", "src/two.py": "at_day"}
    root = write_files(tmp_path / "project", {path: TWICE.format(name) for path, name in names.items()})
    codekin = Codekin(tmp_path / "cache", root)
    (pair,) = codekin.json("duplicates", "--root", root)["duplicates"]
    assert [(function["path"], function["name"]) for function in pair["functions"]] == list(names.items())
    assert pair["kinship"] == "renamed"
    line = "src/one.py:1: on_day = src/two.py:1 at_day (same structure, another name)"
    assert codekin("duplicates", "--root", root).stdout.splitlines() == [line]
    entry = '[[ignored]]\nfunctions = ["src/two.py::at_day", "src/one.py::on_day"]\n[model]\n'
    (root / ".codekin.toml").write_text(entry)
    assert codekin.json("duplicates", "--root", root, status=1)["duplicates"] == []
    messages = codekin("duplicates", "--root", root).stderr
    assert "line 3: there is no 'model' here" in messages
    assert f"No duplicated functions of 5 lines or more in {root}." in " ".join(messages.split())
