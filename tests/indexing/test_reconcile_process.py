"""Claims about the indexing process: it does its work in whatever folder it is started."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from codekin.engine import Engine
from codekin.errors import IndexingError
from codekin.indexing import reconcile_process as child_module
from codekin.indexing.reconcile_process import ReconcileProcess
from codekin.settings import CacheSettings, IndexSettings, Settings
from codekin.storage.paths import locate_index

from ..holding import FILE_COUNT, hold_bulk_index
from .indexes import LONG_S, list_children, list_workers, wait_for


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
    with hold_bulk_index(tmp_path / "work", tmp_path / "cache"):
        engine = Engine([tmp_path / "work"], settings_in(tmp_path))
        engine.start()
        workers = wait_for(lambda: list_workers(os.getpid()))
        (stopped,) = list_children(os.getpid(), "codekin.indexing.reconcile_process")
        stopped.suspend()
    try:
        _, survivors = psutil.wait_procs([stopped, *workers], LONG_S)
        assert survivors == []
        wait_for(lambda: engine.status().state == "ready")
        assert engine.status().files == FILE_COUNT
        assert any("hung and was killed" in error.message for error in engine.make_report().errors)
    finally:
        engine.close()
