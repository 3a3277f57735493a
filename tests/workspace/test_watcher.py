"""What changes on a real disk is told; what is ignored is not."""

import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.types import Cancel
from codekin.workspace.watcher import Watcher
from codekin.workspace.workspace import Workspace

from .trees import write_modules
from .watching import TIMEOUT_S, Listen, Listener, on_linux

# Watchdog's own recursive watching takes a new folder up twice now and then.
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning:watchdog.observers.inotify")


@pytest.mark.usefixtures("either")
def test_a_file_created_written_and_deleted_is_told_each_time(tmp_path: Path, listen: Listen) -> None:
    listener, path = listen(), tmp_path / "a.py"
    path.write_text("x = 1\n")
    listener.until(lambda: path in listener.files)
    listener.told.clear()
    path.write_text("x = 2\n")
    listener.until(lambda: path in listener.told)
    path.unlink()
    listener.until(lambda: path not in listener.files)
    assert listener.rescans == 1


@pytest.mark.usefixtures("either")
def test_a_renamed_file_is_told_by_both_names(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "a.py", "deep/x.py")
    listener = listen()
    (tmp_path / "a.py").rename(tmp_path / "deep/b.py")
    listener.until(lambda: listener.files == {tmp_path / "deep/b.py", tmp_path / "deep/x.py"})
    assert set(listener.told) == {tmp_path / "a.py", tmp_path / "deep/b.py"}


@pytest.mark.usefixtures("either")
def test_an_atomic_save_is_told_by_the_file_s_own_name_only(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "a.py")
    listener = listen()
    for number in range(3):
        temporary = tmp_path / f".a.py.{number}.tmp"
        temporary.write_text(f"x = {number}\n")
        temporary.replace(tmp_path / "a.py")
    listener.until(lambda: tmp_path / "a.py" in listener.told)
    assert set(listener.told) == {tmp_path / "a.py"}


@pytest.mark.usefixtures("either")
def test_files_in_several_roots_are_told(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "one/x.py", "two/x.py", "three/x.py")
    listener = listen(tmp_path / "one", tmp_path / "two")
    write_modules(tmp_path, "three/a.py", "one/a.py", "two/a.py")
    listener.until(lambda: {tmp_path / "one/a.py", tmp_path / "two/a.py"} <= listener.files)
    assert tmp_path / "three/a.py" not in listener.told


@pytest.mark.usefixtures("either")
def test_files_in_new_folders_are_found_and_later_ones_too(tmp_path: Path, listen: Listen) -> None:
    listener = listen()
    write_modules(tmp_path, "a/b/c/x.py", "a/y.py")
    listener.until(lambda: listener.files == {tmp_path / "a/b/c/x.py", tmp_path / "a/y.py"})
    write_modules(tmp_path, "a/b/c/later.py")
    listener.until(lambda: tmp_path / "a/b/c/later.py" in listener.files)


@on_linux
@pytest.mark.parametrize("parent", ["new", ""], ids=["in a new folder", "at the start"])
def test_a_folder_made_between_the_listing_and_the_watch_of_its_parent_is_watched(tmp_path: Path, parent: str) -> None:
    late_folder = tmp_path / parent / "late"

    class RacingWorkspace(Workspace):
        def walk_folders(self, top_folder: Path, cancel_event: Cancel | None = None) -> Iterator[Path]:
            for folder in super().walk_folders(top_folder, cancel_event):
                if folder == late_folder.parent:
                    late_folder.mkdir(exist_ok=True)  # the folder above it has been listed, and is not yet watched
                yield folder

    listener = Listener(RacingWorkspace([tmp_path], IndexSettings()), 600.0)
    listener.watcher.start()
    try:
        listener.until(lambda: listener.rescans == 1)
        (tmp_path / parent).mkdir(exist_ok=True)
        listener.until_true(late_folder.exists)
        write_modules(tmp_path, "after.py")
        listener.until(lambda: tmp_path / "after.py" in listener.files)
        write_modules(late_folder, "x.py")
        listener.until(lambda: late_folder / "x.py" in listener.files)
    finally:
        listener.watcher.stop()


@pytest.mark.usefixtures("either")
def test_a_tree_moved_in_within_and_out_is_followed(tmp_path: Path, listen: Listen) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write_modules(root, "x.py")
    write_modules(outside, "tree/a.py", "tree/deep/b.py")
    listener = listen(root)
    (outside / "tree").rename(root / "in")
    listener.until(lambda: {root / "in/a.py", root / "in/deep/b.py"} <= listener.files)
    (root / "in").rename(root / "within")
    listener.until(lambda: listener.files == {root / "x.py", root / "within/a.py", root / "within/deep/b.py"})
    write_modules(root, "within/deep/c.py")
    listener.until(lambda: root / "within/deep/c.py" in listener.files)
    (root / "within").rename(outside / "out")
    listener.until(lambda: listener.files == {root / "x.py"})


@on_linux
def test_a_tree_moved_out_is_not_heard_of_any_more(tmp_path: Path, listen: Listen) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write_modules(root, "x.py", "in/deep/a.py")
    listener = listen(root)
    (root / "in").rename(outside)
    listener.until(lambda: listener.files == {root / "x.py"})
    write_modules(outside, "deep/b.py")
    write_modules(root, "y.py")
    listener.until(lambda: root / "y.py" in listener.files)
    assert set(listener.told) == {root / "y.py"}


@pytest.mark.usefixtures("either")
def test_a_deleted_tree_is_gone(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "x.py", "a/b/y.py", "a/z.py")
    listener = listen()
    shutil.rmtree(tmp_path / "a")
    listener.until(lambda: listener.files == {tmp_path / "x.py"})


@pytest.mark.usefixtures("either")
def test_a_checkout_of_thousands_of_files_arrives_whole_and_each_hardly_twice(tmp_path: Path, listen: Listen) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    write_modules(tmp_path, "old.py", *(f"old/{number % 20}/a{number}.py" for number in range(100)))
    git("add", ".")
    git("commit", "-qm", "old")
    git("checkout", "-qb", "new")
    shutil.rmtree(tmp_path / "old")
    write_modules(tmp_path, *(f"new/{number % 50}/{number % 7}/b{number}.py" for number in range(2_000)))
    git("add", "-A")
    git("commit", "-qm", "new")
    new = {source_file.path for source_file in Workspace([tmp_path], IndexSettings()).walk()}
    git("checkout", "-q", "-")
    listener = listen()
    assert len(listener.files) == 101
    git("checkout", "-q", "new")
    listener.until(lambda: listener.files == new)
    assert listener.rescans <= 10
    assert all(count <= 2 for count in Counter(listener.told).values())  # two batches may end within one file's events


@pytest.mark.usefixtures("either")
def test_a_burst_of_ignored_files_is_silent(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, ".gitignore", text="out/\n*_made.py\n")
    write_modules(tmp_path, "out/x.py", "node_modules/kit/x.js", "src/x.py")
    listener = listen()
    write_modules(tmp_path, *(f"src/a{number}.o" for number in range(800)))
    write_modules(tmp_path, *(f"src/a{number}_made.py" for number in range(800)))
    write_modules(
        tmp_path, "out/a.py", "out/new/a.py", "node_modules/kit/a.js", "node_modules/new/a.js", ".git/hooks/a.py"
    )
    write_modules(tmp_path, "src/heard.py")
    listener.until(lambda: tmp_path / "src/heard.py" in listener.files)
    assert set(listener.told) == {tmp_path / "src/heard.py"}
    assert listener.rescans == 1


@pytest.mark.usefixtures("either")
def test_a_changed_ignore_file_is_a_rescan_and_its_folders_are_watched_or_not(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, ".gitignore", text="a/\n")
    write_modules(tmp_path, "a/deep/x.py", "b/x.py")
    listener = listen()
    assert listener.files == {tmp_path / "b/x.py"}
    write_modules(tmp_path, ".gitignore", text="b/   \n")
    listener.until(lambda: listener.files == {tmp_path / "a/deep/x.py"})
    write_modules(tmp_path, "b/silent.py")
    write_modules(tmp_path, "a/deep/heard.py")
    listener.until(lambda: tmp_path / "a/deep/heard.py" in listener.files)
    assert tmp_path / "b/silent.py" not in listener.told


@on_linux
def test_a_repository_s_own_excludes_are_watched_too(tmp_path: Path, listen: Listen) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write_modules(tmp_path, "a.py", "b.py")
    listener = listen()
    write_modules(tmp_path, ".git/info/exclude", text="a.py\n")
    listener.until(lambda: listener.files == {tmp_path / "b.py"})


def test_starting_waits_for_nothing(tmp_path: Path) -> None:
    go = threading.Event()

    class Slow(Workspace):
        def walk_folders(self, top_folder: Path, cancel_event: Cancel | None = None) -> Iterator[Path]:
            go.wait(TIMEOUT_S)
            return super().walk_folders(top_folder, cancel_event)

    listener = Listener(Slow([tmp_path], IndexSettings()), 600.0)
    assert listener.watcher.mode == "off"
    listener.watcher.start()
    assert listener.watcher.mode == "starting"
    go.set()
    listener.until(lambda: listener.rescans == 1)
    assert listener.watcher.mode == "watchdog"
    listener.watcher.stop()
    assert listener.watcher.mode == "off"


@pytest.mark.usefixtures("either")
def test_after_stop_nothing_is_told_and_no_thread_is_left(tmp_path: Path, listen: Listen) -> None:
    before = set(threading.enumerate())
    listener = listen()
    own_threads = set(threading.enumerate()) - before
    assert own_threads
    listener.watcher.stop()
    listener.watcher.stop()
    for thread in own_threads:  # which are waited for two seconds, and a busy machine may have kept one longer
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()
    write_modules(tmp_path, "a.py")
    assert set(threading.enumerate()) <= before
    assert not listener.told


def test_a_failing_listener_is_told_the_next_change_all_the_same(tmp_path: Path) -> None:
    calls: list[set[Path]] = []
    begun, call_heard = threading.Event(), threading.Semaphore(0)

    def fail(paths: set[Path]) -> None:
        calls.append(paths)
        call_heard.release()
        raise RuntimeError("the listener's own fault")

    watcher = Watcher(Workspace([tmp_path], IndexSettings()), fail, begun.set, 600.0)
    watcher.start()
    assert begun.wait(TIMEOUT_S)
    for name in ("a.py", "b.py"):
        write_modules(tmp_path, name)
        assert call_heard.acquire(timeout=TIMEOUT_S)
    watcher.stop()
    assert calls == [{tmp_path / "a.py"}, {tmp_path / "b.py"}]
