"""Measure the seconds from `exit` (or SIGTERM, or the end of input) to the end of the last process, in many situations.

    python tests/benchmarks/exit_time.py [SITUATION…]

Each situation starts a server with a cache of its own, brings it into that state, ends it, and measures. Prints the
seconds, the exit status, the number of processes left running, and whether the store is sound. The longest is to stay
within 2 s on an idle machine.
"""

import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import psutil
from client import Client
from exit_situations import SITUATIONS, Workplace

_END_TIMEOUT_S = 60.0


def end_server(client: Client, how: str) -> tuple[float, int, int]:
    """End the server by `exit`, SIGTERM or end of input; return seconds, exit status, and how many processes it left.

    The seconds are those to the end of the last process; those that are left after a minute are killed.
    """
    server = psutil.Process(client.process.pid)
    processes = [server, *server.children(recursive=True)]
    began = time.perf_counter()
    if how == "exit":
        client.send_request("shutdown")
        client.notify("exit")
    elif how == "SIGTERM":
        client.process.terminate()
    elif client.process.stdin is not None:
        client.process.stdin.close()
    try:
        status = client.process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        client.process.kill()
        status = client.process.wait()
    alive = psutil.wait_procs(processes, timeout=max(0.0, _END_TIMEOUT_S - time.perf_counter() + began))[1]
    seconds = time.perf_counter() - began
    for process in alive:
        process.kill()
    return seconds, status, len(alive)


def check_integrity(cache: Path) -> str:
    """Check all databases of the cache; return "ok", or which one is unsound and what SQLite says about it."""
    for file in (*cache.glob("workspaces/*.sqlite"), *cache.glob("vectors.sqlite")):
        with closing(sqlite3.connect(file)) as database:
            (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            return f"{file.name}: {verdict}"
    return "ok"


@contextmanager
def situation(name: str) -> Iterator[Workplace]:
    """Context with a server in the situation of that name, in a temporary folder; both are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="codekin-exit-", ignore_cleanup_errors=True) as folder:
        workplace = Workplace(Path(folder))
        steps = SITUATIONS[name][0](workplace)
        try:
            next(steps)
            yield workplace
            next(steps, None)
        finally:
            for client in workplace.clients:
                client.__exit__()


def main() -> None:
    """Measure each situation and print the table."""
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors, load {loads}"
    print(f"codekin {version('codekin')}, {machine}")
    for name in sys.argv[1:] or SITUATIONS:
        with situation(name) as workplace:
            seconds, status, left_running = end_server(workplace.clients[-1], SITUATIONS[name][1])
            sound = check_integrity(workplace.cache)
            print(f"  {name:24} {seconds:6.2f} s  status {status}  left {left_running}  store {sound}", flush=True)


if __name__ == "__main__":
    main()
