"""Heartbeats of child processes: a child sends one every second, and is killed when they stop.

Only silence counts. A child on a busy machine is slow, but its heartbeat thread gets its turn; the thread of a child
that was stopped, or whose native code never returns, does not.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from codekin.processes import Process

BEAT_INTERVAL_S = 1.0
SILENCE_TIMEOUT_S = 12.0
START_TIMEOUT_S = 60.0  # until the first message: an interpreter starts slowly on a busy machine
_CHECK_INTERVAL_S = 0.5


class Watch:
    """Context in which `process` is killed when it has been silent for too long; its reader calls `record_message`."""

    def __init__(self, process: Process, silence_timeout_s: float, start_timeout_s: float) -> None:
        """Set the time-outs: `start_timeout_s` until the first message, `silence_timeout_s` between any two."""
        self._process = process
        self._silence_timeout_s = silence_timeout_s
        self._current_timeout_s = start_timeout_s
        self._silent_s = 0.0
        self._ended = threading.Event()
        self.has_killed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch_process, daemon=True).start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()

    def record_message(self) -> None:
        """Note that the process has sent a message: its silence starts again."""
        self._silent_s, self._current_timeout_s = 0.0, self._silence_timeout_s

    def _watch_process(self) -> None:
        """Kill the process when its silence, while awake, exceeds the time-out. Runs on a thread until the end."""
        previous_check = time.monotonic()
        while not self._ended.wait(_CHECK_INTERVAL_S):
            current_time = time.monotonic()
            # A longer pause than requested means that the machine, or this process, slept: no message could arrive.
            self._silent_s += min(current_time - previous_check, 2 * _CHECK_INTERVAL_S)
            previous_check = current_time
            if self._silent_s > self._current_timeout_s:
                self.has_killed = True
                self._process.kill()
                return


def keep_beating(send_beat: Callable[[], object]) -> None:
    """Call `send_beat` every second on a new daemon thread, as long as this process lives; returns at once."""

    def send_beats() -> None:
        """Call `send_beat` every second, for ever."""
        while True:
            send_beat()
            time.sleep(BEAT_INTERVAL_S)

    threading.Thread(target=send_beats, daemon=True).start()
