"""Indexes of real trees, and what their stores hold, for tests of indexing."""

import contextlib
import dataclasses
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from codekin.indexing.reconcile import reconcile
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import IndexPaths, locate_index
from codekin.types import IndexReport

NEVER = threading.Event()
LONG_S = 120.0


def index_paths(root: Path, cache: Path) -> IndexPaths:
    """Return the paths of the index of the workspace `root`, in a cache of the test's own."""
    return locate_index([root], Settings(cache=CacheSettings(directory=str(cache))))


def index_tree(root: Path, cache: Path, *, workers: int = 0) -> IndexReport:
    """Index the workspace `root` in this process, with so many workers."""
    return reconcile(index_paths(root, cache), lambda _: None, NEVER, workers)


Dump = dict[str, list[tuple[object, ...]]]


def dump_store(where: IndexPaths) -> Dump:
    """Return all that the store holds, paths from the root, without the numbers and times that depend on history."""
    connection = sqlite3.connect(where.store)
    queries = {
        "files": "SELECT path, language, size, hash, overlay FROM files ORDER BY 1",
        "snippets": "SELECT f.path, s.start, s.end, s.name_line, s.part, s.kind, s.name, s.qualified_name, c.hash "
        "FROM snippets s JOIN files f ON f.id = s.file JOIN contents c ON c.id = s.content ORDER BY 1, 2",
        "words": "SELECT c.hash, w.body FROM words w JOIN contents c ON c.id = w.rowid "
        "WHERE c.id IN (SELECT content FROM snippets) ORDER BY 1",
    }
    root = f"{where.roots[0]}{os.sep}"
    result = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    for name in ("files", "snippets"):
        result[name] = [(path.removeprefix(root), *columns) for path, *columns in result[name]]
    (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
    assert sound == "ok"
    connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    connection.close()
    if result["snippets"]:  # else the vectors' file may not be there yet
        shared = sqlite3.connect(where.vectors)
        vectors = {row[0] for row in shared.execute("SELECT hash FROM vectors")}
        shared.close()
        assert {row[-1] for row in result["snippets"]} <= vectors
    return result


def list_workers(pid: int) -> list[psutil.Process]:
    """Return the workers among the processes that this one started."""
    return list_children(pid, "codekin.indexing.worker")


def list_children(pid: int, module: str) -> list[psutil.Process]:
    """Return the processes, among all that this one started, which run a module and have not ended."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since they were listed
            found += [child] if module in child.cmdline() else []
    return found


def make_order(where: IndexPaths, workers: int) -> dict[str, Any]:
    """Return the order for an indexing process."""
    return {
        "roots": [str(root) for root in where.roots],
        "settings": dataclasses.asdict(where.settings),
        "workers": workers,
    }


def start_indexing(order: str) -> "subprocess.Popen[str]":
    """Start a process that indexes, and return it at its work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "codekin.indexing.reconcile_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    process.stdin.write(order + "\n")
    process.stdin.flush()
    return process


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until a condition is true, and return its value."""
    deadline = time.monotonic() + LONG_S
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value
