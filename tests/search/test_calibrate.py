"""Scores as probabilities."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.calibrate import calibrate_search

score = st.floats(-50, 50)
share = st.floats(0, 1)
count = st.integers(0, 10_000_000)


@given(score, share, count)
def test_a_confidence_is_a_probability(one: float, known: float, contents: int):
    assert 0 <= calibrate_search(one, known, contents) <= 1


@given(score, score, share, count)
def test_a_better_score_is_never_less_probable(one: float, other: float, known: float, contents: int):
    low, high = sorted((one, other))
    assert calibrate_search(low, known, contents) <= calibrate_search(high, known, contents)


@given(score, share, count)
def test_the_best_of_more_is_no_more_probable(one: float, known: float, contents: int):
    assert calibrate_search(one, known, 2 * contents) <= calibrate_search(one, known, contents)
