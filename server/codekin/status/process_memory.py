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
    """Return purpose and memory of this process, then of each descendant; () without /proc. Ended ones are left out."""
    child_ids: dict[int, list[int]] = {}
    for process_folder in _PROC.glob("[0-9]*"):
        if (parent_id := _read_parent(process_folder)) is not None:
            child_ids.setdefault(parent_id, []).append(int(process_folder.name))
    processes: list[ProcessMemory] = []
    pending_ids = [os.getpid()]
    while pending_ids:
        process_id = pending_ids.pop(0)
        pending_ids += sorted(child_ids.get(process_id, ()))
        process_folder = _PROC / str(process_id)
        if (resident_bytes := _read_resident_bytes(process_folder)) is not None:
            purpose = _find_purpose(process_folder) if processes else "this process"
            processes.append(
                ProcessMemory(purpose, resident_bytes, _read_private_bytes(process_folder, resident_bytes))
            )
    return tuple(processes)


def _read_parent(process_folder: Path) -> int | None:
    """Return the parent's process id from a folder of /proc; None where it can't be read."""
    stat_text = _read_text(process_folder / "stat")  # "12 (name with ) anything) S 11 …"
    stat_fields = stat_text.rpartition(")")[2].split()
    return int(stat_fields[1]) if len(stat_fields) > 1 else None


def _read_resident_bytes(process_folder: Path) -> int | None:
    """Return the resident memory in bytes from a process's folder of /proc; None where it can't be read."""
    memory_fields = _read_text(process_folder / "statm").split()
    return int(memory_fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(memory_fields) > 1 else None


def _read_private_bytes(process_folder: Path, resident_bytes: int) -> int:
    """Return the bytes of memory that map no file (Anonymous); `resident_bytes` where the system does not tell."""
    for rollup_line in _read_text(process_folder / "smaps_rollup").splitlines():
        field_name, _, amount = rollup_line.partition(":")
        if field_name == "Anonymous":
            return 1024 * int(amount.split()[0])
    return resident_bytes


def _find_purpose(process_folder: Path) -> str:
    """Return what a child process is for, by its command line, else its program's name; "a worker" if that is empty."""
    arguments = _read_text(process_folder / "cmdline").split("\0")
    purpose = next((_PURPOSES[argument] for argument in arguments if argument in _PURPOSES), None)
    return purpose or (Path(arguments[0]).name if arguments[0] else "a worker")


def _read_text(file_path: Path) -> str:
    """Return the file's text; "" where it can't be read."""
    try:
        return file_path.read_text("utf-8", "replace")
    except OSError:  # it has just ended; or there is no such thing here
        return ""
