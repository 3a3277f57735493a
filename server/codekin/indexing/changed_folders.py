"""Bring the store up to date where few files have changed: their folders are walked again, not the whole tree."""

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from codekin.indexing.ingest import Ingester, IngestResult, collect_skipped, write_ingested
from codekin.indexing.tree_state import store_tree
from codekin.storage.store import Store
from codekin.types import Retry, Skipped
from codekin.workspace.tree_snapshot import TreeSnapshot
from codekin.workspace.workspace import SourceFile, Workspace


@dataclass(frozen=True, slots=True)
class ChangedFolders:
    """What has changed since a snapshot that the store matches."""

    workspace: Workspace
    store: Store
    ingester: Ingester
    snapshot: TreeSnapshot
    changed_paths: Collection[str]

    def ingest(self) -> bool:
        """Walk the changed folders again and store what differs; return False, nothing done, if all must be scanned.

        That is where rules may have changed, or a folder is gone. The caller holds the lock. Raises CodekinError.
        """
        folders = self._find_folders()
        if folders is None:
            return False
        snapshot = self.snapshot.start_again(self.changed_paths)
        entries = {
            entry.path: entry
            for entry in self.workspace.walk_again(folders, self.snapshot.stamps.__contains__, snapshot.note_path)
        }
        is_readable = not any(isinstance(entry, Skipped) and entry.is_unread for entry in entries.values())
        if not is_readable or self._has_new_rules(snapshot):
            return False
        ingested = self._write_entries(folders, entries)
        if all(skipped.retry is Retry.WHEN_CHANGED for skipped in ingested.skipped):
            store_tree(self.store, snapshot)
        return True

    def _has_new_rules(self, snapshot: TreeSnapshot) -> bool:
        """Return whether the walk has met ignore files that were not there before."""
        new_paths = snapshot.stamps.keys() - self.snapshot.stamps.keys()
        known_paths = self.snapshot.stamps.keys() | self.snapshot.absent_paths
        are_known = all(str(path) in known_paths for path in self.workspace.external_ignore_files)
        return not are_known or any(self.workspace.is_ignore_file(Path(path)) for path in new_paths)

    def _find_folders(self) -> set[Path] | None:
        """Return the set of folders that, or files in which, have changed; None if the whole tree must be scanned."""
        noted_folders = {os.path.dirname(path) for path in self.snapshot.stamps}  # noqa: PTH120 (of thousands)
        folders: set[Path] = set()
        for changed_path in self.changed_paths:
            path = Path(changed_path)
            is_folder = _is_folder(changed_path)
            is_lost_folder = not is_folder and changed_path in noted_folders
            is_rule = changed_path in self.snapshot.absent_paths or self.workspace.is_ignore_file(path)
            if is_lost_folder or is_rule:
                return None
            folders.add(path if is_folder else path.parent)
        are_covered = all(self.workspace.covers_folder(folder) for folder in folders if str(folder) in noted_folders)
        return folders if are_covered else None

    def _write_entries(self, folders: Collection[Path], entries: Mapping[Path, SourceFile | Skipped]) -> IngestResult:
        """Ingest changed files in the folders, remove missing ones, note skipped ones; return the IngestResult."""
        stamps = {
            skipped.path: stamp for skipped, stamp in self.store.skipped().items() if not _is_folder(skipped.path)
        }
        stamps |= {path: (state.size, state.mtime_ns) for path, state in self.store.file_states().items()}
        checked: dict[Path, SourceFile | Skipped | None] = {
            path: entry
            for path, entry in entries.items()
            if isinstance(entry, Skipped) or stamps.get(path) != (entry.size, entry.mtime_ns)
        }
        checked |= dict.fromkeys(path for path in stamps if path.parent in folders and path not in entries)
        changed_files = [path for path, entry in checked.items() if isinstance(entry, SourceFile)]
        ingested = write_ingested(self.store, self.ingester, self.ingester.ingest_files(changed_files))
        self.store.remove_files(checked.keys() - set(changed_files))
        self.store.update_skipped(list(checked), collect_skipped(checked, ingested))
        self.store.set_meta({"files": self.store.count_rows().files, "pending": 0})
        return ingested


def _is_folder(path: str | Path) -> bool:
    """Return whether the path is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
