"""Claims about the indexing process: it does its work in whatever folder it is started."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from codekin.engine import Engine
from codekin.errors import IndexingError
from codekin.indexing import reconcile_process as child_module
from codekin.indexing.reconcile_process import ReconcileProcess
from codekin.settings import CacheSettings, IndexSettings, Settings
from codekin.storage.paths import locate_index


def test_nothing_of_the_folder_it_is_started_in_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors start the server in the workspace, which may have modules named like Python's own."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("types", "json", "numpy", "codekin"):
        (work / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef f(): return {name!r}\n")
    monkeypatch.chdir(work)
    settings = Settings(index=IndexSettings(workers=1), cache=CacheSettings(directory=str(tmp_path / "cache")))
    child = ReconcileProcess(locate_index([work], settings), 1)
    report = child.run_until_done(lambda _: None)
    child.stop()
    assert report is not None
    assert report.files == 4
    assert not (tmp_path / "ran").exists()


def settings_in(place: Path) -> Settings:
    return Settings(index=IndexSettings(workers=1), cache=CacheSettings(directory=str(place / "cache")))


def workspace(place: Path, files: int) -> Path:
    root = place / "work"
    root.mkdir()
    for number in range(files):
        (root / f"m{number}.py").write_text(f"def f{number}(a):\n    return a + {number}\n")
    return root


def children(module: str) -> list[psutil.Process]:
    family = psutil.Process().children(recursive=True)
    return [process for process in family if module in process.cmdline()]


def wait_for(condition: Callable[[], Any]) -> Any:
    """What the condition is when it is true at last."""
    deadline = time.monotonic() + 120
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return value


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
def test_one_that_is_stopped_is_noticed_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "SILENCE_TIMEOUT_S", 2.0)
    monkeypatch.setattr(child_module, "START_TIMEOUT_S", 2.0)
    child = ReconcileProcess(locate_index([workspace(tmp_path, 1)], settings_in(tmp_path)), 1)
    psutil.Process(child._process.pid).suspend()
    with pytest.raises(IndexingError, match="hung and was killed"):
        child.run_until_done(lambda _: None)
    child.stop()
    assert child._process.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="signals are of other systems")
def test_another_takes_the_place_of_a_stopped_one_and_its_workers_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "SILENCE_TIMEOUT_S", 3.0)
    engine = Engine([workspace(tmp_path, 2000)], settings_in(tmp_path))
    engine.start()
    try:
        workers = wait_for(lambda: children("codekin.indexing.worker"))
        (stopped,) = children("codekin.indexing.reconcile_process")
        stopped.suspend()
        _, survivors = psutil.wait_procs([stopped, *workers], 120)
        assert survivors == []
        wait_for(lambda: engine.status().state == "ready")
        assert engine.status().files == 2000
        assert any("hung and was killed" in error.message for error in engine.make_report().errors)
    finally:
        engine.close()
