"""Notice in milliseconds whether a workspace is as it was: by the stamps of its folders and files, without a walk.

A folder's time changes with its entries, a file's with its text. A stamp that is not older than the walk, or is in the
future, could be shared by a later change: it is not kept, and the next look finds a change there at worst too often.
"""

import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from codekin.types import Cancel, Skipped
from codekin.workspace.workspace import SourceFile, Workspace

_TICK_NS, _COARSE_TICK_NS = 20_000_000, 2_000_000_000  # file systems store times no finer; some store whole seconds
_FUTURE_NS = 3_600_000_000_000  # a stamp further ahead than an hour was set on purpose, and is none of a later change

Stamp = tuple[int, int, int]  # size, mtime and ctime

_NO_STAMP: Stamp = (-1, -1, -1)  # of no file: one that was too new to be told from a later one


@dataclass(slots=True)
class TreeSnapshot:
    """The stamps of all folders that a walk lists, of the files that it looks at, and of ignore files."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    absent_paths: set[str] = field(default_factory=set)  # of ignore files outside the workspace
    is_trustworthy: bool = True  # nothing was unreadable
    started_ns: int = field(default_factory=time.time_ns)

    def walk(self, workspace: Workspace, cancel_event: Cancel | None = None) -> Iterator[SourceFile | Skipped]:
        """Yield the workspace's source files and skipped ones, noting the stamps of all that the walk looks at."""
        for entry in workspace.walk(cancel_event, self.note_path):
            if isinstance(entry, Skipped):
                self.is_trustworthy &= not entry.is_unread
            yield entry
        for path in workspace.external_ignore_files:
            self.note_path(str(path))

    def note_path(self, path: str) -> None:
        """Note the stamp of a file or folder as it is now, or that there is none."""
        stamp = _read_stamp(path)
        if stamp is None:
            self.absent_paths.add(path)
            return
        self.stamps[path] = stamp if all(self._is_past(time_ns) for time_ns in stamp[1:]) else _NO_STAMP

    def find_changes(self) -> list[str] | None:
        """Compare with the disk; return paths that have changed since, or may have; None if that can't be told."""
        if not self.is_trustworthy:
            return None
        changed_paths = [path for path, stamp in self.stamps.items() if _read_stamp(path) != stamp]
        return changed_paths + [path for path in self.absent_paths if os.path.lexists(path)]

    def start_again(self, changed_paths: Iterable[str]) -> "TreeSnapshot":
        """Return a copy without these paths, to be noted as they are from now on."""
        stamps = dict(self.stamps)
        for path in changed_paths:
            stamps.pop(path, None)
        return replace(self, stamps=stamps, absent_paths=set(self.absent_paths), started_ns=time.time_ns())

    def pack(self) -> bytes:
        """Return the stamps (sizes, times) of files and folders as compressed bytes, for `unpack_snapshot`."""
        document = {"stamps": self.stamps, "absent": sorted(self.absent_paths), "is_trustworthy": self.is_trustworthy}
        return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 1)

    def _is_past(self, time_ns: int) -> bool:
        """Return whether the time is so long before the snapshot (or so far ahead) that a later change shows."""
        tick_ns = _TICK_NS if time_ns % 1_000_000_000 else _COARSE_TICK_NS
        return time_ns < self.started_ns - tick_ns or time_ns > self.started_ns + _FUTURE_NS


def take_snapshot(workspace: Workspace) -> TreeSnapshot:
    """Walk the workspace; return a snapshot of the stamps of all files and folders that the walk looks at."""
    snapshot = TreeSnapshot()
    for _ in snapshot.walk(workspace):
        pass
    return snapshot


def unpack_snapshot(data: object) -> TreeSnapshot | None:
    """Return the stamps and absent files that `pack` made these bytes from; None if they are none. Never raises."""
    try:
        document = json.loads(zlib.decompress(data))  # type: ignore[arg-type]
        stamps = {
            path: (int(size), int(mtime), int(ctime)) for path, (size, mtime, ctime) in document["stamps"].items()
        }
        return TreeSnapshot(stamps, set(document["absent"]), is_trustworthy=bool(document["is_trustworthy"]))
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError):
        return None


def _read_stamp(path: str) -> Stamp | None:
    """Return size, modification and change time of a path, links not followed; None if it can't be read."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
