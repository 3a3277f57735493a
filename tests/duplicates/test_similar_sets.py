"""Similar sets are found exactly: what a comparison of all with all finds, and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codekin.duplicates.similar_sets import SetTable

SETS = st.lists(st.frozensets(st.integers(0, 12), max_size=10), max_size=14)


def dice(first: frozenset[int], second: frozenset[int]) -> float:
    return 2 * len(first & second) / max(len(first) + len(second), 1)


@given(SETS, st.sampled_from([0.5, 0.6, 0.75, 0.8, 1.0]), st.integers(1, 4))
def test_the_join_finds_what_comparing_all_with_all_finds(sets: list[frozenset[int]], least: float, min_size: int):
    table = SetTable([np.array(sorted(each), np.uint64) for each in sets])
    found = {
        (number, other) for number, others in table.find_similar_pairs(least, min_size) for other in others.tolist()
    }
    large = [number for number, each in enumerate(sets) if len(each) >= min_size]
    assert found == {
        (i, j) for i in large for j in large if i < j and dice(sets[i], sets[j]) >= least - 1e-9 and sets[i] & sets[j]
    }


@given(SETS.filter(len))
def test_dice_coefficients_are_those_of_the_sets(sets: list[frozenset[int]]):
    table = SetTable([np.array(sorted(each), np.uint64) for each in sets])
    others = np.arange(len(sets))
    for number, each in enumerate(sets):
        assert table.compute_dice(number, others).tolist() == [dice(each, other) for other in sets]
