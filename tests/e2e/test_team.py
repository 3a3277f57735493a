"""A small team's index by README's commands, asked by two users with different rights, in an editor and not.

The editor is VS Code's own first message to the real server; the gateway is the real command, on a file of Milvus Lite.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for package in ("pymilvus", "milvus_lite", "starlette", "uvicorn"):
    pytest.importorskip(package, reason="pip install 'codekin[team]'")

LONG_S = 180.0
CODEKIN = [sys.executable, "-P", "-m", "codekin"]
TAX = "def add_sales_tax(price, rate):\n    tax = price * rate\n    return round(price + tax, 2)\n"
ROCKET = "def launch_rocket(engine):\n    engine.ignite()\n    return engine.thrust\n"
QUESTIONS = {"billing": "add the sales tax to a price", "space": "ignite the engine of a rocket"}


def commit(folder: Path, name: str, text: str) -> None:
    """Make a repository of one file."""
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True, capture_output=True)


@pytest.fixture
def team(start: Any, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Ingest two clones, hand out tokens, and run the gateway: its address, and user → token; bob has no space."""
    commit(tmp_path / "clones" / "billing", "tax.py", TAX)
    commit(tmp_path / "clones" / "space", "rocket.py", ROCKET)
    options: dict[str, Any] = {"env": start.environment, "check": True, "capture_output": True, "text": True}
    index = str(tmp_path / "team.db")
    ingest = ["team", "ingest", "--repositories", str(tmp_path / "clones"), "--to", index, "--workers", "1"]
    subprocess.run([*CODEKIN, *ingest], **options)
    tokens, access = {}, ""
    for user, repositories in (("ann", '["*"]'), ("bob", '["billing"]')):
        made = subprocess.run([*CODEKIN, "team", "token", user], **options)
        tokens[user] = re.findall(r"\S+", made.stderr)[-1]
        access += made.stdout.replace('["*"]', repositories)
    (tmp_path / "access.toml").write_text(access)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    gateway = ["team", "gateway", "--index", index, "--access", str(tmp_path / "access.toml"), "--listen", address]
    process = subprocess.Popen([*CODEKIN, *gateway], env=start.environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "Answering" in line:
            break
    yield f"http://{address}", tokens
    process.kill()
    process.communicate()


async def test_two_users_find_what_each_may_read_in_an_editor_and_on_the_command_line(
    start: Any, team: tuple[str, dict[str, str]]
) -> None:
    url, tokens = team
    for user, readable in (("ann", {"billing", "space"}), ("bob", {"billing"})):
        client = await start(options={"team": {"url": url, "token": tokens[user]}})
        await client.until(lambda client=client: client.status.get("coverage") == 1)
        for repository, question in QUESTIONS.items():
            async with asyncio.timeout(LONG_S):  # on a busy machine 300 ms may not be enough for the gateway
                while True:
                    answer = await client.ask("codekin/search", {"query": question})
                    found = {hit["repository"] for hit in answer["hits"]} - {None}
                    if found or repository not in readable:
                        break
            assert (repository in found, found <= readable) == (repository in readable, True)
        environment = start.environment | {"CODEKIN_TEAM_URL": url, "CODEKIN_TEAM_TOKEN": tokens[user]}
        for repository, question in QUESTIONS.items():
            command = [*CODEKIN, "search", question, "--json", "--no-resident", "--root", str(start.workspace)]
            async with asyncio.timeout(LONG_S):
                while True:
                    done = await asyncio.to_thread(
                        subprocess.run, command, env=environment, capture_output=True, text=True
                    )
                    found = {hit["repository"] for hit in json.loads(done.stdout)["hits"] if "repository" in hit}
                    if found or repository not in readable:
                        break
            assert (repository in found, found <= readable) == (repository in readable, True)
        await client.shutdown_session()
