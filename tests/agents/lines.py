"""A server for agents, driven line by line, for tests of what the SDK's client would not send."""

import json
import subprocess
from pathlib import Path
from typing import Any

from .conftest import CODEKIN, AgentProcess


def ask(server: "subprocess.Popen[bytes]", line: bytes) -> dict[str, Any]:
    """Send a request, and return the answer to it: others may come before, to lines that were none."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(line)
    server.stdin.flush()
    wanted = json.loads(line)["id"]
    return next(answer for answer in map(json.loads, server.stdout) if answer.get("id") == wanted)


def request(number: int, method: str, params: dict[str, Any] | None = None) -> bytes:
    """One request as a line."""
    message = {"jsonrpc": "2.0", "id": number, "method": method} | ({"params": params} if params else {})
    return json.dumps(message).encode() + b"\n"


def start_server(codekin_mcp: AgentProcess, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a server, and shake hands with it by hand."""
    server = subprocess.Popen(
        [CODEKIN, "mcp"], cwd=folder, env=codekin_mcp.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "hand", "version": "1"}}
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(request(1, "initialize", client))
    server.stdin.flush()
    assert json.loads(server.stdout.readline())["result"]["protocolVersion"] == "2025-06-18"
    server.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    server.stdin.flush()
    return server
