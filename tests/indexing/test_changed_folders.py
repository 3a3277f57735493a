"""After few changes only their folders are walked again, and the index is as a scan of the whole tree makes it."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codekin.engine import Engine
from codekin.indexing.changed_folders import ChangedFolders
from codekin.indexing.tree_state import load_tree
from codekin.storage.paths import IndexPaths

from ..shop import write_files
from .indexes import NEVER, dump_store, index_paths, index_tree

FILES = {
    "app.py": "def run(order):\n    return order.total()\n",
    "a/dates.py": "def parse(text):\n    return text.split('-')\n",
    "a/deep/sums.py": "def add(first, second):\n    return first + second\n",
    "a/deep/notes.txt": "no source",
    "b/words.js": "function count(words) {\n  return words.length;\n}\n",
    "b/.gitignore": "*.gen.py\n",
}
_TIMES = count(1_600_000_000)  # long ago, and each another one: what is written just now is read again in any case


def write(root: Path, name: str, text: str) -> None:
    """Write a file as if long ago."""
    path = root / name
    if path.parent.is_dir() or not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.write_text(text)
            os.utime(path, (next(_TIMES), next(_TIMES)))


def remove(root: Path, name: str) -> None:
    """Remove a file or a folder, if it is there."""
    path = root / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def rename(root: Path, old: str, new: str) -> None:
    """Rename a file or a folder, if it is there and the new name is free, and not inside it."""
    is_inside = (root / new).is_relative_to(root / old)
    if (root / old).exists() and not (root / new).exists() and (root / new).parent.is_dir() and not is_inside:
        (root / old).rename(root / new)


def link(root: Path, folder: str) -> None:
    """Put a link to a folder in its place: the same files are there, but in the workspace no more."""
    if sys.platform != "win32" and (root / folder).is_dir() and not (root / folder).is_symlink():
        elsewhere = root.parent / f"elsewhere-{next(_TIMES)}"
        (root / folder).rename(elsewhere)
        (root / folder).symlink_to(elsewhere)


NAMES = st.sampled_from([*FILES, "a/new.py", "a/x.gen.py", "b/x.gen.py", "c/first.py", "a/deep/er/last.py", "b/build"])
FOLDERS = st.sampled_from(["a", "a/deep", "b", "c"])
CHANGES = st.one_of(
    st.tuples(st.just(write), NAMES, st.integers(0, 9).map(lambda i: f"def f{i}(x):\n    y = x + {i}\n    return y\n")),
    st.tuples(st.just(write), NAMES, st.sampled_from(["", "\x7fELF\0\0", "x = 'a' * 3\n", FILES["a/dates.py"]])),
    st.tuples(
        st.just(write), FOLDERS.map(lambda folder: f"{folder}/.gitignore"), st.sampled_from(["", "*.py\n", "deep/"])
    ),
    st.tuples(st.just(write), FOLDERS.map(lambda folder: f"{folder}/pyvenv.cfg"), st.just("")),
    st.tuples(st.just(remove), st.one_of(NAMES, FOLDERS, FOLDERS.map(lambda folder: f"{folder}/pyvenv.cfg"))),
    st.tuples(st.just(rename), NAMES, NAMES),
    st.tuples(st.just(rename), FOLDERS, FOLDERS),
    st.tuples(st.just(link), FOLDERS),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CHANGES, min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_index_is_as_a_scan_of_everything_makes_it(
    tmp_path: Path, rounds: list[list[tuple[Callable[..., None], *tuple[str, ...]]]]
) -> None:
    folder = tmp_path / str(next(_TIMES))
    root = write_files(folder / "project", FILES)
    paths = index_paths(root, folder / "cache")
    with closing(Engine([root], paths.settings)) as engine:
        engine.refresh(lambda _: None, NEVER, 0, wait=False)
        for changes in rounds:
            for change, *arguments in changes:
                change(root, *arguments)
            engine.refresh(lambda _: None, NEVER, 0, wait=False)
    index_tree(root, folder / "fresh")
    assert dump_store(paths) == dump_store(index_paths(root, folder / "fresh"))
    shutil.rmtree(folder)


@pytest.fixture
def paths(tmp_path: Path) -> IndexPaths:
    root = write_files(tmp_path / "project", FILES)
    index_tree(root, tmp_path / "cache")
    return index_paths(root, tmp_path / "cache")


@contextmanager
def open_changes(paths: IndexPaths) -> Iterator[ChangedFolders]:
    """What has changed since the last scan."""
    with closing(Engine(paths.roots, paths.settings)) as engine:
        snapshot = load_tree(engine._index.store, paths.settings.index)
        assert snapshot is not None
        changed_paths = snapshot.find_changes()
        assert changed_paths
        yield ChangedFolders(engine._workspace, engine._index.store, engine._ingester, snapshot, changed_paths)


SMALL_CHANGES: dict[str, Callable[[Path], object]] = {
    "an edit": lambda root: write(root, "a/dates.py", "def parse_date(text):\n    return text\n"),
    "a new file": lambda root: write(root, "a/deep/new.py", "def new():\n    return 1\n"),
    "a removed file": lambda root: remove(root, "b/words.js"),
    "a new folder": lambda root: write(root, "c/d/first.py", "def first():\n    return 1\n"),
    "an ignored file": lambda root: write(root, "b/x.gen.py", "def generated():\n    return 1\n"),
    "no source": lambda root: write(root, "a/deep/other.txt", "no source"),
}


@pytest.mark.parametrize("change", SMALL_CHANGES.values(), ids=SMALL_CHANGES)
def test_a_small_change_needs_no_scan_and_is_stored_with_the_tree(
    paths: IndexPaths, change: Callable[[Path], object]
) -> None:
    change(paths.roots[0])
    with open_changes(paths) as changes:
        assert changes.ingest()
        assert load_tree(changes.store, paths.settings.index) is not None


LARGE_CHANGES: dict[str, Callable[[Path], object]] = {
    "rules": lambda root: write(root, "b/.gitignore", "*.js\n"),
    "new rules": lambda root: write(root, "a/.gitignore", "deep/\n"),
    "a removed folder": lambda root: remove(root, "a/deep"),
    "an environment": lambda root: write(root, "a/pyvenv.cfg", ""),
    "a repository": lambda root: (root / "a" / ".git").mkdir(),
}


@pytest.mark.parametrize("change", LARGE_CHANGES.values(), ids=LARGE_CHANGES)
def test_a_change_that_may_concern_other_folders_is_left_to_a_scan(
    paths: IndexPaths, change: Callable[[Path], object]
) -> None:
    before = dump_store(paths)
    change(paths.roots[0])
    with open_changes(paths) as changes:
        assert not changes.ingest()
    assert dump_store(paths) == before


def test_a_cancelled_refresh_leaves_a_store_that_the_next_one_completes(paths: IndexPaths, tmp_path: Path) -> None:
    write(paths.roots[0], "a/dates.py", "def parse_date(text):\n    return text\n")
    cancelled = threading.Event()
    cancelled.set()
    with closing(Engine(paths.roots, paths.settings)) as engine:
        engine.refresh(lambda _: None, cancelled, 0, wait=False)
        engine.refresh(lambda _: None, NEVER, 0, wait=False)
    index_tree(paths.roots[0], tmp_path / "fresh")
    assert dump_store(paths) == dump_store(index_paths(paths.roots[0], tmp_path / "fresh"))
