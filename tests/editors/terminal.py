"""A program in a terminal: keys go in, and what stands on the screen is read."""

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

_LONG_S = 60.0  # far more than anything here takes; a test that waits for it has failed


ESCAPE = "\x1b"


def at(file: str, position: str) -> Callable[[str], object]:
    """Whether a status line ends in this file and position."""
    return re.compile(rf"{re.escape(file)} .* {position}$", re.MULTILINE).search


class _Screen(pyte.Screen):
    """pyte's, which doesn't know the private forms of these sequences."""

    def report_device_status(self, mode: int = 0, **_: Any) -> None: ...

    def set_margins(self, *margins: Any, **_: Any) -> None:
        super().set_margins(*margins)

    def select_graphic_rendition(self, *attributes: int, **_: Any) -> None:
        super().select_graphic_rendition(*attributes)


class Terminal:
    """Ends the program when it is left."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._screen = _Screen(150, 40)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self._screen.lines, self._screen.columns, 0, 0))
        environment = {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._program = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
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
        """What stands there."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        """These keys, or their escape sequences."""
        os.write(self._ours, keys.encode())

    def until(self, wanted: str | Callable[[str], object]) -> str:
        """The screen, as soon as this text stands there, or this is true of it."""
        end = time.monotonic() + _LONG_S
        while not (wanted in self.screen if isinstance(wanted, str) else wanted(self.screen)):
            try:
                wrote = self.read(end - time.monotonic())
            except OSError:
                raise AssertionError(f"the program ended before {wanted!r} appeared:\n{self.screen}") from None
            assert wrote, f"{wanted!r} does not appear:\n{self.screen}"
        return self.screen

    def read(self, patience_s: float) -> bool:
        """Take in what the program writes next; False where it writes nothing. Raises OSError when it has ended."""
        ready, _, _ = select.select([self._ours], [], [], max(patience_s, 0))
        if ready:
            self._stream.feed(os.read(self._ours, 65536))
        return bool(ready)
