"""Report what is indexed, what is skipped and why, the resources used, and recent errors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from codekin.index.index import Index
from codekin.printable import printable, printable_lines
from codekin.status.process_memory import ProcessMemory, measure_processes
from codekin.status.unparsed import list_unparsed
from codekin.storage.database import get_file_size
from codekin.storage.error_log import LoggedError
from codekin.storage.owner_lock import is_lock_held
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.types import Skipped
from codekin.workspace.workspace import Workspace

_MAX_LISTED_FILES = 1000  # of each list: more is nothing that a person reads
_REASON_GROUPS = {"bytes; index.max_file_bytes is ": "larger than index.max_file_bytes"}


@dataclass(frozen=True, slots=True)
class IndexedLanguage:
    """What is indexed of one language."""

    name: str
    files: int
    functions: int  # whole functions only: no classes, modules or windows of lines


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that codekin keeps on the disk."""

    purpose: str
    path: Path
    size_bytes: int  # 0: there is none


@dataclass(frozen=True, slots=True)
class Report:
    """The details that the status leaves out."""

    languages: tuple[IndexedLanguage, ...]  # most files first
    skip_reasons: tuple[tuple[str, int], ...]  # why files were skipped, and how many; most first
    skipped: tuple[Skipped, ...]  # by path; at most _MAX_LISTED_FILES
    unparsed_count: int
    unparsed: tuple[Skipped, ...]  # files read as windows of lines although there is a grammar; by path, likewise
    stored_files: tuple[StoredFile, ...]
    processes: tuple[ProcessMemory, ...]  # this process first; empty where the system does not tell
    owner: str  # of the index, which keeps it up to date: "this process" | "another process" | "nobody"
    errors: tuple[LoggedError, ...]  # oldest first


def make_report(index_paths: IndexPaths, index: Index, workspace: Workspace, *, is_owner: bool) -> Report:
    """Assemble the report from the store, file sizes, /proc and the lock in some milliseconds. Raises StoreError."""
    store = index.store
    file_counts, function_counts = store.count_files_by_language(), store.count_functions_by_language()
    skipped, unparsed = list(store.skipped()), list_unparsed(store, workspace)
    return Report(
        languages=tuple(
            IndexedLanguage(language_name, file_count, function_counts.get(language_name, 0))
            for language_name, file_count in file_counts.items()
        ),
        skip_reasons=tuple(Counter(_group_reason(skipped_file.reason) for skipped_file in skipped).most_common()),
        skipped=tuple(skipped[:_MAX_LISTED_FILES]),
        unparsed_count=len(unparsed),
        unparsed=tuple(unparsed[:_MAX_LISTED_FILES]),
        stored_files=_list_stored_files(index_paths, store),
        processes=measure_processes(),
        owner="this process" if is_owner else "another process" if is_lock_held(index_paths.lock) else "nobody",
        errors=index.error_log.list_errors(),
    )


def _group_reason(reason: str) -> str:
    """Return a common text for reasons that differ only in a file's size; others unchanged."""
    return next(
        (common_reason for reason_part, common_reason in _REASON_GROUPS.items() if reason_part in reason), reason
    )


def _list_stored_files(index_paths: IndexPaths, store: Store) -> tuple[StoredFile, ...]:
    """Return an entry for each of index, graph, image and vectors, with its files' size in bytes; 0 if missing."""
    graph_files = (index_paths.graph, index_paths.graph.with_name(index_paths.graph.name + ".json"))
    vector_files = (index_paths.vectors, index_paths.vectors.with_name(index_paths.vectors.name + "-wal"))
    return (
        StoredFile("index", store.path, store.size_bytes()),
        StoredFile("graph", index_paths.graph, _sum_sizes(graph_files)),
        StoredFile(
            "image of the memory", index_paths.image, _sum_sizes((index_paths.image, index_paths.completion_image))
        ),
        StoredFile("vectors of all workspaces", index_paths.vectors, _sum_sizes(vector_files)),
    )


def _sum_sizes(file_paths: Sequence[Path]) -> int:
    """Return the sum of the files' sizes in bytes; missing ones count 0."""
    return sum(map(get_file_size, file_paths))


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as a dict for JSON with the protocol's field names; reasons and messages are made printable."""
    return {
        "languages": [
            {"name": language.name, "files": language.files, "functions": language.functions}
            for language in report.languages
        ],
        "reasons": [{"reason": reason, "files": file_count} for reason, file_count in report.skip_reasons],
        "skippedFiles": _files_to_json(report.skipped),
        "unparsed": report.unparsed_count,
        "unparsedFiles": _files_to_json(report.unparsed),
        "stored": [
            {"what": stored_file.purpose, "path": str(stored_file.path), "bytes": stored_file.size_bytes}
            for stored_file in report.stored_files
        ],
        "held": [
            {"what": process.purpose, "bytes": process.resident_bytes, "privateBytes": process.private_bytes}
            for process in report.processes
        ],
        "keeper": report.owner,
        "troubles": [
            {"when": _format_time(logged_error.when), "message": printable_lines(logged_error.message)}
            for logged_error in report.errors
        ],
    }


def _files_to_json(skipped_files: Sequence[Skipped]) -> list[dict[str, str]]:
    """Return the skipped files with reasons as dicts for JSON; the reasons are made printable, the paths are not."""
    return [
        {"path": str(skipped_file.path), "reason": printable(skipped_file.reason)} for skipped_file in skipped_files
    ]


def _format_time(seconds: float) -> str:
    """Format a POSIX time as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
