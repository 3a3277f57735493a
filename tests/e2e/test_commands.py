"""Commands beside a running server ask it: it has the index loaded, and knows unsaved text."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands work by themselves there")


async def run_command(environment: dict[str, str], root: Path, *words: str) -> dict[str, Any]:
    """Return what a command prints as JSON."""
    command = (sys.executable, "-m", "codekin", *words, "--json")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=root, env=environment, stdout=pipe, stderr=pipe)
    stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr
    return dict(json.loads(stdout))


async def test_the_editor_s_server_answers_and_finds_unsaved_text(start, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    start.environment |= {"CI": "", "CODEKIN_CLI_RESIDENT": "true", "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    client = await start()
    await client.indexed(5)
    (client.root / "pyproject.toml").write_text("")
    answering = None
    async with asyncio.timeout(180):
        while answering != client._server.pid:
            answering = (await run_command(start.environment, client.root, "status"))["resident"]
    client.open("shop/orders.py", "def brew_some_coffee(beans, water):\n    return beans.ground() + water.boiling()\n")
    await client.until_found("brew coffee", "brew_some_coffee")
    answer = await run_command(start.environment, client.root, "search", "brew coffee")
    assert answer["hits"][0]["name"] == "brew_some_coffee"
    assert (await run_command(start.environment, client.root, "status"))["resident"] == client._server.pid
