"""A command scans a tree only where something may have changed since the last scan."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from codekin.engine import Engine
from codekin.indexing.tree_state import load_tree
from codekin.settings import IndexSettings
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.workspace.tree_snapshot import TreeSnapshot, take_snapshot
from codekin.workspace.workspace import Workspace

from ..shop import write_files
from .indexes import NEVER, index_paths, index_tree


@pytest.fixture
def paths(tmp_path: Path) -> IndexPaths:
    """An index of files that are older than the scan."""
    files = {"a/dates.py": "def parse(text):\n    return text\n", "sums.py": "x = 1\n"}
    root = write_files(tmp_path / "project", files)
    while take_snapshot(Workspace([root], IndexSettings())).find_changes() != []:
        time.sleep(0.01)
    index_tree(root, tmp_path / "cache")
    return index_paths(root, tmp_path / "cache")


@contextmanager
def open_store(paths: IndexPaths) -> Iterator[Store]:
    with closing(Store(paths.store)) as store:
        yield store


def load(paths: IndexPaths, settings: IndexSettings | None = None) -> TreeSnapshot | None:
    with open_store(paths) as store:
        return load_tree(store, settings or paths.settings.index)


def test_after_a_scan_nothing_has_changed(paths: IndexPaths):
    snapshot = load(paths)
    assert snapshot is not None
    assert snapshot.find_changes() == []
    assert {Path(path).name for path in snapshot.stamps} >= {"dates.py", "sums.py", "a"}


DISK_CHANGES: dict[str, Callable[[Path], object]] = {
    "edit": lambda root: (root / "sums.py").write_text("x = 2\n"),
    "new file": lambda root: (root / "a" / "new.py").write_text(""),
    "removed": lambda root: (root / "sums.py").unlink(),
    "rules": lambda root: (root / ".gitignore").write_text("a/\n"),
}


@pytest.mark.parametrize("change", DISK_CHANGES.values(), ids=DISK_CHANGES)
def test_a_change_on_the_disk_is_noticed_and_scanned(paths: IndexPaths, change: Callable[[Path], object]):
    change(paths.roots[0])
    snapshot = load(paths)
    assert snapshot is not None
    assert snapshot.find_changes() != []


def test_other_rules_are_a_reason_to_scan(paths: IndexPaths):
    assert load(paths, dataclasses.replace(paths.settings.index, exclude=("a/",))) is None


def test_another_ignore_file_of_the_user_s_is_a_reason_to_scan(
    paths: IndexPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(f"[core]\n\texcludesfile = {tmp_path / 'mine'}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert load(paths) is None


STORE_CHANGES: dict[str, Callable[[Store], object]] = {
    "another process has indexed": lambda store: store.remove_files(store.file_states()),
    "all is to be read again": lambda store: store.clear(),
    "an editor left unsaved text": lambda store: store._write(
        lambda connection: connection.execute("UPDATE files SET overlay = 1")
    ),
}


@pytest.mark.parametrize("change", STORE_CHANGES.values(), ids=STORE_CHANGES)
def test_what_others_do_to_the_store_is_a_reason_to_scan(paths: IndexPaths, change: Callable[[Store], object]):
    with open_store(paths) as store:
        change(store)
    assert load(paths) is None


def test_a_command_brings_back_lost_vectors_though_no_file_has_changed(paths: IndexPaths):
    for path in paths.vectors.parent.glob("vectors.sqlite*"):
        path.unlink()
    with closing(Engine([paths.roots[0]], paths.settings)) as engine:
        report = engine.refresh(lambda _: None, NEVER, 0, wait=False)
        assert report.embedded == report.snippets > 0
        assert engine.refresh(lambda _: None, NEVER, 0, wait=False).embedded == 0
        assert engine.coverage() == 1
