"""Run a program in a terminal: send keys and read the screen."""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyte

_TIMEOUT_S = 180.0  # far more than any condition needs
_FIRST_RETRY_S = 3.0  # before a key that had no effect is pressed again; then twice as long each time


ESCAPE = "\x1b"
_FRAME_END = re.compile(rb"\x1b\[\?(?:25h|2026l)")  # the cursor is shown again, or a synchronized update ends


def match_status_line(file: str, position: str) -> Callable[[str], object]:
    """Return a predicate: whether a status line of the screen ends in this file and position."""
    return re.compile(rf"{re.escape(file)} .* {position}$", re.MULTILINE).search


class _Screen(pyte.Screen):
    """pyte's screen, extended to ignore the private forms of some sequences."""

    def report_device_status(self, mode: int = 0, **_: Any) -> None: ...

    def set_margins(self, *margins: Any, **_: Any) -> None:
        super().set_margins(*margins)

    def select_graphic_rendition(self, *attributes: int, **_: Any) -> None:
        super().select_graphic_rendition(*attributes)


class Terminal:
    """A terminal with a running program, which is terminated on exit."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._screen = _Screen(150, 40)
        self._stream = pyte.ByteStream(self._screen)
        self._unread = b""  # output that has come, and is not yet on the screen
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self._screen.lines, self._screen.columns, 0, 0))
        environment = {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._program = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.terminate()
        try:
            self._program.wait(10)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        os.close(self._ours)

    @property
    def screen(self) -> str:
        """The text on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def send_keys(self, keys: str) -> None:
        """Send these characters or escape sequences."""
        os.write(self._ours, keys.encode())

    def press_until(self, key: str, expected: Callable[[str], object]) -> str:
        """Press a key again, after longer and longer, until the predicate accepts the screen; return the screen."""
        deadline, retry_s = time.monotonic() + _TIMEOUT_S, _FIRST_RETRY_S
        while not expected(self.screen):
            assert time.monotonic() < deadline, f"{key!r} has no effect:\n{self.screen}"
            self.send_keys(key)
            pressed = time.monotonic()
            while not expected(self.screen) and self.read(pressed + retry_s - time.monotonic()):
                pass
            retry_s *= 2
        return self.screen

    def wait_until(self, expected: str | Callable[[str], object]) -> str:
        """Wait until the screen contains this text, or the predicate accepts it; return the screen."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not (expected in self.screen if isinstance(expected, str) else expected(self.screen)):
            try:
                has_output = self.read(deadline - time.monotonic())
            except OSError:
                raise AssertionError(f"the program ended before {expected!r} appeared:\n{self.screen}") from None
            assert has_output, f"{expected!r} does not appear:\n{self.screen}"
        return self.screen

    def read(self, timeout_s: float) -> bool:
        """Process the program's next output; return False if there is none. Raises OSError if the program has ended.

        The screen is shown as it was after each of the program's drawings, however many have come at once: none that a
        test waits for is passed over because the test was held up.
        """
        if not self._unread:
            ready, _, _ = select.select([self._ours], [], [], max(timeout_s, 0))
            if not ready:
                return False
            self._unread = os.read(self._ours, 65536)
        frame_end = _FRAME_END.search(self._unread)
        size = frame_end.end() if frame_end else len(self._unread)
        frame, self._unread = self._unread[:size], self._unread[size:]
        self._stream.feed(frame)
        return True

    def drain(self, timeout_s: float) -> None:
        """Process all output that is there, or comes first within the time. Raises OSError if the program has ended."""
        self.read(timeout_s)
        while self._unread:
            self.read(0)
