"""The server over HTTP: on this machine only, and only for clients with its token."""

import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import CODEKIN, AgentProcess

TOKEN = "a-token-that-nobody-guesses"


class HttpServer:
    """A running `codekin mcp --http`."""

    def __init__(self, codekin_mcp: AgentProcess, root: Path) -> None:
        environment = codekin_mcp.environment | {"CODEKIN_TCP_TOKEN": TOKEN}
        self.process = subprocess.Popen(
            [CODEKIN, "mcp", "--http", "127.0.0.1:0"], cwd=root, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        address = next(
            match for line in self.process.stderr if (match := re.search(r"http://127\.0\.0\.1:(\d+)/mcp", line))
        )
        self.port, self.url = int(address[1]), address[0]

    def post(self, headers: dict[str, str]) -> int:
        """Send a ping, and return the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        accepted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        connection.request("POST", "/mcp", body, accepted | headers)
        return connection.getresponse().status


@pytest.fixture
def server(codekin_mcp: AgentProcess, project: Path) -> Iterator[HttpServer]:
    running = HttpServer(codekin_mcp, project)
    yield running
    running.process.terminate()
    running.process.communicate(timeout=180)


async def test_two_clients_with_the_token_are_answered_from_one_index(server: HttpServer, project: Path):
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def ask() -> dict[str, object]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=900) as http_client,
            Client(streamable_http_client(server.url, http_client=http_client)) as client,
        ):
            await client.call_tool("status", {"wait_seconds": 600})
            result = await client.call_tool("search", {"query": "parse a date"})
            return result.structured_content

    first, second = await ask(), await ask()
    assert first["hits"][0]["path"] == second["hits"][0]["path"] == "src/dates.py"


def test_whoever_lacks_the_token_or_comes_from_elsewhere_is_refused(server: HttpServer):
    assert server.post({}) == 401
    assert server.post({"Authorization": "Bearer wrong"}) == 401
    assert server.post({"Authorization": TOKEN}) == 401
    with_token = {"Authorization": f"Bearer {TOKEN}"}
    assert server.post(with_token | {"Host": "evil.example"}) in (403, 421)
    assert server.post(with_token | {"Origin": "http://evil.example"}) == 403


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.168.1.1:1", "example.com:80"])
def test_other_machines_never_reach_it(codekin_mcp: AgentProcess, project: Path, address: str):
    done = subprocess.run(
        [CODEKIN, "mcp", "--http", address],
        cwd=project, env=os.environ | codekin_mcp.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Listen on 127.0.0.1" in done.stderr
