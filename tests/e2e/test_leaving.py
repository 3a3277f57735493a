"""Leaving: soon, whatever is under way, with the right status, nothing left running, and a sound store.

How soon exactly is in benchmarks/exit_time.py. Here what is waited for would last far longer than leaving may, and the
work done after the order to leave is bounded in processor time, which other programs on the machine don't change.
"""

import asyncio
import resource
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from ..holding import hold_bulk_index, hold_writes
from ..shop import write_files
from .conftest import LONG_S
from .wire import GOODBYE, HELLO, READY, said_to

_SOON_S = 25.0  # some tenths of a second; whatever might be waited for lasts at least 30 s: another writer, a model
_LEAVING_PROCESSOR_S = 3.0  # some tenths of a second, where the processor's cores are not shared
_BUSY_S = 0.3  # processor time after which the server is in the midst of something

QUICK = {"index": {"debounceMs": 0}}


def functions(name: str, count: int) -> str:
    return "\n\n".join(
        f"def {name}_{i}(value, other, limit):\n    total_{name}_{i} = value * {i} + other\n"
        f"    for step in range(limit):\n        total_{name}_{i} += step * other - {i}\n    return total_{name}_{i}\n"
        for i in range(count)
    )


def used_s(client) -> float:
    """Processor time of the server's own process."""
    times = psutil.Process(client._server.pid).cpu_times()
    return times.user + times.system


def used_with_children_s(client) -> float:
    """Processor time of the server and all the processes that it has started."""
    times = [process.cpu_times() for process in processes_of(client)]
    return sum(time.user + time.system for time in times) + times[0].children_user + times[0].children_system


def used_by_ended_s() -> float:
    """Processor time of the processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@asynccontextmanager
async def until_busy(client) -> AsyncIterator[None]:
    """Waits until what is done in here keeps the server busy."""
    before = used_s(client)
    yield
    async with asyncio.timeout(LONG_S):
        while used_s(client) - before < _BUSY_S:
            await asyncio.sleep(0.01)


def processes_of(client) -> list[psutil.Process]:
    server = psutil.Process(client._server.pid)
    return [server, *server.children(recursive=True)]


async def leave(client, *, way: str = "exit") -> int:
    """The exit status. Fails where the server, or a process of its, does not end or goes on working."""
    processes = processes_of(client)
    ended_s, before_s = used_by_ended_s(), used_with_children_s(client)
    async with asyncio.timeout(_SOON_S):
        if way == "exit":
            await client.shutdown_session()
        elif way == "SIGTERM":
            client._server.terminate()
        else:
            client._server.stdin.close()
        status = await client._server.wait()
    assert not psutil.wait_procs(processes, timeout=_SOON_S)[1]
    assert used_by_ended_s() - ended_s - before_s < _LEAVING_PROCESSOR_S
    return status


def assert_sound(cache: Path) -> None:
    files = [*cache.glob("workspaces/*.sqlite"), *cache.glob("vectors.sqlite")]
    assert files
    for file in files:
        with closing(sqlite3.connect(file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_while_a_batch_of_edits_is_taken_in_and_none_of_it_is_lost(start, tmp_path) -> None:
    root = write_files(tmp_path / "many", {f"module{i}.py": f"x = {i}\n" for i in range(30)})
    client = await start(root=root, settings=QUICK)
    await client.indexed(30)
    async with until_busy(client):
        write_files(root, {f"module{i}.py": functions(f"edited{i}", 80) for i in range(30)})
    assert await leave(client) == 0
    assert_sound(tmp_path / "cache")
    again = await start(root=root)
    await again.indexed(30)
    assert (await again.ask("codekin/status"))["snippets"] >= 30 * 80


@pytest.mark.parametrize(("way", "status"), [("exit", 0), ("SIGTERM", 0), ("end of input", 1)])
async def test_while_a_large_document_is_taken_in(start, tmp_path, way: str, status: int) -> None:
    client = await start(settings=QUICK)
    await client.indexed(5)
    async with until_busy(client):
        client.open("shop/orders.py", functions("pasted", 2_000))
    assert await leave(client, way=way) == status
    assert_sound(tmp_path / "cache")


@pytest.mark.parametrize("name", ["workspaces/*.sqlite", "vectors.sqlite"])
async def test_while_another_process_does_not_let_it_write(start, tmp_path, name: str) -> None:
    client = await start(settings=QUICK)
    await client.indexed(5)
    (file,) = (tmp_path / "cache").glob(name)
    with hold_writes(file):
        client.open("shop/orders.py", functions("edited", 3))
        await client.ask("codekin/status")
        assert await leave(client) == 0
    assert_sound(tmp_path / "cache")


async def test_while_another_process_does_not_let_it_begin(start, tmp_path) -> None:
    client = await start()
    await client.indexed(5)
    assert await leave(client) == 0
    (store,) = (tmp_path / "cache/workspaces").glob("*.sqlite")
    with hold_writes(store):
        client = await start()
        await client.ask("codekin/status")
        assert await leave(client) == 0


async def test_while_questions_are_answered_and_a_map_is_drawn(start, tmp_path) -> None:
    root = write_files(tmp_path / "many", {f"module{i}.py": functions(f"work{i}", 40) for i in range(50)})
    client = await start(root=root)
    await client.indexed(50)
    pending_requests = [client.protocol.send_request_async("codekin/map", {})]
    pending_requests += [
        client.protocol.send_request_async("codekin/search", {"query": f"the total {i}"}) for i in range(30)
    ]
    waiting = asyncio.gather(*pending_requests, return_exceptions=True)
    assert await leave(client) == 0
    waiting.cancel()


async def test_while_a_model_does_not_answer(start, tmp_path) -> None:
    """One at an endpoint: its thread can't be interrupted, and is not waited for."""
    model_asked, model_left = threading.Event(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model_asked.set()
            model_left.wait()

    endpoint = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    endpoint.daemon_threads = True
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{endpoint.server_address[1]}/v1"
        client = await start(options={"model": {"name": "silent", "endpoint": address}})
        await client.indexed(5)
        assert await asyncio.to_thread(model_asked.wait, LONG_S)
        assert await leave(client) == 0
    finally:
        model_left.set()
        endpoint.shutdown()
        endpoint.server_close()
    assert_sound(tmp_path / "cache")


async def test_while_the_bulk_index_does_not_listen(start, tmp_path) -> None:
    """Its process is stopped, as by a debugger; it is killed."""
    with hold_bulk_index(tmp_path / "many", tmp_path / "cache"):
        client = await start(root=tmp_path / "many")
        await client.until(lambda: client.progress_reports)
        children = psutil.Process(client._server.pid).children()
        assert children
        for child in children:
            child.suspend()
    try:
        assert await leave(client) == 0
    finally:
        for child in children:
            if child.is_running():
                child.resume()
    assert_sound(tmp_path / "cache")


def test_at_the_end_the_interpreter_is_not_taken_down_piece_by_piece(start) -> None:
    """That took up to five seconds of a busy machine, after everything was closed."""
    code = "import atexit, os; atexit.register(os.write, 2, b'taken down'); from codekin.cli import main; main()"
    command = [sys.executable, "-c", code, "serve"]
    messages, log, status = said_to(start.environment, [HELLO, READY, *GOODBYE], command)
    assert status == 0
    assert any(message.get("id") == 99 for message in messages)
    assert "taken down" not in log
