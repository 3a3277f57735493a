"""Dense search answers as brute force does, whatever was added and retired."""

import threading
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from codekin.errors import DimensionError
from codekin.vectors.dense_index import GraphTuning

from .graphs import COUNT, DIM, LABELS, VECTORS, brute_force, dense_index, make_unit_vectors, settle_graph

LABEL = st.integers(0, COUNT + 60)


OPERATIONS = st.lists(st.tuples(st.sampled_from(["add", "retire"]), st.lists(LABEL, max_size=40)), max_size=8)


class TestAnswers:
    @given(OPERATIONS, st.integers(0, 999), st.integers(0, 12), st.none() | st.sets(LABEL, min_size=1))
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
        pool = np.concatenate([VECTORS, make_unit_vectors(61, 7)])
        vectors = dict(zip(LABELS.tolist(), VECTORS, strict=True))
        problems: list[str] = []
        with dense_index(built, problems) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
            for name, drawn in operations:
                if name == "add":
                    index.add_vectors(names[drawn], pool[drawn].reshape(-1, DIM))
                    vectors |= {int(names[i]): pool[i] for i in drawn}
                else:
                    index.retire_labels(names[drawn])
                    vectors = {label: v for label, v in vectors.items() if label not in set(names[drawn].tolist())}
            chosen = None if allowed is None else names[sorted(allowed)]
            query = make_unit_vectors(1, seed)[0]
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
                settle_graph(index)

    def test_an_empty_index_answers_with_nothing(self) -> None:
        with dense_index(None, []) as index:
            index.add_vectors([], np.empty((0, DIM)))
            index.retire_labels([])
            settle_graph(index)
            assert [len(part) for part in index.search(VECTORS[0], 5)] == [0, 0]
            assert [part.shape for part in index.search_many(VECTORS[:3], 5)] == [(3, 0), (3, 0)]
            assert (len(index), index.describe_search()) == (0, "exact: 0 vectors")

    def test_a_query_without_a_direction_is_answered_with_nothing(self, built: Path) -> None:
        with dense_index(built, []) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
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
            settle_graph(index)
            for label, vector in zip(LABELS[4:], VECTORS[4:], strict=True):
                assert index.search(vector, 1)[0].tolist() == [label]
            assert (index.search(VECTORS[0], 200)[1] > 0.999).all()
            assert index.describe_search().startswith("graph")
        assert problems == []

    def test_retired_neighbours_do_not_crowd_out_the_living(self, built: Path) -> None:
        """All but one of every four are retired, and those nearest to the query above all."""
        with dense_index(built, []) as index:
            index.add_vectors(LABELS, VECTORS)
            settle_graph(index)
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
        vectors, problems, failures = make_unit_vectors(1200, 3), list[str](), list[str]()
        completed = threading.Event()

        def ask(seed: int) -> None:
            queries = make_unit_vectors(50, seed)
            while not completed.is_set():
                for query in queries:
                    try:
                        labels, cosines = index.search(query, 10)
                    except Exception as error:  # noqa: BLE001 -- that there is none is the claim
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
                        assert index.wait_for_graph(180)
                settle_graph(index)
            finally:
                completed.set()
                for asker in askers:
                    asker.join()
            assert index.describe_search().startswith("graph")
        assert (failures, problems) == ([], [])
