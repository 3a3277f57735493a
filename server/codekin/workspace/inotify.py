"""Watch folders on Linux, where the system reports changes one folder at a time.

One inotify instance and one watchdog thread serve all folders of all roots. Only folders that the workspace enters are
watched: `node_modules` alone could use up the system's limit of watches.
"""

import errno
import itertools
import os
import re
import threading
import time
from collections.abc import Iterator
from functools import reduce
from operator import or_
from pathlib import Path

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from codekin.workspace.watch_source import WatchEvent, WatchListener
from codekin.workspace.workspace import Workspace

_MASK = Mask(
    reduce(
        or_,
        (
            InotifyConstants.IN_CLOSE_WRITE,
            InotifyConstants.IN_CREATE,
            InotifyConstants.IN_DELETE,
            InotifyConstants.IN_MOVE,
            InotifyConstants.IN_MOVE_SELF,
            InotifyConstants.IN_DELETE_SELF,
            InotifyConstants.IN_ATTRIB,
            InotifyConstants.IN_ONLYDIR,
            InotifyConstants.IN_DONT_FOLLOW,
            InotifyConstants.IN_EXCL_UNLINK,
        ),
    )
)
_GONE_ERRORS = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ESTALE,
)  # the folder was removed, or is not accessible
_LIMIT_SETTINGS = {
    errno.ENOSPC: ("watches", "max_user_watches"),
    errno.EMFILE: ("instances", "max_user_instances"),
}
_REMOTE_FILE_SYSTEMS = {
    *(
        "9p",
        "afs",
        "ceph",
        "cifs",
        "drvfs",
        "fuse.grpcfuse",
        "fuse.gvfsd-fuse",
        "fuse.osxfs",
        "fuse.rclone",
        "fuse.sshfs",
    ),
    *("fuse.vmhgfs-fuse", "ncpfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs", "v9fs", "vboxsf"),
}
_PAUSE_EVERY_FOLDERS = 64  # folders; a pause lets other threads run
_PAUSE_S = 0.002
_SETTLING_NS = 2_000_000_000  # a folder that changed since may have changed after it was listed


class Inotify:
    """Reports changes through inotify."""

    def __init__(self, workspace: Workspace, listener: WatchListener, stopping: threading.Event) -> None:
        """Start the reader's thread; nothing is watched before update_watches. Raises OSError at the system's limit."""
        self._workspace = workspace
        self._listener = listener
        self._stopping = stopping
        self._lock = threading.Lock()
        self._watches: dict[WatchDescriptor, tuple[str, CallbackId]] = {}
        self._callback_ids = itertools.count()
        try:
            self._reader = InotifyFD()
        except OSError as error:
            raise _explain_limit(error) from error
        self._reader.start()

    def update_watches(self) -> None:
        """Watch exactly the folders that the workspace enters now, and those of outer ignore files. Raises OSError."""
        descriptors: set[WatchDescriptor | None] = set()
        with self._lock:
            for root in self._workspace.roots:
                for _, descriptor in self._watch_tree(root):
                    descriptors.add(descriptor)
                    if len(descriptors) % _PAUSE_EVERY_FOLDERS == 0:
                        self._stopping.wait(_PAUSE_S)
            descriptors.update(
                self._watch_folder(str(ignore_file.parent)) for ignore_file in self._workspace.external_ignore_files
            )
            self._remove_watches([descriptor for descriptor in self._watches if descriptor not in descriptors])

    def find_blind_spot(self) -> str | None:
        """Return why some changes go unreported (a root on a remote file system); None if all are reported."""
        remote_types = {root: remote_type for root in self._workspace.roots if (remote_type := _find_remote_type(root))}
        warnings = (
            f"{root} is on {remote_type}, where changes made on other machines are not reported"
            for root, remote_type in remote_types.items()
        )
        return "; ".join(warnings) or None

    def is_alive(self) -> bool:
        """Return whether events are still being read."""
        return self._reader.is_alive()

    def stop(self) -> None:
        """Stop reading events; waits up to 1 s for the thread."""
        self._reader.stop()
        self._reader.join(timeout=1)

    # Called by the reader's thread

    def on_event(self, event: InotifyEvent) -> None:
        """Report a changed file's path, watch a new folder, unwatch one that moved away. An OSError is reported."""
        try:
            with self._lock:
                self._handle_event(event)
        except OSError as error:
            self._listener(error)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a watched folder that was deleted; reports nothing."""
        with self._lock:
            self._watches.pop(wd, None)

    def on_queue_overflow(self) -> None:
        """Report that the system dropped events, those of new folders among them."""
        self._listener(WatchEvent.OVERFLOW)

    def _handle_event(self, event: InotifyEvent) -> None:
        """Report a file's path; watch a new folder, report its files; unwatch a moved one; a root is gone: OVERFLOW."""
        if event.wd not in self._watches:
            return
        folder = self._watches[event.wd][0]
        if not event.name:
            if (event.is_move_self or event.is_delete_self) and Path(folder) in self._workspace.roots:
                self._listener(WatchEvent.OVERFLOW)
            return
        path = os.path.join(folder, os.fsdecode(event.name))  # noqa: PTH118 -- a burst has thousands of events
        if not event.is_directory:
            self._listener(Path(path))
        elif event.is_moved_from:
            if self._unwatch_tree(path):
                self._listener(WatchEvent.RESCAN)
        elif event.is_create or event.is_moved_to:
            self._watch_new_folder(path)

    def _watch_new_folder(self, path: str) -> None:
        """Watch a new folder and those below that the workspace enters; report the files in them. Raises OSError."""
        for folder, _ in self._watch_tree(Path(path)):
            for file in _list_entries(folder, is_folder=False):
                self._listener(file)

    def _watch_tree(self, top_folder: Path) -> Iterator[tuple[Path, WatchDescriptor | None]]:
        """Watch a folder and all below that the workspace enters; yield each and its descriptor. Raises OSError.

        The walk lists a folder before it is watched, so that a subfolder made in between is neither listed nor
        reported. Folders that have just changed are therefore listed once more when they are watched. The descriptor of
        a folder that is gone is None.
        """
        settled_ns = time.time_ns() - _SETTLING_NS
        pending, watched = [top_folder], set[Path]()
        while pending:
            subfolders: list[Path] = []
            for folder in self._workspace.walk_folders(pending.pop(), self._stopping):
                if folder not in watched:
                    watched.add(folder)
                    yield folder, self._watch_folder(str(folder))
                    if _has_changed_since(folder, settled_ns):
                        subfolders += _list_entries(folder, is_folder=True)
            pending += [subfolder for subfolder in subfolders if subfolder not in watched]

    def _unwatch_tree(self, path: str) -> bool:
        """Unwatch a folder that was moved away, and all below it; return whether any was watched."""
        prefix = path + os.sep
        descriptors = [
            descriptor
            for descriptor, (watched_path, _) in self._watches.items()
            if watched_path == path or watched_path.startswith(prefix)
        ]
        self._remove_watches(descriptors)
        return bool(descriptors)

    def _watch_folder(self, path: str) -> WatchDescriptor | None:
        """Watch a folder; return its descriptor, None if it is gone or not permitted. Raises OSError at the limit."""
        callback_id = CallbackId(next(self._callback_ids))
        try:
            descriptor = self._reader.add_callback(os.fsencode(path), _MASK, self, callback_id)
        except OSError as error:
            if error.errno in _GONE_ERRORS:
                return None
            raise _explain_limit(error) from error
        if descriptor < 0:  # no permission
            return None
        if descriptor in self._watches:  # under this name, or under its name before a move
            self._reader.remove_callbacks([(descriptor, self._watches[descriptor][1])])
        self._watches[descriptor] = (path, callback_id)
        return descriptor

    def _remove_watches(self, descriptors: list[WatchDescriptor]) -> None:
        """Unwatch the folders with these descriptors."""
        self._reader.remove_callbacks([(descriptor, self._watches.pop(descriptor)[1]) for descriptor in descriptors])


def _list_entries(folder: Path, *, is_folder: bool) -> list[Path]:
    """Return a folder's subfolders, or its regular files; [] if it can't be read."""
    try:
        with os.scandir(folder) as listing:
            return [
                folder / entry.name
                for entry in listing
                if (entry.is_dir if is_folder else entry.is_file)(follow_symlinks=False)
            ]
    except OSError:
        return []


def _has_changed_since(folder: Path, time_ns: int) -> bool:
    """Return whether entries of the folder came or went since; False if it is gone."""
    try:
        return folder.stat().st_mtime_ns >= time_ns
    except OSError:
        return False


def _explain_limit(error: OSError) -> OSError:
    """Return the error with a text that names the remedy if it is a limit of inotify; else unchanged."""
    if error.errno not in _LIMIT_SETTINGS:
        return error
    resource, setting = _LIMIT_SETTINGS[error.errno]
    try:
        current_limit = f" (now {Path(f'/proc/sys/fs/inotify/{setting}').read_text().strip()})"
    except OSError:
        current_limit = ""
    return OSError(
        error.errno, f"the system's limit of inotify {resource} is reached; raise fs.inotify.{setting}{current_limit}"
    )


def _find_remote_type(root: Path) -> str | None:
    """Return the type of `root`'s file system if other machines may write to it (proc(5), mountinfo); else None."""
    try:
        mount_lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    types_by_mount: dict[Path, str] = {}
    for line in mount_lines:
        mount_fields, _, source_fields = line.partition(" - ")
        mount_point = re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), mount_fields.split(" ")[4])
        types_by_mount[Path(mount_point)] = source_fields.split(" ")[0]
    file_system = next((types_by_mount[folder] for folder in (root, *root.parents) if folder in types_by_mount), "")
    return file_system if file_system in _REMOTE_FILE_SYSTEMS else None
