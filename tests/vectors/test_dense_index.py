"""The graph: it makes search faster, and nothing that happens to it or its file can make an answer wrong, or none."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import psutil
import pytest
from hypothesis import given, settings

from codekin.errors import DimensionError
from codekin.vectors import hnsw_builder
from codekin.vectors.dense_index import DenseIndex, GraphTuning
from codekin.vectors.hnsw import HnswGraph, SideCar, UnsoundGraphError, load_graph, side_car_path, write_side_car
from codekin.vectors.matrix import FloatArray, normalize_queries

DIM, COUNT, KEY = 24, 400, "store space"
TINY = GraphTuning(min_rows=100, max_width_share=1.0)
CORRUPTIONS = ("truncated", "flipped bit", "garbage page", "empty", "longer")


def unit(count: int, seed: int, dim: int = DIM) -> FloatArray:
    return normalize_queries(np.random.default_rng(seed).standard_normal((count, dim), np.float32))[0]


LABELS, VECTORS = np.random.default_rng(5).permutation(10 * COUNT)[:COUNT], unit(COUNT, 6)


@contextmanager
def dense_index(
    path: Path | None, problems: list[str], tuning: GraphTuning = TINY, key: str = KEY
) -> Iterator[DenseIndex]:
    index = DenseIndex(DIM, path, key, on_problem=problems.append, tuning=tuning)
    try:
        yield index
    finally:
        index.close()


def settle(index: DenseIndex) -> None:
    index.maintain_graph()
    assert index.wait_for_graph(60)


def brute_force(query: FloatArray, vectors: dict[int, FloatArray], k: int) -> list[int]:
    """The labels of the `k` vectors with the highest cosines, best first."""
    return sorted(vectors, key=lambda label: (-float(vectors[label] @ query), label))[:k]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a graph of VECTORS; its side-car beside it."""
    path = tmp_path_factory.mktemp("graph") / "w.hnsw"
    with dense_index(path, []) as index:
        index.add_vectors(LABELS, VECTORS)
        settle(index)
        assert index.describe_search() == "graph (hnswlib): 400 vectors"
    return path


@pytest.fixture
def graph_file(built: Path, tmp_path: Path) -> Path:
    """A copy of that file, to be harmed."""
    shutil.copytree(built.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / built.name


def harm(path: Path, how: str, seed: int = 0) -> None:
    """Do to a file what disks, crashes and people do."""
    data, random = bytearray(path.read_bytes()), np.random.default_rng(seed)
    at = int(random.integers(len(data)))
    if how == "truncated":
        data = data[:at]
    elif how == "flipped bit":
        data[at] ^= 1 << int(random.integers(8))
    elif how == "garbage page":
        data[at : at + 4096] = random.bytes(min(4096, len(data) - at))
    elif how == "empty":
        data.clear()
    else:
        data += random.bytes(100)
    path.write_bytes(data)


def resealed(path: Path, **changes: Any) -> None:
    """A side-car that vouches for the graph, but says something else about it."""
    side_car = replace(SideCar(**json.loads(side_car_path(path).read_text())), **changes)
    write_side_car(path, side_car)


class TestTheFile:
    @pytest.mark.parametrize("which", [Path, side_car_path], ids=["graph", "side-car"])
    @pytest.mark.parametrize("how", CORRUPTIONS)
    def test_a_corrupt_file_costs_a_rebuild_and_nothing_else(
        self, graph_file: Path, how: str, which: Callable[[Path], Path]
    ) -> None:
        harm(which(graph_file), how)
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
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
                harm(folder / (graph_file.name if seed % 5 else side_car_path(graph_file).name), how, seed)
        done = subprocess.run([sys.executable, "-c", script, str(cases)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

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
            resealed(graph_file, **changes)
            load_graph(graph_file, KEY, DIM)

    def test_a_missing_side_car_costs_a_rebuild(self, graph_file: Path) -> None:
        side_car_path(graph_file).unlink()
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            assert "side-car" in problems[0]
            assert index.describe_search().startswith("graph")

    def test_a_file_that_was_deleted_is_built_without_a_word(self, graph_file: Path) -> None:
        graph_file.unlink()
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            assert index.describe_search().startswith("graph")
        assert problems == []
        assert graph_file.exists()

    def test_another_stores_graph_is_not_used(self, graph_file: Path) -> None:
        problems: list[str] = []
        with dense_index(graph_file, problems, key="another store") as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            assert "another store's" in problems[0]
        assert len(load_graph(graph_file, "another store", DIM)) == COUNT

    def test_a_graph_of_other_vectors_under_our_labels_is_not_used(self, graph_file: Path) -> None:
        problems: list[str] = []
        others = unit(COUNT, 99)
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, others)
            settle(index)
            assert "other vectors" in problems[0]
            assert index.search(others[7], 1)[0].tolist() == [LABELS[7]]

    def test_a_sound_file_is_loaded_and_not_built_again(self, graph_file: Path) -> None:
        before = graph_file.stat()
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            assert index.describe_search().startswith("graph")
        assert os.path.samestat(before, graph_file.stat())
        assert problems == []

    def test_a_graph_of_an_earlier_generation_serves_until_it_lacks_too_much(self, graph_file: Path) -> None:
        before, problems = graph_file.stat(), []
        more, labels = unit(200, 8), np.arange(10_000, 10_200)
        with dense_index(graph_file, problems) as index:
            index.add_vectors(np.concatenate([LABELS, labels[:50]]), np.concatenate([VECTORS, more[:50]]))
            settle(index)
            assert os.path.samestat(before, graph_file.stat())
            assert index.search(more[7], 1)[0].tolist() == [labels[7]]
            index.add_vectors(labels, more)
            settle(index)
        assert len(load_graph(graph_file, KEY, DIM)) == COUNT + 200
        assert problems == []

    def test_another_servers_newer_graph_is_taken_over(self, graph_file: Path) -> None:
        more, labels = unit(200, 8), np.arange(10_000, 10_200)
        with dense_index(graph_file, []) as ours, dense_index(graph_file, []) as theirs:
            for index in (ours, theirs):
                index.add_vectors(LABELS, VECTORS)
                settle(index)
                index.add_vectors(labels, more)
            settle(theirs)
            written = graph_file.stat()
            settle(ours)
            assert ours.describe_search().startswith("graph")
        assert os.path.samestat(written, graph_file.stat())

    def test_only_the_owner_can_read_it(self, built: Path) -> None:
        assert {file.stat().st_mode & 0o077 for file in built.parent.iterdir()} == {0}


LABEL = st.integers(0, COUNT + 60)
OPERATIONS = st.lists(st.tuples(st.sampled_from(["add", "retire"]), st.lists(LABEL, max_size=40)), max_size=8)


class TestAnswers:
    @given(OPERATIONS, st.integers(0, 999), st.integers(0, 12), st.none() | st.sets(LABEL, min_size=1))
    @settings(deadline=None)
    def test_any_history_answers_as_brute_force_does(
        self,
        built: Path,
        operations: list[tuple[str, list[int]]],
        seed: int,
        k: int,
        allowed: set[int] | None,
    ) -> None:
        """With a graph that knows the first 400 labels; the numbers drawn are turned into labels by position."""
        names = np.concatenate([LABELS, np.arange(10_000, 10_061)])
        pool = np.concatenate([VECTORS, unit(61, 7)])
        vectors = dict(zip(LABELS.tolist(), VECTORS, strict=True))
        problems: list[str] = []
        with dense_index(built, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            for name, drawn in operations:
                if name == "add":
                    index.add_vectors(names[drawn], pool[drawn].reshape(-1, DIM))
                    vectors |= {int(names[i]): pool[i] for i in drawn}
                else:
                    index.retire_labels(names[drawn])
                    vectors = {label: v for label, v in vectors.items() if label not in set(names[drawn].tolist())}
            chosen = None if allowed is None else names[sorted(allowed)]
            query = unit(1, seed)[0]
            labels, cosines = index.search(query, k, chosen)
            assert index.describe_search().startswith("graph")
            assert index.labels().tolist() == sorted(vectors)
            assert index.has_labels(names).tolist() == [int(name) in vectors for name in names]
        within = vectors if chosen is None else {n: v for n, v in vectors.items() if n in set(chosen.tolist())}
        assert labels.tolist() == brute_force(query, within, k)
        assert np.allclose(cosines, [vectors[label] @ query for label in labels.tolist()], atol=1e-6)
        assert problems == []

    @pytest.mark.parametrize("k", [-1, 0, 1, COUNT - 1, COUNT, COUNT + 1, 10**9])
    @pytest.mark.parametrize("allowed", [None, [], [-5, 10**15], LABELS[:3]], ids=["all", "none", "unknown", "three"])
    def test_no_k_is_too_small_or_too_large(self, built: Path, k: int, allowed: Any) -> None:
        expected = max(0, min(k, COUNT if allowed is None else sum(label in LABELS for label in allowed)))
        with dense_index(built, []) as index:
            index.add_vectors(LABELS, VECTORS)
            for _ in ("exact", "graph"):
                labels, cosines = index.search(VECTORS[0], k, allowed)
                assert (len(labels), len(cosines), labels.dtype, cosines.dtype) == (
                    expected,
                    expected,
                    np.int64,
                    np.float32,
                )
                settle(index)

    def test_an_empty_index_answers_with_nothing(self) -> None:
        with dense_index(None, []) as index:
            index.add_vectors([], np.empty((0, DIM)))
            index.retire_labels([])
            settle(index)
            assert [len(part) for part in index.search(VECTORS[0], 5)] == [0, 0]
            assert [part.shape for part in index.search_many(VECTORS[:3], 5)] == [(3, 0), (3, 0)]
            assert (len(index), index.describe_search()) == (0, "exact: 0 vectors")

    def test_a_query_without_a_direction_is_answered_with_nothing(self, built: Path) -> None:
        with dense_index(built, []) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            for number in (np.nan, np.inf, 0.0):
                assert len(index.search(np.full(DIM, number), 5)[0]) == 0
            labels, cosines = index.search_many(np.array([VECTORS[0], np.full(DIM, np.nan)]), 2)
            assert labels[0, 0] == LABELS[0]
            assert (labels[1].tolist(), cosines[1].tolist()) == ([-1, -1], [0, 0])

    def test_a_query_or_vectors_of_another_dimension_are_refused(self) -> None:
        with dense_index(None, []) as index:
            with pytest.raises(DimensionError, match="24"):
                index.search(np.ones(DIM + 1), 5)
            with pytest.raises(DimensionError, match="24"):
                index.add_vectors([1], np.ones((1, DIM + 1)))

    def test_vectors_that_are_no_unit_vectors_are_left_out_and_that_is_told_once(self) -> None:
        problems: list[str] = []
        vectors = VECTORS[:4].copy()
        vectors[1], vectors[2] = np.nan, 0
        with dense_index(None, problems) as index:
            index.add_vectors(LABELS[:4], vectors)
            index.add_vectors(LABELS[:4], vectors)
            assert index.has_labels(LABELS[:4]).tolist() == [True, False, False, True]
        assert len(problems) == 1

    def test_many_equal_vectors_neither_hide_others_nor_break_the_graph(self, tmp_path: Path) -> None:
        """Equal vectors fill each other's links; a graph of them falls apart into islands."""
        copies = np.repeat(VECTORS[:4], 300, axis=0)
        labels = np.arange(10_000, 10_000 + len(copies))
        problems: list[str] = []
        with dense_index(tmp_path / "w.hnsw", problems, GraphTuning(100, max_width_share=0.5)) as index:
            index.add_vectors(np.concatenate([labels, LABELS]), np.concatenate([copies, VECTORS]))
            settle(index)
            for label, vector in zip(LABELS[4:], VECTORS[4:], strict=True):
                assert index.search(vector, 1)[0].tolist() == [label]
            assert (index.search(VECTORS[0], 200)[1] > 0.999).all()
            assert index.describe_search().startswith("graph")
        assert problems == []

    def test_retired_neighbours_do_not_crowd_out_the_living(self, built: Path) -> None:
        """All but one of every four are retired, and those nearest to the query above all."""
        with dense_index(built, []) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            near = index.search(VECTORS[0], 100)[0]
            index.retire_labels(near)
            vectors = {int(n): v for n, v in zip(LABELS, VECTORS, strict=True) if n not in set(near.tolist())}
            assert index.search(VECTORS[0], 10)[0].tolist() == brute_force(VECTORS[0], vectors, 10)

    def test_tombstones_rows_are_let_go(self) -> None:
        with dense_index(None, []) as index:
            index.add_vectors(LABELS, VECTORS)
            index.retire_labels(LABELS[:200])
            index.compact()
            assert len(index._snapshot.matrix) == len(index) == 200
            index.add_vectors(LABELS[:1], VECTORS[:1])
            assert index.search(VECTORS[0], 1)[0].tolist() == [LABELS[0]]

    def test_searches_during_adds_retirements_and_swaps_never_fail(self, tmp_path: Path) -> None:
        vectors, problems, failures = unit(1200, 3), list[str](), list[str]()
        done = threading.Event()

        def ask(seed: int) -> None:
            queries = unit(50, seed)
            while not done.is_set():
                for query in queries:
                    try:
                        labels, cosines = index.search(query, 10)
                    except Exception as error:  # noqa: BLE001 (that there is none is the claim)
                        failures.append(repr(error))
                        return
                    if len(set(labels.tolist())) != len(labels) or (np.diff(cosines) > 0).any():
                        failures.append(f"{labels} {cosines}")

        with dense_index(tmp_path / "w.hnsw", problems, GraphTuning(100, max_width_share=0.5)) as index:
            askers = [threading.Thread(target=ask, args=(seed,)) for seed in range(2)]
            for asker in askers:
                asker.start()
            try:
                for start in range(0, 1200, 50):
                    index.add_vectors(np.arange(start, start + 50), vectors[start : start + 50])
                    index.retire_labels(np.arange(start - 200, start - 190))
                    index.maintain_graph()
                    if start % 400 == 0:
                        assert index.wait_for_graph(60)
                settle(index)
            finally:
                done.set()
                for asker in askers:
                    asker.join()
            assert index.describe_search().startswith("graph")
        assert (failures, problems) == ([], [])


class TestWhenHnswlibFails:
    def test_a_graph_that_raises_is_replaced_and_exact_search_answers_meanwhile(self, graph_file: Path) -> None:
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            break_graph(index)
            assert index.search(VECTORS[7], 1)[0].tolist() == [LABELS[7]]
            assert index.wait_for_graph(60)
            assert index.describe_search().startswith("graph")
            assert len(problems) == 1

    def test_a_graph_that_raises_again_is_given_up(self, graph_file: Path) -> None:
        problems: list[str] = []
        with dense_index(graph_file, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            for _ in range(2):
                break_graph(index)
                assert index.search(VECTORS[7], 1)[0].tolist() == [LABELS[7]]
                settle(index)
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
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.stdout.count("told: ") == 1, done.stderr
        assert done.stdout.endswith("[2] exact: hnswlib is not installed (pip install hnswlib, needs a C++ compiler)\n")

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
            settle(index)
            settle(index)
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

    def test_closing_ends_it_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        with dense_index(tmp_path / "w.hnsw", []) as index:
            index.add_vectors(np.arange(30_000), unit(30_000, 1))
            index.maintain_graph()
            child = wait_for(lambda: index._builder._process)
        assert child.returncode is not None
        index.close()
        index.maintain_graph()
        assert index.wait_for_graph(0)
        assert list(tmp_path.iterdir()) == []
        assert len(index.search(unit(1, 2)[0], 5)[0]) == 5

    def test_it_ends_when_its_server_is_killed(self, tmp_path: Path) -> None:
        script = """
import os, signal, sys, threading
import numpy as np
from pathlib import Path
from codekin.vectors.dense_index import DenseIndex, GraphTuning
index = DenseIndex(64, Path(sys.argv[1]), "k", on_problem=print, tuning=GraphTuning(min_rows=2))
vectors = np.random.default_rng(0).standard_normal((50_000, 64), np.float32)
index.add_vectors(np.arange(50_000), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
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
        child.wait(30)
        assert not (tmp_path / "w.hnsw").exists()

    def test_a_workspaces_own_modules_are_not_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("numpy", "hnswlib", "json", "codekin"):
            (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with dense_index(tmp_path / "cache" / "w.hnsw", []) as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
            assert index.describe_search().startswith("graph")
        assert not (tmp_path / "run").exists()

    def test_what_a_killed_one_left_behind_is_cleared_away(self, graph_file: Path) -> None:
        """An hour later, as it could be one that is still building for another server."""
        old, new = (graph_file.with_name(f"{graph_file.name}.{name}.build") for name in ("old", "new"))
        for folder in (old, new):
            folder.mkdir()
            (folder / "vectors.f32").touch()
        os.utime(old, (0, 0))
        with dense_index(graph_file, [], key="another") as index:
            index.add_vectors(LABELS, VECTORS)
            settle(index)
        assert (old.exists(), new.exists()) == (False, True)

    def test_it_measures_the_recall_that_it_promises(self, built: Path) -> None:
        side_car = json.loads(side_car_path(built).read_text())
        assert side_car["recall"] >= 0.99
        assert asdict(SideCar(**side_car)) == side_car


def break_graph(index: DenseIndex) -> None:
    """Have hnswlib raise at the next question: it takes vectors and matrices, and gets a cube."""
    graph = index._snapshot.graph
    assert isinstance(graph, HnswGraph)
    graph._components = graph._components[None, None]


def wait_for(what: Callable[[], Any]) -> Any:
    """What `what` returns, once that is something."""
    for _ in range(3000):
        if found := what():
            return found
        threading.Event().wait(0.01)
    raise AssertionError("it did not come")
