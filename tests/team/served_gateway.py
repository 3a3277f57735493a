"""A gateway on a thread, who may read what, the code that its repositories have, and an engine that asks it."""

import hashlib
import http.client
import json
import socket
import threading
from pathlib import Path

import uvicorn

from codekin.engine import Engine
from codekin.settings import CacheSettings, Settings, TeamSettings
from codekin.team.gateway import Gateway

TAX = '''def add_sales_tax(price, rate):
    """Add the sales tax to a price."""
    tax = price * rate
    return round(price + tax, 2)
'''
SECRET = '''def launch_rocket(engine):
    """Ignite the engine of a rocket."""
    engine.ignite()
    return engine.thrust
'''
OPEN = "def greet(person):\n    print('hello', person)\n    return person\n"
ANN, BOB = "ann-" + "a" * 40, "bob-" + "b" * 40


class Served:
    """A gateway on a thread."""

    def __init__(self, gateway: Gateway, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(gateway.application, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self.listener]}, daemon=True)
        self._thread.start()

    def request(self, path: str, token: str = "", body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(180)


def open_engine(root: Path, tmp_path: Path, url: str, token: str, clones: tuple[str, ...] = ()) -> Engine:
    """An engine whose user has these settings, with the workspace indexed."""
    cache = CacheSettings(directory=str(tmp_path / "cache"))
    engine = Engine([root], Settings(cache=cache, team=TeamSettings(url, token, clones)))
    engine.refresh(lambda _: None, threading.Event(), 1)
    return engine


def write_access(path: Path, users: dict[str, tuple[str, list[str]]]) -> None:
    """Write an access file: user → token and patterns."""
    lines = []
    for user, (token, patterns) in users.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        lines.append(f'[users."{user}"]\ntoken_sha256 = "{digest}"\nrepositories = {json.dumps(patterns)}\n')
    path.write_text("\n".join(lines))
