"""A heavy model behind the real server: two editors and the command line share one process, which is killed, started
again, and gone when nobody asks; the servers never load PyTorch. The model is a tiny Qwen2, the code is real.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

LONG_S = 180.0
PARTS = ("json", "logging", "concurrent")


@pytest.fixture
def options(tiny_checkpoint: Path) -> dict[str, Any]:
    return {"model": {"name": str(tiny_checkpoint), "precision": "float32", "idleS": 3.0}}


@pytest.fixture
def real(start: Any, tmp_path: Path) -> Path:
    """Parts of the standard library."""
    import shutil
    import sysconfig

    for part in PARTS:
        shutil.copytree(Path(sysconfig.get_path("stdlib"), part), tmp_path / "real" / part)
    start.environment |= {"OMP_NUM_THREADS": "1", "CODEKIN_MODEL_PRECISION": "float32"}
    return tmp_path / "real"


def hosts(cache: Path) -> list[psutil.Process]:
    """The processes that hold a model for those who have this cache."""
    host_processes = []
    for process in psutil.process_iter():
        try:
            if "codekin.embed.local.model_server" in process.cmdline():
                host_processes += [process] if process.environ().get("CODEKIN_CACHE_DIRECTORY") == str(cache) else []
        except psutil.Error:
            continue
    return host_processes


def heavy(client: Any) -> dict[str, Any]:
    models = client.status.get("models") or [{}, {}]
    return models[1]


async def has_read(client: Any, share: float) -> None:
    async with asyncio.timeout(2 * LONG_S):
        await client.until(lambda: heavy(client).get("share", 0) >= share)


async def asked_again(clients: Any, cache: Path) -> psutil.Process:
    """The one process, once all clients' questions have had it started again, if it was not there or is just ending."""
    async with asyncio.timeout(2 * LONG_S):
        while len(processes := hosts(cache)) != 1:
            await asyncio.gather(*(client.ask("codekin/search", {"query": "module lock"}) for client in clients))
    (process,) = processes
    return process


async def test_two_editors_share_one_process_and_nothing_is_lost_when_it_is_killed(
    start: Any, real: Path, options: dict[str, Any], tmp_path: Path
) -> None:
    first_client = await start("code_server_1.139.1", real, options=options)
    bar: list[str] = []
    first_client.on_progress = lambda params: bar.append(str(params.value.get("message")))
    await has_read(first_client, 0.05)
    assert first_client.names(
        await first_client.ask("codekin/search", {"query": "scan a JSON string"})
    )  # not kept waiting
    first = await asked_again((first_client,), tmp_path / "cache")
    first.suspend()  # else it may have read all, and be gone, before it is killed
    second_client = await start("neovim_0.12.4", real, options=options)
    first.kill()
    await has_read(first_client, 1)
    await has_read(second_client, 1)
    second = await asked_again((first_client, second_client), tmp_path / "cache")
    assert second.pid != first.pid
    assert heavy(first_client)["device"].startswith("cpu")
    assert [client.status["problems"] for client in (first_client, second_client)] == [[], []]
    assert any("tiny-qwen2" in message and "codekin" in message for message in bar)
    for client in (first_client, second_client):
        answer = await client.ask("codekin/search", {"query": "acquire the module lock of a handler"})
        assert client.names(answer)
        if sys.platform == "linux":
            assert "libtorch" not in Path(f"/proc/{client._server.pid}/maps").read_text()
        client._server.kill()
        await client._server.wait()
    async with asyncio.timeout(LONG_S):
        while hosts(tmp_path / "cache"):  # the second, or one that was started in its place because it had been idle
            await asyncio.sleep(0.1)


async def test_the_command_line_reads_with_the_model_it_is_told_and_asks_it(
    start: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    def codekin(*words: str) -> Any:
        command = [sys.executable, "-P", "-m", "codekin", *words, "--json"]
        environment = start.environment | {"CODEKIN_MODEL_PRECISION": "float32", "CODEKIN_MODEL_IDLE_S": "30"}
        completed = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=start.workspace)
        return json.loads(completed.stdout), completed.stderr

    model = ("--model", options["model"]["name"])
    report, _ = await asyncio.to_thread(codekin, "index", str(start.workspace), *model)
    assert report["heavy"] == {"model": "tiny-qwen2", "embedded": report["embedded"], "share": 1.0, "from_team": 0}
    again, _ = await asyncio.to_thread(codekin, "index", str(start.workspace), *model)
    assert again["heavy"]["embedded"] == 0
    output, messages = await asyncio.to_thread(codekin, "search", "ship an order", *model)
    assert output["hits"]
    assert not messages
    (process,) = hosts(tmp_path / "cache")
    process.kill()
    start.environment["CODEKIN_MODEL_DEVICE"] = "cuda" if sys.platform == "darwin" else "mps"  # which is not there
    _, messages = await asyncio.to_thread(codekin, "search", "ship an order", *model)
    assert "Only the embedded model was used." in messages
    assert "Set it to auto or cpu." in messages
    empty_output, messages = await asyncio.to_thread(codekin, "search", "ship an order", "--model", "no-such-model")
    assert empty_output["hits"] == (await asyncio.to_thread(codekin, "search", "ship an order"))[0]["hits"]
    assert "no-such-model" in messages
    assert "Only the embedded model is used." in messages
