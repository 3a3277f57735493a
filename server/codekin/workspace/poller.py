"""What changed since the last look? A walk by stat in this process, for where the system tells of no changes.

A file is taken for changed when its size, its time of modification or its time of change is another one: the last also
tells of a mode, an owner, a rename, and of a text that was put back to its old size and time (on Windows it tells of
none of these, for there it is the time of creation). What leaves all three as they were can't be seen.
"""

import os
import threading
import time
from pathlib import Path

from codekin.types import Skipped
from codekin.workspace.workspace import Workspace

_MOST_SHARE = 0.03  # of a core: where a look costs much, the next one comes later
_BREATH_ENTRIES, _BREATH_S = 256, 0.001  # after so many other threads get their turn
_TICK_NS, _COARSE_TICK_NS = 20_000_000, 2_000_000_000  # file systems stamp times no finer; some keep whole seconds
_UNSETTLED = -1  # a stamp that is no stamp: a later write could have got the same one


class Poller:
    """The stamps of all files that a walk of the workspace looks at. One thread at a time may look."""

    def __init__(self, workspace: Workspace, cancel: threading.Event) -> None:
        self._workspace = workspace
        self._cancel = cancel
        self._stamps: dict[str, int] = {}  # path → a digest of its size and times
        self._cost_s = 0.0  # processor time of the last look

    def period_s(self, least_s: float) -> float:
        """How long to wait for the next look: longer where one costs much."""
        return max(least_s, round(self._cost_s / _MOST_SHARE, 1))

    def look(self) -> set[Path] | None:
        """The paths that are other than at the last look; None where an ignore file is, and anything may have changed.

        What is below a folder that can't be read just now is neither gone nor changed. Cancelled, it says nothing.
        """
        began = time.thread_time()
        stamps, unreadable = self._walk()
        if self._cancel.is_set():
            return set()
        former, self._stamps = self._stamps, stamps
        gone = former.keys() - stamps.keys()
        if unreadable:
            hidden = {path for path in gone if not unreadable.isdisjoint(map(str, Path(path).parents))}
            stamps |= {path: former[path] for path in hidden}
            gone -= hidden
        changed = {Path(path) for path, stamp in stamps.items() if stamp == _UNSETTLED or former.get(path) != stamp}
        changed |= {Path(path) for path in gone}
        self._cost_s = time.thread_time() - began
        return None if any(map(self._workspace.is_ignore_file, changed)) else changed

    def _walk(self) -> tuple[dict[str, int], set[str]]:
        """The stamps of now, and the folders that can't be read."""
        stamps: dict[str, int] = {}
        unreadable: set[str] = set()
        for entry in self._workspace.entries(self._cancel):
            if isinstance(entry, Skipped):
                if entry.is_unread:
                    unreadable.add(str(entry.path))
            elif (stamp := _stamp(entry)) is not None:
                stamps[entry.path] = stamp
                if len(stamps) % _BREATH_ENTRIES == 0:
                    self._cancel.wait(_BREATH_S)
        for path in self._workspace.external_ignore_files:
            if (stamp := _stamp(path)) is not None:
                stamps[str(path)] = stamp
        return stamps, unreadable


def _stamp(entry: "os.DirEntry[str] | Path") -> int | None:
    """None: it is gone."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    newest = max(status.st_mtime_ns, status.st_ctime_ns)
    tick = _TICK_NS if newest % 1_000_000_000 else _COARSE_TICK_NS
    if abs(time.time_ns() - newest) < tick:
        return _UNSETTLED
    return abs(hash((status.st_size, status.st_mtime_ns, status.st_ctime_ns)))
