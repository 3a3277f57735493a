"""Where the system refuses to watch, or watching ends, codekin polls, and says so."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .trees import write_modules
from .watching import Listen, count_watches, limit_watches, on_linux

# Watchdog's own recursive watching takes a new folder up twice now and then.
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning:watchdog.observers.inotify")


@on_linux
def test_when_the_system_drops_events_everything_is_looked_at_again(tmp_path: Path, listen: Listen) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip("this system's queue is too long to be filled in a test")
    write_modules(tmp_path, "x.py")
    listener = listen()
    source = listener.watcher._source
    with source._lock:  # the reader waits at the first event, and the queue behind it runs over
        write_modules(tmp_path, "first.py")
        for number in range(limit // 2 + 500):
            (tmp_path / f"{number}.txt").touch()
        write_modules(tmp_path, "unheard/deep/a.py")
    listener.until(lambda: tmp_path / "unheard/deep/a.py" in listener.files)
    write_modules(tmp_path, "unheard/deep/later.py")
    listener.until(lambda: tmp_path / "unheard/deep/later.py" in listener.files)


@on_linux
def test_ignored_folders_cost_no_watches_and_moved_ones_give_theirs_back(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "root/.gitignore", text="out/\n")
    write_modules(
        tmp_path, *(f"root/{ignored}/{n}/x.py" for ignored in ("out", "node_modules", ".venv") for n in range(30))
    )
    write_modules(tmp_path, "root/a/b/x.py")
    before = count_watches()
    listener = listen(tmp_path / "root")
    assert count_watches() == before + 3  # the root, a, b
    (tmp_path / "root/a").rename(tmp_path / "a")
    listener.until(lambda: not listener.files)
    listener.until_true(lambda: count_watches() == before + 1)
    listener.watcher.stop()
    listener.until_true(lambda: count_watches() == before)


@on_linux
def test_without_enough_watches_it_polls_and_says_so(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_modules(tmp_path, *(f"{number}/x.py" for number in range(20)))
    limit_watches(monkeypatch, 10)
    before = count_watches()
    listener = listen(polling_s=0.5)
    assert (
        "polling every 0.5 s: the system's limit of inotify watches is reached; raise fs.inotify.max_user_watches"
        in (listener.watcher.mode)
    )
    listener.until_true(lambda: count_watches() == before)  # what little there is, is left to others
    write_modules(tmp_path, "7/new.py")
    listener.until(lambda: tmp_path / "7/new.py" in listener.files)


@on_linux
def test_polling_tells_what_differs_and_has_nothing_scanned_anew(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But after a change of what is left out, and of more than can be told one by one."""
    write_modules(tmp_path, *(f"{number}/x.py" for number in range(20)))
    limit_watches(monkeypatch, 10)
    listener = listen(polling_s=0.5)
    write_modules(tmp_path, "7/new.py")
    listener.until(lambda: tmp_path / "7/new.py" in listener.files)
    shutil.rmtree(tmp_path / "8")
    listener.until(lambda: tmp_path / "8/x.py" not in listener.files)
    (tmp_path / "9").rename(tmp_path / "90")
    listener.until(lambda: {tmp_path / "9/x.py", tmp_path / "90/x.py"} & listener.files == {tmp_path / "90/x.py"})
    assert listener.rescans == 1
    (tmp_path / ".gitignore").write_text("90/\n")
    listener.until(lambda: tmp_path / "90/x.py" not in listener.files)
    before = listener.rescans
    write_modules(tmp_path, *(f"many/{number}.py" for number in range(600)))
    listener.until(lambda: len(listener.files) > 600)
    assert listener.rescans > before


@on_linux
def test_when_the_watches_run_out_later_it_polls_from_then_on(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_watches(monkeypatch, 10)
    listener = listen(polling_s=0.5)
    assert listener.watcher.mode == "watchdog"
    write_modules(tmp_path, *(f"{number}/x.py" for number in range(20)))
    listener.until(lambda: len(listener.files) == 20)
    listener.until_mode("max_user_watches")
    write_modules(tmp_path, "7/new.py")
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
assert scanned.wait(120)
(root / "7/new.py").write_text("")
assert told.wait(120)
print(watcher.mode)
watcher.stop()
"""


@on_linux
@pytest.mark.parametrize("limit", ["watches", "instances"])
def test_a_real_limit_of_the_system_is_met_with_polling(tmp_path: Path, limit: str) -> None:
    write_modules(tmp_path, *(f"{number}/x.py" for number in range(20)))
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
    write_modules(tmp_path, "a.py")
    listener.until(lambda: tmp_path / "a.py" in listener.told)


@pytest.mark.usefixtures("either")
def test_a_root_that_goes_and_comes_back_is_watched_again(tmp_path: Path, listen: Listen) -> None:
    root = tmp_path / "root"
    write_modules(root, "a/x.py")
    listener = listen(root, polling_s=0.5)
    shutil.rmtree(root)
    listener.until(lambda: not listener.files)
    listener.until_mode(f"checking every 0.5 s for {root}")
    write_modules(root, "b/y.py")
    listener.until(lambda: listener.files == {root / "b/y.py"})
    listener.until_true(lambda: listener.watcher.mode == "watchdog")
    write_modules(root, "b/z.py")
    listener.until(lambda: root / "b/z.py" in listener.told)


@pytest.mark.usefixtures("either")
def test_a_root_replaced_by_another_folder_is_watched_as_what_it_is_now(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "up/root/old.py", "other/new.py")
    root = tmp_path / "up/root"
    listener = listen(root, polling_s=0.5)
    (tmp_path / "up").rename(tmp_path / "away")  # nothing is told below
    root.parent.mkdir()
    (tmp_path / "other").rename(root)
    listener.until(lambda: listener.files == {root / "new.py"})
    write_modules(root, "newer.py")
    listener.until(lambda: root / "newer.py" in listener.told)
    write_modules(tmp_path, "away/root/unheard.py")
    write_modules(root, "newest.py")
    listener.until(lambda: root / "newest.py" in listener.told)
    assert root / "unheard.py" not in listener.told


@pytest.mark.usefixtures("either")
def test_a_root_that_is_not_there_yet_is_awaited(tmp_path: Path, listen: Listen) -> None:
    write_modules(tmp_path, "one/x.py")
    listener = listen(tmp_path / "one", tmp_path / "two", polling_s=0.5)
    assert listener.watcher.mode == f"watchdog; checking every 0.5 s for {tmp_path / 'two'}"
    write_modules(tmp_path, "two/y.py")
    listener.until(lambda: tmp_path / "two/y.py" in listener.files)


@pytest.mark.usefixtures("either")
def test_when_what_watches_dies_it_polls_and_says_so(tmp_path: Path, listen: Listen) -> None:
    listener = listen(polling_s=0.5)
    listener.watcher._source.stop()
    listener.until_mode("polling every 0.5 s: the file watcher failed; restart codekin")
    write_modules(tmp_path, "a.py")
    listener.until(lambda: tmp_path / "a.py" in listener.files)
