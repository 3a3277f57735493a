"""Serve any number of clients over streamable HTTP, on this machine only, each of which must send the token."""

import hmac
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from codekin.agents.server import AgentServer
from codekin.agents.workspace_paths import WorkspaceChoice
from codekin.errors import QueryError

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

    def __init__(self, application: Application, bearer_token: str) -> None:
        self._application = application
        self._expected_header = f"Bearer {bearer_token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request with the token on to the application; answer any other with HTTP status 401."""
        request_headers = dict(scope.get("headers", ()))
        is_admitted = hmac.compare_digest(request_headers.get(b"authorization", b""), self._expected_header)
        if scope["type"] == "lifespan" or is_admitted:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            start_headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 401, "headers": start_headers})
            refusal_body = b"The token is missing or wrong. Send it as: Authorization: Bearer TOKEN\n"
            await send({"type": "http.response.body", "body": refusal_body})


def open_listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this address, whoever can reach it; port 0 is any free one. Raises QueryError."""
    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=address_family)
    except OSError as error:
        raise QueryError(f"Can't listen on {host}:{port} ({error.strerror}). Choose another port.") from error


def serve_http(workspace: WorkspaceChoice, listener: socket.socket, bearer_token: str) -> None:
    """Serve MCP over HTTP on this socket, to clients that send the token, until a signal ends that. Blocks."""
    bound_host = listener.getsockname()[0]
    application = AgentServer(workspace).sdk_server.streamable_http_app(streamable_http_path=HTTP_PATH, host=bound_host)
    server_config = uvicorn.Config(TokenGate(application, bearer_token), log_config=None)
    uvicorn.Server(server_config).run(sockets=[listener])
