"""Read pairs from JSON lines `{"task", "query", "passage"}`, and choose the pairs of each step.

A line may also have "group" and "negative", which are explained at `TaskPair`.
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
    group: str = ""  # language and package, whose pairs are hard negatives of each other
    negative: str = ""  # a passage that is like the right one, and wrong; "" for none


def write_task_pairs(pairs: Iterable[TaskPair], pairs_path: Path) -> int:
    """Write one JSON line per pair, replacing the file atomically but not durably; return their number."""
    pair_count, partial = 0, pairs_path.with_name(pairs_path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        for pair in pairs:
            stream.write(json.dumps(asdict(pair)) + "\n")
            pair_count += 1
    partial.replace(pairs_path)
    return pair_count


class PairFile:
    """The pairs of a JSON Lines file, read by row when needed. Raises ModelError for an invalid line."""

    def __init__(self, pairs_path: Path) -> None:
        """Read and check the whole file, but keep only positions and checksums. Raises ModelError, OSError."""
        self.path = pairs_path
        line_starts, task_indices, passage_keys, groups = [0], [], [], []
        negative_digest = 0
        with pairs_path.open("rb") as pairs_file:
            for line_number, line in enumerate(pairs_file, start=1):
                pair = _parse_pair(line, pairs_path, line_number)
                line_starts.append(line_starts[-1] + len(line))
                task_indices.append(list(Task).index(pair.task))
                passage_keys.append(crc32(pair.passage.encode("utf-8", "replace")))
                groups.append(pair.group)
                if pair.negative:
                    negative_digest = crc32(
                        f"{line_number} {pair.negative}".encode("utf-8", "replace"), negative_digest
                    )
        self._line_starts: NDArray[np.int64] = np.array(line_starts, dtype=np.int64)
        self.task_indices: NDArray[np.int64] = np.array(task_indices, dtype=np.int64)
        self._passage_keys: NDArray[np.int64] = np.array(passage_keys, dtype=np.int64)
        self._negative_digest = negative_digest
        group_numbers = {group: number for number, group in enumerate(sorted(set(groups)))}
        self.group_numbers: NDArray[np.int64] = np.array([group_numbers[group] for group in groups], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.task_indices)

    @property
    def digest(self) -> int:
        """Return a CRC-32 of all passages and negatives in order, not of the queries, to recognise another file."""
        return crc32(self._passage_keys.tobytes()) ^ self._negative_digest

    def read_rows(self, rows: Iterable[int]) -> list[TaskPair]:
        """Return the pairs in these 0-based rows, in the order given, read from the file. Raises ModelError."""
        with self.path.open("rb") as stream:
            pairs = []
            for row in rows:
                stream.seek(int(self._line_starts[row]))
                pairs.append(_parse_pair(stream.readline(), self.path, int(row) + 1))
        return pairs

    def select_task(self, task: Task) -> NDArray[np.int64]:
        """Return the 0-based rows of the pairs for `task`, ascending; empty where there are none."""
        return np.flatnonzero(self.task_indices == list(Task).index(task))

    def split_held_out(self, interval: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows to train on and about one in `interval` to hold out, ascending; no passage is in both."""
        is_held_out = self._passage_keys % interval == 0
        return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _parse_pair(line: bytes, path: Path, line_number: int) -> TaskPair:
    """Return the pair in a JSON line. Raises ModelError, which names the line, where it is none."""
    try:
        fields = json.loads(line)
        optional_fields = {name: fields[name] for name in ("group", "negative") if name in fields}
        pair = TaskPair(Task(fields["task"]), fields["query"], fields["passage"], **optional_fields)
        if all(isinstance(text, str) for text in (pair.query, pair.passage, pair.group, pair.negative)):
            return pair
    except (ValueError, KeyError, TypeError):
        pass
    tasks = ", ".join(Task)
    raise ModelError(f'{path}, line {line_number} is no pair. Write {{"task", "query", "passage"}}; tasks are {tasks}.')


class TaskBatches:
    """Chooses the rows of each step by seed and step alone, all for one task.

    A batch is of one task, so that pairs can't be told apart by their instructions. Each pair comes once an epoch,
    except the few that fill no batch; each epoch has a new order. With `group_numbers`, by row, every second batch is
    of pairs whose groups are equal or neighbours.
    """

    def __init__(
        self,
        rows_by_task: Sequence[NDArray[np.int64]],
        batch_size: int,
        seed: int,
        group_numbers: NDArray[np.int64] | None = None,
    ) -> None:
        """Count the steps of an epoch. Raises ModelError if no task has as many pairs as a batch."""
        self._rows_by_task, self._batch_size, self._seed = rows_by_task, batch_size, seed
        self._group_numbers = group_numbers
        self.steps_per_epoch = sum(len(rows) // batch_size for rows in rows_by_task)
        if not self.steps_per_epoch:
            raise ModelError(f"No task has {batch_size} pairs to train on. Bring more pairs, or make batches smaller.")
        self._epoch, self._batches = -1, np.zeros((0, batch_size), dtype=np.int64)

    def choose_rows(self, step: int) -> NDArray[np.int64]:
        """Return the rows (batch size,) of a step's pairs, all of one task; the same for the same seed and step."""
        epoch, batch_index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = np.random.default_rng((self._seed, epoch))
            shuffled = [self._shuffle_rows(rows, generator) for rows in self._rows_by_task]
            self._batches = generator.permutation(np.concatenate(shuffled).reshape(-1, self._batch_size))
            self._epoch = epoch
        return np.asarray(self._batches[batch_index])

    def _shuffle_rows(self, rows: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
        """Return a task's rows in a new order, cut to whole batches; with group numbers, half are sorted by group."""
        usable_count = len(rows) // self._batch_size * self._batch_size
        shuffled = generator.permutation(rows)[:usable_count]
        if self._group_numbers is not None:
            grouped_count = len(rows) // self._batch_size // 2 * self._batch_size
            grouped = shuffled[:grouped_count]
            shuffled[:grouped_count] = grouped[np.argsort(self._group_numbers[grouped], kind="stable")]
        return shuffled
