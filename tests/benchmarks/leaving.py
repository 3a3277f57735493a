"""How long from `exit` (or SIGTERM, or the end of input) to the end of the last process, whatever is under way.

    python tests/benchmarks/leaving.py [SITUATION…]

Each situation starts a server with caches of its own, brings it there, says goodbye, and measures. Prints the
seconds, the exit status, what was left running, and whether the store is sound. The longest is to stay within 2 s on an
idle machine.
"""

import json
import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_LONG_S = 300.0  # to get into a situation
_END_S = 60.0


def functions(name: str, count: int) -> str:
    """Source text of `count` functions, no two alike."""
    return "\n\n".join(
        f"def {name}_{i}(value, other, limit):\n    total_{name}_{i} = value * {i} + other\n"
        f"    for step in range(limit):\n        total_{name}_{i} += step * other - {i}\n    return total_{name}_{i}\n"
        for i in range(count)
    )


class Server:
    """A server over standard input and output, as an editor has it."""

    def __init__(self, base: Path, options: dict[str, Any] | None = None) -> None:
        self.root, self.cache = base / "root", base / "cache"
        self.root.mkdir(parents=True, exist_ok=True)
        self.options = options or {}
        self.status: dict[str, Any] = {}
        self.answers: dict[int, Any] = {}
        self.news = threading.Condition()
        self.number = 0

    def start(self) -> None:
        environment = {
            **os.environ,
            "CODEKIN_CACHE_DIRECTORY": str(self.cache),
            "CODEKIN_CONFIG": str(self.cache.parent / "config.toml"),
            "HOME": str(self.cache.parent),
        }
        command = [sys.executable, "-m", "codekin", "serve"]
        log = (self.cache.parent / "log").open("wb")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
        )
        threading.Thread(target=self._listen, daemon=True).start()
        folders = [{"uri": self.root.as_uri(), "name": "root"}]
        capabilities = {"window": {"workDoneProgress": True}}
        hello = {"processId": os.getpid(), "workspaceFolders": folders, "capabilities": capabilities}
        number = self.ask("initialize", {**hello, "rootUri": None, "initializationOptions": self.options})
        self.until(lambda: number in self.answers)
        self.tell("initialized", {})

    def tell(self, method: str, params: Any = None) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> int:
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        return self.number

    def open(self, name: str, text: str) -> None:
        document = {"uri": (self.root / name).as_uri(), "languageId": "python", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def until(self, condition: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(condition, _LONG_S), (self.status, self.cache)

    def until_ready(self) -> None:
        self.until(lambda: self.status.get("state") == "ready" and self.status.get("coverage") == 1)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **{key: value for key, value in message.items() if value is not None}})
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body.encode()), body.encode()))
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        while line := stream.readline():
            length = int(line.split()[1]) if line.startswith(b"Content-Length") else 0
            while line not in (b"\r\n", b""):
                line = stream.readline()
            message = json.loads(stream.read(length) or "{}")
            with self.news:
                if message.get("method") == "codekin/statusChanged":
                    self.status = message["params"]
                elif "method" in message and "id" in message:
                    self._send({"id": message["id"], "result": {}})
                elif "id" in message:
                    self.answers[message["id"]] = message
                self.news.notify_all()


def bulk(server: Server) -> Iterator[None]:
    """The bulk index is under way, in the child and its workers."""
    for i in range(2_000):
        (server.root / f"module{i}.py").write_text(functions(f"work{i}", 20))
    server.start()
    server.until(lambda: (server.status.get("progress") or {}).get("done", 0) > 100)
    yield


def start_with_index(server: Server) -> None:
    """Start the server on one small file, and wait until it is indexed."""
    (server.root / "a.py").write_text(functions("a", 20))
    server.start()
    server.until_ready()


def idle(server: Server) -> Iterator[None]:
    """All is indexed."""
    start_with_index(server)
    yield


def starting(server: Server) -> Iterator[None]:
    """It has just begun."""
    (server.root / "a.py").write_text(functions("a", 20))
    server.start()
    yield


def edits(server: Server) -> Iterator[None]:
    """64 files have changed at once, and are embedded in the server's own process."""
    for i in range(64):
        (server.root / f"module{i}.py").write_text("x = 1\n")
    server.start()
    server.until_ready()
    for i in range(64):
        (server.root / f"module{i}.py").write_text(functions(f"edited{i}", 1_000))
    time.sleep(2.0)
    yield


def paste(server: Server) -> Iterator[None]:
    """Almost a megabyte was pasted into an open document."""
    start_with_index(server)
    server.open("a.py", functions("pasted", 4_500))
    time.sleep(0.7)
    yield


def huge_paste(server: Server) -> Iterator[None]:
    """Three megabytes were."""
    start_with_index(server)
    server.open("a.py", functions("pasted", 13_000))
    time.sleep(0.7)
    yield


def locked(server: Server) -> Iterator[None]:
    """Another process holds the store's write lock, while an edit is to be written."""
    start_with_index(server)
    (store,) = (server.cache / "workspaces").glob("*.sqlite")
    blocker = sqlite3.connect(store, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    server.open("a.py", functions("edited", 20))
    time.sleep(1.5)
    yield
    blocker.execute("ROLLBACK")
    blocker.close()


def locked_vectors(server: Server) -> Iterator[None]:
    """Another process holds the write lock of the vectors."""
    start_with_index(server)
    blocker = sqlite3.connect(server.cache / "vectors.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    server.open("a.py", functions("edited", 20))
    time.sleep(1.5)
    yield
    blocker.execute("ROLLBACK")
    blocker.close()


def locked_from_the_start(server: Server) -> Iterator[None]:
    """Another process holds the store's write lock, and the engine is being opened."""
    start_with_index(server)
    _leave(server, "exit")
    (store,) = (server.cache / "workspaces").glob("*.sqlite")
    blocker = sqlite3.connect(store, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    server.start()
    time.sleep(2.0)
    yield
    blocker.execute("ROLLBACK")
    blocker.close()


def many_edits(server: Server) -> Iterator[None]:
    """A client that types faster than anybody: hundreds of changes of a long document are still to be read."""
    (server.root / "a.py").write_text(functions("a", 2_000))
    server.start()
    server.until_ready()
    text = functions("a", 2_000)
    server.open("a.py", text)
    uri = (server.root / "a.py").as_uri()
    for i in range(300):
        at = {"line": i * 6, "character": 0}
        change = {"range": {"start": at, "end": at}, "text": f"# {i}\n"}
        server.tell(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": i + 2}, "contentChanges": [change]},
        )
    yield


def questions(server: Server) -> Iterator[None]:
    """A hundred questions wait for their answers."""
    for i in range(300):
        (server.root / f"module{i}.py").write_text(functions(f"work{i}", 20))
    server.start()
    server.until_ready()
    for i in range(100):
        server.ask("codekin/search", {"query": f"total of value and other with limit {i}", "limit": 1000})
    yield


def drawing(server: Server) -> Iterator[None]:
    """The map is being drawn."""
    for i in range(600):
        (server.root / f"module{i}.py").write_text(functions(f"work{i}", 40))
    server.start()
    server.until_ready()
    server.ask("codekin/map", {})
    time.sleep(0.7)
    yield


def large(server: Server) -> None:
    for i in range(1_200):
        (server.root / f"module{i}.py").write_text(functions(f"work{i}", 34))


def building(server: Server) -> Iterator[None]:
    """The graph of 40,000 vectors is being built in its process."""
    large(server)
    server.start()
    server.until_ready()
    yield


def loading(server: Server) -> Iterator[None]:
    """40,000 vectors are being loaded at the start."""
    large(server)
    server.start()
    server.until_ready()
    _leave(server, "exit")
    server.start()
    time.sleep(0.8)
    yield


def stopped_child(server: Server) -> Iterator[None]:
    """The bulk index's process is stopped by a signal, and hears nothing."""
    for process in _bulk(server):
        for child in process.children():
            child.send_signal(signal.SIGSTOP)
    yield


def _bulk(server: Server) -> Iterator[psutil.Process]:
    yield from (psutil.Process(server.process.pid) for _ in bulk(server))


def heavy(server: Server) -> Iterator[None]:
    """A model at an endpoint does not answer."""

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(30)

    endpoint = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    endpoint.daemon_threads = True
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{endpoint.server_address[1]}/v1"
    server.options = {"model": {"name": "silent", "endpoint": address}}
    start_with_index(server)
    time.sleep(1.0)
    yield
    endpoint.shutdown()


SITUATIONS: dict[str, tuple[Callable[[Server], Iterator[None]], str]] = {
    "idle": (idle, "exit"),
    "starting": (starting, "exit"),
    "bulk": (bulk, "exit"),
    "bulk, SIGTERM": (bulk, "SIGTERM"),
    "bulk, end of input": (bulk, "end of input"),
    "stopped child": (stopped_child, "exit"),
    "edits": (edits, "exit"),
    "edits, SIGTERM": (edits, "SIGTERM"),
    "paste": (paste, "exit"),
    "huge paste": (huge_paste, "exit"),
    "many edits": (many_edits, "exit"),
    "locked": (locked, "exit"),
    "locked vectors": (locked_vectors, "exit"),
    "locked from the start": (locked_from_the_start, "exit"),
    "questions": (questions, "exit"),
    "drawing": (drawing, "exit"),
    "heavy": (heavy, "exit"),
    "building": (building, "exit"),
    "loading": (loading, "exit"),
}


def _leave(server: Server, way: str) -> tuple[float, int, int]:
    """Seconds to the end of the last process, the exit status, and how many processes had to be killed."""
    root = psutil.Process(server.process.pid)
    processes = [root, *root.children(recursive=True)]
    began = time.perf_counter()
    if way == "exit":
        server.ask("shutdown")
        server.tell("exit")
    elif way == "SIGTERM":
        server.process.terminate()
    else:
        server.process.stdin.close()
    try:
        status = server.process.wait(_END_S)
    except subprocess.TimeoutExpired:
        server.process.kill()
        status = server.process.wait()
    alive = psutil.wait_procs(processes, timeout=max(0.0, _END_S - time.perf_counter() + began))[1]
    took = time.perf_counter() - began
    for process in alive:
        process.kill()
    return took, status, len(alive)


def _soundness(cache: Path) -> str:
    for file in (*cache.glob("workspaces/*.sqlite"), *cache.glob("vectors.sqlite")):
        with sqlite3.connect(file) as database:
            (told,) = database.execute("PRAGMA integrity_check").fetchone()
        if told != "ok":
            return f"{file.name}: {told}"
    return "ok"


@contextmanager
def _situation(name: str) -> Iterator[Server]:
    base = Path(tempfile.mkdtemp(prefix="codekin-leaving-"))
    server = Server(base)
    under_way = SITUATIONS[name][0](server)
    try:
        next(under_way)
        yield server
        next(under_way, None)
    finally:
        if server.process.poll() is None:
            server.process.kill()
        shutil.rmtree(base, ignore_errors=True)


def main() -> None:
    names = sys.argv[1:] or list(SITUATIONS)
    print(
        f"codekin {version('codekin')}, Python {platform.python_version()}, {os.cpu_count()} processors, load", end=" "
    )
    print(" ".join(f"{load:.1f}" for load in os.getloadavg()))
    for name in names:
        with _situation(name) as server:
            took, status, left = _leave(server, SITUATIONS[name][1])
            sound = _soundness(server.cache)
            print(f"  {name:24} {took:6.2f} s  status {status}  left {left}  store {sound}", flush=True)


if __name__ == "__main__":
    main()
