"""After which lines the code goes on as in the question: found as a search through all lines would find it."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.continuations import Course
from codekin.index.courses import Courses

keys = st.lists(st.integers(0, 4), max_size=12)


def packed(lines: Sequence[int]) -> bytes:
    return Course(tuple(lines), ()).packed()


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


@given(st.lists(st.lists(keys, max_size=4), max_size=5), st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_places_are_those_that_a_search_by_hand_finds(batches: list[list[list[int]]], asked: list[int], data) -> None:
    """However the contents came in, and when some of them are gone."""
    courses, contents = Courses(), dict[int, list[int]]()
    for batch in batches:
        rows = []
        for lines in batch:
            contents[len(contents) + 1] = lines
            rows.append((len(contents), packed(lines)))
        courses = courses.added(rows)
    kept = data.draw(st.sets(st.sampled_from(sorted(contents)))) if contents else set()
    for current, left in ((courses, contents), (courses.only(np.array(sorted(kept), np.int64)), kept)):
        some = {number: contents[number] for number in left}
        found = current.following(asked, [1.0] * len(asked))
        rows = zip(found.contents.tolist(), found.lines.tolist(), found.depth.tolist(), strict=True)
        assert set(rows) == by_hand(some, asked)
        assert (found.weight == found.depth).all()
        assert len(current) == len(some)
        for key in range(1, 5):
            assert current.frequency(key) == sum(lines.count(key) for lines in some.values())


def test_rare_lines_weigh_what_they_are_said_to() -> None:
    courses = Courses().added([(1, packed([5, 6, 7])), (2, packed([9, 6, 8]))])
    found = courses.following([5, 6], [3.0, 0.5])
    assert dict(zip(found.contents.tolist(), found.weight.tolist(), strict=True)) == {1: 3.5, 2: 0.5}


def test_adding_leaves_the_former_as_it_was() -> None:
    one = Courses().added([(1, packed([5, 6]))])
    two = one.added([(2, packed([5, 6]))])
    assert (len(one), len(two), one.newest, two.newest) == (1, 2, 1, 2)
    assert one.frequency(5) == 1
