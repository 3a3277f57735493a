"""The graph and its file: nothing that happens to them can make an answer wrong, or none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codekin.vectors.hnsw import UnsoundGraphError, load_graph, side_car_path

from .graphs import (
    CORRUPTIONS,
    COUNT,
    DIM,
    KEY,
    LABELS,
    VECTORS,
    break_graph,
    corrupt_file,
    dense_index,
    make_unit_vectors,
    reseal_side_car,
    settle_graph,
)


class TestTheFile:
    @pytest.mark.parametrize("which", [Path, side_car_path], ids=["graph", "side-car"])
    @pytest.mark.parametrize("how", CORRUPTIONS)
    def test_a_corrupt_file_costs_a_rebuild_and_nothing_else(
        self, graph_file: Path, how: str, which: Callable[[Path], Path]
    ) -> None:
        corrupt_file(which(graph_file), how)
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            assert len(problems) == 1
            assert problems[0].endswith("It is rebuilt; nothing is lost.")
            assert index.describe_search() == "graph (hnswlib): 400 vectors"
            assert index.search(VECTORS[7], 1)[0].tolist() == [LABELS[7]]
        assert len(load_graph(graph_file, KEY, DIM)) == COUNT

    def test_no_corruption_ever_reaches_hnswlib(self, graph_file: Path) -> None:
        """In a process of its own: hnswlib would die of most of them."""
        script = """
import sys
from pathlib import Path
from codekin.vectors.hnsw import UnsoundGraphError, load_graph
for folder in sorted(Path(sys.argv[1]).iterdir()):
    try:
        load_graph(folder / "w.hnsw", "store space", 24)
    except UnsoundGraphError:
        continue
    sys.exit(f"{folder} was loaded")
"""
        cases = graph_file.parent / "cases"
        for how in CORRUPTIONS:
            for seed in range(1 if how == "empty" else 25):
                folder = cases / f"{how} {seed}"
                folder.mkdir(parents=True)
                for file in (graph_file, side_car_path(graph_file)):
                    shutil.copy(file, folder)
                corrupt_file(folder / (graph_file.name if seed % 5 else side_car_path(graph_file).name), how, seed)
        completed = subprocess.run([sys.executable, "-c", script, str(cases)], capture_output=True, text=True)
        assert completed.returncode == 0, completed.stderr

    @pytest.mark.parametrize(
        "changes",
        [
            {"dim": 12},
            {"dim": DIM * 2},
            {"key": "another"},
            {"count": COUNT - 1},
            {"newest": 1},
            {"format": 0},
            {"projection": ""},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_a_side_car_that_does_not_fit_is_not_believed(self, graph_file: Path, changes: dict[str, Any]) -> None:
        with pytest.raises((UnsoundGraphError, ValueError)):
            reseal_side_car(graph_file, **changes)
            load_graph(graph_file, KEY, DIM)

    def test_a_missing_side_car_costs_a_rebuild(self, graph_file: Path) -> None:
        side_car_path(graph_file).unlink()
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            assert "side-car" in problems[0]
            assert index.describe_search().startswith("graph")

    def test_a_file_that_was_deleted_is_built_without_a_word(self, graph_file: Path) -> None:
        graph_file.unlink()
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            assert index.describe_search().startswith("graph")
        assert problems == []
        assert graph_file.exists()

    def test_another_stores_graph_is_not_used(self, graph_file: Path) -> None:
        problems: list[str] = []
        with dense_index(graph_file, problems, key="another store") as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            assert "another store's" in problems[0]
        assert len(load_graph(graph_file, "another store", DIM)) == COUNT

    def test_a_graph_of_other_vectors_under_our_labels_is_not_used(self, graph_file: Path) -> None:
        problems: list[str] = []
        other_vectors = make_unit_vectors(COUNT, 99)
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, other_vectors)
            settle_graph(index)
            assert "other vectors" in problems[0]
            assert index.search(other_vectors[7], 1)[0].tolist() == [LABELS[7]]

    def test_a_sound_file_is_loaded_and_not_built_again(self, graph_file: Path) -> None:
        before = graph_file.stat()
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            assert index.describe_search().startswith("graph")
        assert os.path.samestat(before, graph_file.stat())
        assert problems == []

    def test_a_graph_of_an_earlier_generation_serves_until_it_lacks_too_much(self, graph_file: Path) -> None:
        before, problems = graph_file.stat(), []
        more_vectors, labels = make_unit_vectors(200, 8), np.arange(10_000, 10_200)
        with dense_index(graph_file, problems) as index:
            index.add_vectors(np.concatenate([LABELS, labels[:50]]), np.concatenate([VECTORS, more_vectors[:50]]))
            settle_graph(index)
            assert os.path.samestat(before, graph_file.stat())
            assert index.search(more_vectors[7], 1)[0].tolist() == [labels[7]]
            index.add_vectors(labels, more_vectors)
            settle_graph(index)
        assert len(load_graph(graph_file, KEY, DIM)) == COUNT + 200
        assert problems == []

    def test_another_servers_newer_graph_is_taken_over(self, graph_file: Path) -> None:
        more_vectors, labels = make_unit_vectors(200, 8), np.arange(10_000, 10_200)
        with dense_index(graph_file, []) as our_index, dense_index(graph_file, []) as their_index:
            for index in (our_index, their_index):
                index.add_vectors(LABELS, VECTORS)
                settle_graph(index)
                index.add_vectors(labels, more_vectors)
            settle_graph(their_index)
            written = graph_file.stat()
            settle_graph(our_index)
            assert our_index.describe_search().startswith("graph")
        assert os.path.samestat(written, graph_file.stat())

    def test_only_the_owner_can_read_it(self, built: Path) -> None:
        assert {file.stat().st_mode & 0o077 for file in built.parent.iterdir()} == {0}


class TestWhenHnswlibFails:
    def test_a_graph_that_raises_is_replaced_and_exact_search_answers_meanwhile(self, graph_file: Path) -> None:
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            break_graph(index)
            assert index.search(VECTORS[7], 1)[0].tolist() == [LABELS[7]]
            assert index.wait_for_graph(180)
            assert index.describe_search().startswith("graph")
            assert len(problems) == 1

    def test_a_graph_that_raises_again_is_given_up(self, graph_file: Path) -> None:
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            for _ in range(2):
                break_graph(index)
                assert index.search(VECTORS[7], 1)[0].tolist() == [LABELS[7]]
                settle_graph(index)
            assert index.describe_search().startswith("exact: hnswlib failed again")
            assert len(problems) == 2

    def test_without_hnswlib_search_is_exact_and_says_so(self) -> None:
        script = """
import sys
sys.modules["hnswlib"] = None
import numpy as np
from pathlib import Path
from codekin.vectors.dense_index import DenseIndex, GraphTuning
tuning = GraphTuning(min_rows=2)
index = DenseIndex(4, Path("w.hnsw"), "k", on_problem=lambda said: print("told:", said), tuning=tuning)
index.add_vectors([1, 2, 3], np.eye(4)[:3])
index.maintain_graph()
index.wait_for_graph()
index.maintain_graph()
print(index.search(np.eye(4)[1], 1)[0], index.describe_search())
"""
        completed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert completed.stdout.count("told: ") == 1, completed.stderr
        assert completed.stdout.endswith(
            "[2] exact: hnswlib is not installed (pip install hnswlib, needs a C++ compiler)\n"
        )

    def test_numpy_and_the_search_are_all_that_is_imported_for_few_vectors(self) -> None:
        script = """
import sys, numpy as np
from pathlib import Path
from codekin.vectors.dense_index import DenseIndex
index = DenseIndex(4, Path("w.hnsw"), "k", on_problem=print)
index.add_vectors([1], np.eye(4)[:1])
index.maintain_graph()
index.wait_for_graph()
index.search(np.eye(4)[0], 1)
sys.exit("hnswlib" in sys.modules)
"""
        assert subprocess.run([sys.executable, "-c", script]).returncode == 0
