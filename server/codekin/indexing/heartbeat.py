"""Whether a child process is still there: it says so every second, and is killed when it stops saying so.

Only silence counts. A child on a busy machine is slow, but the thread that speaks gets its turn; one that was stopped,
or whose native code never comes back, has none.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from codekin.processes import Process

BEAT_S = 1.0
SILENCE_S = 12.0
START_S = 60.0  # until the first word: an interpreter starts slowly on a busy machine
_LOOK_S = 0.5


class Watch:
    """While entered, kills `process` when it has said nothing for too long. Whoever reads from it calls `heard`."""

    def __init__(self, process: Process, silence_s: float, start_s: float) -> None:
        """`start_s` is the patience until the first word, `silence_s` that between any two."""
        self._process = process
        self._silence_s = silence_s
        self._limit_s = start_s
        self._silent_s = 0.0
        self._ended = threading.Event()
        self.has_killed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def heard(self) -> None:
        """The process has said something."""
        self._silent_s, self._limit_s = 0.0, self._silence_s

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._ended.wait(_LOOK_S):
            now = time.monotonic()
            # A longer pause than asked for was the machine's sleep, or ours: then nobody could be heard.
            self._silent_s += min(now - looked, 2 * _LOOK_S)
            looked = now
            if self._silent_s > self._limit_s:
                self.has_killed = True
                self._process.kill()
                return


def keep_beating(beat: Callable[[], object]) -> None:
    """Call `beat` every second, on a thread of its own, until the process ends."""

    def run() -> None:
        while True:
            beat()
            time.sleep(BEAT_S)

    threading.Thread(target=run, daemon=True).start()
