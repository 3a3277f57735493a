"""Start the language server: register the features, serve one client, and close the index in time."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from functools import partial
from typing import NoReturn

from codekin.lsp import features, logs, streams, transport
from codekin.lsp.allocation import limit_free_memory
from codekin.lsp.connections import ListenAddress
from codekin.lsp.server import CodekinServer

_CLOSE_TIMEOUT_S = 1.5  # closing ends sooner by itself, except on a very busy machine or where a library hangs


def create_server(*, is_remote: bool = False) -> CodekinServer:
    """Return a server with all features, serving nobody yet; `is_remote`: the client may be on another machine."""
    server = CodekinServer(is_remote=is_remote)
    features.register_features(server)
    return server


def serve_client(listen_address: ListenAddress | None = None) -> NoReturn:
    """Serve one client, on standard input and output or at the address, until it has exited; then end the process.

    Then ends the process, with status 1 where the client has not sent `shutdown` first. Raises QueryError or OSError
    where it can't listen. Redirects standard output and the log.
    """
    limit_free_memory()
    logs.configure_logging()
    exit_status = asyncio.run(_run_server(listen_address))
    logging.shutdown()
    sys.stderr.flush()
    os._exit(exit_status)  # all is closed; to free the interpreter's memory object by object takes seconds when busy


async def _run_server(listen_address: ListenAddress | None) -> int:
    """Serve one client, then close the index; return exit status 0 after a signal or `shutdown` and `exit`, else 1.

    Raises as `open_stream`.
    """
    event_loop = asyncio.get_running_loop()
    server = create_server(is_remote=listen_address is not None)
    logging.getLogger("codekin").addHandler(logs.ClientLogHandler(server.send_log_message))
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows, or not the main thread
            event_loop.add_signal_handler(signal_number, server.stop_serving, 0)
    stop_task = event_loop.create_task(server.stopped.wait())
    on_broken = partial(server.stop_from_thread, event_loop)
    client_stream = await streams.open_stream(listen_address, stop_task, on_broken)
    if client_stream is None:
        return server.exit_status
    server.protocol.set_writer(client_stream.outgoing)
    follow_task = event_loop.create_task(streams.process_stream(server.protocol, client_stream))
    await asyncio.wait((follow_task, stop_task), return_when=asyncio.FIRST_COMPLETED)
    await _close_index(server)
    await transport.flush_and_close(client_stream.outgoing)
    return server.exit_status


async def _close_index(server: CodekinServer) -> None:
    """Close the index, if there is a session; end the process at once where that takes more than 1.5 s."""
    if server.protocol.documents is None:
        return
    closed_event = threading.Event()
    threading.Thread(target=_exit_after_timeout, args=(server, closed_event), daemon=True).start()
    await server.session.close_session()
    closed_event.set()


def _exit_after_timeout(server: CodekinServer, closed_event: threading.Event) -> None:
    """End the process (os._exit) unless the index is closed in 1.5 s; nothing is lost. Runs on a thread."""
    if not closed_event.wait(_CLOSE_TIMEOUT_S):
        os._exit(server.exit_status)  # on a thread of its own: the loop may wait for what hangs, too
