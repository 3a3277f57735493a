"""Serve one client over standard input and output: at once by the opening, then by the SDK."""

import asyncio
import queue
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import BinaryIO

from codekin.agents.opening import Opening, is_answer_to
from codekin.agents.workspace_paths import WorkspaceChoice
from codekin.processes import claim_stdio

_CHUNK_BYTES = 65_536
_SHOWN_CHARACTERS = 40  # of input that is no message


def serve_stdio(workspace: WorkspaceChoice) -> None:
    """Serve the MCP client on standard input and output until it ends; explain on standard error if it is none."""
    input_stream, output_stream = claim_stdio(_CHUNK_BYTES)
    line_reader = _LineReader(input_stream)
    opening = Opening()
    is_imported = _hold_opening(opening, line_reader, output_stream)
    if is_imported or opening.replayed_lines:
        from codekin.agents.server import serve_streams

        replayed_lines = ReplayedLines(opening.replayed_lines, line_reader)
        asyncio.run(serve_streams(workspace, replayed_lines, FilteredOutput(output_stream, opening.answered_id)))
    if not opening.is_understood:
        sys.stderr.write(f"{_explain_no_client(opening.replayed_lines)}\n")


def _explain_no_client(input_lines: list[str]) -> str:
    """Return what to tell somebody whose standard input has no message of the protocol."""
    beginning = f"begins with {input_lines[0].strip()[:_SHOWN_CHARACTERS]!r}" if input_lines else "is empty"
    return (
        f"Standard input {beginning}, which is no message of a coding agent. codekin mcp speaks the Model Context "
        "Protocol, and agents start it (codekin install). On the command line, use codekin search or codekin context."
    )


def _hold_opening(opening: Opening, line_reader: "_LineReader", output_stream: BinaryIO) -> bool:
    """Import the SDK on a thread, answering meanwhile; return True when it is imported, False if the client left."""
    importer: threading.Thread | None = None
    while (message_line := line_reader.take()) is not None:
        if message_line is _IMPORTED:
            return True
        response_line = opening.answer_line(message_line)
        if response_line is not None:
            output_stream.write(response_line.encode() + b"\n")
            output_stream.flush()
        if importer is None:  # not before the first answer, which it would only delay
            importer = threading.Thread(target=_import_server, args=(line_reader,), daemon=True)
            importer.start()
    line_reader.put(None)  # the end, which was taken here, is for the SDK to read
    return False


def _import_server(line_reader: "_LineReader") -> None:
    """Import the SDK and the engine, then report that among the lines, even if it failed. Runs on a thread."""
    try:
        import codekin.agents.server
        import codekin.engine  # noqa: F401
    finally:
        line_reader.put(_IMPORTED)  # what failed is raised where it is imported again


_IMPORTED = "\0imported"  # no line of a client: it has no end


class _LineReader:
    """Reads lines on a daemon thread, which does not delay the process's end."""

    def __init__(self, input_stream: BinaryIO) -> None:
        self._input_stream = input_stream
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read_lines, daemon=True).start()

    def take(self) -> str | None:
        """Wait for the next line of the queue and return it; None at the end."""
        return self._lines.get()

    def put(self, queued_line: str | None) -> None:
        """Append a line of text, or None for the end, to the queue; returns at once."""
        self._lines.put(queued_line)

    def _read_lines(self) -> None:
        """Queue the lines of standard input, then None at its end. Runs on a thread."""
        try:
            for raw_line in self._input_stream:
                self._lines.put(raw_line.decode("utf-8", "replace"))
        except (OSError, ValueError):
            pass  # the stream was closed: the same as its end
        self._lines.put(None)


class ReplayedLines:
    """The client's lines from the first one on, as the SDK reads them."""

    def __init__(self, replayed_lines: list[str], line_reader: _LineReader) -> None:
        self._replayed_lines = replayed_lines
        self._lines = line_reader

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the replayed lines, then the client's further ones as they come, until its stream ends."""
        for replayed_line in self._replayed_lines:
            yield replayed_line
        arrived_lines: asyncio.Queue[str | None] = asyncio.Queue()
        threading.Thread(target=self._pass_lines, args=(asyncio.get_running_loop(), arrived_lines), daemon=True).start()
        while (message_line := await arrived_lines.get()) is not None:
            yield message_line

    def _pass_lines(self, event_loop: asyncio.AbstractEventLoop, arrived_lines: "asyncio.Queue[str | None]") -> None:
        """Move the reader's lines, as they come, into the loop's queue, to the end. Runs on a daemon thread."""
        message_line: str | None = ""
        while message_line is not None:
            message_line = self._lines.take()
            if message_line is not _IMPORTED:
                with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                    event_loop.call_soon_threadsafe(arrived_lines.put_nowait, message_line)


class FilteredOutput:
    """Standard output as the SDK writes it, without the answer that the opening has given already."""

    def __init__(self, output_stream: BinaryIO, answered_id: str | int | None) -> None:
        self._output_stream = output_stream
        self._answered_id = answered_id

    async def write(self, output_line: str) -> None:
        """Write and flush a line on a thread, but not the SDK's answer to `initialize` if that was given already."""
        if self._answered_id is not None and is_answer_to(output_line, self._answered_id):
            self._answered_id = None
            return
        await asyncio.to_thread(self._write_line, output_line)

    async def flush(self) -> None:
        """Do nothing: each line is flushed as it is written."""

    def _write_line(self, output_line: str) -> None:
        """Write and flush the line; blocks while the client doesn't read."""
        self._output_stream.write(output_line.encode("utf-8", "replace"))
        self._output_stream.flush()
