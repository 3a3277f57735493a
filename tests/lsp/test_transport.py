"""Bytes out, and the client's life."""

import asyncio
import os
import subprocess
import sys

from codekin.lsp.transport import OutgoingQueue, is_process_alive, wait_for_exit


def test_a_client_that_does_not_read_holds_up_nobody() -> None:
    """What is written meanwhile arrives when it reads."""
    end, start = os.pipe()
    outbox = OutgoingQueue(os.fdopen(start, "wb"), lambda: None)
    data = [b"%07d" % number for number in range(100_000)]  # ten times what a pipe holds
    for piece in data:
        outbox.write(piece)
    with os.fdopen(end, "rb") as stream:
        assert stream.read(700_000) == b"".join(data)
    outbox.close()


async def test_a_client_that_is_gone_is_noticed_when_writing() -> None:
    end, start = os.pipe()
    client_gone, loop = asyncio.Event(), asyncio.get_running_loop()
    outbox = OutgoingQueue(os.fdopen(start, "wb"), lambda: loop.call_soon_threadsafe(client_gone.set))
    os.close(end)
    outbox.write(b"hello")
    await asyncio.wait_for(client_gone.wait(), 180)
    outbox.close()


async def test_a_process_is_followed_to_its_end() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_process_alive(process.pid)
    following = asyncio.ensure_future(wait_for_exit(process.pid))
    await asyncio.sleep(0)
    process.communicate(b"\n")
    await asyncio.wait_for(following, 180)
    assert not is_process_alive(process.pid)
