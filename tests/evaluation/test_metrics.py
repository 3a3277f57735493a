"""Claims about the metrics, by hand-computed rankings."""

import math

import pytest

from codekin.evaluation.metrics import compute_ndcg, compute_recall, compute_reciprocal_rank


def test_the_right_passage_first_is_perfect() -> None:
    assert compute_ndcg([3, 1, 2], {3: 1.0}) == 1
    assert compute_reciprocal_rank([3, 1, 2], {3: 1.0}) == 1
    assert compute_recall([3, 1, 2], {3: 1.0}, 1) == 1


def test_ndcg_discounts_by_the_logarithm_of_the_rank() -> None:
    assert compute_ndcg([9, 3], {3: 1.0}) == pytest.approx(1 / math.log2(3))
    relevance = {1: 1.0, 2: 1.0}
    assert compute_ndcg([1, 9, 2], relevance) == pytest.approx((1 + 0.5) / (1 + 1 / math.log2(3)))


def test_ndcg_counts_ten_and_its_ideal_ten_at_most() -> None:
    assert compute_ndcg([*range(100, 110), 1], {1: 1.0}) == 0
    many = dict.fromkeys(range(30), 1.0)
    assert compute_ndcg(list(range(10)), many) == pytest.approx(1)


def test_grades_are_gains() -> None:
    assert compute_ndcg([1, 2], {1: 1.0, 2: 2.0}) == pytest.approx((1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)))


def test_reciprocal_rank_looks_at_the_first_relevant_of_ten() -> None:
    assert compute_reciprocal_rank([5, 6, 1, 2], {1: 1.0, 2: 1.0}) == pytest.approx(1 / 3)
    assert compute_reciprocal_rank([*range(100, 110), 1], {1: 1.0}) == 0


def test_recall_is_the_share_of_the_relevant() -> None:
    assert compute_recall([1, 9, 2], {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.0}, 3) == pytest.approx(2 / 3)


def test_nothing_relevant_scores_zero() -> None:
    assert compute_ndcg([1], {}) == compute_reciprocal_rank([1], {}) == compute_recall([1], {}, 1) == 0
