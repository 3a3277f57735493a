"""A snapshot notices every change that a walk would, and nothing else."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.workspace.tree_snapshot import take_snapshot
from codekin.workspace.workspace import Workspace

LONG_AGO = 1_700_000_000.5


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a small workspace, with rules."""
    for name in ("app.py", "lib/util.py", "lib/.gitignore", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1\n" if name.endswith("py") else "build/\n")
    return Workspace([tmp_path], IndexSettings())


CHANGES: dict[str, Callable[[Path], object]] = {
    "edit": lambda root: (root / "app.py").write_text("x = 22\n"),
    "same size": lambda root: (root / "app.py").write_text("y = 1\n"),
    "new file": lambda root: (root / "lib" / "new.py").write_text(""),
    "new folder": lambda root: (root / "lib" / "deeper").mkdir(),
    "removed": lambda root: (root / "lib" / "util.py").unlink(),
    "renamed": lambda root: (root / "lib" / "util.py").rename(root / "lib" / "tools.py"),
    "rules": lambda root: (root / "lib" / ".gitignore").write_text("*.py\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_change_is_noticed(workspace: Workspace, change: Callable[[Path], object]):
    snapshot = take_snapshot(workspace)
    change(workspace.roots[0])
    assert snapshot.find_changes() != []


def test_what_was_written_just_now_is_not_trusted(workspace: Workspace):
    (workspace.roots[0] / "app.py").write_text("x = 3\n")
    assert take_snapshot(workspace).find_changes() != []


def test_without_a_change_there_is_none(real_tree: Path):
    workspace = Workspace([real_tree], IndexSettings())
    while (snapshot := take_snapshot(workspace)).find_changes():  # it was copied just now
        time.sleep(0.01)
    assert snapshot.find_changes() == []
    assert str(real_tree / "json" / "decoder.py") in snapshot.stamps


def test_a_file_of_another_kind_does_not_count(workspace: Workspace):
    snapshot = take_snapshot(workspace)
    os.utime(workspace.roots[0] / "notes.txt", (LONG_AGO, LONG_AGO))
    assert str(workspace.roots[0] / "notes.txt") not in snapshot.stamps
