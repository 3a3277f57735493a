"""Bytes to and from the client, without ever holding the loop; and noticing that the client is gone."""

import asyncio
import contextlib
import logging
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from codekin.lsp.framing import Frame, FrameReader

log = logging.getLogger(__name__)

_CHUNK = 65_536
_FLUSH_S = 2.0
_POLL_S = 2.0


class OutgoingQueue:
    """Writes on a thread of its own: a client that does not read its end of the pipe must not stop us from reading
    ours, or both would wait for ever.
    """

    def __init__(self, stream: BinaryIO, on_broken: Callable[[], None]) -> None:
        self._stream = stream
        self._on_broken = on_broken
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Returns at once."""
        self._messages.put(data)

    def close(self) -> None:
        """Writes what is left, for as long as the client reads it."""
        self._messages.put(None)
        self._thread.join(_FLUSH_S)

    def _run(self) -> None:
        try:
            while (data := self._messages.get()) is not None:
                self._stream.write(data)
                self._stream.flush()
        except (OSError, ValueError):
            self._on_broken()


async def read_frames(reader: asyncio.StreamReader, frames: FrameReader) -> AsyncIterator[Frame]:
    """Yield each frame as it comes, until the client ends the stream. Raises FramingError."""
    for frame in frames.feed(b""):  # what came with the frame before
        yield frame
    while data := await reader.read(_CHUNK):
        for frame in frames.feed(data):
            yield frame
    frames.finish()


async def flush_and_close(outbox: OutgoingQueue | asyncio.StreamWriter) -> None:
    """Writes what is left and closes; gives up on a client that does not read it."""
    outbox.close()
    if isinstance(outbox, asyncio.StreamWriter):
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(outbox.wait_closed(), _FLUSH_S)


def claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, for the protocol alone.

    From then on whatever else prints (a library, a child) prints to standard error, and reads nothing.
    """
    source = os.fdopen(os.dup(sys.__stdin__.fileno() if sys.__stdin__ else 0), "rb", 0)
    target = os.fdopen(os.dup(sys.__stdout__.fileno() if sys.__stdout__ else 1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, target


def make_reader(source: BinaryIO) -> asyncio.StreamReader:
    """What comes from `source`, read on a thread that the process need not wait for when it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()

    def pump() -> None:
        try:
            while data := os.read(source.fileno(), _CHUNK):
                loop.call_soon_threadsafe(reader.feed_data, data)
            loop.call_soon_threadsafe(reader.feed_eof)
        except (OSError, RuntimeError):  # the loop is closed: nobody listens any more
            log.debug("standard input can't be read any more")

    threading.Thread(target=pump, daemon=True).start()
    return reader


def is_process_alive(process: int) -> bool:
    """Whether there is a process of this number (not asked on Windows, where asking would end it)."""
    if os.name == "nt" or process <= 0:  # zero and less mean groups of processes
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


async def wait_for_exit(process: int) -> None:
    """Returns when the client's process is gone, which the end of a pipe does not tell when others hold it open.

    Never returns where it is not to be seen from the start: the client lives in another container, or elsewhere.
    """
    if not is_process_alive(process):
        await asyncio.Event().wait()
    while is_process_alive(process):
        await asyncio.sleep(_POLL_S)
