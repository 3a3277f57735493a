"""Where the system tells of everything below a folder at once (macOS, Windows): one recursive watch per root."""

import os
import threading
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from codekin.code.languages import detect_language
from codekin.workspace.watcher import WatchEvent, WatchListener
from codekin.workspace.workspace import Workspace

_HEARD = ("created", "modified", "attrib", "moved", "deleted", "closed")


class RecursiveObserver(FileSystemEventHandler):
    """A watcher's source."""

    def __init__(self, workspace: Workspace, report: WatchListener) -> None:
        self._workspace = workspace
        self._report = report
        self._lock = threading.Lock()
        self._observer: BaseObserver = Observer()
        self._observer.start()

    def renew(self) -> None:
        """Watch the roots that are there now. OSError when the system can't."""
        with self._lock:
            self._observer.unschedule_all()
            for root in self._workspace.roots:
                if root.is_dir():
                    self._observer.schedule(self, str(root), recursive=True)

    def blind_spot(self) -> str | None:
        """Why not every change will be told; nothing is known of that here."""
        return None

    def is_alive(self) -> bool:
        """Whether events are still read."""
        return self._observer.is_alive()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._observer.stop()
        self._observer.join(timeout=1)

    def dispatch(self, event: FileSystemEvent) -> None:
        """Something happened below a root."""
        if event.event_type not in _HEARD or (event.is_directory and event.event_type in ("modified", "attrib")):
            return
        for name in (event.src_path, event.dest_path):
            if name:
                self._hear(Path(os.fsdecode(name)), event)

    def _hear(self, path: Path, event: FileSystemEvent) -> None:
        # Windows does not say whether what was deleted was a folder.
        folder = event.is_directory or (event.event_type == "deleted" and detect_language(path) is None)
        if path in self._workspace.roots:
            self._report(WatchEvent.OVERFLOW)
        elif not folder:
            self._report(path)
        elif self._workspace.enters_folder(path):
            self._report(WatchEvent.RESCAN)
