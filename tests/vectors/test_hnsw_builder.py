"""The process that builds the graph: it may die, be closed or be killed, and leaves nothing behind."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from codekin.vectors import hnsw_builder
from codekin.vectors.hnsw import SideCar, UnsoundGraphError, load_graph, side_car_path

from .graphs import (
    DIM,
    KEY,
    LABELS,
    VECTORS,
    dense_index,
    make_unit_vectors,
    settle_graph,
    wait_for,
)


class TestTheBuildingProcess:
    @pytest.mark.parametrize("deaths", [1, 2])
    def test_one_death_is_made_good_and_two_leave_exact_search(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
    ) -> None:
        started: list[Any] = []
        start = hnsw_builder._start_process

        def start_and_kill(*arguments: Any) -> Any:
            started.append(start(*arguments))
            if len(started) <= deaths:
                started[-1].kill()
            return started[-1]

        monkeypatch.setattr(hnsw_builder, "_start_process", start_and_kill)
        problems: list[str] = []
        with dense_index(tmp_path / "w.hnsw", problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            settle_graph(index)
            assert len(started) == 2
            assert index.describe_search().startswith("graph" if deaths == 1 else "exact: the graph can't be built")
            assert len(problems) == deaths - 1
            assert index.search(VECTORS[7], 1)[0].tolist() == [LABELS[7]]
        assert len(list(tmp_path.iterdir())) == (2 if deaths == 1 else 0)

    def test_a_graph_that_was_not_finished_is_not_seen(self, built: Path, tmp_path: Path) -> None:
        """Killed after the graph was written, and before its side-car was."""
        shutil.copy(built, tmp_path / "w.hnsw")
        with pytest.raises(UnsoundGraphError, match="side-car"):
            load_graph(tmp_path / "w.hnsw", KEY, DIM)

    def test_closing_ends_it_and_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        start = hnsw_builder._start_process

        def start_and_suspend(*arguments: Any) -> Any:
            process = start(*arguments)
            psutil.Process(process.pid).suspend()  # else it may have built the graph before the index is closed
            return process

        monkeypatch.setattr(hnsw_builder, "_start_process", start_and_suspend)
        with dense_index(tmp_path / "w.hnsw", []) as index:
            index.add_vectors(np.arange(30_000), make_unit_vectors(30_000, 1))
            index.maintain_graph()
            child = wait_for(lambda: index._builder._process)
        assert child.returncode is not None
        index.close()
        index.maintain_graph()
        assert index.wait_for_graph(0)
        assert list(tmp_path.iterdir()) == []
        assert len(index.search(make_unit_vectors(1, 2)[0], 5)[0]) == 5

    def test_it_ends_when_its_server_is_killed(self, tmp_path: Path) -> None:
        script = """
import os, signal, sys, threading
import numpy as np
from pathlib import Path
from codekin.vectors.dense_index import DenseIndex, GraphTuning
index = DenseIndex(64, Path(sys.argv[1]), "k", on_problem=print, tuning=GraphTuning(min_rows=2))
vectors = np.random.default_rng(0).standard_normal((200_000, 64), np.float32)
index.add_vectors(np.arange(200_000), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
index.maintain_graph()
while index._builder._process is None:
    threading.Event().wait(0.01)
print(index._builder._process.pid, flush=True)
sys.stdin.read()
"""
        arguments = [sys.executable, "-c", script, str(tmp_path / "w.hnsw")]
        server = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        child = psutil.Process(int(server.stdout.readline()))
        server.kill()
        server.communicate()
        child.wait(180)
        assert not (tmp_path / "w.hnsw").exists()

    def test_a_workspaces_own_modules_are_not_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("numpy", "hnswlib", "json", "codekin"):
            (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with dense_index(tmp_path / "cache" / "w.hnsw", []) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            assert index.describe_search().startswith("graph")
        assert not (tmp_path / "run").exists()

    def test_what_a_killed_one_left_behind_is_cleared_away(self, graph_file: Path) -> None:
        """When the index is opened again; one that is still building for another server has the lock of its folder."""
        killed, new, old = (
            graph_file.with_name(f"{graph_file.name}.{name}.build") for name in ("killed", "new", "old")
        )
        for folder in (killed, new, old):
            folder.mkdir()
            (folder / "vectors.f32").touch()
        (killed / "lock").touch()
        os.utime(old, (0, 0))  # of a process that died before it took the lock
        with hnsw_builder.open_build_folder(graph_file) as building, dense_index(graph_file, []):
            assert [folder.exists() for folder in (killed, new, old, building)] == [False, True, False, True]
        assert not building.exists()

    def test_it_measures_the_recall_that_it_promises(self, built: Path) -> None:
        side_car = json.loads(side_car_path(built).read_text())
        assert side_car["recall"] >= 0.99
        assert asdict(SideCar(**side_car)) == side_car
