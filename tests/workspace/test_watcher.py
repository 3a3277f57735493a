"""What changes on a real disk is told; what is ignored is not."""

import contextlib
import ctypes
import errno
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.types import Cancel
from codekin.workspace import watcher as watcher_module
from codekin.workspace.watch_source import WatchListener, WatchSource
from codekin.workspace.watcher import Watcher
from codekin.workspace.workspace import SourceFile, Workspace

_PATIENCE_S = 20
# Watchdog's own recursive watching takes a new folder up twice now and then.
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning:watchdog.observers.inotify")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Listener:
    """An indexer's picture of the disk: what the walk of the last rescan and every change since make it."""

    def __init__(self, workspace: Workspace, polling_s: float) -> None:
        self.workspace = workspace
        self.files: set[Path] = set()
        self.told: list[Path] = []
        self.rescans = 0
        self.news = threading.Condition()
        self.watcher = Watcher(workspace, self._change, self._rescan, polling_s)

    def _change(self, paths: set[Path]) -> None:
        with self.news:
            self.told += paths
            for path in paths:
                found = isinstance(self.workspace.check_file(path), SourceFile)
                (self.files.add if found else self.files.discard)(path)
            self.news.notify_all()

    def _rescan(self) -> None:
        with self.news:
            self.rescans += 1
            self.files = {found.path for found in self.workspace.walk() if isinstance(found, SourceFile)}
            self.news.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(condition, _PATIENCE_S), (self.watcher.mode, self.files, self.told, self.rescans)

    def until_mode(self, text: str) -> None:
        self.until_true(lambda: text in self.watcher.mode)

    def until_true(self, condition: Callable[[], bool]) -> None:
        """As `until`, for what changes without news."""
        with self.news:
            for _ in range(_PATIENCE_S * 50):
                if self.news.wait_for(condition, 0.02):
                    return
        raise AssertionError(self.watcher.mode)


Listen = Callable[..., Listener]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Begins to watch, and returns when the watching has begun."""
    listeners: list[Listener] = []

    def begin(*roots: Path, polling_s: float = 600.0) -> Listener:
        listener = Listener(Workspace(roots or (tmp_path,), IndexSettings()), polling_s)
        listeners.append(listener)
        listener.watcher.start()
        listener.until(lambda: listener.rescans == 1)
        return listener

    yield begin
    for listener in listeners:
        listener.watcher.stop()


@pytest.fixture(params=["chosen folders", "recursive"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of watching, where the system has both."""
    if request.param == "recursive":
        from codekin.workspace.recursive_observer import RecursiveObserver

        def recursive(workspace: Workspace, report: WatchListener, stopping: threading.Event) -> WatchSource:
            return RecursiveObserver(workspace, report)

        monkeypatch.setattr(watcher_module, "_open_system_source", recursive)


def _write(root: Path, *names: str, text: str = "x = 1\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# --- single files


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
    _write(tmp_path, "a.py", "deep/x.py")
    listener = listen()
    (tmp_path / "a.py").rename(tmp_path / "deep/b.py")
    listener.until(lambda: listener.files == {tmp_path / "deep/b.py", tmp_path / "deep/x.py"})
    assert set(listener.told) == {tmp_path / "a.py", tmp_path / "deep/b.py"}


@pytest.mark.usefixtures("either")
def test_an_atomic_save_is_told_by_the_file_s_own_name_only(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, "a.py")
    listener = listen()
    for number in range(3):
        temporary = tmp_path / f".a.py.{number}.tmp"
        temporary.write_text(f"x = {number}\n")
        temporary.replace(tmp_path / "a.py")
    listener.until(lambda: tmp_path / "a.py" in listener.told)
    assert set(listener.told) == {tmp_path / "a.py"}


@pytest.mark.usefixtures("either")
def test_files_in_several_roots_are_told(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, "one/x.py", "two/x.py", "three/x.py")
    listener = listen(tmp_path / "one", tmp_path / "two")
    _write(tmp_path, "three/a.py", "one/a.py", "two/a.py")
    listener.until(lambda: {tmp_path / "one/a.py", tmp_path / "two/a.py"} <= listener.files)
    assert tmp_path / "three/a.py" not in listener.told


# --- folders


@pytest.mark.usefixtures("either")
def test_files_in_new_folders_are_found_and_later_ones_too(tmp_path: Path, listen: Listen) -> None:
    listener = listen()
    _write(tmp_path, "a/b/c/x.py", "a/y.py")
    listener.until(lambda: listener.files == {tmp_path / "a/b/c/x.py", tmp_path / "a/y.py"})
    _write(tmp_path, "a/b/c/later.py")
    listener.until(lambda: tmp_path / "a/b/c/later.py" in listener.files)


@pytest.mark.usefixtures("either")
def test_a_tree_moved_in_within_and_out_is_followed(tmp_path: Path, listen: Listen) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    _write(root, "x.py")
    _write(outside, "tree/a.py", "tree/deep/b.py")
    listener = listen(root)
    (outside / "tree").rename(root / "in")
    listener.until(lambda: {root / "in/a.py", root / "in/deep/b.py"} <= listener.files)
    (root / "in").rename(root / "within")
    listener.until(lambda: listener.files == {root / "x.py", root / "within/a.py", root / "within/deep/b.py"})
    _write(root, "within/deep/c.py")
    listener.until(lambda: root / "within/deep/c.py" in listener.files)
    (root / "within").rename(outside / "out")
    listener.until(lambda: listener.files == {root / "x.py"})


@on_linux
def test_a_tree_moved_out_is_not_heard_of_any_more(tmp_path: Path, listen: Listen) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    _write(root, "x.py", "in/deep/a.py")
    listener = listen(root)
    (root / "in").rename(outside)
    listener.until(lambda: listener.files == {root / "x.py"})
    _write(outside, "deep/b.py")
    _write(root, "y.py")
    listener.until(lambda: root / "y.py" in listener.files)
    assert set(listener.told) == {root / "y.py"}


@pytest.mark.usefixtures("either")
def test_a_deleted_tree_is_gone(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, "x.py", "a/b/y.py", "a/z.py")
    listener = listen()
    shutil.rmtree(tmp_path / "a")
    listener.until(lambda: listener.files == {tmp_path / "x.py"})


# --- bursts


@pytest.mark.usefixtures("either")
def test_a_checkout_of_thousands_of_files_arrives_whole_and_in_few_pieces(tmp_path: Path, listen: Listen) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    _write(tmp_path, "old.py", *(f"old/{number % 20}/a{number}.py" for number in range(100)))
    git("add", ".")
    git("commit", "-qm", "old")
    git("checkout", "-qb", "new")
    shutil.rmtree(tmp_path / "old")
    _write(tmp_path, *(f"new/{number % 50}/{number % 7}/b{number}.py" for number in range(2_000)))
    git("add", "-A")
    git("commit", "-qm", "new")
    new = {found.path for found in Workspace([tmp_path], IndexSettings()).walk()}
    git("checkout", "-q", "-")
    listener = listen()
    assert len(listener.files) == 101
    git("checkout", "-q", "new")
    listener.until(lambda: listener.files == new)
    assert listener.rescans <= 10
    assert len(listener.told) <= 1_000


@pytest.mark.usefixtures("either")
def test_a_burst_of_ignored_files_is_silent(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, ".gitignore", text="out/\n*_made.py\n")
    _write(tmp_path, "out/x.py", "node_modules/kit/x.js", "src/x.py")
    listener = listen()
    _write(tmp_path, *(f"src/a{number}.o" for number in range(800)))
    _write(tmp_path, *(f"src/a{number}_made.py" for number in range(800)))
    _write(tmp_path, "out/a.py", "out/new/a.py", "node_modules/kit/a.js", "node_modules/new/a.js", ".git/hooks/a.py")
    _write(tmp_path, "src/heard.py")
    listener.until(lambda: tmp_path / "src/heard.py" in listener.files)
    assert set(listener.told) == {tmp_path / "src/heard.py"}
    assert listener.rescans == 1


@on_linux
def test_when_the_system_drops_events_everything_is_looked_at_again(tmp_path: Path, listen: Listen) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip("this system's queue is too long to be filled in a test")
    _write(tmp_path, "x.py")
    listener = listen()
    source = listener.watcher._source
    with source._lock:  # the reader waits at the first event, and the queue behind it runs over
        _write(tmp_path, "first.py")
        for number in range(limit // 2 + 500):
            (tmp_path / f"{number}.txt").touch()
        _write(tmp_path, "unheard/deep/a.py")
    listener.until(lambda: tmp_path / "unheard/deep/a.py" in listener.files)
    _write(tmp_path, "unheard/deep/later.py")
    listener.until(lambda: tmp_path / "unheard/deep/later.py" in listener.files)


# --- ignore rules


@pytest.mark.usefixtures("either")
def test_a_changed_ignore_file_is_a_rescan_and_its_folders_are_watched_or_not(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, ".gitignore", text="a/\n")
    _write(tmp_path, "a/deep/x.py", "b/x.py")
    listener = listen()
    assert listener.files == {tmp_path / "b/x.py"}
    _write(tmp_path, ".gitignore", text="b/   \n")
    listener.until(lambda: listener.files == {tmp_path / "a/deep/x.py"})
    _write(tmp_path, "b/silent.py")
    _write(tmp_path, "a/deep/heard.py")
    listener.until(lambda: tmp_path / "a/deep/heard.py" in listener.files)
    assert tmp_path / "b/silent.py" not in listener.told


@on_linux
def test_a_repository_s_own_excludes_are_watched_too(tmp_path: Path, listen: Listen) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    _write(tmp_path, "a.py", "b.py")
    listener = listen()
    _write(tmp_path, ".git/info/exclude", text="a.py\n")
    listener.until(lambda: listener.files == {tmp_path / "b.py"})


def _watches() -> int:
    """How many inotify watches this process has, as the kernel counts them."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(link.readlink()) == "anon_inode:inotify":
                count += (Path("/proc/self/fdinfo") / link.name).read_text().count("inotify wd:")
    return count


@on_linux
def test_ignored_folders_cost_no_watches_and_moved_ones_give_theirs_back(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, "root/.gitignore", text="out/\n")
    _write(tmp_path, *(f"root/{ignored}/{n}/x.py" for ignored in ("out", "node_modules", ".venv") for n in range(30)))
    _write(tmp_path, "root/a/b/x.py")
    before = _watches()
    listener = listen(tmp_path / "root")
    assert _watches() == before + 3  # the root, a, b
    (tmp_path / "root/a").rename(tmp_path / "a")
    listener.until(lambda: not listener.files)
    assert _watches() == before + 1
    listener.watcher.stop()
    assert _watches() == before


# --- where watching fails


def _limited(monkeypatch: pytest.MonkeyPatch, watches: int) -> None:
    """The system call as it answers when only so many watches are left."""
    from watchdog.observers import inotify_c

    real, used = inotify_c.inotify_add_watch, iter(range(watches))

    def limited(instance: int, path: bytes, mask: int) -> int:
        if next(used, None) is None:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return real(instance, path, mask)

    monkeypatch.setattr(inotify_c, "inotify_add_watch", limited)


@on_linux
def test_without_enough_watches_it_polls_and_says_so(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, *(f"{number}/x.py" for number in range(20)))
    _limited(monkeypatch, 10)
    before = _watches()
    listener = listen(polling_s=0.5)
    assert (
        "polling every 0.5 s: the system's limit of inotify watches is reached; raise fs.inotify.max_user_watches"
        in (listener.watcher.mode)
    )
    assert _watches() == before  # what little there is, is left to others
    _write(tmp_path, "7/new.py")
    listener.until(lambda: tmp_path / "7/new.py" in listener.files)


@on_linux
def test_polling_tells_what_differs_and_has_nothing_scanned_anew(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But after a change of what is left out, and of more than can be told one by one."""
    _write(tmp_path, *(f"{number}/x.py" for number in range(20)))
    _limited(monkeypatch, 10)
    listener = listen(polling_s=0.5)
    _write(tmp_path, "7/new.py")
    listener.until(lambda: tmp_path / "7/new.py" in listener.files)
    shutil.rmtree(tmp_path / "8")
    listener.until(lambda: tmp_path / "8/x.py" not in listener.files)
    (tmp_path / "9").rename(tmp_path / "90")
    listener.until(lambda: {tmp_path / "9/x.py", tmp_path / "90/x.py"} & listener.files == {tmp_path / "90/x.py"})
    assert listener.rescans == 1
    (tmp_path / ".gitignore").write_text("90/\n")
    listener.until(lambda: tmp_path / "90/x.py" not in listener.files)
    before = listener.rescans
    _write(tmp_path, *(f"many/{number}.py" for number in range(600)))
    listener.until(lambda: len(listener.files) > 600)
    assert listener.rescans > before


@on_linux
def test_when_the_watches_run_out_later_it_polls_from_then_on(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limited(monkeypatch, 10)
    listener = listen(polling_s=0.5)
    assert listener.watcher.mode == "watchdog"
    _write(tmp_path, *(f"{number}/x.py" for number in range(20)))
    listener.until(lambda: len(listener.files) == 20)
    listener.until_mode("max_user_watches")
    _write(tmp_path, "7/new.py")
    listener.until(lambda: tmp_path / "7/new.py" in listener.files)


_IN_A_NAMESPACE = """
import sys, threading
from pathlib import Path
from codekin.workspace.watcher import Watcher
from codekin.workspace.workspace import Workspace
from codekin.settings import IndexSettings
root, scanned, told = Path(sys.argv[1]), threading.Event(), threading.Event()
watcher = Watcher(Workspace([root], IndexSettings()), lambda paths: told.set(), scanned.set, 0.5)
watcher.start()
assert scanned.wait(20)
(root / "7/new.py").write_text("")
assert told.wait(20)
print(watcher.mode)
watcher.stop()
"""


@on_linux
@pytest.mark.parametrize("limit", ["watches", "instances"])
def test_a_real_limit_of_the_system_is_met_with_polling(tmp_path: Path, limit: str) -> None:
    _write(tmp_path, *(f"{number}/x.py" for number in range(20)))
    limited = f"echo {5 if limit == 'watches' else 0} > /proc/sys/user/max_inotify_{limit} && exec "
    namespace = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    try:
        subprocess.run([*namespace, limited + "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody have a namespace of their own")
    command = [*namespace, limited + '"$@"', "sh", sys.executable, "-c", _IN_A_NAMESPACE, tmp_path]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert f"limit of inotify {limit} is reached; raise fs.inotify.max_user_{limit}" in answer.stdout


@on_linux
def test_where_others_write_unheard_it_watches_and_polls(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codekin.workspace import inotify

    class Any:
        def __contains__(self, kind: object) -> bool:
            return bool(kind)

    monkeypatch.setattr(inotify, "_REMOTE_FILE_SYSTEMS", Any())
    listener = listen(polling_s=0.5)
    assert f"polling every 0.5 s: {tmp_path} is on " in listener.watcher.mode
    _write(tmp_path, "a.py")
    listener.until(lambda: tmp_path / "a.py" in listener.told)


@pytest.mark.usefixtures("either")
def test_a_root_that_goes_and_comes_back_is_watched_again(tmp_path: Path, listen: Listen) -> None:
    root = tmp_path / "root"
    _write(root, "a/x.py")
    listener = listen(root, polling_s=0.5)
    shutil.rmtree(root)
    listener.until(lambda: not listener.files)
    listener.until_mode(f"checking every 0.5 s for {root}")
    _write(root, "b/y.py")
    listener.until(lambda: listener.files == {root / "b/y.py"})
    listener.until_true(lambda: listener.watcher.mode == "watchdog")
    _write(root, "b/z.py")
    listener.until(lambda: root / "b/z.py" in listener.told)


@pytest.mark.usefixtures("either")
def test_a_root_replaced_by_another_folder_is_watched_as_what_it_is_now(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, "up/root/old.py", "other/new.py")
    root = tmp_path / "up/root"
    listener = listen(root, polling_s=0.5)
    (tmp_path / "up").rename(tmp_path / "away")  # nothing is told below
    root.parent.mkdir()
    (tmp_path / "other").rename(root)
    listener.until(lambda: listener.files == {root / "new.py"})
    _write(root, "newer.py")
    listener.until(lambda: root / "newer.py" in listener.told)
    _write(tmp_path, "away/root/unheard.py")
    _write(root, "newest.py")
    listener.until(lambda: root / "newest.py" in listener.told)
    assert root / "unheard.py" not in listener.told


@pytest.mark.usefixtures("either")
def test_a_root_that_is_not_there_yet_is_awaited(tmp_path: Path, listen: Listen) -> None:
    _write(tmp_path, "one/x.py")
    listener = listen(tmp_path / "one", tmp_path / "two", polling_s=0.5)
    assert listener.watcher.mode == f"watchdog; checking every 0.5 s for {tmp_path / 'two'}"
    _write(tmp_path, "two/y.py")
    listener.until(lambda: tmp_path / "two/y.py" in listener.files)


@pytest.mark.usefixtures("either")
def test_when_what_watches_dies_it_polls_and_says_so(tmp_path: Path, listen: Listen) -> None:
    listener = listen(polling_s=0.5)
    listener.watcher._source.stop()
    listener.until_mode("polling every 0.5 s: the file watcher failed; restart codekin")
    _write(tmp_path, "a.py")
    listener.until(lambda: tmp_path / "a.py" in listener.files)


# --- beginning and end


def test_starting_waits_for_nothing(tmp_path: Path) -> None:
    go = threading.Event()

    class Slow(Workspace):
        def walk_folders(self, top_folder: Path, cancel: Cancel | None = None) -> Iterator[Path]:
            go.wait(_PATIENCE_S)
            return super().walk_folders(top_folder, cancel)

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
    assert set(threading.enumerate()) > before
    listener.watcher.stop()
    listener.watcher.stop()
    _write(tmp_path, "a.py")
    assert set(threading.enumerate()) == before
    assert not listener.told


def test_a_failing_listener_is_told_the_next_change_all_the_same(tmp_path: Path) -> None:
    calls: list[set[Path]] = []
    begun, heard = threading.Event(), threading.Semaphore(0)

    def fail(paths: set[Path]) -> None:
        calls.append(paths)
        heard.release()
        raise RuntimeError("the listener's own fault")

    watcher = Watcher(Workspace([tmp_path], IndexSettings()), fail, begun.set, 600.0)
    watcher.start()
    assert begun.wait(_PATIENCE_S)
    for name in ("a.py", "b.py"):
        _write(tmp_path, name)
        assert heard.acquire(timeout=_PATIENCE_S)
    watcher.stop()
    assert calls == [{tmp_path / "a.py"}, {tmp_path / "b.py"}]
