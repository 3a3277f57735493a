"""Files of pairs: read by row, drawn in batches of one task, and split without a passage on both sides."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from codekin.errors import ModelError
from codekin.training import jsonl
from codekin.training.jsonl import PairFile, TaskBatches, TaskPair
from codekin.types import Task


def _rows(batches: TaskBatches, steps: Sequence[int]) -> list[list[int]]:
    return [batches.choose_rows(step).tolist() for step in steps]


def test_an_epoch_has_every_pair_once_in_batches_of_one_task_and_none_is_like_another() -> None:
    groups = [np.arange(0, 12), np.arange(12, 16), np.arange(16, 17)]
    batches = TaskBatches(groups, 4, seed=1)
    assert batches.steps_per_epoch == 4
    first, second = _rows(batches, range(4)), _rows(batches, range(4, 8))
    assert sorted(row for batch in first for row in batch) == list(range(16))
    assert all(max(batch) < 12 or min(batch) >= 12 for batch in first + second)
    assert first != second
    assert _rows(TaskBatches(groups, 4, seed=1), [6, 2]) == [second[2], first[2]]
    with pytest.raises(ModelError, match="smaller"):
        TaskBatches(groups, 13, seed=1)


def test_half_of_the_batches_are_of_one_group_and_no_pair_is_lost() -> None:
    group_numbers = np.arange(64) % 4  # of each row
    batches = TaskBatches([np.arange(64)], 8, seed=1, group_numbers=group_numbers)
    drawn = _rows(batches, range(8))
    assert sorted(row for batch in drawn for row in batch) == list(range(64))
    group_counts = sorted(len({int(group_numbers[row]) for row in batch}) for batch in drawn)
    assert sum(group_counts[:4]) <= 4 + 3  # four runs in four batches: three borders at most
    assert min(group_counts[4:]) > 2
    assert _rows(TaskBatches([np.arange(64)], 8, seed=1, group_numbers=group_numbers), range(8)) == drawn


def test_a_file_keeps_the_groups_of_its_pairs(tmp_path: Path) -> None:
    pairs = [TaskPair(Task.QA, "a", "b", "python x"), TaskPair(Task.QA, "c", "d", "go y"), TaskPair(Task.QA, "e", "f")]
    jsonl.write_task_pairs(pairs, tmp_path / "pairs.jsonl")
    pair_file = PairFile(tmp_path / "pairs.jsonl")
    assert pair_file.read_rows(range(3)) == pairs
    assert len(set(pair_file.group_numbers.tolist())) == 3


def test_a_line_that_is_no_pair_is_told_by_its_number(tmp_path: Path) -> None:
    good = json.dumps({"task": "qa", "query": "a", "passage": "é\u2028b"})
    path = tmp_path / "pairs.jsonl"
    path.write_text(good + "\n" + good + "\n", "utf-8")
    assert PairFile(path).read_rows([1]) == [TaskPair(Task.QA, "a", "é\u2028b")]
    for line in ("no json", "[]", '{"task": "qa"}', '{"task": "sing", "query": "a", "passage": "b"}', "null"):
        path.write_text(f"{good}\n{line}\n", "utf-8")
        with pytest.raises(ModelError, match="line 2 is no pair"):
            PairFile(path)


def test_no_passage_is_both_learned_from_and_held(tmp_path: Path) -> None:
    jsonl.write_task_pairs([TaskPair(Task.QA, str(n), str(n // 3)) for n in range(300)], tmp_path / "pairs.jsonl")
    pairs = PairFile(tmp_path / "pairs.jsonl")
    taught, kept = pairs.split_held_out(5)
    assert len(taught) + len(kept) == 300
    assert 20 < len(kept) < 120
    assert not {pair.passage for pair in pairs.read_rows(taught)} & {pair.passage for pair in pairs.read_rows(kept)}
