"""What a person asks of an index: what is in it, what is not and why, what it takes, and what went wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from codekin.printable import printable, printable_lines
from codekin.status.process_memory import ProcessMemory, measure_processes
from codekin.storage.database import size_of
from codekin.storage.error_log import ErrorLog, LoggedError
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.types import Skipped

_LISTED = 1000  # skipped files
_GROUPS = {"bytes; index.max_file_bytes is ": "larger than index.max_file_bytes"}


@dataclass(frozen=True, slots=True)
class IndexedLanguage:
    """What is indexed of a language."""

    name: str
    files: int
    functions: int  # whole ones: neither what is left of classes and files, nor windows of lines


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that codekin keeps."""

    what: str
    path: Path
    size: int  # bytes; 0: there is none


@dataclass(frozen=True, slots=True)
class Report:
    """Everything beside the status."""

    languages: tuple[IndexedLanguage, ...]  # most files first
    reasons: tuple[tuple[str, int], ...]  # why files were skipped, and how many; most first
    skipped: tuple[Skipped, ...]  # by path; at most so many as are worth listing
    stored: tuple[StoredFile, ...]
    held: tuple[ProcessMemory, ...]  # this process first; empty where the system does not tell
    keeper: str  # who keeps the index like the disk: "this process" | "another process" | "nobody"
    troubles: tuple[LoggedError, ...]  # oldest first


def make_report(home: IndexPaths, store: Store, troubles: ErrorLog, *, is_keeper: bool) -> Report:
    """How things are now. Looks at files and at the store; takes some milliseconds."""
    files, functions = store.count_files_by_language(), store.count_functions_by_language()
    skipped = list(store.skipped())
    return Report(
        languages=tuple(IndexedLanguage(name, count, functions.get(name, 0)) for name, count in files.items()),
        reasons=tuple(Counter(_kind(item.reason) for item in skipped).most_common()),
        skipped=tuple(skipped[:_LISTED]),
        stored=_stored(home, store),
        held=measure_processes(),
        keeper="this process" if is_keeper else _keeper(home),
        troubles=troubles.list_errors(),
    )


def _kind(reason: str) -> str:
    """Reasons that differ in what they say of one file are one."""
    found = next((group for said, group in _GROUPS.items() if said in reason), None)
    return found or reason


def _stored(home: IndexPaths, store: Store) -> tuple[StoredFile, ...]:
    graph = (home.graph, home.graph.with_name(home.graph.name + ".json"))
    vectors = (home.vectors, home.vectors.with_name(home.vectors.name + "-wal"))
    return (
        StoredFile("index", store.path, store.size_bytes()),
        StoredFile("graph", home.graph, _size(graph)),
        StoredFile("vectors of all workspaces", home.vectors, _size(vectors)),
    )


def _size(paths: Sequence[Path]) -> int:
    return sum(map(size_of, paths))


def _keeper(home: IndexPaths) -> str:
    lock = FileLock(home.lock, timeout=0, mode=0o600)
    try:
        with lock:
            return "nobody"
    except Timeout:
        return "another process"
    except OSError:  # who can't have the lock keeps nothing
        return "nobody"


def to_json(found: Report) -> dict[str, Any]:
    """The report as JSON documents have it."""
    return {
        "languages": [{"name": it.name, "files": it.files, "functions": it.functions} for it in found.languages],
        "reasons": [{"reason": reason, "files": count} for reason, count in found.reasons],
        "skippedFiles": [{"path": str(item.path), "reason": printable(item.reason)} for item in found.skipped],
        "stored": [{"what": it.what, "path": str(it.path), "bytes": it.size} for it in found.stored],
        "held": [{"what": it.what, "bytes": it.resident} for it in found.held],
        "keeper": found.keeper,
        "troubles": [{"when": _told(it.when), "message": printable_lines(it.message)} for it in found.troubles],
    }


def _told(when: float) -> str:
    """ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")
