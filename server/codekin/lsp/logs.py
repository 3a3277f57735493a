"""Where the log goes: to standard error and, once there is one, to the client's own log. Never to standard output."""

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer


class ClientLog(logging.Handler):
    """The log, as the client's own log shows it."""

    _KINDS = ((logging.ERROR, types.MessageType.Error), (logging.WARNING, types.MessageType.Warning))

    def __init__(self, server: "CodekinServer") -> None:
        super().__init__(logging.INFO)
        self._server = server
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        kind = next((kind for level, kind in self._KINDS if record.levelno >= level), types.MessageType.Info)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._send, types.LogMessageParams(kind, record.getMessage()))

    def _send(self, params: types.LogMessageParams) -> None:
        if self._server.protocol.documents is not None:
            self._server.window_log_message(params)


def _is_news(record: logging.LogRecord) -> bool:
    """Not what is an answer to the client, and has reached it."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def set_up() -> None:
    """To standard error from now on; standard output belongs to the protocol."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("codekin %(levelname)s: %(message)s"))
    handler.addFilter(_is_news)
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("codekin").setLevel(logging.INFO)
    logging.getLogger("pygls").setLevel(logging.ERROR)
