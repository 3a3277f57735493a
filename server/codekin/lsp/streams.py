"""Open the stream to the client, over standard input and output or as a listener, and read it to its end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pygls.exceptions import JsonRpcParseError

from codekin.lsp import connections, transport
from codekin.lsp.framing import Frame, FrameReader, FramingError
from codekin.lsp.protocol import CodekinProtocol
from codekin.processes import claim_stdio

logger = logging.getLogger(__name__)

_NO_CLIENT = (
    "No editor has introduced itself. codekin serve speaks the Language Server Protocol, and editors start it. "
    "On the command line, use codekin search or codekin similar."
)


@dataclass(frozen=True, slots=True)
class ClientStream:
    """Both directions of a conversation, and the frame that was read before the client was admitted."""

    stream_reader: asyncio.StreamReader
    outgoing: transport.OutgoingQueue | asyncio.StreamWriter
    frame_reader: FrameReader
    first_frame: Frame | None = None


async def open_stream(
    listen_address: connections.ListenAddress | None, stop_task: "asyncio.Task[Any]", on_broken: Callable[[], None]
) -> ClientStream | None:
    """Return the stream to the client: stdio, claimed, or the first to connect; None if `stop_task` ends before.

    `on_broken` is called, on another thread, when the client no longer reads standard output. Raises QueryError or
    OSError where the server can't listen.
    """
    if listen_address is None:
        input_stream, output_stream = claim_stdio(buffer_bytes=0)
        outgoing = transport.OutgoingQueue(output_stream, on_broken)
        return ClientStream(transport.make_stream_reader(input_stream), outgoing, FrameReader())
    accept_task = asyncio.get_running_loop().create_task(connections.accept_client(listen_address))
    await asyncio.wait((accept_task, stop_task), return_when=asyncio.FIRST_COMPLETED)
    if not accept_task.done():
        accept_task.cancel()
        await asyncio.wait((accept_task,))
        return None
    connection = accept_task.result()
    return ClientStream(connection.reader, connection.writer, connection.frame_reader, connection.first_frame)


async def process_stream(protocol: CodekinProtocol, client_stream: ClientStream) -> None:
    """Process the client's messages until the stream ends or can't be divided, which is logged. Raises nothing."""
    if client_stream.first_frame is not None:
        protocol.receive_frame(client_stream.first_frame)
    try:
        async for frame in transport.read_frames(client_stream.stream_reader, client_stream.frame_reader):
            protocol.receive_frame(frame)
    except FramingError as error:
        logger.error("The client's bytes can't be divided into messages, so the server ends: %s", error)
        protocol.refuse_message(None, JsonRpcParseError(str(error)))
    except OSError as error:
        logger.warning("The client is gone: %s", error)
    if protocol.documents is None:
        logger.warning(_NO_CLIENT)
