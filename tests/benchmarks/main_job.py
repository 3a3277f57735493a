"""The main job, measured: `python tests/benchmarks/main_job.py [TREE]`, by hand, on a quiet machine.

Without TREE it copies this Python's standard library and site-packages. Prints one table, and above it what determined
the numbers. Times of one run are comparable with each other, not with those of another machine.
"""

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from client import Client

SEED = 20_26


@contextmanager
def watched_memory(pid: int) -> Iterator[list[float]]:
    """Context with a list whose one number is the peak memory (PSS) of a process and its children, in MB."""
    peak, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            try:
                family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
                peak[0] = max(peak[0], sum(member.memory_full_info().pss for member in family) / 1e6)
            except psutil.Error:
                continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def spread(times: list[float], unit: str = "ms") -> str:
    """Return the 50th, 95th and 99th percentile of the times as text."""
    ordered = sorted(times)
    quantiles = {share: ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.95, 0.99)}
    return f"p50 {quantiles[0.5]:.1f}, p95 {quantiles[0.95]:.1f}, p99 {quantiles[0.99]:.1f} {unit} (n = {len(ordered)})"


def real_tree(folder: Path) -> Path:
    """Copy the standard library and the installed packages into the folder, and return it."""
    ignore = shutil.ignore_patterns("__pycache__", "site-packages", "*.so")
    for name in ("stdlib", "purelib"):
        shutil.copytree(sysconfig.get_path(name), folder / name, ignore=ignore, symlinks=True)
    return folder


def cold_and_warm(root: Path, cache: Path) -> Iterator[tuple[str, str]]:
    """Index the tree twice by the command; yield what it took and what it left on the disk, as name and text."""
    environment = os.environ | {"CODEKIN_CACHE_DIRECTORY": str(cache)}
    command = [sys.executable, "-I", "-m", "codekin", "index", str(root), "--json"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with watched_memory(process.pid) as peak:
        output, _ = process.communicate()
    report = json.loads(output)
    size = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    yield "tree", f"{report['files']:,} files, {report['snippets']:,} snippets, {report['embedded']:,} embedded"
    yield "cold index", f"{report['seconds']:.1f} s, {report['snippets'] / report['seconds']:,.0f} snippets/s"
    yield "peak memory while indexing (all processes, PSS)", f"{peak[0]:.0f} MB"
    yield "disk without the graph", f"{size / report['snippets']:,.0f} bytes per snippet"
    again = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    yield "index again, nothing changed", f"{again['seconds']:.2f} s, {again['embedded']} embedded"


def some_functions(root: Path, count: int) -> list[tuple[Path, int]]:
    """Return path and row, from 0, of a function in each of `count` Python files, drawn by chance."""
    files = sorted(path for path in root.rglob("*.py") if path.stat().st_size < 1_000_000)
    random.Random(SEED).shuffle(files)
    locations = []
    for path in files:
        text = path.read_text(errors="replace")
        if "generated" in text[:2000]:  # perhaps not in the index
            continue
        lines = text.split("\n")
        starts = [i for i, line in enumerate(lines) if line.lstrip().startswith("def ")]
        if starts:
            locations.append((path, starts[len(starts) // 2]))
        if len(locations) == count:
            break
    return locations


QUESTIONS = (
    "read a file line by line",
    "parse command line arguments",
    "compute the sha256 of a file",
    "retry with exponential backoff",
    "open a socket and connect",
    "walk a directory tree",
    "parse an ISO 8601 date",
    "merge two sorted lists",
    "quote a string for the shell",
    "cache the results of a function",
)


def asked(client: Client, places: list[tuple[Path, int]]) -> Iterator[tuple[str, str]]:
    """Ask for similar code and search; yield name and percentiles of the times."""
    similar = [client.measure_ms("codekin/findSimilar", **at(path, line)) for path, line in places]
    yield "find-similar", spread(similar)
    search = [client.measure_ms("codekin/search", query=question) for _ in range(10) for question in QUESTIONS]
    yield "search", spread(search)


def at(path: Path, line: int) -> dict[str, Any]:
    """Return the LSP parameters of a line's start, from 0."""
    return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": 0}}


def idle(root: Path, cache: Path) -> Iterator[tuple[str, str]]:
    """Start a server on an indexed tree, measure it at rest, and close it; yield figures as name and text."""
    client = Client(root, cache)
    path, line = some_functions(root, 1)[0]
    while not (answer := client.request("codekin/findSimilar", **at(path, line)))["hits"]:
        pass
    first = time.perf_counter() - client.started
    while answer["coverage"] < 1:
        answer = client.request("codekin/findSimilar", **at(path, line))
    complete_s = time.perf_counter() - client.started
    yield (
        "warm restart: process start to first answer; to one from the whole index",
        f"{first:.2f} s; {complete_s:.2f} s",
    )
    yield "process start to `initialize` answer", f"{client.initialized_s:.2f} s"
    client.wait_until_ready()
    for name, value in asked(client, some_functions(root, 200)):
        yield name + ", idle", value
    yield "edit to searchable, never saved", spread(list(edits(client, path, 40)))
    status = client.wait_until_ready()
    memory = psutil.Process(client.process.pid).memory_info().rss / 1e6
    yield "memory, idle", f"{memory:.0f} MB resident; {status['dense']}"
    size = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    yield "disk with the graph", f"{size / status['snippets']:,.0f} bytes per snippet"
    client.close()


def edits(client: Client, path: Path, count: int) -> Iterator[float]:
    """Add functions to a document; yield the milliseconds from each didChange to the first answer that has it."""
    uri, text = path.as_uri(), path.read_text()
    client.open_document(path, text)
    for i in range(count):
        name = f"fresh_{random.Random(i).randrange(10**9)}"
        code = f"def {name}(first, second):\n    return first * {i} + second\n"
        began = time.perf_counter()
        client.notify(
            "textDocument/didChange",
            textDocument={"uri": uri, "version": i + 2},
            contentChanges=[{"text": f"{text}\n\n{code}"}],
        )
        while not any(hit["name"] == name for hit in client.request("codekin/findSimilar", text=code)["hits"]):
            time.sleep(0.005)
        yield (time.perf_counter() - began) * 1000
    client.notify("textDocument/didClose", textDocument={"uri": uri})


def busy(root: Path, cache: Path) -> Iterator[tuple[str, str]]:
    """Start a server on a new index and measure its answers until 95% is indexed; yield figures as name and text."""
    client = Client(root, cache)
    places = some_functions(root, 400)
    similar, search, coverage = [], [], 0.0
    turn = 0
    while coverage < 0.95:
        path, line = places[turn % len(places)]
        similar.append(client.measure_ms("codekin/findSimilar", **at(path, line)))
        search.append(client.measure_ms("codekin/search", query=QUESTIONS[turn % len(QUESTIONS)]))
        coverage = client.request("codekin/status")["coverage"]
        turn += 1
        time.sleep(0.02)
    yield "find-similar while the bulk index runs", spread(similar)
    yield "search while the bulk index runs", spread(search)
    client.close()


def main() -> None:
    """Measure all on a real tree and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", nargs="?", type=Path)
    asked_for = parser.parse_args()
    packages = ("pygls", "numpy", "tree-sitter", "hnswlib", "tokenizers")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}, {versions}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        root = asked_for.tree.resolve() if asked_for.tree else real_tree(folder / "tree")
        steps: list[Callable[[], Iterator[tuple[str, str]]]] = [
            lambda: cold_and_warm(root, folder / "one"),
            lambda: idle(root, folder / "one"),
            lambda: busy(root, folder / "two"),
        ]
        print("| what | measured |\n|---|---|")
        for step in steps:
            for name, value in step():
                print(f"| {name} | {value} |", flush=True)
    print(f"medians of one run; load average {statistics.fmean(os.getloadavg()):.1f}")


if __name__ == "__main__":
    main()
