"""How much memory this process and its children hold; nothing where the system does not tell it in files (/proc)."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_CALLED = {
    "codekin.indexing.reconcile_process": "indexing",
    "codekin.indexing.worker": "a worker",
    "codekin.vectors.hnsw_builder": "building the graph",
}


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """A process's memory."""

    what: str  # "server", "indexing", …
    resident: int  # bytes, those it shares with others included


def measure_processes() -> tuple[ProcessMemory, ...]:
    """This process first, then all below it."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        if (parent := _parent(folder)) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found: list[ProcessMemory] = []
    pending = [os.getpid()]
    while pending:
        number = pending.pop(0)
        pending += sorted(children.get(number, ()))
        if (resident := _resident(_PROC / str(number))) is not None:
            found.append(ProcessMemory(_called(_PROC / str(number)) if found else "this process", resident))
    return tuple(found)


def _parent(process: Path) -> int | None:
    stat = _read(process / "stat")  # "12 (name with ) anything) S 11 …"
    fields = stat.rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else None


def _resident(process: Path) -> int | None:
    fields = _read(process / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else None


def _called(process: Path) -> str:
    words = _read(process / "cmdline").split("\0")
    own = next((_CALLED[word] for word in words if word in _CALLED), None)
    return own or (Path(words[0]).name if words[0] else "a worker")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # it has just ended; or there is no such thing here
        return ""
