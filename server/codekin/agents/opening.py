"""The start of a conversation: a client's first requests are answered before the SDK is imported.

Importing the SDK takes one to two seconds of processor time; what it would answer to the first requests are constants.
So those are answered here, from the same constants, while it is imported. From then on it has the conversation, from
its first message on. A test holds both to the same answers.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from codekin import __version__
from codekin.agents.tools import INSTRUCTIONS, TOOLS

SERVER_NAME, SERVER_TITLE = "codekin", "codekin: code search by meaning"
# Versions that are agreed on by `initialize`, the newest last; the SDK speaks the same.
HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
# The version without a handshake: each request says what the client speaks and can do.
ENVELOPE_VERSION = "2026-07-28"
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_KEY, _SERVER_KEY = "io.modelcontextprotocol/clientCapabilities", "io.modelcontextprotocol/serverInfo"
_CAPABILITIES: dict[str, Any] = {"tools": {"listChanged": False}}
_MAX_LINE_BYTES = 4_194_304  # of a message that is answered here; the SDK bounds the others


@dataclass
class Opening:
    """What has been said before the SDK listens."""

    replayed_lines: list[str] = field(default_factory=list)  # what the SDK is still to read
    is_understood: bool = False  # a request of the protocol has come
    answered_id: str | int | None = None  # of `initialize`: its answer by the SDK is dropped

    def answer_line(self, message_line: str) -> str | None:
        """Return the response line to a request that needs no SDK, else None; keep lines the SDK must still read."""
        message = _parse_message(message_line)
        self.is_understood |= message is not None
        response_line = self._answer_message(message) if message is not None else None
        if response_line is None:
            self.replayed_lines.append(message_line)
        elif message is not None and message["method"] == "initialize":
            self.replayed_lines.append(message_line)
            self.answered_id = message["id"]
        return response_line

    def _answer_message(self, message: dict[str, Any]) -> str | None:
        """Return the response as a line if it is known without the SDK; None if the SDK has to answer."""
        method, params = message["method"], message.get("params")
        envelope = _find_envelope(params)
        result: dict[str, Any] | None
        if envelope is not None:
            result = None if self.replayed_lines else _answer_enveloped(method, envelope)
        elif method == "initialize" and self.answered_id is None and not self.replayed_lines:
            result = make_initialize_result(params)
        elif self.answered_id is None:
            result = None
        else:
            result = {"tools/list": {"tools": list(TOOLS)}, "ping": {}}.get(method)
        return None if result is None else _to_line(message["id"], result)


def make_initialize_result(params: Any) -> dict[str, Any]:
    """Return the result of `initialize`: the client's protocol version if it is supported, else the newest."""
    protocol_version = params.get("protocolVersion") if isinstance(params, dict) else None
    return {
        "protocolVersion": protocol_version if protocol_version in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
        "capabilities": _CAPABILITIES,
        "serverInfo": _describe_server(),
        "instructions": INSTRUCTIONS,
    }


def _find_envelope(params: Any) -> dict[str, Any] | None:
    """Return the params' `_meta` if it states a protocol version, as clients without a handshake do; else None."""
    request_meta = params.get("_meta") if isinstance(params, dict) else None
    return request_meta if isinstance(request_meta, dict) and _VERSION_KEY in request_meta else None


def _answer_enveloped(method: str, envelope: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result, a dict, of a request without a handshake; None where the SDK must answer, or refuse."""
    if envelope[_VERSION_KEY] != ENVELOPE_VERSION or not isinstance(envelope.get(_CAPABILITIES_KEY), dict):
        return None
    common_fields = {
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {_SERVER_KEY: _describe_server()},
    }
    if method == "server/discover":
        capabilities = {"supportedVersions": [ENVELOPE_VERSION], "capabilities": _CAPABILITIES}
        return common_fields | capabilities | {"instructions": INSTRUCTIONS}
    return common_fields | {"tools": list(TOOLS)} if method == "tools/list" else None


def _describe_server() -> dict[str, Any]:
    """Return the server's name, title and version for the protocol."""
    return {"name": SERVER_NAME, "title": SERVER_TITLE, "version": __version__}


def is_answer_to(output_line: str, request_id: str | int) -> bool:
    """Return whether the line is the JSON-RPC response to this request; False for an invalid line."""
    try:
        message = json.loads(output_line)
    except ValueError:
        return False
    return isinstance(message, dict) and "method" not in message and message.get("id") == request_id


def _parse_message(message_line: str) -> dict[str, Any] | None:
    """Parse a JSON-RPC request; None for anything else (notifications, invalid or long lines), left to the SDK."""
    if len(message_line) > _MAX_LINE_BYTES:
        return None
    try:
        message = json.loads(message_line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    is_request = isinstance(message.get("id"), str | int) and not isinstance(message.get("id"), bool)
    return message if is_request and isinstance(message.get("method"), str) else None


def _to_line(request_id: str | int, result: dict[str, Any]) -> str:
    """Return the JSON-RPC response with this result as one line, without a line break."""
    document = {"jsonrpc": "2.0", "id": request_id, "result": result}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
