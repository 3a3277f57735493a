"""Messages to the server and from it, byte by byte, for tests of what a client library would not send."""

import json
import re
import subprocess
import sys
import tempfile
from typing import Any, BinaryIO

SERVE = [sys.executable, "-m", "codekin", "serve"]


def framed(method: str, params: Any = None, number: int | None = None) -> bytes:
    message = {"jsonrpc": "2.0", "method": method} | ({"params": params} if params is not None else {})
    return wrapped(json.dumps(message if number is None else {**message, "id": number}))


def wrapped(body: str) -> bytes:
    return f"Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def heard(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; fails where there is anything else. None at the end."""
    length = 0
    while (line := stream.readline()) != b"\r\n":
        if not line and not length:
            return None
        header = re.fullmatch(rb"Content-(Length: (\d+)|Type: .*)\r\n", line)
        assert header, line
        length = int(header[2] or length)
    message: dict[str, Any] = json.loads(stream.read(length))
    return message


HELLO = framed("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
READY = framed("initialized", {})
GOODBYE = [framed("shutdown", None, 99), framed("exit")]


def said_to(environment: dict[str, str], pieces: list[bytes], command: list[str]) -> tuple[list[Any], str, int]:
    """Everything a server says, what it logs, and its exit status.

    The last question of a piece is answered before the next piece is sent.
    """
    messages: list[Any] = []
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
        ) as server,
    ):
        for piece in pieces:
            server.stdin.write(piece)
            server.stdin.flush()
            request_ids = re.findall(rb'"id": (\d+)', piece)
            while request_ids and (message := heard(server.stdout)):
                messages.append(message)
                if message.get("id") == int(request_ids[-1]):
                    break
        server.stdin.close()
        while message := heard(server.stdout):
            messages.append(message)
        status = server.wait(180)
        log.seek(0)
        return messages, log.read().decode(), status
