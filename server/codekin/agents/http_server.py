"""Serve any number of clients over streamable HTTP, on this machine only, each of which must send the token."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from codekin.agents.server import AgentServer
from codekin.agents.workspace_paths import WorkspaceChoice

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HTTP_PATH = "/mcp"


class TokenGate:
    """Lets requests with the token through, and refuses all others.

    Every program of the machine reaches a loopback port, and so does every web page in a browser. The SDK refuses other
    hosts and origins (DNS rebinding); the token keeps out the rest.
    """

    def __init__(self, application: Application, token: str) -> None:
        self._application = application
        self._expected_header = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        headers = dict(scope.get("headers", ()))
        is_admitted = hmac.compare_digest(headers.get(b"authorization", b""), self._expected_header)
        if scope["type"] == "lifespan" or is_admitted:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            start_headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 401, "headers": start_headers})
            body = b"The token is missing or wrong. Send it as: Authorization: Bearer TOKEN\n"
            await send({"type": "http.response.body", "body": body})


def serve_http(workspace: WorkspaceChoice, host: str, port: int, token: str) -> None:
    """Listen on a loopback address until a signal ends that."""
    application = AgentServer(workspace).sdk_server.streamable_http_app(streamable_http_path=HTTP_PATH, host=host)
    uvicorn.run(TokenGate(application, token), host=host, port=port, log_config=None)
