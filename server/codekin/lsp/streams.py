"""The stream of a conversation: opened, over standard input and output or as a listener, and followed to its end."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcParseError

from codekin.lsp import connections, transport
from codekin.lsp.framing import Frame, FrameReader, FramingError

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stream:
    """The two directions of a conversation, and what was read of it already."""

    reader: asyncio.StreamReader
    outbox: transport.OutgoingQueue | asyncio.StreamWriter
    frames: FrameReader
    first: Frame | None = None


async def open_stream(
    server: "CodekinServer", where: connections.Listening | None, stop: "asyncio.Task[Any]"
) -> Stream | None:
    """Return the client's stream; None where the server is told to end before anybody came."""
    loop = asyncio.get_running_loop()
    if where is None:
        source, target = transport.claim_stdio()
        outbox = transport.OutgoingQueue(target, partial(server.stop_from_thread, loop))
        return Stream(transport.make_reader(source), outbox, FrameReader())
    client = loop.create_task(connections.accept(where))
    await asyncio.wait((client, stop), return_when=asyncio.FIRST_COMPLETED)
    if not client.done():
        client.cancel()
        await asyncio.wait((client,))
        return None
    made = client.result()
    return Stream(made.reader, made.writer, made.frames, made.first)


async def converse(server: "CodekinServer", stream: Stream) -> None:
    """Until the client ends it, or nobody can tell any more where its messages begin."""
    if stream.first is not None:
        server.protocol.receive(stream.first)
    try:
        async for frame in transport.read_frames(stream.reader, stream.frames):
            server.protocol.receive(frame)
    except FramingError as error:
        log.error("The client's messages can't be told apart, so the server ends: %s", error)
        server.protocol.refuse(None, JsonRpcParseError(str(error)))
    except OSError as error:
        log.warning("The client is gone: %s", error)
