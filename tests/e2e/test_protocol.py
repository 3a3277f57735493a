"""What clients do wrong, or differently, is answered as JSON-RPC and LSP say, and survived."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from codekin.lsp.framing import to_frame

from .conftest import LONG_S
from .wire import GOODBYE, HELLO, READY, SERVE, framed, said_to, wrapped

STATUS = framed("codekin/status", None, 50)


def conversation(environment: dict[str, str], *pieces: bytes) -> tuple[list[Any], str]:
    """What is answered between the greeting and the farewell, and the log."""
    messages, log, status = said_to(environment, [HELLO, READY + b"".join(pieces) + STATUS, *GOODBYE], SERVE)
    assert status == 0, log
    answers = [message for message in messages if "method" not in message]
    assert {1, 50, 99} <= {answer["id"] for answer in answers if isinstance(answer["id"], int)}
    return [answer for answer in answers if answer["id"] not in (1, 50, 99)], log


def codes(answers: list[Any]) -> list[tuple[Any, int]]:
    return [(answer["id"], answer["error"]["code"]) for answer in answers if "error" in answer]


def raw(**message: Any) -> bytes:
    return to_frame({"jsonrpc": "2.0", **message})


INVALID = {
    "a string": wrapped('"hello"'),
    "a number": wrapped("17"),
    "null": wrapped("null"),
    "an empty batch": wrapped("[]"),
    "no version": wrapped('{"id": 7, "method": "codekin/status"}'),
    "another version": wrapped('{"jsonrpc": "1.0", "id": 7, "method": "codekin/status"}'),
    "a method that is none": raw(id=7, method=17),
    "no method": raw(id=7),
    "nothing at all": raw(),
    "an id that is null": raw(id=None, method="codekin/status"),
    "an id that is an object": raw(id={"a": 1}, method="codekin/status"),
    "an id that is a list": raw(id=[7], method="codekin/status"),
    "an id that is true": raw(id=True, method="codekin/status"),
}


async def test_what_is_no_message_is_an_invalid_request(start) -> None:
    answers, log = conversation(start.environment, *INVALID.values())
    assert [code for _, code in codes(answers)] == [-32600] * len(INVALID)
    assert [identity for identity, _ in codes(answers)].count(7) == 4
    assert "Traceback" not in log


async def test_what_can_not_be_parsed_is_a_parse_error_and_the_next_message_counts(start) -> None:
    bodies = [b"{", b"", b'{"jsonrpc": "2.0", "id": 5, "method": "\xff"}', b"[" * 100_000, b'{"id": NaN}']
    frames = [b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies]
    answers, log = conversation(start.environment, *frames)
    assert codes(answers) == [(None, -32700)] * len(bodies)
    assert "Traceback" not in log


async def test_every_id_that_may_be_one_is_said_back(start) -> None:
    ids = ["", "a", "\ud800", "x" * 10_000, 0, -1, 2**70, 1.5, 7, 7]
    answers, _ = conversation(start.environment, *(raw(id=identity, method="codekin/status") for identity in ids))
    assert sorted(map(repr, (answer["id"] for answer in answers))) == sorted(map(repr, ids))
    assert codes(answers) == []


async def test_a_batch_is_answered_message_by_message(start) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": 7, "method": "codekin/status"},
        {"jsonrpc": "2.0", "method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///a"}}},
        {"jsonrpc": "2.0", "id": 8, "method": "no/such"},
        5,
    ]
    answers, _ = conversation(start.environment, wrapped(json.dumps(batch)))
    assert sorted(codes(answers), key=str) == [(8, -32601), (None, -32600)]
    assert [answer["id"] for answer in answers if "result" in answer] == [7]


async def test_parameters_of_a_wrong_shape_fail_that_message_only(start) -> None:
    wrong: list[tuple[str, Any]] = [
        ("textDocument/codeLens", {"textDocument": 3}),
        ("textDocument/codeLens", {}),
        ("textDocument/codeLens", None),
        ("textDocument/completion", {"textDocument": {"uri": "file:///a"}, "position": {"line": "one"}}),
        ("workspace/executeCommand", [1]),
        ("codekin/search", "total"),
        ("codekin/search", ["total"]),
        ("codekin/status", 17),
    ]
    requests = [raw(id=number, method=method, params=params) for number, (method, params) in enumerate(wrong, 200)]
    notifications = [
        raw(method="textDocument/didOpen", params=params) for params in (None, 5, {}, {"textDocument": []})
    ]
    answers, log = conversation(start.environment, *requests, *notifications)
    assert sorted(codes(answers)) == [(number, -32602) for number in range(200, 200 + len(wrong))]
    assert "textDocument is missing" in log
    assert "textDocument is no object" in log
    assert "Traceback" not in log


async def test_notifications_with_an_id_are_answered_and_requests_without_are_not_served(start) -> None:
    answers, log = conversation(
        start.environment,
        raw(id=7, method="textDocument/didSave", params={"textDocument": {"uri": "file:///a"}}),
        raw(method="shutdown"),
        raw(method="initialize", params={}),
        raw(method="$/unknown", params=[]),
        raw(id=8, method="$/unknown"),
        raw(method="window/unheardOf", params={"\u202e": 1}),
        raw(method="$/cancelRequest", params=5),
        raw(id="never asked", result=None),
        raw(id=None, error={"code": "odd"}),
        raw(id=[], error=None, result=3),
    )
    assert [(answer["id"], answer.get("result", ...)) for answer in answers] == [(7, None), (8, ...)]
    assert codes(answers) == [(8, -32601)]
    assert "window/unheardOf" in log
    assert "$/unknown" not in log.replace("Method Not Found: $/unknown", "")


async def test_the_log_stays_short_whatever_a_client_repeats(start) -> None:
    """With nothing of it able to make a second line, or to do something to a terminal."""
    many = b"".join(raw(method=f"no/such\n\x1b[31m{number}", params={"text": "x" * 500}) for number in range(2_000))
    many += b"".join(raw(id=f"{number}", method="no/such") for number in range(2_000))
    many += wrapped("{") * 2_000
    answers, log = conversation(start.environment, many)
    assert len(answers) == 4_000
    assert len(log) < 10_000
    assert "and 899 more like it" in log
    assert "\x1b" not in log


ANSWERS: list[Any] = [None, [], {}, [None], "text", [{"search": 5}], {"codekin": []}, 7]
ODD = [
    *({"result": value} for value in ANSWERS),
    {},
    {"error": 3},
    {"error": {}},
    {"result": 1, "error": {"code": 1.5}},
]


async def test_odd_answers_to_the_server_s_questions_are_survived(start) -> None:
    """To workspace/configuration, here; the last one is as it must be, and counts."""
    server = await asyncio.create_subprocess_exec(
        *SERVE, env=start.environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    capabilities = {"workspace": {"configuration": True}}
    root = start.workspace.as_uri()
    server.stdin.write(framed("initialize", {"rootUri": root, "capabilities": capabilities}, 1) + READY)
    async with asyncio.timeout(LONG_S):
        for answer in (*ODD, {"result": [{"nonsense": 1}]}):
            question = await until(server.stdout, lambda message: message.get("method") == "workspace/configuration")
            change = raw(method="workspace/didChangeConfiguration", params={"settings": None})
            again = raw(id=question["id"], result=[])  # it has been answered
            server.stdin.write(raw(id=question["id"], **answer) + again + change)
        shown = await until(server.stdout, lambda message: message.get("method") == "window/showMessage")
        assert "nonsense" in shown["params"]["message"]
        server.stdin.write(b"".join(GOODBYE))
        await server.stdout.read()
        assert await server.wait() == 0


async def until(stream: asyncio.StreamReader, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next message that is the one that is waited for."""
    while True:
        header = await stream.readuntil(b"\r\n\r\n")
        message: dict[str, Any] = json.loads(await stream.readexactly(int(header.split()[1])))
        if is_it(message):
            return message


FATAL = {
    "no length": b"Content-Type: x\r\n\r\n{}",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "10 GB": b"Content-Length: 10737418240\r\n\r\n",
    "no header": b'{"jsonrpc": "2.0", "id": 3, "method": "codekin/status"}',
    "a body cut short": b"Content-Length: 500\r\n\r\n{}",
}


@pytest.mark.parametrize("data", FATAL.values(), ids=FATAL)
async def test_where_messages_can_not_be_told_apart_the_server_says_so_and_ends(start, data) -> None:
    """Though the client's end stays open, for it waits for an answer; but what is cut short ends with it."""
    server = await asyncio.create_subprocess_exec(
        *SERVE,
        env=start.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    server.stdin.write(HELLO + data)
    if data is FATAL["a body cut short"]:
        server.stdin.close()
    async with asyncio.timeout(LONG_S):
        output_streams, log = await asyncio.gather(server.stdout.read(), server.stderr.read())
        assert await server.wait() == 1
    assert b'"id": null, "error": {"code": -32700' in output_streams
    assert b"can't be divided" in log
    assert b"Traceback" not in log
