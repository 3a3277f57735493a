"""A small LSP client for benchmarks: it starts the real server and speaks JSON-RPC with it over pipes."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import psutil

ANSWER_TIMEOUT_S = 120.0  # nothing that is measured takes so long: a server that does hangs
STATUS_TIMEOUT_S = 300.0  # for whatever has to be indexed first


@dataclass(frozen=True)
class Row:
    """A line of a benchmark's table: what was measured, and whether it is as promised."""

    name: str
    measured: str
    holds: bool


class Client:
    """One server process, read on a thread of its own. A context manager kills what is still running at its end."""

    def __init__(
        self,
        root: Path,
        cache: Path,
        log: IO[bytes] | int = subprocess.DEVNULL,
        initialize: dict[str, Any] | None = None,
    ) -> None:
        """Start a server for the workspace `root`, with its index below `cache`, and `initialize` it."""
        environment = os.environ | {
            "CODEKIN_CACHE_DIRECTORY": str(cache),
            "CODEKIN_CONFIG": str(cache / "config.toml"),  # nothing of this machine's user
        }
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-m", "codekin", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
        )
        self.responses: dict[Any, list[dict[str, Any]]] = {}  # by id; an id has one, or the server is wrong
        self.status: dict[str, Any] = {}  # as the server last notified it
        self._arrived = threading.Condition()
        self._number = 0
        self._is_closed = False
        threading.Thread(target=self._read, daemon=True).start()
        folders = [{"uri": root.as_uri(), "name": root.name}]
        plain = {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": folders, "capabilities": {}}
        self.request("initialize", **(initialize or plain))
        self.initialized_s = time.perf_counter() - self.started
        self.notify("initialized")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def request(self, method: str, **params: Any) -> Any:
        """Send a request and return its result. Raises RuntimeError for an error response, TimeoutError for none."""
        response = self.wait_for_response(self.send_request(method, **params))
        if "error" in response:
            raise RuntimeError(response["error"]["message"])
        return response["result"]

    def send_request(self, method: str, **params: Any) -> int:
        """Send a request, and return its id without waiting for the response."""
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        return self._number

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.send({"method": method, "params": params})

    def measure_ms(self, method: str, **params: Any) -> float:
        """Send a request and return the milliseconds until its answer."""
        began = time.perf_counter()
        self.request(method, **params)
        return (time.perf_counter() - began) * 1000

    def wait_for_response(self, identifier: Any) -> dict[str, Any]:
        """Return the response to the request of that id. Raises TimeoutError, and EOFError when the server is gone."""
        with self._arrived:
            is_over = self._arrived.wait_for(
                lambda: self.responses.get(identifier) or self._is_closed, ANSWER_TIMEOUT_S
            )
        if not is_over:
            raise TimeoutError(f"no answer to request {identifier!r}")
        if not self.responses.get(identifier):
            raise EOFError(f"the server ended with status {self.process.wait(20)}")
        return self.responses[identifier][-1]

    def wait_until_ready(self) -> dict[str, Any]:
        """Poll the status until nothing is left to do and no child process runs; return it."""
        while True:
            status: dict[str, Any] = self.request("codekin/status")
            if status["state"] == "ready" and not psutil.Process(self.process.pid).children():
                return status
            time.sleep(0.1)

    def wait_for_status(self, is_wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until a status that the server notifies is as wanted, and request nothing meanwhile."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: is_wanted(self.status) or self._is_closed, STATUS_TIMEOUT_S):
                raise TimeoutError(f"the last status is {self.status}")
            if not is_wanted(self.status):
                raise EOFError(f"the server ended with status {self.process.wait(20)}")

    def open_document(self, path: Path, text: str) -> None:
        """Open a Python document with this text."""
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)

    def close(self) -> float:
        """Shut the server down; return the seconds from `exit` being sent to the end of its process."""
        self.request("shutdown")
        began = time.perf_counter()
        self.notify("exit")
        self.process.wait(60)
        return time.perf_counter() - began

    def send(self, message: dict[str, Any]) -> None:
        """Send one message, adding `jsonrpc` where it is missing; wait for no answer."""
        self.send_body(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_body(self, body: bytes) -> None:
        """Send these bytes, which need not be JSON, behind a correct header."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # the server is gone: whoever waits for an answer is told
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self.process.stdin.flush()

    def _read(self) -> None:
        """Read the server's messages to the end and store them. Runs on a thread."""
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline() != b"\r\n":
                pass
            message = json.loads(stream.read(length))
            if "method" in message:
                if "id" in message:  # a request of the server's: any answer lets it go on
                    self.send({"id": message["id"], "result": None})
                elif message["method"] == "codekin/statusChanged":
                    with self._arrived:
                        self.status = message["params"]
                        self._arrived.notify_all()
                continue
            if isinstance(identifier := message.get("id"), int | str):
                with self._arrived:
                    self.responses.setdefault(identifier, []).append(message)
                    self._arrived.notify_all()
        with self._arrived:
            self._is_closed = True
            self._arrived.notify_all()
