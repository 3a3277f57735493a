"""Situations in which a server is to end: what is under way when the editor leaves."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
from client import Client


class Workplace:
    """A workspace, a cache, and the servers that were started on them, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cache, self._log = folder / "root", folder / "cache", folder / "log"
        self.root.mkdir()
        self.clients: list[Client] = []

    def write_module(self, name: str, function_count: int, prefix: str) -> None:
        """Write a module of this many functions, whose names begin with `prefix`."""
        (self.root / f"{name}.py").write_text(generate_functions(prefix, function_count))

    def write_modules(self, count: int, function_count: int, prefix: str) -> None:
        """Write `count` modules of so many functions each, no two functions of which are alike."""
        for i in range(count):
            self.write_module(f"module{i}", function_count, f"{prefix}{i}")

    def start(self, options: dict[str, Any] | None = None) -> Client:
        """Start a server and initialize it with these options."""
        parameters = {
            "processId": os.getpid(),
            "rootUri": None,
            "workspaceFolders": [{"uri": self.root.as_uri(), "name": "root"}],
            "capabilities": {"window": {"workDoneProgress": True}},
            "initializationOptions": options or {},
        }
        with self._log.open("ab") as log:
            client = Client(self.root, self.cache, log, parameters)
        self.clients.append(client)
        return client

    def start_and_index(self, options: dict[str, Any] | None = None) -> Client:
        """Start a server, wait until it says that all is searchable, and return its client."""
        client = self.start(options)
        client.wait_for_status(lambda status: status.get("state") == "ready" and status.get("coverage") == 1)
        return client

    def index_one_file(self, options: dict[str, Any] | None = None) -> Client:
        """Write a small file, start a server, wait until it is indexed, and return the client."""
        self.write_module("a", 20, "a")
        return self.start_and_index(options)


def generate_functions(prefix: str, count: int) -> str:
    """Return the source text of `count` functions, no two alike."""
    return "\n\n".join(
        f"def {prefix}_{i}(value, other, limit):\n    total_{prefix}_{i} = value * {i} + other\n"
        f"    for step in range(limit):\n        total_{prefix}_{i} += step * other - {i}\n"
        f"    return total_{prefix}_{i}\n"
        for i in range(count)
    )


@contextmanager
def lock_for_writing(database_file: Path) -> Iterator[None]:
    """Context that holds the write lock of a SQLite database, as another process would."""
    with closing(sqlite3.connect(database_file, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        yield
        blocker.execute("ROLLBACK")


def _find_store(workplace: Workplace) -> Path:
    """Return the workspace's store file, the only one in the cache."""
    (store_file,) = (workplace.cache / "workspaces").glob("*.sqlite")
    return store_file


def be_idle(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: everything is indexed."""
    workplace.index_one_file()
    yield


def have_just_started(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: it has been initialized, and no more."""
    workplace.write_module("a", 20, "a")
    workplace.start()
    yield


def index_in_bulk(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: the bulk index is under way, in the child and its workers."""
    workplace.write_modules(2_000, 20, "work")
    workplace.start().wait_for_status(lambda status: (status.get("progress") or {}).get("done", 0) > 100)
    yield


def suspend_bulk_index(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: the bulk index's processes are suspended by SIGSTOP."""
    for _ in index_in_bulk(workplace):
        for child in psutil.Process(workplace.clients[-1].process.pid).children():
            child.send_signal(signal.SIGSTOP)
        yield


def index_edits(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: 64 files changed at once, and its own process embeds them."""
    for i in range(64):
        (workplace.root / f"module{i}.py").write_text("x = 1\n")
    workplace.start_and_index()
    workplace.write_modules(64, 1_000, "edited")
    time.sleep(2.0)
    yield


def _paste(workplace: Workplace, function_count: int) -> Iterator[None]:
    """Paste so many functions into an open document of an indexed workspace, and leave the server at work on it."""
    client = workplace.index_one_file()
    client.open_document(workplace.root / "a.py", generate_functions("pasted", function_count))
    time.sleep(0.7)
    yield


def paste_text(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: almost a megabyte was pasted into an open document."""
    return _paste(workplace, 4_500)


def paste_huge_text(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: three megabytes were pasted into an open document."""
    return _paste(workplace, 13_000)


def type_fast(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: 300 changes of a long document are still to be read."""
    workplace.write_module("a", 2_000, "a")
    client = workplace.start_and_index()
    path = workplace.root / "a.py"
    client.open_document(path, generate_functions("a", 2_000))
    for i in range(300):
        position = {"line": i * 6, "character": 0}
        client.notify(
            "textDocument/didChange",
            textDocument={"uri": path.as_uri(), "version": i + 2},
            contentChanges=[{"range": {"start": position, "end": position}, "text": f"# {i}\n"}],
        )
    yield


def _edit_while_locked(workplace: Workplace, find_database: Callable[[Workplace], Path]) -> Iterator[None]:
    """Edit an open document while this database is locked, and leave the server waiting."""
    client = workplace.index_one_file()
    with lock_for_writing(find_database(workplace)):
        client.open_document(workplace.root / "a.py", generate_functions("edited", 20))
        time.sleep(1.5)
        yield


def wait_for_store(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: it is to store an edit, and the store is locked by another process."""
    return _edit_while_locked(workplace, _find_store)


def wait_for_vectors(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: it is to store an edit, and the vectors are locked by another process."""
    return _edit_while_locked(workplace, lambda workplace: workplace.cache / "vectors.sqlite")


def open_locked_store(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: it opens a store that another process has locked."""
    workplace.index_one_file().close()
    with lock_for_writing(_find_store(workplace)):
        workplace.start()
        time.sleep(2.0)
        yield


def answer_questions(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: a hundred questions wait for their answers."""
    workplace.write_modules(300, 20, "work")
    client = workplace.start_and_index()
    for i in range(100):
        client.send_request("codekin/search", query=f"total of value and other with limit {i}", limit=1000)
    yield


def draw_map(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: it draws the map."""
    workplace.write_modules(600, 40, "work")
    workplace.start_and_index().send_request("codekin/map")
    time.sleep(0.7)
    yield


def wait_for_endpoint(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: its model's endpoint does not answer."""

    class SilentHandler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(30)

    endpoint = ThreadingHTTPServer(("127.0.0.1", 0), SilentHandler)
    endpoint.daemon_threads = True
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{endpoint.server_address[1]}/v1"
    workplace.index_one_file({"model": {"name": "silent", "endpoint": address}})
    time.sleep(1.0)
    yield
    endpoint.shutdown()


def build_graph(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: a process builds the graph of 102,000 vectors."""
    workplace.write_modules(3_000, 34, "work")
    workplace.start_and_index()
    yield


def load_vectors(workplace: Workplace) -> Iterator[None]:
    """Bring a server into a situation: it has just started and loads 40,000 vectors."""
    workplace.write_modules(1_200, 34, "work")
    workplace.start_and_index().close()
    workplace.start()
    time.sleep(0.8)
    yield


SITUATIONS: dict[str, tuple[Callable[[Workplace], Iterator[None]], str]] = {
    "idle": (be_idle, "exit"),
    "starting": (have_just_started, "exit"),
    "bulk": (index_in_bulk, "exit"),
    "bulk, SIGTERM": (index_in_bulk, "SIGTERM"),
    "bulk, end of input": (index_in_bulk, "end of input"),
    "stopped child": (suspend_bulk_index, "exit"),
    "edits": (index_edits, "exit"),
    "edits, SIGTERM": (index_edits, "SIGTERM"),
    "paste": (paste_text, "exit"),
    "huge paste": (paste_huge_text, "exit"),
    "many edits": (type_fast, "exit"),
    "locked": (wait_for_store, "exit"),
    "locked vectors": (wait_for_vectors, "exit"),
    "locked from the start": (open_locked_store, "exit"),
    "questions": (answer_questions, "exit"),
    "drawing": (draw_map, "exit"),
    "heavy": (wait_for_endpoint, "exit"),
    "building": (build_graph, "exit"),
    "loading": (load_vectors, "exit"),
}
