"""From the first byte to the last process: what is imported when, what is written where, and that nothing stays."""

import asyncio
import io
import re
import sys
from typing import Any

import psutil
import pytest
from lsprotocol import types

from ..holding import hold_bulk_index
from .conftest import LONG_S
from .wire import GOODBYE, HELLO, READY, SERVE, framed, heard, said_to, wrapped

HEAVY = {"numpy", "tokenizers", "tree_sitter", "hnswlib", "watchdog", "sqlite3", "torch", "codekin.engine"}


async def test_nothing_heavy_is_imported_before_initialize_is_answered(start) -> None:
    messages, log, status = said_to(
        start.environment, [HELLO, *GOODBYE], [sys.executable, "-X", "importtime", *SERVE[1:]]
    )
    imported = {line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")}
    assert messages[0]["result"]["serverInfo"]["name"] == "codekin"
    assert "pygls.lsp.server" in imported
    assert imported & HEAVY == set()
    assert status == 0


async def test_standard_output_carries_messages_only(start) -> None:
    """Whatever a library or a child prints goes to standard error."""
    noisy = (
        "import os, sys\n"
        "from codekin.lsp import main, server\n"
        "begin = server.CodekinServer.on_initialized\n"
        "async def loud(self):\n"
        "    print('from python', flush=True)\n"
        "    os.system('echo from a child; cat')\n"
        "    await begin(self)\n"
        "server.CodekinServer.on_initialized = loud\n"
        "main.serve_client()\n"
    )
    data = [HELLO, READY, framed("codekin/status", None, 2), *GOODBYE]
    messages, log, status = said_to(start.environment, data, [sys.executable, "-c", noisy])
    assert [message["id"] for message in messages if "id" in message and "result" in message] == [1, 2, 99]
    assert "from python" in log
    assert "from a child" in log
    assert status == 0


async def test_whatever_comes_out_of_turn_is_answered_and_survived(start) -> None:
    again = framed("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 6)
    data = [
        framed("codekin/status", None, 5),
        framed("textDocument/didOpen", {"too": "early"}),
        HELLO,
        again,
        wrapped("{this is no JSON"),
        wrapped('{"jsonrpc": "2.0", "id": 7, "method": "textDocument/codeLens", "params": {"textDocument": 3}}'),
        wrapped('{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": []}'),
        framed("no/such", {}, 8),
        framed("workspace/executeCommand", {"command": "codekin.nothing"}, 9),
        wrapped('{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id":1234}}'),
        framed("$/unknown", {}),
        READY,
        framed("codekin/status", None, 10),
        framed("shutdown", None, 98),
        framed("codekin/status", None, 11),
        framed("exit"),
    ]
    messages, _, status = said_to(start.environment, data, SERVE)
    errors = {message["id"]: message["error"]["code"] for message in messages if "error" in message}
    expected = {5: -32002, 6: -32600, None: -32700, 7: -32602, 8: -32601, 9: -32602, 11: -32600}
    assert errors == expected
    results = {message["id"] for message in messages if "result" in message}
    assert results == {1, 10, 98}
    assert status == 0
    assert not any(
        message.get("method") == "window/showMessage" and message["params"]["type"] == 1 for message in messages
    )


async def test_exit_without_shutdown_is_a_failure_and_the_end_of_input_too(start) -> None:
    for end in (framed("exit"), b"", b"Content-Length: 50\r\n\r\n{"):
        _, _, status = said_to(start.environment, [HELLO, READY, end], SERVE)
        assert status == 1


async def busy(start, tmp_path, **more: Any):
    """A client whose server is in the midst of its bulk, and all the processes that takes."""
    start.environment["CODEKIN_INDEX_WORKERS"] = "2"
    with hold_bulk_index(tmp_path / "many", tmp_path / "cache"):
        client = await start(root=tmp_path / "many", **more)
        await client.until(lambda: client.progress_reports)
        server = psutil.Process(client._server.pid)
        processes = [server, *server.children(recursive=True)]
    assert len(processes) > 2
    return client, processes


async def test_shutdown_leaves_no_process(start, tmp_path) -> None:
    client, processes = await busy(start, tmp_path)
    await client.shutdown_session()
    assert client._server.returncode == 0
    assert not psutil.wait_procs(processes, timeout=LONG_S)[1]


async def test_the_end_of_input_leaves_no_process(start, tmp_path) -> None:
    client, processes = await busy(start, tmp_path)
    client._server.stdin.close()
    await asyncio.wait_for(client._server.wait(), LONG_S)
    assert not psutil.wait_procs(processes, timeout=LONG_S)[1]


async def test_killing_the_server_leaves_no_process(start, tmp_path) -> None:
    client, processes = await busy(start, tmp_path)
    client._server.kill()
    await client._server.wait()
    assert not psutil.wait_procs(processes, timeout=LONG_S)[1]


async def test_the_server_goes_when_the_editor_has_died(start) -> None:
    """Also where something else holds its pipes open."""
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)

    def as_child_of_it(params: types.InitializeParams) -> None:
        params.process_id = editor.pid

    client = await start(change=as_child_of_it)
    await client.indexed(5)
    editor.kill()
    await editor.wait()
    assert await asyncio.wait_for(client._server.wait(), LONG_S) == 1


async def test_an_editor_that_is_not_to_be_seen_is_not_missed(start) -> None:
    """It lives in another container, and so has a number that means nothing, or another process, here."""

    def elsewhere(params: types.InitializeParams) -> None:
        params.process_id = 2**22 + 1

    client = await start(change=elsewhere)
    await client.indexed(5)
    assert client._server.returncode is None


async def listening(start, *options: str) -> tuple[asyncio.subprocess.Process, str]:
    """A server that listens, and what it has logged until then."""
    server = await asyncio.create_subprocess_exec(
        *[*SERVE, *options], env=start.environment, stderr=asyncio.subprocess.PIPE
    )
    log_line = ""
    async with asyncio.timeout(LONG_S):
        while "listening on" not in log_line:
            line = await server.stderr.readline()
            assert line, log_line
            log_line += line.decode()
    return server, log_line


async def test_a_client_with_the_token_is_served_over_tcp_and_a_web_page_is_not(start, tmp_path) -> None:
    """Whatever settings the page names."""
    server, log_line = await listening(start, "--tcp", "127.0.0.1:0")
    token = re.search(r"initializationOptions\.token: (\S+)", log_line)[1]
    port = int(re.search(r"listening on 127\.0\.0\.1:(\d+)", log_line)[1])
    planted = {"cache": {"directory": str(tmp_path / "planted")}}
    body = framed("initialize", {"rootUri": start.workspace.as_uri(), "initializationOptions": planted}, 1) + READY
    for data in (b"POST / HTTP/1.1\r\nHost: localhost\r\n" + body, body):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        refused = await asyncio.wait_for(reader.read(), LONG_S)
        assert (b"The token is missing" in refused) == (data is body)
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(framed("initialize", {"initializationOptions": {"token": token}}, 1) + READY + b"".join(GOODBYE))
    answers = io.BytesIO(await asyncio.wait_for(reader.read(), LONG_S))
    writer.close()
    numbers = []
    while answer := heard(answers):
        numbers += [answer["id"]] if "id" in answer else []
        assert "token" not in str(answer.get("params"))
    assert numbers == [1, 99]
    assert await asyncio.wait_for(server.wait(), LONG_S) == 0
    assert not (tmp_path / "planted").exists()


async def test_a_client_is_served_over_a_unix_socket_which_then_is_gone(start, tmp_path) -> None:
    path = tmp_path / "codekin.sock"
    server, _ = await listening(start, "--socket", str(path))
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(HELLO + b"".join(GOODBYE))
    answers = io.BytesIO(await asyncio.wait_for(reader.read(), LONG_S))
    writer.close()
    assert [heard(answers)["id"], heard(answers)["id"], heard(answers)] == [1, 99, None]
    assert await asyncio.wait_for(server.wait(), LONG_S) == 0
    assert not path.exists()
    server, _ = await listening(start, "--socket", str(path))
    server.terminate()
    await asyncio.wait_for(server.wait(), LONG_S)
    assert not path.exists()


async def test_a_cancelled_question_is_answered_as_cancelled(start) -> None:
    client = await start()
    with client.sending_at_once():
        running = client.protocol.send_request("codekin/search", {"query": "total"}, msg_id="to cancel")
        client.cancel_request(types.CancelParams(id="to cancel"))
    with pytest.raises(Exception, match="cancel") as refused:
        await asyncio.wait_for(asyncio.wrap_future(running), LONG_S)
    assert refused.value.code == -32800
    position_params = {"textDocument": {"uri": client.uri("shop/orders.py")}, "position": {"line": 3, "character": 0}}
    params = types.ExecuteCommandParams("codekin.findSimilar", [position_params])
    with client.sending_at_once():
        running = client.protocol.send_request("workspace/executeCommand", params, msg_id="this too")
        client.cancel_request(types.CancelParams(id="this too"))
    with pytest.raises(Exception, match="cancel"):
        await asyncio.wait_for(asyncio.wrap_future(running), LONG_S)
    await client.indexed(5)


async def test_an_unforeseen_failure_is_answered_and_survived(start) -> None:
    broken = (
        "from codekin.engine import Engine\n"
        "from codekin.lsp import main\n"
        "def search(self, *_, **__): raise ZeroDivisionError('the reason')\n"
        "Engine.search = search\n"
        "main.serve_client()\n"
    )
    root = {"processId": None, "rootUri": start.workspace.as_uri(), "capabilities": {}}
    data = [
        framed("initialize", root, 1),
        READY,
        framed("codekin/search", {"query": "total"}, 2),
        framed("codekin/status", None, 3),
        *GOODBYE,
    ]
    messages, log, status = said_to(start.environment, data, [sys.executable, "-c", broken])
    (failed,) = [message["error"] for message in messages if message.get("id") == 2]
    assert failed == {"code": -32603, "message": "codekin/search failed: ZeroDivisionError. The log says more."}
    assert "the reason" in log
    assert "Traceback" in log
    assert any(message.get("id") == 3 and "result" in message for message in messages)
    assert status == 0


async def test_a_client_that_reads_late_is_still_listened_to(start) -> None:
    """Else both would wait for the other for ever."""
    count = 2_000
    questions = [framed("codekin/status", None, number) for number in range(10, 10 + count)]
    server = await asyncio.create_subprocess_exec(
        *SERVE,
        env=start.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=1,  # of what is read ahead
    )
    server.stdin.write(HELLO + READY + b"".join(questions))
    await asyncio.wait_for(server.stdin.drain(), LONG_S)
    while server.stdin.transport.get_write_buffer_size():
        await asyncio.sleep(0)
    server.stdin.write(b"".join(GOODBYE))
    answers = io.BytesIO(await asyncio.wait_for(server.stdout.read(), LONG_S))
    assert await asyncio.wait_for(server.wait(), LONG_S) == 0
    heard_of = set()
    while message := heard(answers):
        heard_of.add(message.get("id"))
    assert heard_of >= set(range(10, 10 + count))
