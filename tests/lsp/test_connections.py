"""Who may connect: only whoever sends initialize with the token, in time; and nobody else is in the way."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codekin.errors import QueryError
from codekin.lsp import connections
from codekin.lsp.authentication import check_token, load_or_create_token, remove_token
from codekin.lsp.connections import Connection, SocketPath, TcpAddress, accept_client, is_loopback_address
from codekin.lsp.framing import to_frame

TOKEN = "correct horse battery"


def hello(token: Any = TOKEN, method: str = "initialize") -> bytes:
    params = {"processId": None, "capabilities": {}, "initializationOptions": {"token": token}}
    return to_frame({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


REFUSED = {
    "a form of a web page": b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n" + hello(),
    "a request of a browser": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "what it asks before a request": b"OPTIONS / HTTP/1.1\r\n\r\n",
    "a proxy's request": b"CONNECT a:80 HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no header": b'{"jsonrpc": "2.0"}',
    "a blank line first": b"\r\n" + hello(),
    "a wrong token": hello("correct horse batterx"),
    "a token that is a prefix": hello(TOKEN[:-1]),
    "a token that is no text": hello([TOKEN]),
    "a token of other letters": hello("größer" * 5),
    "no token": hello(None),
    "another message": hello(method="codekin/status"),
    "no JSON": b"Content-Length: 5\r\n\r\n{....",
    "too long a message": b"Content-Length: 2000000\r\n\r\n",
    "a bad length": b"Content-Length: -3\r\n\r\n",
}


@asynccontextmanager
async def server(where: TcpAddress | SocketPath, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A listening server, and how to connect to it."""
    addresses: list[Any] = []

    def said(message: str, *values: Any) -> None:
        addresses.append(values)

    monkeypatch.setattr(connections.logger, "info", said)
    accepting = asyncio.ensure_future(accept_client(where))
    async with asyncio.timeout(60):
        while not addresses and not accepting.done():
            await asyncio.sleep(0.001)
    if accepting.done():
        accepting.result()
    yield accepting, addresses[0]
    if not accepting.done():
        accepting.cancel()
        await asyncio.wait((accepting,))


async def sent(address: Any, data: bytes) -> bytes:
    """What the server answers before it closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
async def test_whoever_has_no_token_is_sent_away_and_the_next_is_heard(data: bytes, monkeypatch) -> None:
    async with server(TcpAddress("127.0.0.1", 0, TOKEN), monkeypatch) as (accepting, address):
        answer = await sent(address, data)
        assert answer == b"" or b"The token is missing or wrong" in answer
        assert (answer == b"") == (b'"initialize"' not in data or not data.startswith(b"Content"))
        _reader, writer = await asyncio.open_connection(*address)
        message = hello() + b"more"
        for start in range(0, len(message), 7):
            writer.write(message[start : start + 7])
            await writer.drain()
        connection: Connection = await asyncio.wait_for(accepting, 60)
        assert to_frame({}) not in connection.first_frame.body
        assert b"initialize" in connection.first_frame.body
        assert connection.frame_reader.max_bytes == connections.MAX_MESSAGE_BYTES
        with pytest.raises(OSError):
            await sent(address, hello())  # nobody else
        connection.writer.close()
        writer.close()


async def test_who_sends_half_a_message_is_not_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(connections, "_FIRST_MESSAGE_TIMEOUT_S", 0.05)
    async with server(TcpAddress("127.0.0.1", 0, TOKEN), monkeypatch) as (accepting, address):
        assert await sent(address, hello()[:-5]) == b""
        assert not accepting.done()


async def test_many_who_say_nothing_keep_nobody_out(monkeypatch) -> None:
    monkeypatch.setattr(connections, "_FIRST_MESSAGE_TIMEOUT_S", 1000)
    async with server(TcpAddress("127.0.0.1", 0, TOKEN), monkeypatch) as (accepting, address):
        silent = [await asyncio.open_connection(*address) for _ in range(40)]
        _, writer = await asyncio.open_connection(*address)
        writer.write(hello())
        connection = await asyncio.wait_for(accepting, 60)
        for reader, silent_client in silent:
            assert await asyncio.wait_for(reader.read(), 60) == b""
            silent_client.close()
        connection.writer.close()
        writer.close()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *[("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("0.0.0.0", False)],
        *[("::", False), ("192.168.0.1", False), ("fe80::1%eth0", False), ("::ffff:10.0.0.1", False)],
    ],
)
def test_only_this_machine_reaches_loopback(host: str, expected: bool) -> None:
    assert is_loopback_address(host) == expected


async def test_other_machines_are_let_in_only_on_request(monkeypatch) -> None:
    with pytest.raises(QueryError, match="--allow-remote"):
        await accept_client(TcpAddress("0.0.0.0", 0, TOKEN))
    async with server(TcpAddress("0.0.0.0", 0, TOKEN, may_be_remote=True), monkeypatch) as (_, address):
        assert address[0] == "0.0.0.0"


async def test_a_unix_socket_is_its_owner_s_and_goes_when_the_client_has_come(tmp_path, monkeypatch) -> None:
    path = tmp_path / "codekin.sock"
    async with server(SocketPath(path), monkeypatch) as (accepting, _):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(QueryError, match="Another server"):
            await accept_client(SocketPath(path))
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(hello(None))
        connection = await asyncio.wait_for(accepting, 60)
        assert not path.exists()
        connection.writer.close()
        writer.close()


async def test_a_socket_that_a_killed_server_left_is_replaced_and_nothing_else(tmp_path, monkeypatch) -> None:
    path = tmp_path / "codekin.sock"
    with socket.socket(socket.AF_UNIX) as old_socket:
        old_socket.bind(str(path))
    async with server(SocketPath(path), monkeypatch) as (_, log_lines):
        assert log_lines == (path,)
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(QueryError, match="no socket of yours"):
        await accept_client(SocketPath(path))
    assert path.read_text() == "precious"
    with pytest.raises(QueryError, match="shorter"):
        await accept_client(SocketPath(tmp_path / ("x" * 200)))


async def test_a_socket_is_made_only_where_nobody_else_can_replace_it(tmp_path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(QueryError, match="chmod go-w"):
        await accept_client(SocketPath(tmp_path / "codekin.sock"))
    with pytest.raises(QueryError, match="Make the folder"):
        await accept_client(SocketPath(tmp_path / "none" / "codekin.sock"))


def test_a_token_file_is_made_and_read_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = load_or_create_token(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_or_create_token(file) == token
    file.chmod(0o644)
    with pytest.raises(QueryError, match="chmod 600"):
        load_or_create_token(file)
    os.mkfifo(tmp_path / "pipe")
    for path_name, problem in (("pipe", "no file with a token"), ("none/token", "can't be written")):
        with pytest.raises(QueryError, match=problem):
            load_or_create_token(tmp_path / path_name)
    with pytest.raises(QueryError, match="fewer than 16"):
        check_token("  short  ")


def test_the_token_is_no_setting() -> None:
    assert remove_token({"token": TOKEN, "search": {"limit": 3}}) == {"search": {"limit": 3}}
    assert remove_token(None) is None
