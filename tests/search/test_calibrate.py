"""Scores as probabilities."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.calibrate import calibrate_search

score = st.floats(-50, 50)
share = st.floats(0, 1)
count = st.integers(0, 10_000_000)


@given(score, share, count)
def test_a_confidence_is_a_probability(first_score: float, content_count: float, contents: int):
    assert 0 <= calibrate_search(first_score, content_count, contents) <= 1


@given(score, score, share, count)
def test_a_better_score_is_never_less_probable(
    first_score: float, other_score: float, content_count: float, contents: int
):
    low, high = sorted((first_score, other_score))
    assert calibrate_search(low, content_count, contents) <= calibrate_search(high, content_count, contents)


@given(score, share, count)
def test_the_best_of_more_is_no_more_probable(first_score: float, content_count: float, contents: int):
    assert calibrate_search(first_score, content_count, 2 * contents) <= calibrate_search(
        first_score, content_count, contents
    )
