"""Claims about the watch over a child process: only silence ends it, and only while the machine is awake."""

import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from codekin.indexing import heartbeat
from codekin.indexing.heartbeat import Watch
from codekin.indexing.worker import Call, Cause, Worker, WorkerDiedError

LONG_S = 120.0


@pytest.fixture
def process() -> Iterator[Any]:
    """One that says nothing."""
    worker = Worker()
    yield worker._process
    worker.close()


def test_one_that_says_nothing_is_ended(process: Any) -> None:
    with Watch(process, 0.5, 0.5) as watch:
        process.wait(LONG_S)
    assert watch.has_killed


def test_one_that_is_heard_is_left_alone(process: Any) -> None:
    with Watch(process, 2.0, 2.0) as watch:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            watch.record_message()
            time.sleep(0.01)
    assert not watch.has_killed
    assert process.poll() is None


def test_the_machine_s_sleep_is_no_silence(process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is our own: the clock jumps, and we have looked but twice."""
    looks: list[float] = []

    def monotonic() -> float:
        looks.append(time.monotonic())
        return looks[-1] + 3600 * len(looks)

    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=monotonic))
    with Watch(process, LONG_S, LONG_S) as watch:
        until = time.monotonic() + LONG_S
        while len(looks) < 4:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert not watch.has_killed
    assert process.poll() is None


@pytest.mark.skipif(sys.platform == "win32", reason="there no timer ends native code")
def test_one_that_works_long_and_does_not_answer_is_not_silent() -> None:
    """Its heartbeats come from a thread of its own."""
    worker = Worker()
    assert worker.call(Call(time.sleep, (7.0,)), 5.0) is None
    with pytest.raises(WorkerDiedError) as died:
        worker.call(Call(sum, (range(1 << 40),), processor_s=0.5), LONG_S)
    assert died.value.cause is Cause.TIME
    worker.close()
