"""Rows of two bytes a number: rounded once, they stay as they are, and answers are those of the rounded rows."""

import numpy as np
import pytest

from codekin.vectors.matrix import FloatArray, Matrix, normalize_queries
from codekin.vectors.row_blocks import FloatRows, PackedRows, join_rows, pack_losslessly, pack_rows, round_rows

DIM = 48
SCALES = [1.0, 0.25, 32_639 / 65_536, 16_320 / 65_536, 1e-3, 3e-39]


def make_unit_rows(count: int, seed: int) -> FloatArray:
    return normalize_queries(np.random.default_rng(seed).standard_normal((count, DIM), np.float32))[0]


@pytest.mark.parametrize("scale", SCALES)
def test_rounded_rows_are_kept_bit_by_bit(scale: float) -> None:
    special_rows = [
        np.eye(3, DIM, dtype=np.float32),
        np.zeros((1, DIM), np.float32),
        np.full((1, DIM), -1e-9, np.float32),
    ]
    special_rows[-1][0, 0] = 1  # the others are rounded to zero, which has no sign afterwards
    rows = np.concatenate([make_unit_rows(500, 1), *special_rows])
    rounded = round_rows(rows * np.float32(scale))
    packed = pack_rows(rounded)
    assert packed.take_rows(np.arange(len(rounded))).tobytes() == rounded.tobytes()
    np.testing.assert_array_equal(round_rows(rounded), rounded)


def test_rounding_changes_no_number_by_more_than_half_a_step() -> None:
    rows = make_unit_rows(500, 2)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    assert (np.abs(round_rows(rows) - rows) <= largest / 32_639).all()


def test_rough_scores_are_within_their_errors() -> None:
    packed, queries = pack_rows(make_unit_rows(3000, 3)), make_unit_rows(20, 4)
    exact = packed.take_rows(np.arange(3000)).astype(np.float64) @ queries.T.astype(np.float64)
    for number, query in enumerate(queries):
        assert (np.abs(packed.score_rows(query) - exact[:, number]) <= packed.list_errors() + 4e-6).all()
    assert (np.abs(packed.score_many(queries) - exact.T) <= packed.list_errors() + 4e-6).all()


@pytest.mark.parametrize("k", [1, 20, 300, 3000])
def test_packed_rows_answer_as_brute_force_does(k: int) -> None:
    vectors = round_rows(make_unit_rows(3000, 5))
    labels = np.arange(0, 6000, 2)
    added = Matrix(DIM, 512).add_rows(labels, vectors)
    assert [type(block) for block in added._blocks] == [PackedRows] * 5 + [FloatRows]
    restored = Matrix.from_packed_rows(labels, pack_rows(vectors), 512)
    query = make_unit_rows(1, 6)[0]
    order = np.lexsort((labels, -np.vecdot(vectors, query)))[:k]
    within = np.arange(1, 3000, 3)
    expected_within = within[np.lexsort((labels[within], -np.vecdot(vectors[within], query)))[:k]]
    for matrix in (added, restored):
        assert matrix.find_nearest(query, k)[0].tolist() == labels[order].tolist()
        assert matrix.find_nearest(query, k, within)[0].tolist() == labels[expected_within].tolist()
        assert matrix.find_nearest_many(query[None], k)[0][0].tolist() == labels[order].tolist()


def test_rows_that_packing_would_change_stay_as_they_are() -> None:
    rows = FloatRows(make_unit_rows(100, 7))
    assert pack_losslessly(rows) is rows


def test_rows_in_which_one_number_dominates_stay_float32() -> None:
    """The high bytes say too little of the other numbers: most rows would have to be fetched for each question."""
    vectors = np.random.default_rng(9).standard_normal((1024, 384), np.float32)
    vectors[:, 5] = 40
    vectors, labels = round_rows(normalize_queries(vectors)[0]), np.arange(1024)
    for matrix in (
        Matrix(384, 512).add_rows(labels, vectors),
        Matrix.from_packed_rows(labels, pack_rows(vectors), 512),
    ):
        assert [type(block) for block in matrix._blocks] == [FloatRows, FloatRows]
        assert matrix.gather_rows(labels).tobytes() == vectors.tobytes()


def test_rows_of_cosine_one_tie_wherever_they_lie() -> None:
    """Rounding makes rows longer or shorter than 1; which of them are in a packed block is chance."""
    base = make_unit_rows(1, 10)
    noise = np.random.default_rng(11).standard_normal((700, DIM)).astype(np.float32)
    vectors = round_rows(normalize_queries(base + np.float32(3e-4) * noise)[0])
    labels = np.arange(700)
    forwards = Matrix(DIM, 512).add_rows(labels, vectors)
    backwards = Matrix(DIM, 512).add_rows(labels[::-1].copy(), vectors[::-1].copy())
    for query in vectors[::50]:
        assert forwards.find_nearest(query, 20)[0].tolist() == backwards.find_nearest(query, 20)[0].tolist()


def test_chunks_are_joined_in_order() -> None:
    vectors = round_rows(make_unit_rows(10, 8))
    joined = join_rows([pack_rows(vectors[:4]), pack_rows(vectors[4:])])
    assert joined.take_rows(np.arange(10)).tobytes() == vectors.tobytes()
