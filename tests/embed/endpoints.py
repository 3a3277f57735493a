"""A real server of OpenAI's embeddings API, on this machine, with a real model, and with the failures of real ones."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.types import Role, Task

Answer = Callable[["Handler", list[str]], None]


@dataclass
class Server:
    """What it was asked, and how it is to fail next: an answer for each of the coming requests, then it is well."""

    url: str = ""
    dim: int = 384
    most: int = 1000  # texts at once
    asked: list[list[str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    failing: deque[Answer] = field(default_factory=deque)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server_state: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        state = self.server_state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = body["input"]
        state.asked.append(texts)
        state.keys.append(self.headers.get("Authorization"))
        if self.path != "/v1/embeddings":
            self.say(404, {"detail": "Not Found"})
        elif state.failing:
            state.failing.popleft()(self, texts)
        elif len(texts) > state.most:
            self.say(413, {"error": "too many"})
        else:
            self.embed(texts)

    def embed(self, texts: list[str]) -> None:
        rows = load_embedder(ModelSettings(dim=self.server_state.dim)).embed(texts, Task.NL2CODE, Role.PASSAGE)
        data = [
            {"object": "embedding", "index": row_number, "embedding": row.tolist()}
            for row_number, row in enumerate(rows)
        ]
        self.say(200, {"object": "list", "data": data[::-1], "model": "tests"})  # the order is not promised

    def say(self, status: int, content: Any, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def endpoint() -> Iterator[Server]:
    """A server, while it lasts."""
    state = Server()
    handler = type("Bound", (Handler,), {"server_state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
