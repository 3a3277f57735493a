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


def by_hand(contents: dict[int, list[int]], asked: Sequence[int]) -> set[tuple[int, int, int]]:
    found = set()
    for number, lines in contents.items():
        said = [(key, line) for line, key in enumerate(lines) if key]
        for i in range(1, len(said)):
            depth = 0
            while depth < min(i, len(asked)) and said[i - 1 - depth][0] == asked[-1 - depth]:
                depth += 1
            if depth:
                found.add((number, said[i][1], depth))
    return found


@example(batches=[([[], [1, 1]], {1}), ([], {1})], asked=[1], is_lazy=True)  # the same content gone twice
@given(
    st.lists(st.tuples(st.lists(keys, max_size=4), st.sets(st.integers(1, 20), max_size=4)), max_size=5),
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.booleans(),
)
def test_places_are_those_that_a_search_by_hand_finds(
    batches: list[tuple[list[list[int]], set[int]]], asked: list[int], is_lazy: bool
) -> None:
    """However the contents came in and went, and whether large parts keep what is gone for a while."""
    courses, some, newest = LineIndex(), dict[int, list[int]](), 0
    small, module._MIN_LAZY_LINES = module._MIN_LAZY_LINES, 0 if is_lazy else module._MIN_LAZY_LINES
    waste, module._WASTE_DIVISOR = module._WASTE_DIVISOR, 0 if is_lazy else module._WASTE_DIVISOR
    try:
        for batch, gone in batches:
            rows = [(number, packed(lines)) for number, lines in enumerate(batch, newest + 1)]
            newest += len(batch)
            some |= {number: lines for (number, _), lines in zip(rows, batch, strict=True)}
            courses = courses.add_rows(rows).remove_contents(np.array(sorted(gone), np.int64))
            some = {number: lines for number, lines in some.items() if number not in gone}
    finally:
        module._MIN_LAZY_LINES, module._WASTE_DIVISOR = small, waste
    found = courses.find_following(asked, [1.0] * len(asked))
    rows = zip(found.contents.tolist(), found.lines.tolist(), found.depth.tolist(), strict=True)
    assert set(rows) == by_hand(some, asked)
    assert (found.weight == found.depth).all()
    assert len(courses) == len(some)
    for key in range(1, 5):
        assert courses.frequency(key) == sum(lines.count(key) for lines in some.values())


def test_rare_lines_weigh_what_they_are_said_to() -> None:
    courses = LineIndex().add_rows([(1, packed([5, 6, 7])), (2, packed([9, 6, 8]))])
    found = courses.find_following([5, 6], [3.0, 0.5])
    assert dict(zip(found.contents.tolist(), found.weight.tolist(), strict=True)) == {1: 3.5, 2: 0.5}


def test_adding_leaves_the_former_as_it_was() -> None:
    one = LineIndex().add_rows([(1, packed([5, 6]))])
    two = one.add_rows([(2, packed([5, 6]))])
    assert (len(one), len(two), one.newest, two.newest) == (1, 2, 1, 2)
    assert one.frequency(5) == 1
