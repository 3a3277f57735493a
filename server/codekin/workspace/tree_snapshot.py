"""Notice in milliseconds whether a workspace is as it was: by the stamps of its folders and files, without a walk.

A folder's time changes with its entries, a file's with its text. A stamp so new that a later change could share it is
not trusted, so that the next look finds a change at worst too often.
"""

import os
import time
from dataclasses import dataclass, field

from codekin.types import Skipped
from codekin.workspace.workspace import Workspace

_TICK_NS, _COARSE_TICK_NS = 20_000_000, 2_000_000_000  # file systems store times no finer; some store whole seconds

Stamp = tuple[int, int, int]  # size, mtime and ctime


@dataclass(slots=True)
class TreeSnapshot:
    """The stamps of all folders that a walk enters, and of the files and ignore files in them."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    absent_paths: set[str] = field(default_factory=set)  # of ignore files outside the workspace
    is_trustworthy: bool = True  # nothing was unreadable or too new

    def count_changes(self) -> int | None:
        """Return how many files and folders are not as they were; None where that can't be told."""
        if not self.is_trustworthy:
            return None
        changes = sum(_read_stamp(path) != stamp for path, stamp in self.stamps.items())
        return changes + sum(os.path.lexists(path) for path in self.absent_paths)


def take_snapshot(workspace: Workspace) -> TreeSnapshot:
    """Walk the workspace and note all stamps."""
    snapshot = TreeSnapshot()
    for entry in workspace.walk_tree():
        if isinstance(entry, Skipped):
            snapshot.is_trustworthy &= not entry.is_unread
        else:
            _note(snapshot, entry)
    for path in workspace.external_ignore_files:
        _note(snapshot, str(path))
    return snapshot


def _note(snapshot: TreeSnapshot, path: str) -> None:
    stamp = _read_stamp(path)
    if stamp is None:
        snapshot.absent_paths.add(path)
        return
    newest_ns = max(stamp[1:])
    tick_ns = _TICK_NS if newest_ns % 1_000_000_000 else _COARSE_TICK_NS
    snapshot.is_trustworthy &= abs(time.time_ns() - newest_ns) > tick_ns
    snapshot.stamps[path] = stamp


def _read_stamp(path: str) -> Stamp | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
