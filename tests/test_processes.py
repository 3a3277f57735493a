"""Processes are started in one place, which runs nothing of the current folder."""

import ast
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codekin import processes
from codekin.indexing.pool import map_in_workers

SOURCES = Path(__file__).parents[1] / "server" / "codekin"
STARTERS = {
    "os": "exec spawn posix_spawn fork system popen startfile",
    "asyncio": "create_subprocess",
    "platform": "platform processor",  # they run `uname`
    "loop": "subprocess_",
}
MODULES = {"subprocess", "_posixsubprocess", "multiprocessing", "pty", "webbrowser", "popen2", "commands"}
NAMES = {"ProcessPoolExecutor", "InterpreterPoolExecutor"}
CONNECTIONS = {"multiprocessing.connection", "multiprocessing.AuthenticationError"}  # sockets start no process


@pytest.mark.skipif(sys.platform == "win32", reason="of scripts with a first line")
def test_programs_are_never_those_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    for folder in (tmp_path / "workspace", tmp_path / "workspace" / "bin", elsewhere):
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\necho {folder.name} $PWD\n")
        (folder / "git").chmod(0o700)
    monkeypatch.chdir(tmp_path / "workspace")
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", "bin", str(tmp_path / "workspace" / "bin"), str(elsewhere)]))
    assert processes.run_program("git").stdout.split() == ["elsewhere", "/"]
    with pytest.raises(FileNotFoundError, match="Install it"):
        processes.run_program("no-such-program")


def test_results_of_workers_come_in_order_and_errors_are_raised() -> None:
    assert list(map_in_workers(abs, range(-9, 0), 2)) == list(range(9, 0, -1))
    with pytest.raises(ModuleNotFoundError):
        list(map_in_workers(importlib.import_module, ["json.none"], 1))


def starts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of each thing that starts processes or opens connections in a module's syntax tree."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [f"{node.value.id if isinstance(node.value, ast.Name) else 'loop'}.{node.attr}"]
        elif isinstance(node, ast.Constant) and node.value in MODULES:
            names = [str(node.value)]  # import_module("subprocess")
        for name in names:
            if is_start(name):
                yield getattr(node, "lineno", 0), name


def is_start(name: str) -> bool:
    """Return whether the dotted name starts processes, by this test's lists."""
    module, _, member = name.partition(".")
    if any(name == connection or name.startswith(f"{connection}.") for connection in CONNECTIONS):
        return False
    starters = tuple(STARTERS.get(module, "").split())
    return module in MODULES or name.rpartition(".")[2] in NAMES or bool(starters and member.startswith(starters))


def test_only_one_module_starts_processes() -> None:
    starts_found = {
        f"{path.relative_to(SOURCES).as_posix()}:{line} {name}"
        for path in SOURCES.rglob("*.py")
        if path.name != "processes.py"
        for line, name in starts(ast.parse(path.read_text("utf-8")))
    }
    assert starts_found == set()


@pytest.mark.parametrize(
    "code",
    [
        *("import subprocess", "from subprocess import run", "import subprocess as s", "import multiprocessing.pool"),
        *("from multiprocessing import Pool", "import os; os.execv('a', [])", "from os import fork", "os.system('a')"),
        *("from concurrent.futures import ProcessPoolExecutor", "futures.ProcessPoolExecutor()", "os.posix_spawn()"),
        *("asyncio.create_subprocess_exec('a')", "self.loop.subprocess_exec(p)", "import_module('subprocess')"),
    ],
)
def test_that_test_sees_each_way(code: str) -> None:
    assert list(starts(ast.parse(code)))
