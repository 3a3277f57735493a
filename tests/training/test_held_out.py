"""What a training is judged by is drawn from all pairs, and always the same."""

import numpy as np

from codekin.training import held_out
from codekin.training.jsonl import TaskPair
from codekin.types import Task


def test_what_is_held_is_drawn_from_all_and_the_same_whenever_it_is() -> None:
    """A file's first pairs are of few packages, and say little of the others."""
    pairs = [TaskPair(task, f"query {n}", f"passage {n}") for n in range(1000) for task in (Task.QA, Task.NL2CODE)]
    drawn = held_out.make_held_out_sets(pairs, 100)
    numbers = [int(query.split()[1]) for query in drawn[0].queries]
    assert [len(held_out_set.queries) for held_out_set in drawn] == [100, 100]
    assert 400 < np.mean(numbers) < 600
    assert drawn == held_out.make_held_out_sets(pairs, 100)
    assert [held_out_set.queries for held_out_set in held_out.make_held_out_sets(pairs[:20], 100)] == [
        tuple(f"query {n}" for n in range(10))
    ] * 2


def test_without_a_pair_that_is_held_nothing_is_measured() -> None:
    encode = lambda texts: np.ones((len(texts), 16), np.float32)  # noqa: E731
    assert held_out.make_held_out_sets([TaskPair(Task.QA, "query", "passage")], 100) == []
    assert held_out.measure_dense([], encode, (8, 16)) == held_out.measure_bm25([]) == {}
