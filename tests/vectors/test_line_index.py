"""After which lines the code goes on as in the question: found as a search through all lines would find it."""

from collections.abc import Sequence

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from codekin.code.line_hashes import LineHashes
from codekin.vectors import line_index as module
from codekin.vectors.line_index import LineIndex

keys = st.lists(st.integers(0, 4), max_size=12)


def packed(lines: Sequence[int]) -> bytes:
    return LineHashes(tuple(lines), ()).pack()


def by_hand(contents: dict[int, list[int]], query_keys: Sequence[int]) -> set[tuple[int, int, int]]:
    lines_found = set()
    for number, lines in contents.items():
        keyed_lines = [(key, line) for line, key in enumerate(lines) if key]
        for i in range(1, len(keyed_lines)):
            depth = 0
            while depth < min(i, len(query_keys)) and keyed_lines[i - 1 - depth][0] == query_keys[-1 - depth]:
                depth += 1
            if depth:
                lines_found.add((number, keyed_lines[i][1], depth))
    return lines_found


@example(batches=[([[], [1, 1]], {1}), ([], {1})], query_keys=[1], is_lazy=True)  # the same content gone twice
@given(
    st.lists(st.tuples(st.lists(keys, max_size=4), st.sets(st.integers(1, 20), max_size=4)), max_size=5),
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.booleans(),
)
def test_places_are_those_that_a_search_by_hand_finds(
    batches: list[tuple[list[list[int]], set[int]]], query_keys: list[int], is_lazy: bool
) -> None:
    """However the contents came in and went, and whether large parts keep what is gone for a while."""
    courses, some, newest = LineIndex(), dict[int, list[int]](), 0
    small, module._MIN_LAZY_LINES = module._MIN_LAZY_LINES, 0 if is_lazy else module._MIN_LAZY_LINES
    waste, module._WASTE_DIVISOR = module._WASTE_DIVISOR, 0 if is_lazy else module._WASTE_DIVISOR
    try:
        for batch, removed_numbers in batches:
            rows = [(number, packed(lines)) for number, lines in enumerate(batch, newest + 1)]
            newest += len(batch)
            some |= {number: lines for (number, _), lines in zip(rows, batch, strict=True)}
            courses = courses.add_rows(rows).remove_contents(np.array(sorted(removed_numbers), np.int64))
            some = {number: lines for number, lines in some.items() if number not in removed_numbers}
    finally:
        module._MIN_LAZY_LINES, module._WASTE_DIVISOR = small, waste
    lines_found = courses.find_following(query_keys, [1.0] * len(query_keys))
    rows = zip(lines_found.contents.tolist(), lines_found.lines.tolist(), lines_found.depth.tolist(), strict=True)
    assert set(rows) == by_hand(some, query_keys)
    assert (lines_found.weight == lines_found.depth).all()
    assert len(courses) == len(some)
    restored = LineIndex.from_arrays(courses.to_arrays(), courses.newest)
    matches = restored.find_following(query_keys, [1.0] * len(query_keys))
    restored_rows = zip(matches.contents.tolist(), matches.lines.tolist(), matches.depth.tolist(), strict=True)
    assert set(restored_rows) == by_hand(some, query_keys)
    for key in range(1, 5):
        assert courses.frequency(key) == sum(lines.count(key) for lines in some.values())


def test_rare_lines_weigh_what_they_are_said_to() -> None:
    courses = LineIndex().add_rows([(1, packed([5, 6, 7])), (2, packed([9, 6, 8]))])
    following = courses.find_following([5, 6], [3.0, 0.5])
    assert dict(zip(following.contents.tolist(), following.weight.tolist(), strict=True)) == {1: 3.5, 2: 0.5}


def test_adding_leaves_the_former_as_it_was() -> None:
    first_index = LineIndex().add_rows([(1, packed([5, 6]))])
    two = first_index.add_rows([(2, packed([5, 6]))])
    assert (len(first_index), len(two), first_index.newest, two.newest) == (1, 2, 1, 2)
    assert first_index.frequency(5) == 1
