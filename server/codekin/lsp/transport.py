"""Move bytes to and from the client without blocking the event loop, and notice when the client has gone."""

import asyncio
import contextlib
import logging
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from codekin.lsp.framing import Frame, FrameReader

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 65_536
_FLUSH_TIMEOUT_S = 2.0
_PROCESS_POLL_PERIOD_S = 2.0


class OutgoingQueue:
    """Queues outgoing bytes and writes them on a thread of its own.

    A client that does not read its end of the pipe must not keep the server from reading, or both would wait forever.
    """

    def __init__(self, output_stream: BinaryIO, on_broken: Callable[[], None]) -> None:
        """Start the writing thread; `on_broken` is called on it when the client no longer reads."""
        self._output_stream = output_stream
        self._on_broken = on_broken
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer_thread = threading.Thread(target=self._write_messages, daemon=True)
        self._writer_thread.start()

    def write(self, data: bytes) -> None:
        """Queue the bytes, without limit, and return at once; they are lost where the client no longer reads."""
        self._messages.put(data)

    def close(self) -> None:
        """Write the remaining bytes, for at most two seconds, then give up; the stream stays open. Blocks."""
        self._messages.put(None)
        self._writer_thread.join(_FLUSH_TIMEOUT_S)

    def _write_messages(self) -> None:
        """Write queued bytes until `close`; call `on_broken` where writing fails, and end. Runs on a thread."""
        try:
            while (message_bytes := self._messages.get()) is not None:
                self._output_stream.write(message_bytes)
                self._output_stream.flush()
        except (OSError, ValueError):
            self._on_broken()


async def read_frames(stream_reader: asyncio.StreamReader, frame_reader: FrameReader) -> AsyncIterator[Frame]:
    """Yield each frame as it comes, those already buffered first, until the end. Raises FramingError, OSError."""
    for frame in frame_reader.read_frames(b""):  # received together with the first frame
        yield frame
    while received_bytes := await stream_reader.read(_CHUNK_BYTES):
        for frame in frame_reader.read_frames(received_bytes):
            yield frame
    frame_reader.check_end()


async def flush_and_close(outgoing: OutgoingQueue | asyncio.StreamWriter) -> None:
    """Write the remaining bytes and close; gives up after two seconds, on standard output blocking the loop."""
    outgoing.close()
    if isinstance(outgoing, asyncio.StreamWriter):
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(outgoing.wait_closed(), _FLUSH_TIMEOUT_S)


def make_stream_reader(input_stream: BinaryIO) -> asyncio.StreamReader:
    """Return an asyncio reader of `input_stream`, fed without limit by a daemon thread. Needs a running loop."""
    event_loop = asyncio.get_running_loop()
    stream_reader = asyncio.StreamReader()

    def feed_reader() -> None:
        """Read the stream to its end and feed the reader, through the loop. Blocks; runs on a thread."""
        try:
            while received_bytes := os.read(input_stream.fileno(), _CHUNK_BYTES):
                event_loop.call_soon_threadsafe(stream_reader.feed_data, received_bytes)
            event_loop.call_soon_threadsafe(stream_reader.feed_eof)
        except (OSError, RuntimeError):  # the loop is closed
            logger.debug("standard input can't be read any more")

    threading.Thread(target=feed_reader, daemon=True).start()
    return stream_reader


def is_process_alive(process_id: int) -> bool:
    """Return whether the process exists; True where that is unknown, always on Windows. Sends it no signal."""
    if os.name == "nt" or process_id <= 0:  # those are process groups
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


async def wait_for_exit(process_id: int) -> None:
    """Wait, polling every 2 s, until the process has gone; forever if it can't be seen at the start.

    A pipe does not end while other processes hold it open. A client that can't be seen runs in another container or on
    another machine.
    """
    if not is_process_alive(process_id):
        await asyncio.Event().wait()
    while is_process_alive(process_id):
        await asyncio.sleep(_PROCESS_POLL_PERIOD_S)
