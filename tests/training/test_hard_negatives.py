"""Claims about hard negatives: they are of the pair's own package, near its answer, and never an answer themselves."""

from pathlib import Path

import pytest

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.training.hard_negatives import find_hard_negatives, mine_negatives
from codekin.training.jsonl import PairFile, TaskPair, write_task_pairs
from codekin.types import Task

READ = "def read_json(path):\n    with open(path) as stream:\n        return json.load(stream)"
WRITE = "def write_json(path, value):\n    with open(path, 'w') as target:\n        json.dump(value, target)"
SORT = "def sort_users(users):\n    users.sort(key=lambda user: user.age)"
COPY = READ.replace("stream", "file")
PAIRS = [
    TaskPair(Task.NL2CODE, "Read JSON from a file", READ, "python a"),
    TaskPair(Task.NL2CODE, "Write a value to a file as JSON", WRITE, "python a"),
    TaskPair(Task.NL2CODE, "Sort users by their age", SORT, "python a"),
]


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(ModelSettings(name="embedded"))


def test_the_nearest_wrong_passage_is_taken(embedder) -> None:
    assert find_hard_negatives(PAIRS, embedder)[:2] == [WRITE, READ]


def test_neither_a_copy_nor_another_answer_to_the_same_query_is_taken(embedder) -> None:
    copy = TaskPair(Task.NL2CODE, "Load what a JSON file holds", COPY, "python a")
    answer = TaskPair(Task.NL2CODE, PAIRS[0].query, "json.loads(Path(name).read_text())", "python a")
    negatives = find_hard_negatives([*PAIRS, copy, answer], embedder)
    assert negatives[0] not in {READ, COPY, answer.passage}
    assert negatives[3] not in {READ, COPY}


def test_packages_and_tasks_are_kept_apart_and_the_order_stays(tmp_path: Path) -> None:
    lonely = [TaskPair(Task.NL2CODE, "Remove a JSON file", "os.unlink(path)", "python b"),
              TaskPair(Task.CODE2CODE, READ, COPY, "python a")]  # fmt: skip
    write_task_pairs([lonely[0], *PAIRS, lonely[1]], tmp_path / "pairs.jsonl")
    mined_path = mine_negatives(tmp_path / "pairs.jsonl", tmp_path, "embedded")
    mined = PairFile(mined_path).read_rows(range(5))
    assert [pair.passage for pair in mined] == [lonely[0].passage, READ, WRITE, SORT, COPY]
    assert [bool(pair.negative) for pair in mined] == [False, True, True, True, False]


def test_other_negatives_are_another_corpus(tmp_path: Path) -> None:
    write_task_pairs(PAIRS, tmp_path / "pairs.jsonl")
    mined_path = mine_negatives(tmp_path / "pairs.jsonl", tmp_path, "embedded")
    assert PairFile(mined_path).digest != PairFile(tmp_path / "pairs.jsonl").digest


def test_negatives_are_mined_once_for_the_same_pairs_and_model_alone(tmp_path: Path) -> None:
    pairs_path = tmp_path / "pairs.jsonl"
    write_task_pairs(PAIRS, pairs_path)
    mined_path = mine_negatives(pairs_path, tmp_path, "embedded")
    written = mined_path.stat()
    assert mine_negatives(pairs_path, tmp_path, "embedded").stat() == written
    write_task_pairs(PAIRS[:2], pairs_path)  # as after another draw into the same folder
    assert len(PairFile(mine_negatives(pairs_path, tmp_path, "embedded"))) == 2
    assert len(PairFile(mined_path)) == 3
