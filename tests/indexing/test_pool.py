"""Workers may die, hang, be stopped or run out of memory: that costs nothing but the file whose fault it is."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from codekin import processes
from codekin.indexing import pool, worker
from codekin.indexing.reconcile import reconcile
from codekin.types import IndexReport, Progress, Retry

from .indexes import (
    LONG_S,
    NEVER,
    Dump,
    dump_store,
    index_paths,
    index_tree,
    list_workers,
    make_order,
    start_indexing,
    wait_for,
)


def test_on_several_processors_the_store_is_the_same(
    real_tree: Path, tmp_path: Path, real_index: tuple[IndexReport, Dump]
):
    index_tree(real_tree, tmp_path, workers=2)
    assert dump_store(index_paths(real_tree, tmp_path)) == real_index[1]


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
@pytest.mark.parametrize("harm", ["SIGKILL", "SIGSTOP", "SIGSEGV"])
def test_a_worker_that_dies_or_hangs_costs_nothing(
    real_tree: Path, tmp_path: Path, real_index: tuple[IndexReport, Dump], monkeypatch: pytest.MonkeyPatch, harm: str
):
    monkeypatch.setattr(pool, "SILENCE_TIMEOUT_S", 3.0)
    harmed: list[psutil.Process] = []

    def harm_one(_: Progress) -> None:
        if not harmed:
            harmed.append(list_workers(os.getpid())[0])
            harmed[0].send_signal(getattr(signal, harm))

    where = index_paths(real_tree, tmp_path)
    report = reconcile(where, harm_one, NEVER, 2)
    assert not harmed[0].is_running()
    assert report.skipped == ()
    assert dump_store(where) == real_index[1]


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
def test_only_a_fault_of_the_file_itself_is_remembered(
    many_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
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
        report = index_tree(many_files, tmp_path / "cache", workers=2)
        assert report.files == 76
        reasons = {item.path.name: item.reason for item in report.skipped}
        assert reasons.keys() == harms.keys()
        assert all(why in reasons[name] for name, (_, why) in harms.items())
    monkeypatch.undo()
    after = index_tree(many_files, tmp_path / "cache", workers=2)
    assert [item.path.name for item in after.skipped] == ["m4.py"]
    assert after.files == 79


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
def test_a_file_is_not_to_blame_for_a_worker_that_is_stopped(
    many_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not by the clock either: in all this time the processor has done nothing for it."""
    monkeypatch.setattr(pool, "SILENCE_TIMEOUT_S", 1.5)
    mark = tmp_path / "stopped"
    stop_once = f"os.path.exists({str(mark)!r}) or (open({str(mark)!r}, 'w'), os.kill(os.getpid(), signal.SIGSTOP))"
    harm(monkeypatch, {"m7.py": stop_once})
    report = index_tree(many_files, tmp_path / "cache", workers=2)
    assert mark.exists()
    assert (report.skipped, report.files) == ((), 80)


def test_a_worker_that_waits_for_what_never_comes_is_ended(
    many_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As for a disk that does not answer. Beats are counted, in which the processor did nothing."""
    assert worker._MAX_IDLE_BEATS > 2  # the name that is set in the worker, which takes any
    wait = "worker._MAX_IDLE_BEATS = 2; signal.pause()"
    harm(monkeypatch, {"m7.py": wait})
    (result,) = pool.ingest_in_isolation(index_paths(many_files, tmp_path / "cache"), [many_files / "m7.py"], (), NEVER)
    (skipped,) = result.skipped
    assert "does not answer" in skipped.reason
    assert skipped.retry is Retry.ALONE


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_workers_die_with_whoever_started_them(real_tree: Path, tmp_path: Path, state: str):
    process = start_indexing(json.dumps(make_order(index_paths(real_tree, tmp_path), workers=2)))
    workers = wait_for(lambda: list_workers(process.pid))
    if state == "stopped":
        workers[0].suspend()
        wait_for(lambda: workers[0].status() == psutil.STATUS_STOPPED)
    process.kill()
    process.communicate()
    _, survivors = psutil.wait_procs(workers, LONG_S)
    assert survivors == []
