"""Pairs `{"task", "query", "passage"}` by the line, and which of them each step sees.

The texts stay in the file: a line is read when its batch comes, so that a corpus may be larger than the memory.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from codekin.errors import ModelError
from codekin.types import Task


@dataclass(frozen=True, slots=True)
class TaskPair:
    """A query and the passage that answers it, for one of the five tasks."""

    task: Task
    query: str
    passage: str


def write_task_pairs(pairs: Iterable[TaskPair], path: Path) -> int:
    """One JSON line a pair, whole or not at all; how many."""
    count, partial = 0, path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        for pair in pairs:
            stream.write(json.dumps(asdict(pair)) + "\n")
            count += 1
    partial.replace(path)
    return count


class PairFile:
    """The pairs of a file, by number. Raises ModelError for a line that is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        starts, tasks, keys = [0], [], []
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                pair = _read(line, path, number)
                starts.append(starts[-1] + len(line))
                tasks.append(list(Task).index(pair.task))
                keys.append(crc32(pair.passage.encode("utf-8", "replace")))
        self._starts: NDArray[np.int64] = np.array(starts, dtype=np.int64)
        self._tasks: NDArray[np.int64] = np.array(tasks, dtype=np.int64)
        self._keys: NDArray[np.int64] = np.array(keys, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def digest(self) -> int:
        """Of all passages in their order: another file's is another."""
        return crc32(self._keys.tobytes())

    def read_rows(self, rows: Iterable[int]) -> list[TaskPair]:
        with self.path.open("rb") as stream:
            found = []
            for row in rows:
                stream.seek(int(self._starts[row]))
                found.append(_read(stream.readline(), self.path, int(row) + 1))
        return found

    def select_task(self, task: Task) -> NDArray[np.int64]:
        """The numbers of the pairs that teach `task`."""
        return np.flatnonzero(self._tasks == list(Task).index(task))

    def split_held_out(self, every: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of those to train on, and of one in `every` to be held; no passage is in both."""
        held = self._keys % every == 0
        return np.flatnonzero(~held), np.flatnonzero(held)


def _read(line: bytes, path: Path, number: int) -> TaskPair:
    try:
        found = json.loads(line)
        pair = TaskPair(Task(found["task"]), found["query"], found["passage"])
        if isinstance(pair.query, str) and isinstance(pair.passage, str):
            return pair
    except (ValueError, KeyError, TypeError):
        pass
    tasks = ", ".join(Task)
    raise ModelError(f'{path}, line {number} is no pair. Write {{"task", "query", "passage"}}; tasks are {tasks}.')


class TaskBatches:
    """Which pairs each step sees, by seed and step alone. A batch is of one task: the instruction must give nothing
    away. Each pair comes once an epoch, but for the few that fill no batch; epochs are ordered anew.
    """

    def __init__(self, groups: Sequence[NDArray[np.int64]], size: int, seed: int) -> None:
        """`groups`: the rows of each task. Raises ModelError where no task has as many pairs as a batch."""
        self._groups, self._size, self._seed = groups, size, seed
        self.per_epoch = sum(len(rows) // size for rows in groups)
        if not self.per_epoch:
            raise ModelError(f"No task has {size} pairs to train on. Bring more pairs, or make batches smaller.")
        self._epoch, self._order = -1, np.zeros((0, size), dtype=np.int64)

    def choose_rows(self, step: int) -> NDArray[np.int64]:
        """The rows (size,) of a step's pairs."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            random = np.random.default_rng((self._seed, epoch))
            cut = [len(rows) // self._size * self._size for rows in self._groups]
            shuffled = [random.permutation(rows)[:end] for rows, end in zip(self._groups, cut, strict=True)]
            self._order = random.permutation(np.concatenate(shuffled).reshape(-1, self._size))
            self._epoch = epoch
        return np.asarray(self._order[place])
