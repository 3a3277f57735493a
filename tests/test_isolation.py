"""Nothing of a folder that codekin runs in, or that is in its environment, is run by what it starts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from codekin import isolation, processes
from codekin.settings import Settings
from codekin.storage.paths import locate_index

SOURCES = Path(__file__).parents[1] / "server" / "codekin"


PROGRAMS = Path(sys.executable).parent


LONG_S = 120


FUNCTIONS = 80  # files of one function: more than are indexed without workers


# Says who ran it, then is what it is named like, so that whoever imported it goes on.
INTRUDER = """
import os, sys
with open(os.environ["RAN"], "a") as stream:
    stream.write(f"{os.getpid()} {__name__}\\n")
path = sys.path[:]
sys.path[:] = [folder for folder in path if os.path.realpath(folder) != os.path.dirname(os.path.realpath(__file__))]
sys.modules.pop(__name__)
try:
    __import__(__name__)
except ImportError:
    pass
sys.path[:] = path
"""


def module_names() -> set[str]:
    """Return the names of all modules that an interpreter may import here: its own, codekin's and installed ones."""
    own_names = {"sitecustomize", "usercustomize", "codekin", "multiprocessing", "mp_main"}
    return (
        own_names
        | set(sys.stdlib_module_names)
        | {name for name in metadata.packages_distributions() if name.isidentifier()}
    )


class Hostile:
    """A workspace with a module of every name, and what of it was run."""

    def __init__(self, place: Path, *, spared: tuple[str, ...] = ()) -> None:
        self.folder = place / "workspace"
        self.folder.mkdir()
        self._ran = place / "ran"
        for name in module_names() - {*spared}:
            (self.folder / f"{name}.py").write_text(INTRUDER)
        for number in range(FUNCTIONS):
            (self.folder / f"own{number}.py").write_text(f"def own{number}(a):\n    b = a + {number}\n    return b\n")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CODEKIN_", "PYTHON"))},
            "CODEKIN_CACHE_DIRECTORY": str(place / "cache"),
            "CODEKIN_CONFIG": str(place / "config.toml"),
            "CODEKIN_INDEX_WORKERS": "2",
            "RAN": str(self._ran),
        }

    def run(self, *command: str, stdin: bytes = b"", status: int = 0, **environment: str) -> tuple[str, set[str]]:
        """Run a command in the workspace; return its output, and the intruders that processes other than its own ran.

        Fails for another exit status.
        """
        self._ran.unlink(missing_ok=True)
        exit_status, output, errors = self._run(command, stdin, self.environment | environment)
        assert exit_status.returncode == status, errors.decode()
        return output.decode(), {name for pid, name in self.ran() if pid != exit_status.pid}

    def _run(self, command: Any, stdin: bytes, environment: dict[str, str]) -> Any:
        """Run a command in the workspace to its end; return its process, output and errors."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        ) as process:
            return process, *process.communicate(stdin, LONG_S)

    def ran(self) -> set[tuple[int, str]]:
        """Return which intruders have run since the last command began, with the ids of their processes."""
        lines = self._ran.read_text().splitlines() if self._ran.exists() else []
        return {(int(line.split()[0]), line.split()[1]) for line in lines}


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    """Write a workspace with an intruder for every module name."""
    return Hostile(tmp_path)


CODEKIN = str(PROGRAMS / "codekin")


def test_no_command_runs_what_the_current_folder_has(hostile: Hostile) -> None:
    statuses = {
        ("index", "."): 0,
        ("search", "own7"): 0,
        ("similar", "own7.py:1"): 0,
        ("duplicates",): 1,
        ("status",): 0,
        ("doctor",): 0,
        ("complete", "own7.py:2:5"): 1,
        ("evaluate", "completion", "--root", ".", "--cuts", "3"): 0,
    }
    for words, status in statuses.items():
        hostile.run(CODEKIN, *words, status=status)
        assert hostile.ran() == set(), words


def test_python_m_codekin_runs_nothing_of_the_current_folder_itself(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path, spared=("codekin",))
    _, ran = hostile.run(sys.executable, "-m", "codekin", "index")
    assert ran == set()
    # Python itself, while it looks for codekin, imports importlib.
    assert {"click", "json", "numpy", "pathlib", "multiprocessing"}.isdisjoint(name for _, name in hostile.ran())


@pytest.mark.parametrize("named", [".", ""])
def test_children_run_nothing_of_pythonpath(tmp_path: Path, named: str) -> None:
    """Before our first line, Python itself has imported from there: only what other processes run can be helped."""
    hostile = Hostile(tmp_path, spared=("encodings",))
    for words in (["index"], ["doctor"]):
        _, ran = hostile.run(CODEKIN, *words, PYTHONPATH=named or str(hostile.folder), PYTHONSTARTUP="json.py")
        assert hostile.ran()  # by the command itself: the folder is as hostile as it is meant to be
        assert ran == set()


def framed(method: str, params: Any, number: int | None = None) -> bytes:
    """Return an LSP message with its header, as bytes; a notification without `number`."""
    message = {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": number} if number is not None else {})
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def answers(stream: Any) -> Iterator[dict[str, Any]]:
    while line := stream.readline():
        if line.startswith(b"Content-Length"):
            length = int(line.split(b":")[1])
        elif not line.strip():
            yield json.loads(stream.read(length))


def test_the_server_and_its_indexing_run_nothing_of_the_current_folder(hostile: Hostile) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [CODEKIN, "serve"],
        cwd=hostile.folder,
        env=hostile.environment,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdin is not None
        hello = {"processId": os.getpid(), "rootUri": hostile.folder.as_uri(), "capabilities": {}}
        server.stdin.write(
            framed("initialize", hello, 0) + framed("initialized", {}) + framed("codekin/status", None, 1)
        )
        server.stdin.flush()
        number = 1
        for message in answers(server.stdout):
            if message.get("id") != number:
                continue
            number += 1
            if message["result"]["state"] == "ready" and message["result"]["files"] >= FUNCTIONS:
                break
            server.stdin.write(framed("codekin/status", None, number))
            server.stdin.flush()
        server.stdin.write(framed("shutdown", None, 0) + framed("exit", None))
        server.stdin.flush()
        server.communicate(timeout=LONG_S)
        assert server.returncode == 0
    assert hostile.ran() == set()


def test_a_child_imports_what_its_parent_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what `-I` alone would not find: the user's own packages, and a launcher's folders."""
    launched, workspace = tmp_path / "launched", tmp_path / "workspace"
    for folder in (launched, workspace):
        folder.mkdir()
        (folder / "lent.py").write_text(f"place = {folder.name!r}\n")
    monkeypatch.chdir(workspace)
    monkeypatch.setattr(sys, "path", ["", ".", "relative", str(workspace), *sys.path, str(launched)])
    process_result = processes.run_code(
        "import lent, codekin, os; print(lent.place, codekin.__file__, os.getcwd())", LONG_S
    )
    place, file, folder = process_result.stdout.split()
    assert place == "launched"
    assert Path(file).samefile(SOURCES / "__init__.py")
    assert folder == Path(sys.executable).anchor


def test_a_workspace_that_codekin_is_installed_from_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SOURCES.parent)
    monkeypatch.setattr(sys, "path", [*sys.path, "", str(SOURCES.parent)])
    assert str(SOURCES.parent) in isolation.import_folders()
    assert "" not in isolation.import_folders()


def test_pythonpath_counts_where_packages_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by `pip install --target`; in the current folder not even these, unless codekin is one of them."""
    current_folder = tmp_path / "here"
    monkeypatch.chdir(written(current_folder, "inside/attrs-26.1.dist-info/METADATA", "own/codekin/__init__.py"))
    target = written(tmp_path / "target", "numpy-2.3.dist-info/METADATA")
    sources = written(tmp_path / "sources", "json.py")
    entries = [
        str(folder) for folder in (current_folder / "inside", current_folder / "own", target, sources, current_folder)
    ]
    monkeypatch.setattr(sys, "path", entries)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entries))
    assert isolation.import_folders() == [str(target)]
    monkeypatch.setattr(isolation, "OWN_FOLDER", str(current_folder / "own"))
    assert isolation.import_folders() == [str(current_folder / "own"), str(target)]


def test_packages_in_a_workspace_do_not_count_wherever_codekin_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_workspaces", set())
    workspace = written(tmp_path / "workspace", "libraries/numpy-2.3.dist-info/METADATA")
    monkeypatch.chdir(written(tmp_path / "elsewhere", "x"))
    monkeypatch.setattr(sys, "path", [str(workspace / "libraries")])
    monkeypatch.setenv("PYTHONPATH", str(workspace / "libraries"))
    assert isolation.import_folders() == [str(workspace / "libraries")]
    locate_index([workspace], Settings())
    assert isolation.import_folders() == []


def written(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_the_environment_of_a_child_runs_no_code_and_names_no_relative_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "GIT_SSH_COMMAND", "NODE_OPTIONS", "BASH_ENV"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "bin", str(tmp_path), str(tmp_path / "bin"), "/usr/bin"]))
    environment = isolation.clean_environment()
    assert "x" not in environment.values()
    assert environment["XDG_CACHE_HOME"] == str(tmp_path / "cache")
    assert environment["PATH"] == "/usr/bin"
