"""Write the log to standard error and to the client's own log, never to standard output.

A client can make the same mistake 30,000 times. Each line of code that logs is therefore let through ten times, and
then only at the hundredth, thousandth, … time, with the number of records dropped.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codekin.printable import PrintableFormatter, printable

_MAX_REPEATED_LINES = 10  # per line of code
_REPEAT_RESET_S = 60.0  # after so long without a record, counting starts again
_MAX_LINE_CHARACTERS = 1000  # without the trace


class RepeatFilter(logging.Filter):
    """Drops most records of a line of code that logs often; sets `record.more` to a note of how many were dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._line_counts: dict[tuple[str, int], tuple[int, float]] = {}  # line of code → count, last time

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is among the first ten of its code line, or the 100th, …; set `record.more`."""
        code_position = record.pathname, record.lineno
        line_count, last_time = self._line_counts.get(code_position, (0, 0.0))
        line_count = 1 if record.created - last_time > _REPEAT_RESET_S else line_count + 1
        self._line_counts[code_position] = line_count, record.created
        is_power_of_ten = str(line_count).strip("0") == "1"
        hidden_count = line_count - max(line_count // 10, _MAX_REPEATED_LINES) - 1
        record.more = f" (… and {hidden_count:,} more like it)" if is_power_of_ten and hidden_count > 0 else ""
        return line_count <= _MAX_REPEATED_LINES or is_power_of_ten


def to_log_line(text: str, max_characters: int = _MAX_LINE_CHARACTERS) -> str:
    """Return the text, cut to `max_characters`, as one line, with control characters escaped."""
    return printable(text[:max_characters])


class _LineFormatter(PrintableFormatter):
    """Formats a record as one printable line, with the filter's note and any traceback."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the message as one line, with the filter's note on hidden repetitions."""
        return to_log_line(super().formatMessage(record)) + str(getattr(record, "more", ""))


class ClientLogHandler(logging.Handler):
    """Sends log records to the client as window/logMessage. May be called on any thread."""

    _MESSAGE_TYPES = ((logging.ERROR, types.MessageType.Error), (logging.WARNING, types.MessageType.Warning))

    def __init__(self, send_log_message: Callable[[types.LogMessageParams], None]) -> None:
        """Remember the running loop; `send_log_message` is called on it, for records from INFO on."""
        super().__init__(logging.INFO)
        self.addFilter(RepeatFilter())
        self._send_log_message = send_log_message
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Have the loop send the record, and return at once; does nothing once the loop is closed."""
        message_type = next(
            (message_type for level, message_type in self._MESSAGE_TYPES if record.levelno >= level),
            types.MessageType.Info,
        )
        with contextlib.suppress(RuntimeError):  # the loop is closed
            log_line = to_log_line(record.getMessage()) + str(getattr(record, "more", ""))
            self._loop.call_soon_threadsafe(self._send_log_message, types.LogMessageParams(message_type, log_line))


def _is_reportable(record: logging.LogRecord) -> bool:
    """Return False for errors that have been sent to the client as a response."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def configure_logging() -> None:
    """Log to standard error from now on, in place of all former handlers; codekin from INFO, others WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter("codekin %(levelname)s: %(message)s"))
    handler.addFilter(_is_reportable)
    handler.addFilter(RepeatFilter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)  # in place of the command line's
    logging.getLogger("codekin").setLevel(logging.INFO)
    logging.getLogger("pygls").setLevel(logging.ERROR)
