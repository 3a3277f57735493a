"""Estimates give probability to what was seen, the more the longer the context, and keep some for the rest."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codekin.completion.back_off import count_symbols, estimate, merge_counts

COUNTS = st.dictionaries(st.integers(0, 9), st.floats(0.5, 50), max_size=5)


@given(st.lists(COUNTS, max_size=6))
def test_probabilities_and_the_rest_sum_to_one(counts: list[dict[int, float]]):
    result = estimate((len(counts) - position, each) for position, each in enumerate(counts))
    assert abs(sum(result.probabilities.values()) + result.rest - 1) < 1e-9
    assert all(probability > 0 for probability in result.probabilities.values())


def test_the_longest_context_weighs_most():
    result = estimate([(3, {7: 9.0}), (1, {8: 90.0})])
    assert result.list_best(2) == [7, 8]
    assert (result.longest, result.lengths, result.total, result.distinct) == (3, {7: 3, 8: 1}, 9.0, 1)


def test_counts_of_the_document_weigh_more():
    assert merge_counts({1: 2.0, 2: 1.0}, {2: 3.0}, 4.0) == {1: 2.0, 2: 13.0}


@given(st.lists(st.integers(0, 9), max_size=80))
def test_few_symbols_and_many_are_counted_alike(symbols: list[int]):
    counts = count_symbols(np.array(symbols, np.int32))
    assert list(counts.items()) == sorted(Counter(symbols).items())
