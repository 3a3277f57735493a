"""Find changed files by a walk with `stat`, for systems that don't report changes.

A file counts as changed if its size, mtime or ctime differs. ctime also reveals a new mode or owner, a rename, and a
text restored to its old size and mtime (not on Windows, where it is the time of creation). A change that leaves all
three as they were goes unnoticed.
"""

import os
import threading
import time
from pathlib import Path

from codekin.types import Skipped
from codekin.workspace.workspace import Workspace

_MAX_CPU_SHARE = 0.03  # of a core: the longer a poll takes, the later the next one starts
_PAUSE_EVERY_ENTRIES, _PAUSE_S = 256, 0.001  # a pause lets other threads run
_TICK_NS, _COARSE_TICK_NS = 20_000_000, 2_000_000_000  # file systems store times no finer; some store whole seconds
_UNSETTLED = -1  # placeholder for a stamp that a later write could share


class Poller:
    """Remembers the stamps of all files that a walk of the workspace visits. Not thread-safe."""

    def __init__(self, workspace: Workspace, cancel_event: threading.Event) -> None:
        self._workspace = workspace
        self._cancel_event = cancel_event
        self._stamps: dict[str, int] = {}  # path → a digest of its size and times
        self._last_cpu_s = 0.0  # CPU time of the last poll

    def period_s(self, min_period_s: float) -> float:
        """Return the seconds to wait before the next poll: `min_period_s`, more if the last poll was expensive."""
        return max(min_period_s, round(self._last_cpu_s / _MAX_CPU_SHARE, 1))

    def find_changes(self) -> set[Path] | None:
        """Return the set of paths changed since the last poll (at first, all); none if cancelled; None for all unknown.

        After a changed ignore file anything may have changed. Files below a folder that can't be read now count as
        unchanged.
        """
        started_s = time.thread_time()
        stamps, unreadable = self._collect_stamps()
        if self._cancel_event.is_set():
            return set()
        previous_stamps, self._stamps = self._stamps, stamps
        removed = previous_stamps.keys() - stamps.keys()
        if unreadable:
            hidden_paths = {path for path in removed if not unreadable.isdisjoint(map(str, Path(path).parents))}
            stamps |= {path: previous_stamps[path] for path in hidden_paths}
            removed -= hidden_paths
        changed_paths = {
            Path(path) for path, stamp in stamps.items() if stamp == _UNSETTLED or previous_stamps.get(path) != stamp
        }
        changed_paths |= {Path(path) for path in removed}
        self._last_cpu_s = time.thread_time() - started_s
        return None if any(map(self._workspace.is_ignore_file, changed_paths)) else changed_paths

    def _collect_stamps(self) -> tuple[dict[str, int], set[str]]:
        """Walk the workspace; return path → stamp as of now, and the set of folders that can't be read."""
        stamps: dict[str, int] = {}
        unreadable: set[str] = set()
        for entry in self._workspace.walk_entries(self._cancel_event):
            if isinstance(entry, Skipped):
                if entry.is_unread:
                    unreadable.add(str(entry.path))
            elif (stamp := _compute_stamp(entry)) is not None:
                stamps[entry.path] = stamp
                if len(stamps) % _PAUSE_EVERY_ENTRIES == 0:
                    self._cancel_event.wait(_PAUSE_S)
        for path in self._workspace.external_ignore_files:
            if (stamp := _compute_stamp(path)) is not None:
                stamps[str(path)] = stamp
        return stamps, unreadable


def _compute_stamp(entry: "os.DirEntry[str] | Path") -> int | None:
    """Return a digest of the entry's size and times; None if it is gone, _UNSETTLED if it changed just now."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    newest_ns = max(status.st_mtime_ns, status.st_ctime_ns)
    tick_ns = _TICK_NS if newest_ns % 1_000_000_000 else _COARSE_TICK_NS
    if abs(time.time_ns() - newest_ns) < tick_ns:
        return _UNSETTLED
    return abs(hash((status.st_size, status.st_mtime_ns, status.st_ctime_ns)))
