"""Bringing the store up to date: nothing is embedded twice, nothing is lost, nothing is half there."""

import dataclasses
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from codekin import processes
from codekin.indexing import pool
from codekin.indexing.reconcile import reconcile
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import IndexPaths, locate_index
from codekin.types import IndexReport, Progress, Retry

NEVER = threading.Event()
LONG_S = 120.0


def at(root: Path, cache: Path) -> IndexPaths:
    """The home of the workspace `root`, in a cache of the test's own."""
    return locate_index([root], Settings(cache=CacheSettings(directory=str(cache))))


def index(root: Path, cache: Path, *, workers: int = 0) -> IndexReport:
    """Index here, without progress."""
    return reconcile(at(root, cache), lambda _: None, NEVER, workers)


Dump = dict[str, list[tuple[object, ...]]]


def dump(where: IndexPaths) -> Dump:
    """All that the store holds, paths from the root, without the numbers and times that depend on history."""
    connection = sqlite3.connect(where.store)
    queries = {
        "files": "SELECT path, language, size, hash, overlay FROM files ORDER BY 1",
        "snippets": "SELECT f.path, s.start, s.end, s.name_line, s.part, s.kind, s.name, s.qualified_name, c.hash "
        "FROM snippets s JOIN files f ON f.id = s.file JOIN contents c ON c.id = s.content ORDER BY 1, 2",
        "words": "SELECT c.hash, w.body FROM words w JOIN contents c ON c.id = w.rowid "
        "WHERE c.id IN (SELECT content FROM snippets) ORDER BY 1",
    }
    root = f"{where.roots[0]}{os.sep}"
    result = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    for name in ("files", "snippets"):
        result[name] = [(path.removeprefix(root), *rest) for path, *rest in result[name]]
    (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
    assert sound == "ok"
    connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    connection.close()
    if result["snippets"]:  # else the vectors' file may not be there yet
        shared = sqlite3.connect(where.vectors)
        vectors = {row[0] for row in shared.execute("SELECT hash FROM vectors")}
        shared.close()
        assert {row[-1] for row in result["snippets"]} <= vectors
    return result


@pytest.fixture(scope="session")
def whole(real_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IndexReport, Dump]:
    """The real tree's index, made in one go, and its dump."""
    cache = tmp_path_factory.mktemp("whole")
    return index(real_tree, cache), dump(at(real_tree, cache))


def dump_of_fresh(tree: Path, tmp_path: Path) -> Dump:
    """What an index of the tree as it is holds, made in one go in a cache of its own."""
    index(tree, tmp_path / "fresh")
    return dump(at(tree, tmp_path / "fresh"))


def test_a_second_run_embeds_and_reads_nothing(tree: Path, tmp_path: Path):
    first = index(tree, tmp_path / "cache")
    assert first.embedded > 1000
    again = index(tree, tmp_path / "cache")
    assert (again.embedded, again.reused) == (0, 0)
    assert (again.files, again.snippets) == (first.files, first.snippets)


@pytest.mark.skipif(os.name == "nt", reason="such names can't be made there")
def test_a_path_that_is_no_text_stops_nothing(tree: Path, tmp_path: Path):
    known = index(tree, tmp_path / "before").files
    try:
        for name in (b"/\xff.py", b"/\xfe/inner.py"):
            odd = Path(os.fsdecode(os.fsencode(tree) + name))
            odd.parent.mkdir(exist_ok=True)
            odd.write_text("def one():\n    return 1\n")
    except OSError:
        pytest.skip("this file system has no such names")
    for _ in range(2):
        report = index(tree, tmp_path / "cache")
        assert report.files == known
        assert sum("not valid UTF-8" in item.reason for item in report.skipped) == 2


def test_renames_and_moves_embed_nothing(tree: Path, tmp_path: Path):
    before = index(tree, tmp_path / "cache")
    (tree / "json").rename(tree / "jason")
    (tree / "email" / "header.py").rename(tree / "headers_moved.py")
    after = index(tree, tmp_path / "cache")
    assert after.embedded == 0
    assert after.snippets == before.snippets
    assert dump(at(tree, tmp_path / "cache")) == dump_of_fresh(tree, tmp_path)


def test_a_branch_switch_and_back_embeds_nothing(tree: Path, tmp_path: Path):
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tree, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    index(tree, tmp_path / "cache")
    git("checkout", "-qb", "other")
    for path in (tree / "http").rglob("*.py"):
        path.write_text(path.read_text().replace("self", "this"))
    shutil.rmtree(tree / "xml")
    git("commit", "-qam", "two")
    assert index(tree, tmp_path / "cache").embedded > 0
    for branch in ("main", "other", "main"):
        git("checkout", "-q", branch)
        assert index(tree, tmp_path / "cache").embedded == 0
    worktree = tmp_path / "second worktree"
    git("worktree", "add", "-q", "--detach", str(worktree), "other")
    assert index(worktree, tmp_path / "cache").embedded == 0


def test_only_changed_functions_are_embedded(tree: Path, tmp_path: Path):
    index(tree, tmp_path / "cache")
    path = tree / "json" / "decoder.py"
    text = path.read_text()
    path.write_text(text.replace("def raw_decode(self, s, idx=0):", "def raw_decode(self, s, idx=1):"))
    assert index(tree, tmp_path / "cache").embedded == 1
    path.write_text(text)
    assert index(tree, tmp_path / "cache").embedded == 0


def test_on_several_processors_the_store_is_the_same(real_tree: Path, tmp_path: Path, whole: tuple[IndexReport, Dump]):
    index(real_tree, tmp_path, workers=2)
    assert dump(at(real_tree, tmp_path)) == whole[1]


def test_lost_or_unsound_vectors_are_made_again(tree: Path, tmp_path: Path):
    first = index(tree, tmp_path / "cache")
    where = at(tree, tmp_path / "cache")
    where.vectors.unlink()
    assert index(tree, tmp_path / "cache").embedded == first.embedded
    for suffix in ("-wal", "-shm"):
        where.vectors.with_name(where.vectors.name + suffix).unlink(missing_ok=True)
    where.vectors.write_bytes(os.urandom(100_000))
    assert index(tree, tmp_path / "cache").embedded == first.embedded


@pytest.mark.parametrize("harm", ["truncate", "garbage pages", "garbage all", "empty"])
def test_an_unsound_store_is_made_again_and_embeds_nothing(
    tree: Path, tmp_path: Path, whole: tuple[IndexReport, Dump], harm: str
):
    index(tree, tmp_path / "cache")
    where = at(tree, tmp_path / "cache")
    data = bytearray(where.store.read_bytes())
    match harm:
        case "truncate":
            data = data[: len(data) // 2]
        case "garbage pages":
            data[4096 * 8 : 4096 * 40] = os.urandom(4096 * 32)
        case "garbage all":
            data = bytearray(os.urandom(len(data)))
        case "empty":
            data = bytearray()
    where.store.write_bytes(data)
    for path in tree.rglob("*.py"):  # so that every file's rows are touched
        path.touch()
    assert index(tree, tmp_path / "cache").embedded == 0
    assert dump(where) == whole[1]


class Soon:
    """Is set once it has been asked so often whether it is."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("questions", [0, 1, 5, 50, 450])
def test_a_run_can_be_cancelled_in_the_midst_of_a_large_file(tmp_path: Path, questions: int):
    """As Ctrl-C does: nothing of it is in the index then, and all of it after the next run."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.py").write_text("".join(f"def f{i}(a, b):\n    return a * {i} + b\n\n\n" for i in range(400)))
    where = at(tmp_path / "root", tmp_path / "cache")
    assert reconcile(where, lambda _: None, Soon(questions), 0).files in (0, 1)
    assert dump(where)["snippets"] == [] or questions == 450
    assert index(tmp_path / "root", tmp_path / "cache").files == 1
    assert len(dump(where)["snippets"]) >= 400


def test_a_cancelled_run_keeps_what_it_has_done(real_tree: Path, tmp_path: Path, whole: tuple[IndexReport, Dump]):
    cancel = threading.Event()

    def stop(progress: Progress) -> None:
        assert 0 < progress.done <= progress.total
        cancel.set()

    where = at(real_tree, tmp_path)
    first = reconcile(where, stop, cancel, 0)
    assert first.embedded > 0
    rest = index(real_tree, tmp_path)
    assert rest.embedded + first.embedded == whole[0].embedded
    assert dump(where) == whole[1]


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
@pytest.mark.parametrize("harm", ["SIGKILL", "SIGSTOP", "SIGSEGV"])
def test_a_worker_that_dies_or_hangs_costs_nothing(
    real_tree: Path, tmp_path: Path, whole: tuple[IndexReport, Dump], monkeypatch: pytest.MonkeyPatch, harm: str
):
    monkeypatch.setattr(pool, "SILENCE_TIMEOUT_S", 3.0)
    harmed: list[psutil.Process] = []

    def harm_one(_: Progress) -> None:
        if not harmed:
            harmed.append(workers_of(os.getpid())[0])
            harmed[0].send_signal(getattr(signal, harm))

    where = at(real_tree, tmp_path)
    report = reconcile(where, harm_one, NEVER, 2)
    assert not harmed[0].is_running()
    assert report.skipped == ()
    assert dump(where) == whole[1]


def workers_of(pid: int) -> list[psutil.Process]:
    family = psutil.Process(pid).children(recursive=True)
    return [child for child in family if "codekin.indexing.worker" in child.cmdline()]


@pytest.fixture
def perilous(tmp_path: Path) -> Path:
    """A workspace of files enough for workers."""
    root = tmp_path / "perilous"
    root.mkdir()
    for number in range(80):
        (root / f"m{number}.py").write_text(f"def f{number}(a):\n    return a + {number}\n")
    return root


def harm(monkeypatch: pytest.MonkeyPatch, harms: dict[str, str]) -> None:
    """From now on this happens to a worker that is to read a file of that name."""
    lines = [
        *("import os, signal", "from codekin.indexing import pool, worker", "worker._MEMORY_BYTES = 1 << 28"),
        *("ingest = pool.Ingester.ingest_files", "def harmed(self, paths, forced_paths=()):"),
        *(f"    if any(path.name == {name!r} for path in paths):\n        {code}" for name, code in harms.items()),
        *("    return ingest(self, paths, forced_paths)", "pool.Ingester.ingest_files = harmed", "worker.main()"),
    ]
    monkeypatch.setattr(processes, "_RUN_MODULE", processes._SET_PATH + "\n".join(lines))


@pytest.mark.skipif(os.name == "nt", reason="limits are of other systems")
def test_only_a_fault_of_the_file_itself_is_remembered(perilous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And what took too much is tried again in a worker, not here, though it is but a few files by then."""
    harms = {
        "m1.py": ("while True: pass", "processor time"),
        "m2.py": ("[bytearray(1 << 24) for _ in range(99)]", "too much memory"),
        "m3.py": ("os.abort()", "too much memory"),  # what tree-sitter does without memory
        "m4.py": ("os.kill(os.getpid(), signal.SIGSEGV)", "fault"),
    }
    monkeypatch.setattr(pool, "_PROCESSOR_S", 1.0)
    harm(monkeypatch, {name: code for name, (code, _) in harms.items()})
    for _ in range(2):
        report = index(perilous, tmp_path / "cache", workers=2)
        assert report.files == 76
        reasons = {item.path.name: item.reason for item in report.skipped}
        assert reasons.keys() == harms.keys()
        assert all(why in reasons[name] for name, (_, why) in harms.items())
    monkeypatch.undo()
    after = index(perilous, tmp_path / "cache", workers=2)
    assert [item.path.name for item in after.skipped] == ["m4.py"]
    assert after.files == 79


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
def test_a_file_is_not_to_blame_for_a_worker_that_is_stopped(
    perilous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not by the clock either: in all this time the processor has done nothing for it."""
    monkeypatch.setattr(pool, "SILENCE_TIMEOUT_S", 1.5)
    mark = tmp_path / "stopped"
    stop_once = f"os.path.exists({str(mark)!r}) or (open({str(mark)!r}, 'w'), os.kill(os.getpid(), signal.SIGSTOP))"
    harm(monkeypatch, {"m7.py": stop_once})
    report = index(perilous, tmp_path / "cache", workers=2)
    assert mark.exists()
    assert (report.skipped, report.files) == ((), 80)


def test_a_worker_that_waits_for_what_never_comes_is_ended(
    perilous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As for a disk that does not answer. Beats are counted, in which the processor did nothing."""
    wait = "worker._IDLE_BEATS = 2; signal.pause()"
    harm(monkeypatch, {"m7.py": wait})
    (result,) = pool.ingest_in_isolation(at(perilous, tmp_path / "cache"), [perilous / "m7.py"], (), NEVER)
    (skipped,) = result.skipped
    assert "does not answer" in skipped.reason
    assert skipped.retry is Retry.ALONE


def test_a_file_that_can_be_read_again_is_read(perilous: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Rights and disks come back without a change of the file's time."""
    opened = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith("m7.py"):
            raise OSError(5, "Input/output error")
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    (skipped,) = index(perilous, tmp_path / "cache").skipped
    assert skipped.path.name == "m7.py"
    monkeypatch.undo()
    assert index(perilous, tmp_path / "cache").skipped == ()


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_workers_die_with_whoever_started_them(real_tree: Path, tmp_path: Path, state: str):
    process = started(json.dumps(order_for(at(real_tree, tmp_path), workers=2)))
    workers = wait_for(lambda: workers_of(process.pid))
    if state == "stopped":
        workers[0].suspend()
        wait_for(lambda: workers[0].status() == psutil.STATUS_STOPPED)
    process.kill()
    process.communicate()
    _, left = psutil.wait_procs(workers, LONG_S)
    assert left == []


def test_killed_at_any_moment_nothing_is_lost_or_half_there(
    real_tree: Path, tmp_path: Path, whole: tuple[IndexReport, Dump]
):
    where, chance = at(real_tree, tmp_path / "cache"), random.Random(7)
    order = order_for(where, workers=1)
    moments = 0
    while moments < 50:
        if killed_while_indexing(json.dumps(order), chance.uniform(0.2, 1.8)):
            moments += 1
        else:  # it was done before: begin again
            assert dump(where) == whole[1]
            shutil.rmtree(tmp_path / "cache")
        if where.store.exists() and where.store.stat().st_size > 0:
            assert complete_files(dump(where)) <= complete_files(whole[1])
    index(real_tree, tmp_path / "cache")
    assert dump(where) == whole[1]


def killed_while_indexing(order: str, seconds: float) -> bool:
    """Whether the indexing process, with all its family, was killed at that moment; False: it had ended."""
    process = started(order)
    family = psutil.Process(process.pid)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        for member in [*family.children(recursive=True), family]:
            member.kill()
        return True
    finally:
        process.communicate()
    return False


def order_for(where: IndexPaths, workers: int) -> dict[str, Any]:
    """What an indexing process is told."""
    return {
        "roots": [str(root) for root in where.roots],
        "settings": dataclasses.asdict(where.settings),
        "workers": workers,
    }


def started(order: str) -> "subprocess.Popen[str]":
    """An indexing process at its work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "codekin.indexing.reconcile_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    process.stdin.write(order + "\n")
    process.stdin.flush()
    return process


def wait_for(condition: Callable[[], Any]) -> Any:
    """What the condition is when it is true at last."""
    deadline = time.monotonic() + LONG_S
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


def complete_files(dumped: Dump) -> set[tuple[object, ...]]:
    """Each file with all its snippets."""
    files: dict[object, list[object]] = {row[0]: [] for row in dumped["files"]}
    for row in dumped["snippets"]:
        files[row[0]].append(row)
    return {(path, *rows) for path, rows in files.items()}
