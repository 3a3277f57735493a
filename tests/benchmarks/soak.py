"""Minutes of typing, saving, checkouts and questions: memory, open files and threads stay flat."""

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from client import Client, Row
from workload import (
    QUESTIONS,
    collect_answers,
    collect_fresh_answers,
    commit_history,
    copy_standard_library,
    count_differences,
    locate_functions,
    random_function,
    run_git,
    source_files,
)

_FILES = 300
_COMMITS = 20
_SAMPLE_S = 2.0
_KEY_S = 0.08  # a quick typist
_PAUSE_S = 0.7  # longer than the debounce: what was typed is indexed
_WARM_UP_SHARE = 0.35  # of the time: the bounded caches of lines and profiles are full after seven minutes
_NOTICE_TIMEOUT_S = 120.0
_MAX_GROWTH = 0.10
_MAX_EXIT_S = 2.0


@dataclass(frozen=True)
class Sample:
    """What the server process takes at one moment."""

    private_bytes: int  # resident, without the pages of files, which the system drops and reads again as it likes
    resident_bytes: int
    open_files: int
    threads: int


class Typist:
    """Someone who works in one repository: types with pauses, saves, changes branches, asks."""

    def __init__(self, client: Client, root: Path, commits: list[str], seed: int) -> None:
        self._client, self._root, self._commits = client, root, commits
        self._chance = random.Random(seed)
        self._version = 0
        self.pauses = self.checkouts = self.questions = 0

    def work(self) -> None:
        """Open a file, type some functions into it, ask, perhaps save, close it; sometimes change to another commit."""
        if self._chance.random() < 0.2:
            run_git(self._root, "checkout", "--quiet", "--force", self._chance.choice(self._commits))
            self.checkouts += 1
        path = self._chance.choice(source_files(self._root))
        text = path.read_text("utf-8", "replace")
        item = {"uri": path.as_uri(), "languageId": "python", "version": self._version, "text": text}
        self._client.notify("textDocument/didOpen", textDocument=item)
        for _ in range(self._chance.randint(1, 4)):
            text = self._type(path, text, random_function(self._chance))
            self._ask()
        if self._chance.random() < 0.3 and path.exists():
            path.write_text(text, "utf-8")
        self._client.notify("textDocument/didClose", textDocument={"uri": path.as_uri()})

    def _type(self, path: Path, text: str, code: str) -> str:
        """Type code at a document's end in steps of 10 characters, with pauses, and return the whole text."""
        for end in range(10, len(code) + 10, 10):
            self._version += 1
            self._client.notify(
                "textDocument/didChange",
                textDocument={"uri": path.as_uri(), "version": self._version},
                contentChanges=[{"text": f"{text}\n\n{code[:end]}"}],
            )
            time.sleep(_KEY_S)
        time.sleep(_PAUSE_S)
        self.pauses += 1
        return f"{text}\n\n{code}"

    def _ask(self) -> None:
        """Ask a question and for code like a function by chance, and wait for both answers."""
        self._client.request("codekin/search", query=self._chance.choice(QUESTIONS))
        for path, line in locate_functions(self._root, 1, self._chance.randrange(10**6)):
            position = {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": 0}}
            self._client.request("codekin/findSimilar", **position)
        self.questions += 2


def attack_by_soak(folder: Path, minutes: float, seed: int) -> Iterator[Row]:
    """Work for `minutes`, sampling the server's process; then compare answers with a fresh index's; yield rows."""
    root, cache = copy_standard_library(folder / "tree", _FILES, seed), folder / "cache"
    commits = commit_history(root, random.Random(seed), _COMMITS)
    with Client(root, cache) as client:
        client.wait_until_ready()
        typist = Typist(client, root, commits, seed)
        samples: list[Sample] = []
        process, end, due = psutil.Process(client.process.pid), time.monotonic() + minutes * 60, 0.0
        while time.monotonic() < end:
            typist.work()
            if time.monotonic() > due:
                samples.append(_take_sample(process))
                due = time.monotonic() + _SAMPLE_S
        _wait_until_noticed(client, root)
        client.wait_until_ready()
        answers = collect_answers(client, root)
        exit_s = client.close()
    differences = count_differences(answers, collect_fresh_answers(root, folder / "fresh"))
    work = (
        f"{minutes:g} minutes, {typist.pauses:,} pauses, {typist.checkouts} checkouts, {typist.questions:,} questions"
    )
    yield Row("soak", work, holds=True)
    yield from _compare_samples(samples)
    yield Row("exit", f"{exit_s:.2f} s", exit_s <= _MAX_EXIT_S)
    yield Row("answers other than a fresh index's", f"{differences} of {len(answers)}", not differences)


def _wait_until_noticed(client: Client, root: Path) -> None:
    """Write a file and search until the server has it: then it knows all earlier changes. Raises TimeoutError.

    "ready" is still true of the last save and checkout until the watcher tells of them, and one function that is
    missing changes the scores of nearly all answers. Events come in order: a new file is told last.
    """
    path, deadline = root / "noticed_last.py", time.monotonic() + _NOTICE_TIMEOUT_S
    path.write_text("def noticed_last(value):\n    return value\n", "utf-8")
    while not any(hit["name"] == "noticed_last" for hit in _search(client, "noticed_last")):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} is not noticed")
        time.sleep(0.1)


def _search(client: Client, question: str) -> list[dict[str, Any]]:
    """Request a search and return its hits."""
    hits: list[dict[str, Any]] = client.request("codekin/search", query=question)["hits"]
    return hits


def _take_sample(process: psutil.Process) -> Sample:
    """Return memory in bytes, open files and threads of a process, now."""
    with process.oneshot():
        memory = process.memory_info()
        private_bytes = memory.rss - getattr(memory, "shared", 0)  # only Linux tells them apart
        return Sample(private_bytes, memory.rss, process.num_fds(), process.num_threads())


def _compare_samples(samples: list[Sample]) -> Iterator[Row]:
    """Compare the fifth of the time after the warm-up with the last fifth; yield rows.

    Memory is judged by the least in each, which what is never freed raises; the most has what a moment's work takes.
    """
    fifth = max(len(samples) // 5, 1)
    warm = int(len(samples) * _WARM_UP_SHARE)
    early, late = samples[warm : warm + fifth], samples[-fifth:]
    for name in ("private_bytes", "resident_bytes"):
        parts = [[getattr(sample, name) / 1e6 for sample in part] for part in (early, late)]
        growth = min(parts[1]) / min(parts[0]) - 1
        ranges = " → ".join(f"{min(part):.0f}, {statistics.median(part):.0f}, {max(part):.0f}" for part in parts)
        is_flat = abs(growth) <= _MAX_GROWTH or name == "resident_bytes"
        yield Row(
            f"{name.partition('_')[0]} memory", f"least, median, most: {ranges} MB (least {growth:+.1%})", is_flat
        )
    for name in ("open_files", "threads"):
        before, after = (max(getattr(sample, name) for sample in part) for part in (early, late))
        yield Row(name.replace("_", " "), f"{before} → {after}", after <= before + 2)
