"""Exact search: whatever was added, retired and compacted, the answer is that of sorting all cosines."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from codekin.vectors.matrix import FloatArray, Matrix, normalize_queries, normalize_rows
from codekin.vectors.row_blocks import pack_rows, round_rows

DIM = 5
LABELS = st.integers(0, 40)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(LABELS, max_size=12)),
        st.tuples(st.just("retire"), st.lists(LABELS, max_size=12)),
        st.tuples(st.just("compact"), st.just([])),
    ),
    max_size=12,
)


def vector_of(label: int) -> FloatArray:
    """A label's vector; labels 30 apart have the same one."""
    return normalize_queries(np.random.default_rng(label % 30).standard_normal((1, DIM), np.float32))[0][0]


def vectors_of(labels: list[int]) -> FloatArray:
    return np.array([vector_of(label) for label in labels], np.float32).reshape(-1, DIM)


def apply(operations: list[tuple[str, list[int]]], matrix: Matrix) -> tuple[Matrix, set[int]]:
    """`matrix` after `operations`, and the labels that are to answer."""
    live: set[int] = set()
    for name, labels in operations:
        if name == "add":
            matrix, live = matrix.add_rows(np.array(labels, np.int64), vectors_of(labels)), live | set(labels)
        elif name == "retire":
            matrix, live = matrix.retire_labels(np.array(labels, np.int64)), live - set(labels)
        else:
            matrix = matrix.compact()
    return matrix, live


def expected(query: FloatArray, live: set[int], k: int) -> list[int]:
    """Brute force, in float32 like a matrix's own: equal vectors have equal cosines, and those of the last all come."""
    cosine = {label: min(1.0, float(np.vecdot(vector_of(label), query))) for label in live}
    ranked = sorted(live, key=lambda label: (-cosine[label], label))
    return [label for label in ranked if k and cosine[label] >= cosine[ranked[:k][-1]]]


@given(OPERATIONS, st.integers(0, 99), st.integers(0, 50), st.none() | st.sets(LABELS))
def test_any_history_answers_as_brute_force_does(
    operations: list[tuple[str, list[int]]], seed: int, k: int, allowed: set[int] | None
) -> None:
    matrix, live = apply(operations, Matrix(DIM, block_rows=4))
    query = vector_of(seed)
    rows = None
    if allowed is not None:
        rows, live = matrix.find_rows(np.array(sorted(allowed), np.int64)), live & allowed
        rows = np.sort(rows[rows >= 0])
    labels, cosines = matrix.find_nearest(query, k, rows)
    assert labels.tolist() == expected(query, live, k)
    assert np.allclose(cosines, [vector_of(label) @ query for label in labels], atol=1e-6)


@given(OPERATIONS, st.integers(0, 50))
def test_many_queries_at_once_answer_as_one_by_one(operations: list[tuple[str, list[int]]], k: int) -> None:
    matrix, _ = apply(operations, Matrix(DIM, block_rows=4))
    queries = vectors_of([3, 50, 51])
    labels, cosines = matrix.find_nearest_many(queries, k)
    for query, many_labels, many_cosines in zip(queries, labels, cosines, strict=True):
        one_labels, one_cosines = matrix.find_nearest(query, k)
        assert many_labels.tolist() == one_labels[: len(many_labels)].tolist()
        assert many_cosines.tolist() == one_cosines[: len(many_cosines)].tolist()
        assert set(one_cosines[len(many_cosines) :].tolist()) <= set(many_cosines[-1:].tolist())


@given(OPERATIONS, OPERATIONS)
def test_a_reader_of_an_earlier_matrix_sees_no_later_change(
    before: list[tuple[str, list[int]]], after: list[tuple[str, list[int]]]
) -> None:
    matrix, live = apply(before, Matrix(DIM, block_rows=4))
    query = vector_of(7)
    apply(after, matrix)
    assert matrix.find_nearest(query, 50)[0].tolist() == expected(query, live, 50)


def test_compacting_lets_the_tombstones_rows_go() -> None:
    matrix, live = apply([("add", list(range(20))), ("retire", list(range(15))), ("compact", [])], Matrix(DIM, 4))
    assert (len(matrix), matrix.labels.tolist()) == (5, sorted(live))


def test_equal_vectors_are_all_answered_by_label_wherever_they_stand() -> None:
    """More of them than are asked for, in several blocks, some of their rows picked out and some not."""
    labels = np.random.default_rng(1).permutation(5000)
    matrix = Matrix(DIM, block_rows=64).add_rows(labels, np.repeat(vectors_of([1]), 5000, axis=0))
    assert matrix.find_nearest(vector_of(1), 10)[0].tolist() == list(range(5000))
    rows = np.sort(matrix.find_rows(np.concatenate([np.arange(900, 1000), np.arange(4000, 5000)])))
    assert (
        matrix.find_nearest(vector_of(2), 10, rows)[0].tolist()
        == matrix.labels[rows][np.argsort(matrix.labels[rows])].tolist()
    )
    assert matrix.find_nearest_many(vectors_of([2]), 10)[0].tolist() == [list(range(10))]


@pytest.mark.parametrize("retired", [0, 1, 2900, 2995])
@pytest.mark.parametrize("k", [1, 5, 20, 300, 3000])
def test_thousands_of_rows_answer_as_brute_force_does(k: int, retired: int) -> None:
    vectors = normalize_queries(np.random.default_rng(2).standard_normal((3000, DIM), np.float32))[0]
    matrix = Matrix(DIM, 512).add_rows(np.arange(3000), vectors).retire_labels(np.arange(retired))
    query = vector_of(3)
    order = np.argsort(-np.vecdot(vectors[retired:], query), kind="stable")[:k] + retired
    assert matrix.find_nearest(query, k)[0].tolist() == order.tolist()
    assert matrix.find_nearest_many(query[None], k)[0][0].tolist() == order.tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0, 3e38], ids=str)
def test_only_finite_rows_of_length_one_are_unit_rows(bad: float) -> None:
    vectors = vectors_of([1, 2, 3])
    vectors[1] = bad
    rows, sound = normalize_rows(vectors)
    assert sound.tolist() == [True, False, True]
    assert np.allclose(rows, vectors[[0, 2]])


def test_rows_that_went_through_float16_are_unit_rows_again() -> None:
    rows, sound = normalize_rows(vectors_of([1, 2, 3]).astype(np.float16).astype(np.float32))
    assert sound.all()
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 8, 9])
def test_rows_that_are_shared_answer_like_added_ones_and_are_never_written(count: int) -> None:
    labels = np.arange(0, 2 * count, 2)
    vectors = round_rows(vectors_of(labels.tolist()))
    packed = pack_rows(vectors)
    packed.high.flags.writeable = packed.low.flags.writeable = False
    shared = Matrix.from_packed_rows(labels, packed, block_rows=4)
    added = Matrix(DIM, block_rows=4).add_rows(labels, vectors)
    for change in ("add", [1, 3, 4, 30]), ("retire", [2, 4]), ("add", [2, 40]), ("compact", []):
        shared, _ = apply([change], shared)
        added, _ = apply([change], added)
        for seed in range(5):
            query = vector_of(seed)
            assert [array.tolist() for array in shared.find_nearest(query, 5)] == [
                array.tolist() for array in added.find_nearest(query, 5)
            ]
    np.testing.assert_array_equal(packed.take_rows(np.arange(count)), vectors)
