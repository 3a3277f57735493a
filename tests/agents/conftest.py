"""A real `codekin mcp`, asked by the official SDK's client."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

CODEKIN = shutil.which("codekin", path=str(Path(sys.executable).parent)) or "codekin"

FILES = {
    "src/dates.py": '''"""Dates in and out of text."""

from datetime import date


def parse_date(text: str) -> date:
    """Read a date such as 2024-05-01. Raises ValueError."""
    year, month, day = text.split("-")
    if len(year) != 4:
        raise ValueError(f"{text} is no date")
    return date(int(year), int(month), int(day))


class Calendar:
    """Days and what is on them."""

    def add_entry(self, day: date, entry: str) -> None:
        """Note an entry for a day."""
        self.entries.setdefault(day, []).append(entry)
''',
    "src/words.py": '''def count_words(path):
    """Count how often each word occurs in a file."""
    counts = {}
    with open(path) as stream:
        for word in stream.read().split():
            counts[word] = counts.get(word, 0) + 1
    return counts
''',
    "tests/test_dates.py": """from src.dates import parse_date


def test_a_date_is_parsed():
    assert parse_date("2024-05-01").year == 2024
""",
    ".env": "TOKEN=2a7cbb9c3d3f4b5f8f7d6e5c4b3a2918\n",
    "pyproject.toml": "",
}
RENAMED_COPY = '''def tally(file_name):
    """Something else."""
    result = {}
    with open(file_name) as handle:
        for token in handle.read().split():
            result[token] = result.get(token, 0) + 1
    return result
'''
NEW_FUNCTION = """def bake_pizza(dough, oven):
    oven.heat(220)
    for corner in range(8):
        dough.cut(corner)
    return oven.bake(dough)
"""


def write_files(root: Path, files: dict[str, str] = FILES) -> Path:
    """Write files, text by path, as a workspace below `root`, and return `root`."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a small workspace that is not indexed; return its root."""
    return write_files(tmp_path / "project")


class AgentProcess:
    """Starts `codekin mcp` processes that share one cache."""

    def __init__(self, folder: Path) -> None:
        own = {"CODEKIN_CACHE_DIRECTORY": str(folder / "cache"), "CODEKIN_CONFIG": str(folder / "none.toml")}
        self.environment = os.environ | own
        self.folder = folder

    @asynccontextmanager
    async def connect(
        self, cwd: Path, *arguments: str, mode: str = "legacy", roots: list[Path] | None = None
    ) -> "AsyncIterator[Agent]":
        """Context with a client connected to a new server in `cwd`, which answers `roots` if asked for them."""
        from mcp import Client, StdioServerParameters, stdio_client
        from mcp_types import ListRootsResult, Root

        async def list_roots(_: Any) -> ListRootsResult:
            return ListRootsResult(roots=[Root(uri=root.as_uri()) for root in roots or ()])

        parameters = StdioServerParameters(
            command=CODEKIN, args=["mcp", *arguments], cwd=cwd, env=dict(self.environment)
        )
        callback = {} if roots is None else {"list_roots_callback": list_roots}
        async with Client(stdio_client(parameters), mode=mode, **callback) as client:
            yield Agent(client)


class Agent:
    """A client of one server."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer. Fails where the tool answers with an error."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.structured_content

    async def ask_text(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return its answer's text. Fails where the tool answers with an error."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.content[0].text

    async def fail(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return its error's text. Fails where the tool answers without one."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.content[0].text
        return result.content[0].text


@pytest.fixture
def codekin_mcp(tmp_path: Path) -> AgentProcess:
    """Return a starter of servers with a cache of the test's own; skip the test without the package mcp."""
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    return AgentProcess(tmp_path)
