"""What is answered before the SDK is imported is what the SDK answers; anything else is left to it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.agents.opening import ENVELOPE_VERSION, HANDSHAKE_VERSIONS, Opening, is_answer_to

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": ENVELOPE_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


def make_request(number: int, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def make_handshake(version: str) -> dict[str, Any]:
    client = {"name": "test", "version": "1"}
    return make_request(1, "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})


async def ask_sdk(messages: list[dict[str, Any]]) -> list[Any]:
    """The SDK's answers to the requests among the messages, in order."""
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    import mcp_types
    from mcp.client._memory import InMemoryTransport
    from mcp.shared.message import SessionMessage

    from codekin.agents.server import AgentServer
    from codekin.agents.workspace_paths import WorkspaceChoice

    answers = []
    async with InMemoryTransport(AgentServer(WorkspaceChoice(None, None)).sdk_server) as (reader, writer):
        for message in messages:
            await writer.send(SessionMessage(mcp_types.jsonrpc_message_adapter.validate_python(message)))
            if "id" in message:
                answer = (await reader.receive()).message
                answers.append(json.loads(answer.model_dump_json(by_alias=True, exclude_unset=True)))
    return answers


@pytest.mark.parametrize("version", [*HANDSHAKE_VERSIONS, "1999-01-01"])
async def test_a_handshake_is_answered_as_the_sdk_does(version: str):
    messages = [
        make_handshake(version),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        make_request(2, "tools/list"),
        make_request(3, "ping"),
    ]
    opening = Opening()
    answers = [opening.answer_line(json.dumps(message)) for message in messages]
    given_answers = [json.loads(answer) for answer in answers if answer is not None]
    expected = await ask_sdk(messages)
    if version == "2024-11-05":  # older clients are not sent what is newer than they are
        assert given_answers[0] == expected[0]
        return
    assert given_answers == expected
    assert [json.loads(line)["method"] for line in opening.replayed_lines] == [
        "initialize",
        "notifications/initialized",
    ]
    assert is_answer_to(json.dumps(expected[0]), 1)


async def test_requests_without_a_handshake_are_answered_as_the_sdk_does():
    messages = [
        make_request(1, "server/discover", {"_meta": ENVELOPE}),
        make_request(2, "tools/list", {"_meta": ENVELOPE}),
    ]
    opening = Opening()
    answers = [json.loads(opening.answer_line(json.dumps(message)) or "") for message in messages]
    assert answers == await ask_sdk(messages)
    assert opening.replayed_lines == []


@given(
    st.lists(
        st.one_of(st.text(), st.sampled_from([make_handshake("2025-06-18"), make_request(2, "tools/call")])), max_size=8
    )
)
def test_every_line_is_answered_or_left_to_the_sdk(messages: list[Any]):
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    opening = Opening()
    answered = [line for line in lines if opening.answer_line(line) is not None]
    assert len(answered) <= 1  # the first message, if that is a handshake
    assert opening.replayed_lines == lines
