"""What differs from one look at the disk to the next."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.workspace.poller import Poller
from codekin.workspace.workspace import Workspace

_YEAR_AGO_NS = 1_700_000_000_123_456_789
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no time of change")


def write(root: Path, *names: str, text: str = "def f():\n    return 1\n") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def settled(poller: Poller) -> Poller:
    """A poller that has nothing to tell: what has just been written is told until its times are to be trusted."""
    while poller.find_changes() != set():
        pass
    return poller


@pytest.fixture
def poller(tmp_path: Path) -> Poller:
    write(tmp_path, "a.py", "b/c.py", "b/d.ts", "run", "notes.txt", "node_modules/x.js", ".gitignore", text="\n")
    return settled(Poller(Workspace([tmp_path], IndexSettings()), threading.Event()))


def told(poller: Poller, tmp_path: Path) -> set[str]:
    changed = poller.find_changes()
    assert changed is not None
    settled(poller)
    return {str(path.relative_to(tmp_path)) for path in changed}


def test_what_is_written_is_told_once(poller: Poller, tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b/new/e.py", "notes.txt", "node_modules/y.js")
    assert told(poller, tmp_path) == {"a.py", "b/new/e.py"}
    assert poller.find_changes() == set()


def test_what_goes_is_told_and_a_folder_by_its_files(poller: Poller, tmp_path: Path) -> None:
    (tmp_path / "a.py").unlink()
    shutil.rmtree(tmp_path / "b")
    assert told(poller, tmp_path) == {"a.py", "b/c.py", "b/d.ts"}


def test_a_rename_is_told_by_both_names(poller: Poller, tmp_path: Path) -> None:
    (tmp_path / "a.py").rename(tmp_path / "z.py")
    (tmp_path / "b").rename(tmp_path / "y")
    assert told(poller, tmp_path) == {"a.py", "z.py", "b/c.py", "b/d.ts", "y/c.py", "y/d.ts"}


def test_a_time_that_goes_back_is_told(poller: Poller, tmp_path: Path) -> None:
    os.utime(tmp_path / "a.py", ns=(_YEAR_AGO_NS, _YEAR_AGO_NS))
    assert told(poller, tmp_path) == {"a.py"}


@on_posix
def test_a_text_of_the_same_size_whose_time_was_put_back_is_told(poller: Poller, tmp_path: Path) -> None:
    os.utime(tmp_path / "a.py", ns=(_YEAR_AGO_NS, _YEAR_AGO_NS))
    settled(poller)
    (tmp_path / "a.py").write_text("\r")
    os.utime(tmp_path / "a.py", ns=(_YEAR_AGO_NS, _YEAR_AGO_NS))
    assert told(poller, tmp_path) == {"a.py"}


@on_posix
def test_a_mode_is_told(poller: Poller, tmp_path: Path) -> None:
    (tmp_path / "run").chmod(0o700)
    assert told(poller, tmp_path) == {"run"}


def test_after_another_ignore_file_anything_may_have_changed(poller: Poller, tmp_path: Path) -> None:
    for change in (
        lambda: write(tmp_path, ".gitignore", text="b/\n"),
        lambda: (tmp_path / ".gitignore").unlink(),
        lambda: write(tmp_path, "b/.codekinignore", text="d.ts\n"),
    ):
        change()
        assert poller.find_changes() is None
        settled(poller)


def test_which_duplicates_are_meant_to_be_is_told(poller: Poller, tmp_path: Path) -> None:
    write(tmp_path, ".codekin.toml", text="")
    assert told(poller, tmp_path) == {".codekin.toml"}


@on_posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_can_not_be_read_just_now_is_not_gone(poller: Poller, tmp_path: Path) -> None:
    (tmp_path / "b").chmod(0)
    try:
        assert poller.find_changes() == set()
    finally:
        (tmp_path / "b").chmod(0o700)
    assert poller.find_changes() == set()


def test_a_root_that_is_away_is_not_gone(tmp_path: Path) -> None:
    """A disk that was unmounted, a network that is down."""
    write(tmp_path, "root/a.py", "root/b/c.py")
    poller = settled(Poller(Workspace([tmp_path / "root"], IndexSettings()), threading.Event()))
    (tmp_path / "root").rename(tmp_path / "away")
    assert poller.find_changes() == set()
    (tmp_path / "away").rename(tmp_path / "root")
    assert poller.find_changes() == set()


def test_a_cancelled_look_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    cancel_event = threading.Event()
    poller = settled(Poller(Workspace([tmp_path], IndexSettings()), cancel_event))
    write(tmp_path, "new.py")
    cancel_event.set()
    assert poller.find_changes() == set()
    cancel_event.clear()
    assert poller.find_changes() == {tmp_path / "new.py"}


def test_the_period_grows_with_what_a_look_costs(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number % 50}/{number}.py" for number in range(2_000)))
    poller = Poller(Workspace([tmp_path], IndexSettings()), threading.Event())
    assert poller.period_s(0.0) == 0.0
    poller.find_changes()
    assert poller.period_s(0.0) > 0.0
    assert poller.period_s(3_600.0) == 3_600.0
