"""Measure the memory of this process and its descendants, where the system has /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PURPOSES = {
    "codekin.indexing.reconcile_process": "indexing",
    "codekin.indexing.worker": "a worker",
    "codekin.vectors.hnsw_builder": "building the graph",
}


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """What a process is for, and its memory in bytes."""

    purpose: str  # "this process", "indexing", …
    resident_bytes: int  # those it shares with others, and mapped files, included
    private_bytes: int  # of no file; its end would free them


def measure_processes() -> tuple[ProcessMemory, ...]:
    """Return the memory of this process, then of all descendants; () without /proc. Never raises for one that ended."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        if (parent := _read_parent(folder)) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    processes: list[ProcessMemory] = []
    pending = [os.getpid()]
    while pending:
        process_id = pending.pop(0)
        pending += sorted(children.get(process_id, ()))
        folder = _PROC / str(process_id)
        if (resident_bytes := _read_resident_bytes(folder)) is not None:
            purpose = _find_purpose(folder) if processes else "this process"
            processes.append(ProcessMemory(purpose, resident_bytes, _read_private_bytes(folder, resident_bytes)))
    return tuple(processes)


def _read_parent(folder: Path) -> int | None:
    """Return the parent's process id from a folder of /proc; None where it can't be read."""
    stat = _read_text(folder / "stat")  # "12 (name with ) anything) S 11 …"
    fields = stat.rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else None


def _read_resident_bytes(folder: Path) -> int | None:
    """Return the resident memory in bytes from a process's folder of /proc; None where it can't be read."""
    fields = _read_text(folder / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else None


def _read_private_bytes(folder: Path, resident_bytes: int) -> int:
    """Return the bytes of memory that are in no file; the resident ones where the system does not tell."""
    for line in _read_text(folder / "smaps_rollup").splitlines():
        name, _, amount = line.partition(":")
        if name == "Anonymous":
            return 1024 * int(amount.split()[0])
    return resident_bytes


def _find_purpose(folder: Path) -> str:
    """Return what a child process is for, by its command line, else its program's name; "a worker" if that is empty."""
    arguments = _read_text(folder / "cmdline").split("\0")
    purpose = next((_PURPOSES[argument] for argument in arguments if argument in _PURPOSES), None)
    return purpose or (Path(arguments[0]).name if arguments[0] else "a worker")


def _read_text(path: Path) -> str:
    """Return the file's text; "" where it can't be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # it has just ended; or there is no such thing here
        return ""
