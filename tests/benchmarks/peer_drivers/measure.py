"""Run a command and measure it with its children."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Usage:
    """What a command took, its children included."""

    wall_s: float
    processor_s: float
    peak_mb: float  # of the proportional set sizes of all its processes


@dataclass(frozen=True)
class Answers:
    """What an index answered, and what it took."""

    first_answer_s: float  # from the tree to the first answer, in a new process, imports not counted
    seconds: list[float]
    hits: list[list[tuple[str, int, int]]]  # per question: path from the tree, first and last line
    snippets: int
    idle_mb: float
    private_mb: float


def _sum_pss(pid: int) -> float:
    """Return the memory (PSS) of a process and its children in MB; 0 where it is gone."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(member.memory_full_info().pss for member in family) / 1e6
    except psutil.Error:
        return 0.0


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a command to its end; return seconds and peak memory. Raises CalledProcessError with its messages."""
    began, peak, done = time.perf_counter(), 0.0, threading.Event()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, _sum_pss(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    messages = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    done.set()
    watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=messages)
    return Usage(wall_s, used.ru_utime + used.ru_stime, peak)


def ask(command: Sequence[str], environment: Mapping[str, str], questions: Sequence[str], folder: Path) -> Answers:
    """Have a program answer these questions and wait; return the answers and its memory at rest."""
    (folder / "questions.json").write_text(json.dumps(questions), "utf-8")
    answers_path = folder / "answers.json"
    answers_path.unlink(missing_ok=True)
    process = subprocess.Popen(
        [*command, str(folder / "questions.json"), str(answers_path)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
    )
    while not answers_path.exists() or not answers_path.stat().st_size:
        if process.poll() is not None:
            raise subprocess.CalledProcessError(process.returncode, command)
        time.sleep(0.1)
    time.sleep(0.5)
    memory = psutil.Process(process.pid).memory_full_info()
    process.communicate()
    return Answers(**json.loads(answers_path.read_text("utf-8")), idle_mb=memory.rss / 1e6, private_mb=memory.uss / 1e6)


def compute_size_mb(folder: Path) -> float:
    """Return the size of all files in a folder in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
