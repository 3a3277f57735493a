"""Start processes, the only module that does (a test forbids others), and claim a started one's standard streams.

A Python of ours is isolated (`-I`): it imports what this process may import (isolation.py) and nothing from the
current folder, which is the root of the disk, or from the environment. Other programs are started by absolute path.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, SubprocessError, TimeoutExpired, run
from typing import IO, BinaryIO, TypeAlias

from codekin import isolation

Process: TypeAlias = "Popen[bytes]"
Ended: TypeAlias = "CompletedProcess[str]"
ProcessError = SubprocessError
ProcessTimeoutError = TimeoutExpired

_SAFE_FOLDER = Path(sys.executable).anchor or os.sep

# The first argument is the list of trusted folders. They come first, so that children import what this process imports.
_SET_PATH = """
import json, sys
folders = json.loads(sys.argv.pop(1))
sys.path[:] = folders + [folder for folder in sys.path if folder not in folders]
"""
_RUN_MODULE = f"{_SET_PATH}import importlib\nimportlib.import_module(sys.argv[1]).main(*sys.argv[2:])\n"

# Windows: no console window, hence no Ctrl-C either; below-normal priority gives way to the editor.
_BELOW_NORMAL, _NO_WINDOW, _DETACHED, _OWN_GROUP = 0x4000, 0x08000000, 0x8, 0x200


def start_python(
    module: str,
    *arguments: str,
    stderr: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    is_detached: bool = False,
) -> Process:
    """Start an isolated Python that runs `main(*arguments)` of a codekin module; its stdin and stdout are pipes.

    The terminal's Ctrl-C does not reach it. A detached process outlives this one and its terminal.
    """
    command = _make_python_command(_RUN_MODULE, module, *arguments)
    full_environment = isolation.clean_environment() | dict(environment or {})
    pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": stderr, "cwd": _SAFE_FOLDER, "env": full_environment}
    if sys.platform == "win32":
        flags = _BELOW_NORMAL | (_DETACHED | _OWN_GROUP if is_detached else _NO_WINDOW)
        return Popen(command, creationflags=flags, **pipes)  # type: ignore[call-overload, no-any-return]
    if is_detached:
        return Popen(command, start_new_session=True, **pipes)  # type: ignore[call-overload, no-any-return]
    return Popen(command, process_group=0, **pipes)  # type: ignore[call-overload, no-any-return]


def run_code(code: str, timeout_s: float) -> Ended:
    """Run Python source that may crash in another process; return a CompletedProcess with text output.

    Raises ProcessTimeoutError.
    """
    return _run(_make_python_command(_SET_PATH + code), _SAFE_FOLDER, timeout_s)


def run_module(module: str, *arguments: str, timeout_s: float) -> Ended:
    """Run an installed module (such as pip) as `python -m` does, to its end; return a CompletedProcess.

    Raises ProcessTimeoutError.
    """
    code = f"{_SET_PATH}import runpy\nrunpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\n"
    return _run(_make_python_command(code, module, *arguments), _SAFE_FOLDER, timeout_s)


def run_program(name: str, *arguments: str, folder: Path | None = None, timeout_s: float | None = None) -> Ended:
    """Run a program on PATH to its end; return a CompletedProcess. Raises FileNotFoundError, ProcessTimeoutError.

    It runs in `folder`, which must hold no files but codekin's own; by default in the root of the disk.
    """
    program = find_program(name)
    if program is None:
        raise FileNotFoundError(f"There is no program {name} on PATH. Install it.")
    return _run([program, *arguments], str(folder or _SAFE_FOLDER), timeout_s)


def read_program(
    name: str, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None, timeout_s: float
) -> bytes:
    """Run a program on PATH with `stdin`; return its stdout as bytes. Raises FileNotFoundError, ProcessError.

    Raises FileNotFoundError where there is none of that name, ProcessError with its `stderr` where it fails,
    ProcessTimeoutError.
    """
    program = find_program(name)
    if program is None:
        raise FileNotFoundError(f"There is no program {name} on PATH. Install it.")
    full_environment = isolation.clean_environment() | dict(environment or {})
    command = [program, *arguments]
    return run(
        command, cwd=_SAFE_FOLDER, env=full_environment, input=stdin, capture_output=True, timeout=timeout_s, check=True
    ).stdout


def find_program(name: str) -> str | None:
    """Return the absolute path of a program on PATH, or None; never looks into the current folder."""
    endings = os.environ.get("PATHEXT", "").split(os.pathsep) if sys.platform == "win32" else [""]
    candidates = (Path(folder, name + ending) for folder in isolation.program_folders() for ending in endings)
    return next((str(path) for path in candidates if path.is_file() and os.access(path, os.X_OK)), None)


def _make_python_command(code: str, *arguments: str) -> list[str]:
    """Return the command by which an isolated Python runs `code`, which must already begin with _SET_PATH."""
    options = ["-I", *(["-B"] if sys.flags.dont_write_bytecode else []), "-X", f"utf8={sys.flags.utf8_mode}"]
    return [sys.executable, *options, "-c", code, json.dumps(isolation.import_folders()), *arguments]


def _run(command: list[str], folder: str, timeout_s: float | None) -> Ended:
    """Run a command to its end, without input, in a clean environment; return a CompletedProcess, output as text.

    Raises ProcessTimeoutError.
    """
    return run(
        command, cwd=folder, env=isolation.clean_environment(), stdin=DEVNULL, capture_output=True, text=True,
        errors="replace", timeout=timeout_s, check=False,
    )  # fmt: skip


def claim_stdio(buffer_bytes: int = -1) -> tuple[BinaryIO, BinaryIO]:
    """Return the process's binary standard input and output; redirect the originals for all others.

    From then on libraries and child processes print to standard error, and read nothing. Input is buffered by so many
    bytes; 0: unbuffered, -1: Python's default.
    """
    input_stream = os.fdopen(os.dup(sys.__stdin__.fileno() if sys.__stdin__ else 0), "rb", buffer_bytes)
    output_stream = os.fdopen(os.dup(sys.__stdout__.fileno() if sys.__stdout__ else 1), "wb")
    null_descriptor = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_descriptor, 0)
    os.close(null_descriptor)
    os.dup2(2, 1)
    return input_stream, output_stream
