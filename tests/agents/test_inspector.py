"""The server as the MCP Inspector's command line sees it: another client than the SDK's, by the protocol's authors."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from codekin.agents.tools import TOOLS

from ..editors.debian import CACHE, skip_if_unavailable
from ..editors.install_vscode import run_npm
from .conftest import CODEKIN, AgentProcess

VERSION = "0.15.0"  # the newest for Node.js 20; it sends no token over HTTP


def install_inspector() -> Path:
    """Install the Inspector from the package registry, once; return its program. Raises UnavailableError."""
    home = CACHE / f"inspector-{VERSION}"
    home.mkdir(parents=True, exist_ok=True)
    program = home / "node_modules" / ".bin" / "mcp-inspector"
    with FileLock(home.with_suffix(".lock")):
        if not program.exists():
            (home / "package.json").write_text('{"private": true}')
            run_npm("install", "--ignore-scripts", f"@modelcontextprotocol/inspector@{VERSION}", folder=home)
    return program


class Inspector:
    """Runs `mcp-inspector --cli`."""

    def __init__(self, program: Path, environment: dict[str, str], root: Path) -> None:
        self._program = str(program)
        self._environment = environment
        self._root = root

    def run(self, server: list[str], *arguments: str) -> dict[str, Any]:
        """Connect to a server, make one request, and return the result."""
        done = subprocess.run(
            [self._program, "--cli", *server, *arguments],
            cwd=self._root, env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def call(self, server: list[str], tool: str, **arguments: str) -> dict[str, Any]:
        """Call a tool."""
        words = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
        return self.run(server, "--method", "tools/call", "--tool-name", tool, *words)


@pytest.fixture
def inspector(codekin_mcp: AgentProcess, project: Path) -> Inspector:
    with skip_if_unavailable():
        program = install_inspector()
    return Inspector(program, dict(codekin_mcp.environment), project)


def test_the_inspector_lists_and_calls_the_tools(inspector: Inspector, project: Path):
    server = [CODEKIN, "mcp", "--root", str(project)]
    listed = inspector.run(server, "--method", "tools/list")["tools"]
    assert [tool["name"] for tool in listed] == [tool["name"] for tool in TOOLS]
    status = inspector.call(server, "status", wait_seconds="100")["structuredContent"]
    assert (status["coverage"], status["files"]) == (1, 3)
    answer = inspector.call(server, "search", query="parse a date", limit="1")
    assert answer["structuredContent"]["hits"][0]["name"] == "parse_date"
    assert answer["content"][0]["text"].startswith("src/dates.py:6-11  function parse_date")
    refused = inspector.call(server, "outline", path="../secret.py")
    assert refused["isError"]
    assert "outside the workspace" in refused["content"][0]["text"]
