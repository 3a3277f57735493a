"""Where the log goes: to standard error and, once there is one, to the client's own log. Never to standard output.

A client can do the same thing wrong 30,000 times: each place of the code that writes to the log is heard ten times,
and then at the hundredth, thousandth, … time, which says how many were left out.
"""

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codekin.printable import PrintableFormatter, printable

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer


_SHOWN_LINES = 10  # of each place
_QUIET_S = 60.0  # a place that has said nothing for so long is heard anew
_MAX_CHARACTERS = 1000  # of a line, without its trace


class RepeatFilter(logging.Filter):
    """Lets few of the lines through that come from the same place; `record.more` says how many were not."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, int], tuple[int, float]] = {}  # of each place: lines, and when the last came

    def filter(self, record: logging.LogRecord) -> bool:
        place = record.pathname, record.lineno
        count, last = self._counts.get(place, (0, 0.0))
        count = 1 if record.created - last > _QUIET_S else count + 1
        self._counts[place] = count, record.created
        is_round = str(count).strip("0") == "1"
        hidden = count - max(count // 10, _SHOWN_LINES) - 1
        record.more = f" (… and {hidden:,} more like it)" if is_round and hidden > 0 else ""
        return count <= _SHOWN_LINES or is_round


def to_line(text: str, limit: int = _MAX_CHARACTERS) -> str:
    """Return the text as one line that does nothing to a terminal, whatever a client has put in."""
    return printable(text[:limit])


class _LineFormatter(PrintableFormatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return to_line(super().formatMessage(record)) + str(getattr(record, "more", ""))


class ClientLogHandler(logging.Handler):
    """The log, as the client's own log shows it."""

    _KINDS = ((logging.ERROR, types.MessageType.Error), (logging.WARNING, types.MessageType.Warning))

    def __init__(self, server: "CodekinServer") -> None:
        super().__init__(logging.INFO)
        self.addFilter(RepeatFilter())
        self._server = server
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        kind = next((kind for level, kind in self._KINDS if record.levelno >= level), types.MessageType.Info)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            text = to_line(record.getMessage()) + str(getattr(record, "more", ""))
            self._loop.call_soon_threadsafe(self._send, types.LogMessageParams(kind, text))

    def _send(self, params: types.LogMessageParams) -> None:
        if self._server.protocol.documents is not None:
            self._server.window_log_message(params)


def _is_news(record: logging.LogRecord) -> bool:
    """Not what is an answer to the client, and has reached it."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def configure_logging() -> None:
    """To standard error from now on; standard output belongs to the protocol."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter("codekin %(levelname)s: %(message)s"))
    handler.addFilter(_is_news)
    handler.addFilter(RepeatFilter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)  # in place of the command line's
    logging.getLogger("codekin").setLevel(logging.INFO)
    logging.getLogger("pygls").setLevel(logging.ERROR)
