"""Scores as probabilities."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.calibrate import calibrate_search

score = st.floats(-50, 50)
share = st.floats(0, 1)
count = st.integers(0, 10_000_000)


words = st.integers(0, 2_000)


@given(score, share, words, count)
def test_a_confidence_is_a_probability(any_score: float, known_share: float, word_count: int, contents: int):
    assert 0 <= calibrate_search(any_score, known_share, word_count, contents) <= 1


@given(score, score, share, words, count)
def test_a_better_score_is_never_less_probable(
    first_score: float, other_score: float, known_share: float, word_count: int, contents: int
):
    low, high = (
        calibrate_search(score, known_share, word_count, contents) for score in sorted((first_score, other_score))
    )
    assert low <= high


@given(score, share, words, count)
def test_the_best_of_more_is_no_more_probable(any_score: float, known_share: float, word_count: int, contents: int):
    assert calibrate_search(any_score, known_share, word_count, 2 * contents) <= calibrate_search(
        any_score, known_share, word_count, contents
    )


@given(score, share, words, count)
def test_a_long_question_is_answered_at_a_lower_score(
    any_score: float, known_share: float, word_count: int, contents: int
):
    """Of a pasted report, a tenth of the words is much for one place."""
    assert calibrate_search(any_score, known_share, word_count + 10, contents) >= calibrate_search(
        any_score, known_share, word_count, contents
    )
