"""Linux tells of changes one folder at a time: which folders are watched, and what is heard of them.

One inotify instance, and one thread of watchdog's to read it, for all folders of all roots. Only folders that the
workspace enters are watched: a `node_modules` would eat the system's limit of watches.
"""

import errno
import itertools
import os
import re
import threading
from functools import reduce
from operator import or_
from pathlib import Path

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from codekin.workspace.watcher import WatchEvent, WatchListener
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
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE)  # by now, or for us
_LIMITS = {
    errno.ENOSPC: ("watches", "max_user_watches"),
    errno.EMFILE: ("instances", "max_user_instances"),
}
_REMOTE = {
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
_BREATH_FOLDERS = 64  # watched at a stretch; between two stretches other threads get their turn
_BREATH_S = 0.002


class Inotify:
    """A watcher's source. OSError when the system allows no more instances."""

    def __init__(self, workspace: Workspace, report: WatchListener, stopping: threading.Event) -> None:
        self._workspace = workspace
        self._report = report
        self._stopping = stopping
        self._lock = threading.Lock()
        self._folders: dict[WatchDescriptor, tuple[str, CallbackId]] = {}
        self._numbers = itertools.count()
        try:
            self._reader = InotifyFD()
        except OSError as error:
            raise _explained(error) from error
        self._reader.start()

    def renew(self) -> None:
        """Watch all folders that the workspace enters now, and no others. OSError when the system allows no more."""
        wanted: set[WatchDescriptor | None] = set()
        with self._lock:
            for root in self._workspace.roots:
                for folder in self._workspace.walk_folders(root, self._stopping):
                    wanted.add(self._watch(str(folder)))
                    if len(wanted) % _BREATH_FOLDERS == 0:
                        self._stopping.wait(_BREATH_S)
            wanted.update(self._watch(str(file.parent)) for file in self._workspace.external_ignore_files)
            self._unwatch([wd for wd in self._folders if wd not in wanted])

    def blind_spot(self) -> str | None:
        """Why not every change will be told: roots that are mounted from elsewhere."""
        kinds = {root: kind for root in self._workspace.roots if (kind := _remote(root))}
        told = (f"{root} is on {kind}, where changes made elsewhere are not told" for root, kind in kinds.items())
        return "; ".join(told) or None

    def is_alive(self) -> bool:
        """Whether events are still read."""
        return self._reader.is_alive()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._reader.stop()
        self._reader.join(timeout=1)

    # Called by the reader

    def on_event(self, event: InotifyEvent) -> None:
        """Something happened to a watched folder or to an entry of it."""
        try:
            with self._lock:
                self._hear(event)
        except OSError as error:
            self._report(error)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """A watched folder is gone."""
        with self._lock:
            self._folders.pop(wd, None)

    def on_queue_overflow(self) -> None:
        """The system dropped events, those of new folders among them."""
        self._report(WatchEvent.OVERFLOW)

    def _hear(self, event: InotifyEvent) -> None:
        if event.wd not in self._folders:
            return
        folder = self._folders[event.wd][0]
        if not event.name:
            if (event.is_move_self or event.is_delete_self) and Path(folder) in self._workspace.roots:
                self._report(WatchEvent.OVERFLOW)
            return
        path = os.path.join(folder, os.fsdecode(event.name))  # noqa: PTH118 -- one of thousands in a burst
        if not event.is_directory:
            self._report(Path(path))
        elif event.is_moved_from:
            if self._forget(path):
                self._report(WatchEvent.RESCAN)
        elif event.is_create or event.is_moved_to:
            self._discover(path)

    def _discover(self, path: str) -> None:
        """A folder is new here: watch it, then tell what it has had before it was watched."""
        for folder in self._workspace.walk_folders(Path(path), self._stopping):
            self._watch(str(folder))
            for file in _files(folder):
                self._report(file)

    def _forget(self, path: str) -> bool:
        """A folder went somewhere else, with its watches; whether there were any."""
        below = path + os.sep
        gone = [wd for wd, (known, _) in self._folders.items() if known == path or known.startswith(below)]
        self._unwatch(gone)
        return bool(gone)

    def _watch(self, path: str) -> WatchDescriptor | None:
        number = CallbackId(next(self._numbers))
        try:
            wd = self._reader.add_callback(os.fsencode(path), _MASK, self, number)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise _explained(error) from error
        if wd < 0:  # it may not be read
            return None
        if wd in self._folders:  # by this name, or by the one it had before it was moved
            self._reader.remove_callbacks([(wd, self._folders[wd][1])])
        self._folders[wd] = (path, number)
        return wd

    def _unwatch(self, gone: list[WatchDescriptor]) -> None:
        self._reader.remove_callbacks([(wd, self._folders.pop(wd)[1]) for wd in gone])


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as listing:
            return [folder / entry.name for entry in listing if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []


def _explained(error: OSError) -> OSError:
    """The error with a text that names the remedy."""
    if error.errno not in _LIMITS:
        return error
    what, setting = _LIMITS[error.errno]
    try:
        now = f" (now {Path(f'/proc/sys/fs/inotify/{setting}').read_text().strip()})"
    except OSError:
        now = ""
    return OSError(error.errno, f"the system's limit of inotify {what} is reached; raise fs.inotify.{setting}{now}")


def _remote(root: Path) -> str | None:
    """The kind of file system `root` is on, where others may write to it unheard (proc(5), mountinfo)."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    kinds: dict[Path, str] = {}
    for line in lines:
        place, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), place.split(" ")[4])
        kinds[Path(point)] = rest.split(" ")[0]
    kind = next((kinds[folder] for folder in (root, *root.parents) if folder in kinds), "")
    return kind if kind in _REMOTE else None
